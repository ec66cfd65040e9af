"""Each overall metric on its own, as a plain number: equal to scikit-learn's to 1e-12.

``y`` is always bool or 0/1 (n,), ``ranking`` any finite score (n,), ``p`` probabilities (n,).
Discrimination (``auroc``, ``average_precision``) needs both outcomes present; the others do not,
except that a ratio or slope without them is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .estimate import BoolArray, FloatArray, binary, both_classes, finite, same_length
from .probability import (
    find_runs,
    log_losses,
    odds,
    point_fit,
    squared_errors,
    weighted_ece,
)
from .ranked import (
    Cumulated,
    cumulate,
    rank_rows,
    ranked_auroc,
    ranked_average_precision,
)
from .resample import find_clusters


def auroc(y: NDArray[Any], ranking: NDArray[Any]) -> float:
    """Chance that a positive outranks a negative, ties counting half (Hanley & McNeil 1982).

    Raises:
        NotEstimable: if there is only one class, or a score is missing.

    Examples:
        >>> auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]))
        0.875
    """
    return float(ranked_auroc(_counts(both_classes(binary(y)), finite("ranking", ranking)))[0])


def average_precision(y: NDArray[Any], ranking: NDArray[Any]) -> float:
    """Precision averaged over the steps in recall; a tie is one step (no interpolation).

    Raises:
        NotEstimable: if there is only one class, or a score is missing.
    """
    counts = _counts(both_classes(binary(y)), finite("ranking", ranking))
    return float(ranked_average_precision(counts)[0])


def brier(y: NDArray[Any], p: NDArray[Any]) -> float:
    """Mean squared difference between the outcome and its probability; 0 is best."""
    outcome, risk = _pair(y, p)
    return float(squared_errors(outcome, risk).mean())


def log_loss(y: NDArray[Any], p: NDArray[Any]) -> float:
    """Mean negative log-likelihood in nats, p clipped to [2.2e-16, 1 - 2.2e-16]; 0 is best."""
    outcome, risk = _pair(y, p)
    return float(log_losses(outcome, risk).mean())


def calibration_in_the_large(y: NDArray[Any], p: NDArray[Any]) -> float:
    """Observed over expected outcomes; 1 when right on average, NaN when none is expected.

    Examples:
        >>> calibration_in_the_large(np.array([True, False]), np.array([0.5, 0.3]))
        1.25
    """
    outcome, risk = _pair(y, p)
    expected = float(risk.sum())
    return int(outcome.sum()) / expected if expected > 0 else float("nan")


def calibration_slope(y: NDArray[Any], p: NDArray[Any]) -> float:
    """Slope of an unpenalised logistic regression of y on logit(p); 1 is best (Cox 1958).

    Below 1 the risks are too extreme. p is clipped to [1e-12, 1 - 1e-12] first. NaN when the
    risks are constant, only one outcome is present, or the risk separates the outcomes.
    """
    outcome, risk = _pair(y, p)
    counts = _counts(outcome, risk)
    return point_fit(counts, find_runs(risk[counts.ranked.rows]))[1]


def ece(y: NDArray[Any], p: NDArray[Any], bins: int = 10) -> float:
    """Mean |observed - expected| share over ``bins`` equal-count bins of risk.

    Bins hold exactly n / bins people; a row or a tie on an edge is shared in proportion, so the
    order of tied rows does not matter.
    """
    outcome, risk = _pair(y, p)
    counts = _counts(outcome, risk)
    return float(weighted_ece(counts, risk[counts.ranked.rows], bins)[0])


def net_benefit(y: NDArray[Any], p: NDArray[Any], threshold: float) -> float:
    """Net true positives per person when everyone with p >= threshold is selected.

    TP/n - FP/n * t/(1 - t) (Vickers & Elkin 2006, doi:10.1177/0272989X06295361).
    """
    outcome, risk = _pair(y, p)
    selected = risk >= threshold
    true = int((selected & outcome).sum())
    false = int(selected.sum()) - true
    return (true - false * odds(threshold)) / len(outcome)


def _pair(y: NDArray[Any], p: NDArray[Any]) -> tuple[BoolArray, FloatArray]:
    same_length(y=y, p=p)
    return binary(y), finite("p", p, probability=True)


def _counts(y: BoolArray, score: FloatArray) -> Cumulated:
    same_length(y=y, score=score)
    ranked = rank_rows(y, score, find_clusters(None, len(y)))
    return cumulate(ranked, np.ones((1, len(y))))


POINT_METRICS: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], float]] = MappingProxyType(
    {
        "auroc": auroc,
        "average_precision": average_precision,
        "brier": brier,
        "log_loss": log_loss,
        "calibration_slope": calibration_slope,
        "calibration_in_the_large": calibration_in_the_large,
        "ece": ece,
    }
)
"""For a learner's tuning loop: (y, score) to a number, without intervals."""
