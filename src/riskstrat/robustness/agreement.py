"""How alike lists are: people on both, over people on either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray
from riskstrat.statistics.ranked import places


def listed(raw: FloatArray, share: float, lists: IntArray | None = None) -> BoolArray:
    """Who a list of some length takes, (n,): the highest scores, the earlier row of two equals.

    Args:
        raw: float (n,), the scores.
        share: the length, as a share of everybody.
        lists: int (n,), the list of each row, each of that length; None: one list.
    """
    if lists is not None:
        chosen = np.zeros(len(raw), dtype=np.bool_)
        for one in np.unique(lists):
            chosen[lists == one] = listed(raw[lists == one], share)
        return chosen
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


def agreement(
    reference: FloatArray,
    others: Sequence[FloatArray],
    share: float,
    lists: IntArray | None = None,
) -> Estimate:
    """The mean agreement of some lists with one, and that of the least and the most alike.

    A handful of lists has no 95% range: one more would fall between the two ends of k with
    probability (k - 1) / (k + 1), which is 60% for four and 82% for ten.

    Args:
        reference: float (n,), scores of the list they are held against.
        others: scores of the same people, each (n,).
        share: the length of the lists.
        lists: int (n,) as for ``listed``.

    Returns:
        ``low`` and ``high`` are the lowest and highest of the lists; n are the people listed.
    """
    own = listed(reference, share, lists)
    found = np.array([jaccard(own, listed(raw, share, lists)) for raw in others])
    if not len(found):
        return Estimate.unknown(int(own.sum()))
    return Estimate(float(found.mean()), float(found.min()), float(found.max()), int(own.sum()))


def always(
    reference: FloatArray,
    others: Sequence[FloatArray],
    share: float,
    lists: IntArray | None = None,
) -> Estimate:
    """The share of a list's people who are on every one of some other lists, too."""
    own = listed(reference, share, lists)
    on_all = own.copy()
    for raw in others:
        on_all &= listed(raw, share, lists)
    n = int(own.sum())
    return Estimate(int(on_all.sum()) / n if n else float("nan"), float("nan"), float("nan"), n)
