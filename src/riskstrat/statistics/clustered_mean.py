"""A mean, or a ratio of sums, over rows in clusters: its interval without resampling.

Each cluster pulls the value by a known amount (Taylor linearisation; Cochran 1977, section 6.3);
the spread of these pulls is the spread of the value. It agrees with the clustered bootstrap where
clusters are many, and costs one pass, so that whole curves can have intervals.
"""

from __future__ import annotations

from math import exp, isfinite, log, nan, sqrt

import numpy as np

from .estimate import NORMAL_QUANTILE, Estimate, FloatArray
from .resample import Clusters


def clustered_mean(values: FloatArray, who: Clusters) -> Estimate:
    """The mean of the rows, with a 95% interval that draws whole clusters.

    Args:
        values: float (n,).
        who: the cluster of each row.

    Examples:
        >>> alone = Clusters(np.arange(4), 4)
        >>> print(clustered_mean(np.array([0.0, 1.0, 0.0, 1.0]), alone))
        0.5 (-0.0658 to 1.07), n=4
    """
    n = len(values)
    if not n:
        return Estimate.unknown(0)
    value = float(values.mean())
    spread = pulled((values - value) / n, who)
    return Estimate(value, value - spread, value + spread, n)


def pulled(pull: FloatArray, who: Clusters) -> float:
    """Half the width of a 95% interval, from how far each row pulls the value; NaN if alone.

    Args:
        pull: float (n,), the value's derivative by the row's weight; it sums to 0.
        who: the cluster of each row.
    """
    together = np.bincount(who.of_row, weights=pull, minlength=who.count)
    held = together[np.bincount(who.of_row, minlength=who.count) > 0]
    if len(held) < 2:
        return nan
    small = len(held) / (len(held) - 1)
    return NORMAL_QUANTILE * sqrt(float((held**2).sum()) * small)


def positive_ratio(value: float, pull: FloatArray, who: Clusters, n: int) -> Estimate:
    """A ratio with its interval on the log scale.

    Args:
        value: the ratio.
        pull: as for ``pulled``, of the ratio itself.
        who: the cluster of each row.
        n: the denominator to publish.
    """
    if not (isfinite(value) and value > 0):
        return Estimate(value, nan, nan, n) if isfinite(value) else Estimate.unknown(n)
    half = pulled(pull, who) / value
    if not isfinite(half):
        return Estimate(value, nan, nan, n)
    return Estimate(value, exp(log(value) - half), exp(log(value) + half), n)
