"""Every number riskstrat publishes, with its 95% interval and its denominator.

The front doors are ``evaluate`` (one scorer on one split) and ``evaluate_groups`` (the same by
group); both resample whole people or households. Needs numpy only.
"""

from .capacity import AtCapacity
from .cuts import NOT_RECORDED, RANKING, RISK, Cut
from .disparity import Disparity, Extremes
from .estimate import (
    Estimate,
    NotEstimable,
    percentile_estimate,
    wilson_interval,
)
from .group_kernel import RATES, SCORES
from .groups import GroupEstimate, GroupEvaluation, evaluate_groups
from .overall import METRICS, RANKING_METRICS, RISK_METRICS, Evaluation, evaluate
from .points import (
    POINT_METRICS,
    auroc,
    average_precision,
    brier,
    calibration_in_the_large,
    calibration_slope,
    ece,
    log_loss,
    net_benefit,
)
from .ranking_curves import lift_curve
from .resample import cluster_weights
from .risk_curves import CalibrationBin, DecisionPoint, calibration_curve, decision_curve

__all__ = [
    "METRICS",
    "NOT_RECORDED",
    "POINT_METRICS",
    "RANKING",
    "RANKING_METRICS",
    "RATES",
    "RISK",
    "RISK_METRICS",
    "SCORES",
    "AtCapacity",
    "CalibrationBin",
    "Cut",
    "DecisionPoint",
    "Disparity",
    "Estimate",
    "Evaluation",
    "Extremes",
    "GroupEstimate",
    "GroupEvaluation",
    "NotEstimable",
    "auroc",
    "average_precision",
    "brier",
    "calibration_curve",
    "calibration_in_the_large",
    "calibration_slope",
    "cluster_weights",
    "decision_curve",
    "ece",
    "evaluate",
    "evaluate_groups",
    "lift_curve",
    "log_loss",
    "net_benefit",
    "percentile_estimate",
    "wilson_interval",
]
