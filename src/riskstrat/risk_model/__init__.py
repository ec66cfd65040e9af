"""A RiskModel: a fitted, calibrated scorer with its provenance, kept as plain text."""

from riskstrat.risk_model.calibrator import Calibrator
from riskstrat.risk_model.encode import (
    as_matrix,
    code_type,
    encode,
    encode_columns,
    levels_of,
    require,
)
from riskstrat.risk_model.feature_rows import KEY, PIECE_ROWS, FeatureRows, plain, sorted_by_key
from riskstrat.risk_model.linear import Factor, LinearScorer, Term
from riskstrat.risk_model.model import KINDS, RiskModel

__all__ = [
    "KEY",
    "KINDS",
    "PIECE_ROWS",
    "Calibrator",
    "Factor",
    "FeatureRows",
    "LinearScorer",
    "RiskModel",
    "Term",
    "as_matrix",
    "code_type",
    "encode",
    "encode_columns",
    "levels_of",
    "plain",
    "require",
    "sorted_by_key",
]
