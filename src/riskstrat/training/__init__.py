"""5 Folds, learners, tuning, calibration."""
