"""Calibration constants of the made-up county, each with its place in docs domain facts (§B).

`python -m riskstrat.synthetic.calibrate` recomputes INTERCEPTS after any other constant changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Patients per 1,000 with an emergency admission within 12 months, by age band (rows) and quintile
# of deprivation (columns, most deprived first): NEW Devon, domain facts B4.
AGE_BANDS = (20, 38, 53, 67)
EMERGENCY_PER_1000 = np.array(
    [
        [66.5, 56.6, 47.3, 44.2, 40.3],
        [68.0, 50.1, 45.1, 43.4, 34.2],
        [84.6, 59.9, 49.7, 40.5, 40.0],
        [107.8, 86.7, 69.4, 63.6, 56.2],
        [282.2, 238.8, 205.9, 198.7, 202.4],
    ]
)

# Log-odds by age band and quintile, solved so that the table above comes out (calibrate.py).
INTERCEPTS = np.array(
    [
        [-3.038, -3.117, -3.247, -3.252, -3.269],
        [-2.989, -3.209, -3.258, -3.235, -3.364],
        [-2.877, -3.105, -3.228, -3.369, -3.279],
        [-2.599, -2.707, -2.888, -2.877, -2.879],
        [-2.241, -2.412, -2.594, -2.522, -2.396],
    ]
)

# Shape within the bands (log-odds added at these ages, interpolated): infants and the oldest use
# most; SPARRA by age, domain facts B4.
AGE_KNOTS = (0, 1, 4, 10, 17, 25, 38, 53, 67, 75, 85, 95)
AGE_SHAPE = (1.3, 0.9, 0.1, -0.5, 0.1, 0.1, 0.0, 0.0, -0.45, -0.05, 0.65, 1.1)
MALE_SHAPE = (0.2, 0.2, 0.15, 0.05, -0.15, -0.35, -0.1, 0.1, 0.15, 0.15, 0.1, 0.05)

# Log-odds of the composite: domain facts B5, clinical terms scaled up (B5 reports an AUROC of
# 0.764 at 1.3 and 0.783 at 1.6).
CLINICAL_SCALE = 1.15
PRIOR_ADMISSIONS = (0.0, 0.7, 1.0, 1.5)
PER_CONDITION, CONDITION_CAP = 0.30, 5
FRAILTY = (0.0, 0.4, 0.8, 1.2)
SMOKER, LIVES_ALONE, SEVERE_MENTAL_ILLNESS, SUBSTANCE = 0.25, 0.30, 0.40, 0.50
PERSON_NEED, HOUSEHOLD_NEED = 0.35, 0.12

# Emergency admissions in the year for those with any (71/17.5/6.1/2.5/2.6% for 1..5+, SPARRA,
# B4): a mixture, because those at higher risk come back more.
ADMISSION_COUNTS_LOW_RISK = (0.79, 0.145, 0.042, 0.013, 0.010)
ADMISSION_COUNTS_HIGH_RISK = (0.60, 0.220, 0.090, 0.042, 0.048)

# Death among those with the composite, by age; a third die without an admission (SPARRA: 57,183
# without and 107,827 after one of 1,142,169 events, B3).
DEATH_KNOTS = (0, 1, 30, 45, 60, 70, 80, 90, 100)
DEATH_SHARE = (0.015, 0.006, 0.01, 0.03, 0.08, 0.12, 0.20, 0.32, 0.45)
DEATH_WITHOUT_ADMISSION = 0.35


class Condition(NamedTuple):
    """A long-term condition: prevalence `ceiling` / (1 + exp(-(age - midpoint) / spread))."""

    code: str
    ceiling: float
    midpoint: float
    spread: float
    deprivation: float  # log prevalence per decile towards more deprived
    major: bool  # counts towards PER_CONDITION
    group: str


# Prevalences: QOF-style figures, domain facts B4.
CONDITIONS = (
    Condition("hypertension", 0.58, 59, 9, 0.01, False, "cardiovascular"),
    Condition("depression", 0.150, 24, 6, 0.04, False, "mental health"),
    Condition("diabetes", 0.246, 58, 9, 0.05, True, "metabolic"),
    Condition("asthma", 0.068, 7, 3, 0.02, False, "respiratory"),
    Condition("ckd", 0.446, 76, 7, 0.01, True, "kidney"),
    Condition("cancer", 0.204, 68, 9, 0.0, True, "cancer"),
    Condition("chd", 0.188, 69, 8, 0.04, True, "cardiovascular"),
    Condition("af", 0.243, 77, 7, 0.0, True, "cardiovascular"),
    Condition("copd", 0.085, 62, 7, 0.10, True, "respiratory"),
    Condition("stroke", 0.156, 74, 8, 0.03, True, "cardiovascular"),
    Condition("heart_failure", 0.156, 79, 7, 0.03, True, "cardiovascular"),
    Condition("smi", 0.0125, 24, 5, 0.08, False, "mental health"),
    Condition("dementia", 0.286, 85, 4.5, 0.01, True, "neurological"),
    Condition("epilepsy", 0.009, 12, 6, 0.03, True, "neurological"),
    Condition("substance_misuse", 0.020, 21, 3, 0.12, False, "substance misuse"),
)
CODES = tuple(condition.code for condition in CONDITIONS)

# Electronic frailty index (65+): fit 50%, mild 35, moderate 12, severe 3 (B4); cut-points B3.
FRAILTY_CUTS = (0.12, 0.24, 0.36)
DEFICITS = (
    "falls", "mobility_problems", "incontinence", "memory_concern", "weight_loss", "dyspnoea",
    "arthritis", "osteoporosis", "hearing_loss", "visual_impairment", "skin_ulcer", "dizziness",
    "requires_care", "housebound", "fragility_fracture",
)  # fmt: skip

# Emergency department: 440 attendances per 1,000 a year, 0.6-0.8% of people with five or more (B4).
ED_BASE = -1.42
ED_PERSON_SPREAD = 0.72
GP_BASE = 0.25

# Good level of development at the end of reception (2023/24, B4): log-odds of NOT reaching it.
NOT_READY = {
    "intercept": -2.42,
    "male": 0.82,
    "free_school_meals": 0.72,
    "english_additional_language": 0.36,
    "spring": 0.48,
    "summer": 0.95,
    "sen_support": 1.8,
    "ehcp": 4.0,
    "child_in_need": 0.6,
    "child_protection": 0.8,
    "failed_domain": 0.5,
    "arrears": 0.2,
    "domestic_abuse": 0.3,
    "household_need": 0.4,
    "child_need": 0.18,
}
