"""Tables behind the charts of a ranking: ROC, precision and recall, lift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capacity import AtCapacity, capacity_kernel, plan_capacities
from .estimate import (
    FloatArray,
    IntArray,
    NotEstimable,
    binary,
    both_classes,
    finite,
    same_length,
)
from .ranked import cumulate, find_lists, rank_rows
from .resample import find_clusters, replicate

MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class RocPoint:
    """Selecting everyone with score >= threshold; the first point selects no one (inf)."""

    threshold: float
    false_positive_rate: float
    sensitivity: float


@dataclass(frozen=True, slots=True)
class PrecisionRecallPoint:
    """Selecting everyone with score >= threshold."""

    threshold: float
    sensitivity: float
    ppv: float


def roc_points(
    y: NDArray[Any], ranking: NDArray[Any], *, most: int = MOST_POINTS
) -> tuple[RocPoint, ...]:
    """The ROC curve from (0, 0) to (1, 1), thinned to at most ``most`` points on the curve.

    Raises:
        NotEstimable: if there is only one class, or ``most`` is below 2.
    """
    score, people, positives = _steps(y, ranking)
    fpr = (people - positives) / (people[-1] - positives[-1])
    sensitivity = positives / positives[-1]
    thresholds = np.concatenate(([np.inf], score))
    keep = _thin(fpr + sensitivity, most)
    return tuple(RocPoint(float(thresholds[i]), float(fpr[i]), float(sensitivity[i])) for i in keep)


def precision_recall_points(
    y: NDArray[Any], ranking: NDArray[Any], *, most: int = MOST_POINTS
) -> tuple[PrecisionRecallPoint, ...]:
    """Precision against recall, strictest threshold first, thinned to at most ``most`` points.

    Raises:
        NotEstimable: if there is only one class, or ``most`` is below 2.
    """
    score, people, positives = _steps(y, ranking)
    sensitivity, ppv = positives[1:] / positives[-1], positives[1:] / people[1:]
    keep = _thin(sensitivity + np.log(people[1:]) / np.log(people[-1]), most)
    return tuple(
        PrecisionRecallPoint(float(score[i]), float(sensitivity[i]), float(ppv[i])) for i in keep
    )


def _steps(y: NDArray[Any], ranking: NDArray[Any]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct scores from the highest; people and positives at or above each, from 0."""
    same_length(y=y, ranking=ranking)
    outcome, score = both_classes(binary(y)), finite("ranking", ranking)
    ranked = rank_rows(outcome, score, find_clusters(None, len(outcome)))
    distinct = score[ranked.rows[ranked.first[:-1]]]
    people = ranked.first.astype(np.float64)
    positives = ranked.positives_before[ranked.first].astype(np.float64)
    return distinct, people, positives


def _thin(along: FloatArray, most: int) -> IntArray:
    """At most ``most`` positions, ends included, evenly spread along a rising measure."""
    if most < 2:
        raise NotEstimable.bad_argument("most", most, "2 or more points")
    if len(along) <= most:
        return np.arange(len(along))
    wanted = np.linspace(along[0], along[-1], most)[1:-1]
    inner = np.searchsorted(along, wanted)
    return np.unique(np.concatenate(([0], inner, [len(along) - 1])))


def lift_curve(
    y: NDArray[Any],
    ranking: NDArray[Any],
    shares: Sequence[float],
    *,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    rng: np.random.Generator,
    lists: NDArray[Any] | None = None,
) -> tuple[AtCapacity, ...]:
    """Lift, sensitivity and PPV over capacities: ``evaluate``'s ``at_capacity`` alone.

    The score is taken as a ranking only, so ``net_benefit`` and ``risk_threshold`` are NaN.
    ``lists`` are those of ``evaluate``.

    Raises:
        NotEstimable: one class, a missing score, or a share outside (0, 1].
    """
    same_length(y=y, ranking=ranking, clusters=y if clusters is None else clusters)
    outcome, score = both_classes(binary(y)), finite("ranking", ranking)
    who = find_clusters(clusters, len(outcome))
    ranked = rank_rows(outcome, score, who, lists=find_lists(lists, len(outcome)))
    plan = plan_capacities(shares, ranked, score, probability=False)
    found = replicate(
        lambda weights: capacity_kernel(cumulate(ranked, weights), plan),
        len(outcome),
        who.count,
        replicates,
        rng,
    )
    return plan.estimates(found, score[ranked.rows])
