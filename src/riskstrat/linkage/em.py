"""How often true pairs agree, learnt without labels: expectation maximisation.

Within the pairs of one blocking rule some are one person and most are not. How often the others
agree by chance (u) is known; the share of true pairs, and how often they agree (m), are those that
make the observed patterns of agreement most likely (Fellegi and Sunter 1969,
doi:10.1080/01621459.1969.10501049; Winkler 1988). Patterns are counted once, so that a round costs
nothing, and the order of sums is fixed, so that the same pairs give the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskstrat.linkage.clusters import FloatArray, IntArray

ROUNDS = 500
SETTLED = 1e-6
FIRST_SHARE, FIRST_EQUAL = 0.1, 0.9
LEAST = 1e-6
"""m of a level that no true pair was seen in"""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns of agreement among the pairs of a rule.

    Attributes:
        levels: int (n_patterns, n_comparisons), the level that the pairs fall in: the highest is
            equal, 0 is different, -1 is not known.
        pairs: float (n_patterns,), how many pairs have each.
    """

    levels: IntArray
    pairs: FloatArray


@dataclass(frozen=True, slots=True)
class Learnt:
    """What EM found.

    Attributes:
        m: for each comparison float (levels,), by level number; sums to 1.
        share: of true pairs among all.
        likelihood: the log likelihood after each round, never falling.
    """

    m: tuple[FloatArray, ...]
    share: float
    likelihood: tuple[float, ...]


def learn(patterns: Patterns, u: Sequence[FloatArray]) -> Learnt:
    """Find m and the share of true pairs.

    Args:
        patterns: of at least one pair.
        u: for each comparison float (levels,), by level number, all above 0.
    """
    m = [_first(len(each)) for each in u]
    share, told = FIRST_SHARE, []
    by_chance = _log_odds(patterns.levels, u)
    for _ in range(ROUNDS):
        true, other = _log_odds(patterns.levels, m) + np.log(share), by_chance + np.log1p(-share)
        both = np.logaddexp(true, other)
        told.append(float((both * patterns.pairs).sum()))
        certain = np.exp(true - both) * patterns.pairs
        share = float(np.clip(certain.sum() / patterns.pairs.sum(), 1e-9, 1 - 1e-9))
        before, m = m, [_again(patterns.levels[:, c], certain, each) for c, each in enumerate(m)]
        if max(np.abs(a - b).max() for a, b in zip(m, before, strict=True)) < SETTLED:
            break
    return Learnt(tuple(m), share, tuple(told))


def _first(levels: int) -> FloatArray:
    start = np.full(levels, (1 - FIRST_EQUAL) / max(levels - 1, 1))
    start[-1] = FIRST_EQUAL
    return start


def _log_odds(levels: IntArray, shares: Sequence[FloatArray]) -> FloatArray:
    """Log probability of each pattern; what is not known says nothing."""
    total = np.zeros(len(levels))
    for c, each in enumerate(shares):
        known = levels[:, c] >= 0
        total[known] += np.log(np.maximum(each, LEAST))[levels[known, c]]
    return total


def _again(level: IntArray, certain: FloatArray, before: FloatArray) -> FloatArray:
    known = level >= 0
    found = np.bincount(level[known], weights=certain[known], minlength=len(before))
    total = found.sum()
    return np.asarray(found / total) if total > 0 else before
