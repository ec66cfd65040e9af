"""Rows sorted once, from most to least at risk; every resample is then a cumulative sum.

A list is made of the people of one day, so rows of several dates are several lists: each is cut on
its own, and what is told is of all of them together.

Tied scores are one step: nobody can say who of them comes first. A cut that falls among tied
people selects each of them with the same fraction, so that what is reported is the expectation
over random tie-breaking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .estimate import BoolArray, FloatArray, IntArray, NotEstimable
from .resample import Clusters


@dataclass(frozen=True, slots=True)
class RankedRows:
    """Some of the rows, highest score first within each list, with ties numbered over *all* rows.

    Attributes:
        rows: int (n,), positions in the caller's arrays.
        cluster: int (n,), cluster of each of them.
        first: int (n_ties + 1,), first[g] is how many of these rows score above tie group g;
            the last entry is n.
        tie: int (n,), tie group of each row, 0 the highest score (of the first list).
        positive_at: int (n_positives,), which of these rows had the outcome.
        positives_before: int (n + 1,), positives among the first j rows.
        lists: int (n_lists + 1,), the first tie group of each list, and n_ties.
    """

    rows: IntArray
    cluster: IntArray
    first: IntArray
    tie: IntArray
    positive_at: IntArray
    positives_before: IntArray
    lists: IntArray

    @property
    def positive_ties(self) -> IntArray:
        """The tie groups that hold at least one positive, in order."""
        return np.unique(self.tie[self.positive_at])


@dataclass(frozen=True, slots=True)
class Cumulated:
    """Weighted counts down the ranking, for a chunk of replicates.

    Attributes:
        ranked: the rows they count.
        weights: float (replicates, n), each row's weight in rank order.
        people: float (replicates, n + 1), weight of the first j rows.
        positives: float (replicates, n_positives + 1), weight of the first j positives.
    """

    ranked: RankedRows
    weights: FloatArray
    people: FloatArray
    positives: FloatArray

    @property
    def n(self) -> FloatArray:
        """Weight of all rows, float (replicates,)."""
        return self.people[:, -1]

    @property
    def n_positive(self) -> FloatArray:
        """Weight of all positives, float (replicates,)."""
        return self.positives[:, -1]


def find_lists(lists: NDArray[Any] | None, n_rows: int) -> IntArray | None:
    """The number of each row's list, (n_rows,); None where there is but one.

    Args:
        lists: (n_rows,) sortable labels of lists made one by one, such as as-of dates; None: one.
        n_rows: number of rows.

    Raises:
        NotEstimable: another number of labels than rows.
    """
    if lists is None:
        return None
    if len(lists) != n_rows:
        raise NotEstimable.lengths_differ({"rows": n_rows, "lists": len(lists)})
    labels, codes = np.unique(np.asarray(lists), return_inverse=True)
    return codes.reshape(-1).astype(np.int64) if len(labels) > 1 else None


def rank_rows(
    y: BoolArray,
    score: FloatArray,
    clusters: Clusters,
    risk: FloatArray | None = None,
    lists: IntArray | None = None,
) -> RankedRows:
    """Sort all rows by ``score``, highest first, and number the ties.

    Args:
        y: bool (n,), the outcome.
        score: float (n,), finite.
        clusters: which rows are drawn together.
        risk: float (n,), puts equal risks side by side within a tie; changes no statistic.
        lists: int (n,) from ``find_lists``: one list is sorted after the other.
    """
    keys = (-(score if risk is None else risk), -score)
    order = np.lexsort(keys if lists is None else (*keys, lists)).astype(np.int64)
    ordered = score[order]
    new = ordered[1:] != ordered[:-1]
    if lists is not None:
        new |= lists[order][1:] != lists[order][:-1]
    tie = np.concatenate(([0], np.cumsum(new))).astype(np.int64)
    n_ties = int(tie[-1]) + 1
    starts = [0] if lists is None else np.flatnonzero(np.diff(lists[order], prepend=-1))
    begin = np.append(tie[starts], n_ties).astype(np.int64)
    return _ranked(y, clusters, order, tie, begin)


def restrict(everyone: RankedRows, y: BoolArray, clusters: Clusters, keep: BoolArray) -> RankedRows:
    """The rows where ``keep`` (n_all_rows,) holds, in the same order with the same tie numbers."""
    chosen = keep[everyone.rows]
    return _ranked(y, clusters, everyone.rows[chosen], everyone.tie[chosen], everyone.lists)


def _ranked(
    y: BoolArray, clusters: Clusters, rows: IntArray, tie: IntArray, lists: IntArray
) -> RankedRows:
    positive = y[rows]
    return RankedRows(
        rows=rows,
        cluster=clusters.of_row[rows],
        first=np.searchsorted(tie, np.arange(lists[-1] + 1)).astype(np.int64),
        tie=tie,
        positive_at=np.flatnonzero(positive).astype(np.int64),
        positives_before=np.concatenate(([0], np.cumsum(positive))).astype(np.int64),
        lists=lists,
    )


def cumulate(ranked: RankedRows, cluster_weights: FloatArray) -> Cumulated:
    """Expand cluster weights (replicates, n_clusters) to the ranked rows and add them up."""
    weights = cluster_weights.take(ranked.cluster, axis=1)
    return Cumulated(
        ranked, weights, running(weights), running(weights.take(ranked.positive_at, axis=1))
    )


def running(values: FloatArray) -> FloatArray:
    """Cumulative sums along each row, starting from 0: (replicates, n) to (replicates, n + 1)."""
    sums = np.empty((values.shape[0], values.shape[1] + 1))
    sums[:, 0] = 0
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def ranked_auroc(counts: Cumulated) -> FloatArray:
    """Chance that a positive outranks a negative, ties counting half; (replicates,)."""
    dp, p_start, t_start, t_end, _ = _steps(counts)
    negatives_above = t_start - p_start
    negatives_tied = (t_end - t_start) - dp
    lost: FloatArray = (dp * (negatives_above + negatives_tied / 2)).sum(axis=1)
    return 1 - lost / (counts.n_positive * (counts.n - counts.n_positive))


def ranked_average_precision(counts: Cumulated) -> FloatArray:
    """Mean precision over the steps in recall, a tie being one step; (replicates,)."""
    dp, _, _, t_end, p_end = _steps(counts)
    precision = np.divide(p_end, t_end, out=np.zeros_like(t_end), where=t_end > 0)
    summed: FloatArray = (dp * precision).sum(axis=1)
    return summed / counts.n_positive


def _steps(counts: Cumulated) -> tuple[FloatArray, ...]:
    """Positives' weight in each positive-holding tie; positives and people up to its ends."""
    ranked, ties = counts.ranked, counts.ranked.positive_ties
    start, end = ranked.first[ties], ranked.first[ties + 1]
    p_start = counts.positives.take(ranked.positives_before[start], axis=1)
    p_end = counts.positives.take(ranked.positives_before[end], axis=1)
    people = counts.people
    return p_end - p_start, p_start, people.take(start, axis=1), people.take(end, axis=1), p_end


