"""A RiskModel: a fitted, calibrated scorer with its provenance, kept as plain text."""

from riskstrat.risk_model.calibrator import Calibrator
from riskstrat.risk_model.encode import encode, levels_of
from riskstrat.risk_model.linear import Factor, LinearScorer, Term
from riskstrat.risk_model.model import KINDS, RiskModel

__all__ = [
    "KINDS",
    "Calibrator",
    "Factor",
    "LinearScorer",
    "RiskModel",
    "Term",
    "encode",
    "levels_of",
]
