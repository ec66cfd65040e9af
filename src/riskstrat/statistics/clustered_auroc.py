"""AUROC with an interval for rows in clusters, without resampling: for many small questions.

Obuchowski (1997, doi:10.2307/2533958) adds the structural components of DeLong et al. (1988) up
within clusters. It agrees with the clustered bootstrap where both classes are many.
"""

from __future__ import annotations

from math import exp, isfinite, log, nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .estimate import NORMAL_QUANTILE, Estimate, binary, both_classes, finite, same_length
from .resample import find_clusters


def clustered_auroc(
    y: NDArray[Any], score: NDArray[Any], clusters: NDArray[Any] | None = None
) -> Estimate:
    """The chance that a positive outranks a negative, with a 95% interval on the logit scale.

    Args:
        y: bool or 0/1 (n,).
        score: float (n,), finite; ties count half.
        clusters: (n,) labels of rows that belong together; None: each row alone.

    Returns:
        The estimate; without limits where AUROC is 0 or 1, or there is one cluster.

    Raises:
        NotEstimable: one class only, or scores missing.

    Examples:
        >>> print(clustered_auroc(np.array([0, 0, 1, 1, 0, 1]), np.array([1., 2, 2, 4, 3, 5])))
        0.833 (0.293 to 0.983), n=6
    """
    same_length(y=y, score=score, clusters=y if clusters is None else clusters)
    outcome, ranking = both_classes(binary(y)), finite("score", score)
    positives, negatives = np.sort(ranking[outcome]), np.sort(ranking[~outcome])
    # Of each row, the share of the other class that it outranks.
    placement = np.where(outcome, _below(negatives, ranking), 1 - _below(positives, ranking))
    value = float(placement[outcome].mean())
    weight = np.where(outcome, 1 / len(positives), 1 / len(negatives))
    who = find_clusters(clusters, len(outcome))
    pull = np.bincount(who.of_row, weights=(placement - value) * weight, minlength=who.count)
    if who.count < 2 or not 0 < value < 1:
        return Estimate(value, nan, nan, len(outcome))
    spread = sqrt(float((pull**2).sum()) * who.count / (who.count - 1))
    return _on_the_logit_scale(value, spread, len(outcome))


def _below(others: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of ``others`` (sorted) below each score, equal ones counting half."""
    left, right = (np.searchsorted(others, score, side=side) for side in ("left", "right"))
    share: NDArray[np.float64] = (left + right) / (2 * len(others))
    return share


def _on_the_logit_scale(value: float, spread: float, n: int) -> Estimate:
    half = NORMAL_QUANTILE * spread / (value * (1 - value))
    if not isfinite(half) or half > 500:
        return Estimate(value, 0.0, 1.0, n)
    centre = log(value / (1 - value))
    low, high = (1 / (1 + exp(-(centre + sign * half))) for sign in (-1, 1))
    return Estimate(value, low, high, n)
