"""Fairlearn's values for each group; the intervals are ours (see ``fairness``)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.statistics.cuts import Cut
from riskstrat.statistics.estimate import BoolArray, FloatArray, NotEstimable
from riskstrat.statistics.points import POINT_METRICS
from riskstrat.statistics.ranked import places

RANKED = ("auroc", "average_precision")
CALIBRATED = ("brier", "calibration_in_the_large", "calibration_slope")

Values = Mapping[str, Mapping[str, float]]
"""metric -> level -> value"""


def selection(score: FloatArray, cut: Cut, lists: NDArray[Any] | None = None) -> FloatArray:
    """How much of each person a cut selects: 1, 0, or the same part of each person tied at it.

    Args:
        score: float (n,), what the cut looks at; NaN (only under a threshold) is not selected.
        cut: the top share, or everyone at or above a threshold.
        lists: (n,) labels of lists made one by one, the share being cut in each; None: one list.

    Examples:
        >>> selection(np.array([3.0, 2.0, 2.0, 1.0]), Cut.top(0.5))
        array([1. , 0.5, 0.5, 0. ])
    """
    if cut.threshold is not None:
        return (score >= cut.threshold).astype(np.float64)
    if lists is None:
        return _top(score, cut.share or 0.0)
    chosen = np.empty(len(score))
    for one in np.unique(lists):
        own = lists == one
        chosen[own] = _top(score[own], cut.share or 0.0)
    return chosen


def _top(score: FloatArray, share: float) -> FloatArray:
    """A share of one list, likewise."""
    seats = float(places(share, np.array([float(len(score))]))[0])
    at = np.sort(score)[::-1][int(seats) - 1]
    above, tied = score > at, score == at
    part = (seats - above.sum()) / tied.sum()
    return np.where(above, 1.0, np.where(tied, part, 0.0))


def rates_by_level(y: BoolArray, selected: FloatArray, level: NDArray[np.str_]) -> Values:
    """Rates of each level under one cut, from Fairlearn's MetricFrame.

    MetricFrame sees the table of counts (level x outcome x decision) with the counts as sample
    weights, not the people: the values are the same and the cost no longer grows with them. A
    person selected in part counts in part on both sides of the decision.

    Args:
        y: bool (n,), the outcome.
        selected: float (n,) in [0, 1], from ``selection``.
        level: str (n,).
    """
    from fairlearn import metrics as fl
    from sklearn.metrics import precision_score

    outcome, decision, of_level, weight = _count_table(y, selected, level)
    functions: dict[str, Callable[..., Any]] = {
        "selection_rate": fl.selection_rate,
        "ppv": _or_nan(precision_score),
        "sensitivity": fl.true_positive_rate,
        "specificity": fl.true_negative_rate,
        "false_positive_rate": fl.false_positive_rate,
        "false_negative_rate": fl.false_negative_rate,
    }
    weights = {name: {"sample_weight": weight} for name in functions}
    return _by_level(functions, outcome, decision, of_level, weights)


def scores_by_level(
    y: BoolArray, ranking: FloatArray, risk: FloatArray | None, level: NDArray[np.str_]
) -> Values:
    """Discrimination and calibration of each level, with MetricFrame doing the grouping.

    Args:
        y: bool (n,), the outcome.
        ranking: float (n,), for ``RANKED``.
        risk: float (n,), for ``CALIBRATED``; None when the score is no probability.
        level: str (n,).
    """
    functions = {"prevalence": _share, **{name: _of_ranking(name) for name in RANKED}}
    parameters: dict[str, dict[str, FloatArray]] = {}
    if risk is not None:
        for name in CALIBRATED:
            functions[name] = _of_risk(name)
            parameters[name] = {"risk": risk}
    return _by_level(functions, y, ranking, level, parameters)


def _by_level(
    functions: Mapping[str, Callable[..., Any]],
    y: NDArray[Any],
    score: NDArray[Any],
    level: NDArray[np.str_],
    parameters: Mapping[str, Mapping[str, Any]],
) -> Values:
    from fairlearn.metrics import MetricFrame

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # empty denominators become NaN below, and are said so
        frame = MetricFrame(
            metrics=dict(functions),
            y_true=y,
            y_pred=score,
            sensitive_features=level,
            sample_params={name: dict(value) for name, value in parameters.items()},
        )
        return {
            name: {str(key): float(value) for key, value in frame.by_group[name].items()}
            for name in functions
        }


def _count_table(
    y: BoolArray, selected: FloatArray, level: NDArray[np.str_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.str_], FloatArray]:
    """Outcome, decision, level and weight of each cell that holds anybody."""
    names, codes = np.unique(level, return_inverse=True)
    rows: list[tuple[int, int, str, float]] = []
    for outcome in (0, 1):
        chosen = y == bool(outcome)
        for decision, part in ((1, selected), (0, 1 - selected)):
            sums = np.bincount(codes[chosen], weights=part[chosen], minlength=len(names))
            rows += [
                (outcome, decision, str(name), float(weight))
                for name, weight in zip(names, sums, strict=True)
                if weight > 0
            ]
    return (
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
    )


def _or_nan(function: Callable[..., Any]) -> Callable[..., float]:
    def computed(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
        return float(function(y_true, y_pred, sample_weight=sample_weight, zero_division=np.nan))

    return computed


def _share(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(y_true))


def _of_ranking(name: str) -> Callable[..., float]:
    def computed(y_true: Any, y_pred: Any) -> float:
        return _point(name, y_true, y_pred)

    return computed


def _of_risk(name: str) -> Callable[..., float]:
    def computed(y_true: Any, y_pred: Any, *, risk: Any) -> float:
        return _point(name, y_true, risk)

    return computed


def _point(name: str, y: Sequence[Any], score: Sequence[Any]) -> float:
    try:
        return POINT_METRICS[name](np.asarray(y), np.asarray(score, dtype=np.float64))
    except NotEstimable:
        return float("nan")
