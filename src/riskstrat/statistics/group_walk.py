"""The compiled pass behind ``group_counts``: one walk down the ranking for one resample.

One long function: handing its counters to another for every row costs ten times the row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

NEWTON_STEPS = 40
SMALL_MOVE = 1e-7
"""as in ``probability``; written again, for what is compiled is kept until this file changes"""


class Ranked(NamedTuple):
    """The rows from the highest score to the lowest.

    Attributes:
        cluster: int32 (n), what is drawn with the row.
        tie: int32 (n), number of its score.
        positive: int8 (n), whether it had the outcome.
        level: int16 (n, attributes), its levels, numbered over all attributes.
        risk: float64 (n); NaN where the score is no probability.
        step: int16 (n), which of ``x`` its risk is in.
        x: float64 (steps), log-odds.
        fixed: int8 (n, fixed cuts), whether it is selected.
    """

    cluster: Any
    tie: Any
    positive: Any
    level: Any
    risk: Any
    step: Any
    x: Any
    fixed: Any


class Listed(NamedTuple):
    """The rows list by list, each from the highest score to the lowest.

    Attributes:
        cluster, tie, positive, level: as in ``Ranked``.
        first: int64 (lists + 1), where each list begins, and the number of rows.
    """

    cluster: Any
    tie: Any
    positive: Any
    level: Any
    first: Any


class Found(NamedTuple):
    """What one resample gives, by level; ``cuts`` are the shares first, then the fixed ones.

    Attributes:
        people, positives: int64 (levels).
        lost: int64 (levels), twice the pairs ranked the wrong way, ties counting half.
        precision: float64 (levels), precision summed over the steps in recall.
        squared, expected: float64 (levels), sums of squared errors and of risks.
        slope: float64 (levels).
        selected, true: float64 (levels, cuts), people and positives selected.
    """

    people: Any
    positives: Any
    lost: Any
    precision: Any
    squared: Any
    expected: Any
    slope: Any
    selected: Any
    true: Any


@njit(nogil=True, cache=True)
def tally(drawn: Any, weights: Any) -> None:  # pragma: no cover (compiled)
    """Count how often each cluster was drawn; ``weights`` begins with zeros."""
    for i in range(len(drawn)):
        weights[drawn[i]] += 1


@njit(nogil=True, cache=True)
def drawn_of(listed: Any, weights: Any) -> Any:  # pragma: no cover (compiled)
    """How many rows of each list were drawn: int64 (lists)."""
    counts = np.zeros(len(listed.first) - 1, np.int64)
    for one in range(len(counts)):
        for row in range(listed.first[one], listed.first[one + 1]):
            counts[one] += weights[listed.cluster[row]]
    return counts


@njit(nogil=True, cache=True)
def walk_lists(
    listed: Any, weights: Any, seats: Any, n_levels: int
) -> Any:  # pragma: no cover (compiled)
    """Down each list as far as its longest share: people and positives selected.

    Args:
        listed: the rows.
        weights: uint16 (clusters), how often each was drawn.
        seats: float64 (lists, shares), people each share of each list selects; 0: nobody.
        n_levels: levels over all attributes.

    Returns:
        Two float64 (levels, shares), as in ``Found``.
    """
    n_lists, n_shares = seats.shape
    n_attributes = listed.level.shape[1]
    selected, true = np.zeros((n_levels, n_shares)), np.zeros((n_levels, n_shares))
    for one in range(n_lists):
        begin, stop = listed.first[one], listed.first[one + 1]
        people, positives = np.zeros(n_levels, np.int64), np.zeros(n_levels, np.int64)
        done = seats[one] == 0
        above, everybody, first = np.int64(0), np.int64(0), begin
        for row in range(begin, stop + 1):
            if row == stop or (row > begin and listed.tie[row] != listed.tie[row - 1]):
                for s in range(n_shares):
                    if not done[s] and everybody >= seats[one, s]:
                        done[s] = True
                        part = (seats[one, s] - above) / (everybody - above)
                        for level in range(n_levels):
                            selected[level, s] += people[level]
                            true[level, s] += positives[level]
                        for back in range(first, row):
                            w = np.int64(weights[listed.cluster[back]])
                            if w:
                                for a in range(n_attributes):
                                    level = listed.level[back, a]
                                    selected[level, s] -= w * (1 - part)
                                    if listed.positive[back]:
                                        true[level, s] -= w * (1 - part)
                above, first = everybody, row
                if row == stop or done.all():
                    break
            w = np.int64(weights[listed.cluster[row]])
            if w:
                everybody += w
                for a in range(n_attributes):
                    people[listed.level[row, a]] += w
                    if listed.positive[row]:
                        positives[listed.level[row, a]] += w
    return selected, true


@njit(nogil=True, cache=True)
def walk(
    ranked: Any, weights: Any, seats: Any, n_levels: int, starts: Any
) -> Any:  # pragma: no cover (compiled)
    """Down the ranking once; the fields of ``Found``.

    Args:
        ranked: the rows.
        weights: uint16 (clusters), how often each was drawn.
        seats: float64 (shares), people each share selects.
        n_levels: levels over all attributes.
        starts: float64 (levels, 2), where Newton's steps begin.
    """
    n_rows, n_attributes = ranked.level.shape
    n_shares, n_fixed, n_steps = len(seats), ranked.fixed.shape[1], len(ranked.x)
    people, positives = np.zeros(n_levels, np.int64), np.zeros(n_levels, np.int64)
    lost, precision = np.zeros(n_levels, np.int64), np.zeros(n_levels)
    squared, expected = np.zeros(n_levels), np.zeros(n_levels)
    selected = np.zeros((n_levels, n_shares + n_fixed))
    true = np.zeros((n_levels, n_shares + n_fixed))
    share_done = np.zeros(n_shares, np.bool_)
    # Per level: its newest tie, and how many people and positives it has so far.
    newest = np.full(n_levels, -1, np.int64)
    tied, tied_positive = np.zeros(n_levels, np.int64), np.zeros(n_levels, np.int64)
    in_step = np.zeros((n_levels, n_steps))
    towards = np.zeros(n_levels)
    above, everybody, first = np.int64(0), np.int64(0), 0
    for row in range(n_rows + 1):
        if row == n_rows or (row > 0 and ranked.tie[row] != ranked.tie[row - 1]):
            # A tie ends: shares that end within it take the same part of each of its people.
            for s in range(n_shares):
                if not share_done[s] and everybody >= seats[s]:
                    share_done[s] = True
                    part = (seats[s] - above) / (everybody - above)
                    for level in range(n_levels):
                        selected[level, s] = people[level]
                        true[level, s] = positives[level]
                    for back in range(first, row):
                        w = np.int64(weights[ranked.cluster[back]])
                        if w:
                            for a in range(n_attributes):
                                level = ranked.level[back, a]
                                selected[level, s] -= w * (1 - part)
                                if ranked.positive[back]:
                                    true[level, s] -= w * (1 - part)
            above, first = everybody, row
            if row == n_rows:
                break
        w = np.int64(weights[ranked.cluster[row]])
        if w == 0:
            continue
        everybody += w
        positive, risk, tie = ranked.positive[row], ranked.risk[row], ranked.tie[row]
        error = risk - positive
        for a in range(n_attributes):
            level = ranked.level[row, a]
            if newest[level] != tie:
                if tied_positive[level] > 0:
                    hits, end = tied_positive[level], people[level]
                    before = end - tied[level] - (positives[level] - hits)
                    lost[level] += hits * (2 * before + tied[level] - hits)
                    precision[level] += hits * positives[level] / end
                newest[level] = tie
                tied[level] = 0
                tied_positive[level] = 0
            people[level] += w
            tied[level] += w
            squared[level] += w * error * error
            expected[level] += w * risk
            in_step[level, ranked.step[row]] += w
            if positive:
                positives[level] += w
                tied_positive[level] += w
                towards[level] += w * ranked.x[ranked.step[row]]
            for f in range(n_fixed):
                if ranked.fixed[row, f]:
                    selected[level, n_shares + f] += w
                    true[level, n_shares + f] += w * positive
    slope = np.empty(n_levels)
    for level in range(n_levels):
        if tied_positive[level] > 0:
            hits, end = tied_positive[level], people[level]
            before = end - tied[level] - (positives[level] - hits)
            lost[level] += hits * (2 * before + tied[level] - hits)
            precision[level] += hits * positives[level] / end
        slope[level] = _slope(
            in_step[level], ranked.x, np.float64(positives[level]), towards[level], starts[level]
        )
    return people, positives, lost, precision, squared, expected, slope, selected, true


@njit(nogil=True, cache=True)
def _slope(
    weight: Any, x: Any, positives: Any, towards: Any, start: Any
) -> Any:  # pragma: no cover (compiled)
    """As ``probability._newton`` for one level: Newton's steps, long ones shortened."""
    a, b = start[0], start[1]
    if not (np.isfinite(a) and np.isfinite(b)):
        return np.nan
    for _ in range(NEWTON_STEPS):
        g0, g1, h0, h1, h2 = positives, towards, 0.0, 0.0, 0.0
        least, most = np.inf, -np.inf
        for i in range(len(x)):
            w = weight[i]
            if w > 0:
                least, most = min(least, x[i]), max(most, x[i])
                chance = 1 / (1 + np.exp(-(a + b * x[i])))
                g0 -= w * chance
                g1 -= w * chance * x[i]
                curve = w * chance * (1 - chance)
                h0 += curve
                h1 += curve * x[i]
                h2 += curve * x[i] * x[i]
        if not h0 > 0:
            return np.nan
        mean = h1 / h0
        spread = h2 - h1 * mean
        if not spread > 1e-12 * h2:
            return np.nan
        move_b = (g1 - mean * g0) / spread
        move_a = g0 / h0 - mean * move_b
        farthest = max(abs(move_a + move_b * least), abs(move_a + move_b * most))
        if not np.isfinite(farthest):
            return np.nan
        damping = np.log1p(farthest) / farthest if farthest > 1.5 else 1.0
        a += damping * move_a
        b += damping * move_b
        if farthest < SMALL_MOVE:
            return b
    return np.nan
