"""Candidates that exclude each other: at most one of them is the person looked for.

A weight says how likely a pair is one person by itself. Where several candidates are known to be
different people, their odds share one denominator: two that are equally good get at most a half
each, and neither is linked. So a baby without a name is neither twin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstrat.linkage.clusters import BoolArray, FloatArray, IntArray

LARGEST = 500.0
"""log2 odds beyond which nothing is told apart"""


@dataclass(frozen=True, slots=True)
class Weighed:
    """Links between groups, each pair of groups once; arrays of (n_links,).

    Attributes:
        left, right: the groups; the left one is looked for, ``right`` too where the link is free.
        weight: log2 odds of the best pair of records by itself.
        free: whether both are looked for; else ``right`` has a number of its own.
        trusted: whether ``right`` is of the population.
        twins: whether the two are held apart.
    """

    left: IntArray
    right: IntArray
    weight: FloatArray
    free: BoolArray
    trusted: BoolArray
    twins: BoolArray

    @property
    def alone(self) -> FloatArray:
        """Probability of each link as if there were no other."""
        return _probability(self.weight)


def one_to_one(links: Weighed) -> FloatArray:
    """Probabilities where each record has at most one partner: all compete, on both sides."""
    found = links.alone
    rivals = ~links.twins
    left, right, weight = links.left[rivals], links.right[rivals], links.weight[rivals]
    found[rivals] = np.minimum(competing(left, right, weight), competing(right, left, weight))
    return found


def among_rivals(links: Weighed, least: float) -> FloatArray:
    """Probabilities where people with numbers of their own exclude each other.

    The people of the population compete among themselves alone: a number that the population does
    not know is, more likely than not, a wrong one of somebody it does know. A record without a
    number that is surely one of these people stands for that person when another record is
    compared with it. A twin is another person, and takes no share.

    Args:
        links: between groups.
        least: from which probability on a record stands for a person.
    """
    found = links.alone
    closed = ~links.free & ~links.twins
    first = _shares(links.left[closed], links.right[closed], links.weight[closed],
                    links.trusted[closed])  # fmt: skip
    stands_for = _surest(links, closed, first, least)
    through = links.free & ~links.twins
    side = np.concatenate([links.left[closed], links.left[through], links.right[through]])
    person = np.concatenate(
        [
            links.right[closed],
            stands_for[links.right[through]],
            stands_for[links.left[through]],
        ]
    )
    weight = np.concatenate([links.weight[closed], links.weight[through], links.weight[through]])
    trusted = np.zeros(len(stands_for), np.bool_)
    trusted[links.right[closed & links.trusted]] = True
    known = person >= 0
    told = np.ones(len(known))
    told[known] = _best_shares(side[known], person[known], weight[known], trusted[person[known]])
    direct, there, back = np.split(told, [closed.sum(), closed.sum() + through.sum()])
    found[closed] = np.minimum(found[closed], direct)
    found[through] = np.minimum(found[through], np.minimum(there, back))
    return found


def _surest(links: Weighed, closed: BoolArray, share: FloatArray, least: float) -> IntArray:
    """int (groups,): the person that each group looked for surely is, or -1."""
    groups = int(max(links.left.max(initial=-1), links.right.max(initial=-1))) + 1
    person = np.full(groups, -1, np.int64)
    sure = share >= least
    order = np.argsort(share[sure], kind="stable")
    person[links.left[closed][sure][order]] = links.right[closed][sure][order]
    return person


def _best_shares(
    side: IntArray, person: IntArray, weight: FloatArray, trusted: BoolArray
) -> FloatArray:
    """Shares of (side, person) by its best weight, for each row that names it."""
    if not len(side):
        return np.empty(0)
    groups = int(person.max()) + 1
    pair, place = np.unique(side * groups + person, return_inverse=True)
    best = np.full(len(pair), -np.inf)
    np.maximum.at(best, place, weight)
    sure = np.zeros(len(pair), np.bool_)
    sure[place] = trusted
    return _shares(pair // groups, pair % groups, best, sure)[place]


def _shares(side: IntArray, person: IntArray, weight: FloatArray, trusted: BoolArray) -> FloatArray:
    found = competing(side, person, weight)
    found[trusted] = competing(side[trusted], person[trusted], weight[trusted])
    return found


def _probability(weight: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp2(-np.clip(weight, -LARGEST, LARGEST))))


def competing(open_side: IntArray, candidate: IntArray, weight: FloatArray) -> FloatArray:
    """Probability of each link where a record's candidates exclude each other.

    If at most one of the candidates is the same person, the odds of all of them share one
    denominator: two equally good candidates get at most a half each, and neither is linked.

    Args:
        open_side: int (n_links,), who is looked for.
        candidate: int (n_links,), who it may be; different candidates are different people.
        weight: float (n_links,), log2 odds of the pair by itself.

    Returns:
        float (n_links,).

    Examples:
        >>> p = competing(np.array([7, 7]), np.array([1, 2]), np.array([10.0, 10.0]))
        >>> bool((abs(p - 0.5) < 0.001).all())
        True
    """
    if not len(open_side):
        return np.empty(0)
    order = np.lexsort((candidate, open_side))
    _, start, size = np.unique(open_side[order], return_index=True, return_counts=True)
    ordered = np.minimum(weight[order], LARGEST)
    top = np.maximum(np.repeat(np.maximum.reduceat(ordered, start), size), 0.0)
    scaled = np.exp2(ordered - top)
    total = np.repeat(np.add.reduceat(scaled, start), size)
    found = np.empty(len(order))
    found[order] = scaled / (total + np.exp2(-top))
    return found
