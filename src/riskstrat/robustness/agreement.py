"""How alike lists are: people on both, over people on either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray
from riskstrat.statistics.ranked import places

LIMITS = (0.025, 0.975)


def listed(raw: FloatArray, share: float) -> BoolArray:
    """Who a list of some length takes, (n,): the highest scores, the earlier row of two equals.

    Args:
        raw: float (n,), the scores.
        share: the length, as a share of everybody.
    """
    seats = int(places(share, np.array([float(len(raw))]))[0])
    chosen = np.zeros(len(raw), dtype=np.bool_)
    chosen[np.argsort(-raw, kind="stable")[:seats]] = True
    return chosen


def jaccard(one: BoolArray, other: BoolArray) -> float:
    """People on both lists over people on either (Jaccard 1912); NaN where both are empty.

    Examples:
        >>> jaccard(np.array([True, True, False]), np.array([True, False, True]))
        0.3333333333333333
    """
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else float("nan")


def agreement(reference: FloatArray, others: Sequence[FloatArray], share: float) -> Estimate:
    """The mean agreement of some lists with one, and between which values 95% of them lie.

    Args:
        reference: float (n,), scores of the list they are held against.
        others: scores of the same people, each (n,).
        share: the length of the lists.

    Returns:
        The limits are of the lists themselves, not of their mean; n are the people listed.
    """
    own = listed(reference, share)
    found = np.array([jaccard(own, listed(raw, share)) for raw in others])
    if not len(found):
        return Estimate.unknown(int(own.sum()))
    low, high = np.quantile(found, LIMITS)
    return Estimate(float(found.mean()), float(low), float(high), int(own.sum()))


def always(reference: FloatArray, others: Sequence[FloatArray], share: float) -> Estimate:
    """The share of a list's people who are on every one of some other lists, too."""
    own = listed(reference, share)
    on_all = own.copy()
    for raw in others:
        on_all &= listed(raw, share)
    n = int(own.sum())
    return Estimate(int(on_all.sum()) / n if n else float("nan"), float("nan"), float("nan"), n)