@dataclass(frozen=True, slots=True)
class CutPoint:
    """Where a share of the people of each list ends: in which tie, and how much of it is taken.

    Attributes:
        k: float (replicates,), people selected over all lists.
        tie: int (lists, replicates), the tie group the cut falls in.
        fraction: float (lists, replicates), share of that tie group selected, in (0, 1]; 0 where
            nobody of the list was drawn.
    """

    k: FloatArray
    tie: IntArray
    fraction: FloatArray


def places(share: float, n: FloatArray) -> FloatArray:
    """People a share of ``n`` selects: max(1, share * n rounded half up).

    The product is first rounded to nine decimals, so that 0.145 of 100 is 14.5, hence 15.

    Examples:
        >>> places(0.145, np.array([100.0, 3.0]))
        array([15.,  1.])
    """
    return np.maximum(1.0, np.floor(np.round(share * n, 9) + 0.5))


def cut_point(counts: Cumulated, share: float) -> CutPoint:
    """Find the cut that takes the top ``share`` of each list, afresh in every replicate."""
    ranked, n_lists = counts.ranked, len(counts.ranked.lists) - 1
    inner = counts.people[:, 1:]
    selected = np.zeros(len(inner))
    ties = np.empty((n_lists, len(inner)), dtype=np.int64)
    fractions = np.empty((n_lists, len(inner)))
    for number in range(n_lists):
        begin, end = (counts.people[:, ranked.first[tie]] for tie in ranked.lists[number:][:2])
        k = np.where(end > begin, places(share, end - begin), 0.0)
        wanted = begin + k
        found = [np.searchsorted(row, seats) for row, seats in zip(inner, wanted, strict=True)]
        # Nobody of the last list drawn: what is searched for lies before it, or nowhere.
        tie = ranked.tie[np.minimum(np.asarray(found, dtype=np.int64), len(ranked.rows) - 1)]
        tie = np.clip(tie, ranked.lists[number], ranked.lists[number + 1] - 1)
        above, upto = _people_around(counts, tie)
        part = np.divide(wanted - above, upto - above, out=np.zeros(len(k)), where=k > 0)
        selected, ties[number], fractions[number] = selected + k, tie, part
    return CutPoint(selected, ties, fractions)


def taken(counts: Cumulated, cut: CutPoint) -> tuple[FloatArray, FloatArray]:
    """Expected people and positives selected among these rows: two arrays (replicates,)."""
    ranked = counts.ranked
    people, positives = np.zeros(len(cut.k)), np.zeros(len(cut.k))
    for number, (tie, fraction) in enumerate(zip(cut.tie, cut.fraction, strict=True)):
        start = ranked.first[ranked.lists[number]]
        above, upto = _people_around(counts, tie)
        people += above - counts.people[:, start] + fraction * (upto - above)
        above, upto = positives_around(counts, tie)
        before = counts.positives[:, ranked.positives_before[start]]
        positives += above - before + fraction * (upto - above)
    return people, positives


def _people_around(counts: Cumulated, tie: IntArray) -> tuple[FloatArray, FloatArray]:
    line = np.arange(len(tie))
    first = counts.ranked.first
    return counts.people[line, first[tie]], counts.people[line, first[tie + 1]]


def positives_around(counts: Cumulated, tie: IntArray) -> tuple[FloatArray, FloatArray]:
    """Positives above each replicate's tie group, and including it."""
    line, ranked = np.arange(len(tie)), counts.ranked
    before = ranked.positives_before
    return (
        counts.positives[line, before[ranked.first[tie]]],
        counts.positives[line, before[ranked.first[tie + 1]]],
    )
