"""Allowance for having looked many times."""

from __future__ import annotations

from math import erfc, isfinite, sqrt

import numpy as np

from .estimate import NORMAL_QUANTILE, FloatArray


def two_sided_p(value: float, low: float, high: float) -> float:
    """How often chance alone would move a difference as far from 0; NaN without an interval.

    Normal, with the spread that a 95% interval tells.

    Examples:
        >>> round(two_sided_p(0.1, 0.0, 0.2), 2), two_sided_p(0.0, -0.1, 0.1)
        (0.05, 1.0)
    """
    if not (isfinite(value) and isfinite(low) and isfinite(high)) or high <= low:
        return float("nan")
    spread = (high - low) / (2 * NORMAL_QUANTILE)
    return erfc(abs(value) / spread / sqrt(2))


def false_discovery(p: FloatArray) -> FloatArray:
    """Each p-value, adjusted so that a limit on it limits the share of false discoveries.

    Benjamini and Hochberg 1995 (doi:10.1111/j.2517-6161.1995.tb02031.x): of those at or below 0.05,
    at most 5% are expected to be false, also where the tests are positively dependent (Benjamini
    and Yekutieli 2001, doi:10.1214/aos/1013699998), as measures of one model on one group are.

    Args:
        p: float (n,), NaN where nothing was tested; those are no comparisons.

    Examples:
        >>> false_discovery(np.array([0.01, 0.04, 0.03, np.nan]))
        array([0.03, 0.04, 0.04,  nan])
    """
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if not len(known):
        return adjusted
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return adjusted
