"""All trees of a model laid out as plain arrays, once, for the compiled code.

A leaf's part of a prediction is ``value x product over the features on its way of o_j``, where
``o_j`` is 1 if the row takes this way at every split on feature j, and 0 otherwise. Of a feature
that is not known, ``o_j`` is replaced by ``z_j``, the share of training rows that took this way at
those splits. The Shapley value of that game is an integral over how likely each other feature is to
be known already (Owen 1972, doi:10.1287/mnsc.18.5.64):

    phi_i = value x (o_i - z_i) x integral over t in [0, 1] of
            the product over the other features j of (t o_j + (1 - t) z_j)

The integrand is a polynomial of degree d - 1, so Gauss-Legendre points integrate it exactly. The
products of all leaves below a split share what lies above it, so a tree costs one multiplication
down and one addition up for each branch and point (Yu et al. 2022, arXiv:2209.08192, have the same
order of work by way of the polynomials' coefficients).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskstrat.risk_model.trees import CATEGORY, DEFAULT_LEFT, MISSING_ZERO, Tree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Flags = NDArray[np.uint8]
NONE = -1


class Forest(NamedTuple):
    """All trees. A branch leads from a split to a split or a leaf; parents come before children.

    Attributes:
        node_start: int (trees + 1,), where each tree's splits begin.
        feature, threshold: of the splits.
        absent_left: 1 where a split sends a missing value to the left.
        zero_absent: 1 where a split takes a zero for a missing value.
        set_start, set_size: of a split that asks a category: where its set lies among
            ``set_words``, and how many words it has; -1 where it asks a number.
        branch_start: int (trees + 1,), where each tree's branches begin.
        node: int (branches,), the split it leaves, numbered within its tree.
        to_left: 1 where it is the split's left branch.
        above: int (branches,), the branch that leads to its split, within its tree; -1 at the top.
        before: int (branches,), the last branch above it whose split asks the same feature; -1
            where there is none.
        share: float (branches,), ``z`` of its feature on the way so far.
        value: float (branches,), of the leaf it leads to; NaN where it leads to a split.
        point_start: int (trees + 1,), where each tree's points begin.
        point, weight: float, Gauss-Legendre on [0, 1].
        most_nodes, most_branches: of the largest tree.
    """

    node_start: IntArray
    feature: IntArray
    threshold: FloatArray
    absent_left: Flags
    zero_absent: Flags
    set_start: IntArray
    set_size: IntArray
    set_words: NDArray[np.uint32]
    branch_start: IntArray
    node: IntArray
    to_left: Flags
    above: IntArray
    before: IntArray
    share: FloatArray
    value: FloatArray
    point_start: IntArray
    point: FloatArray
    weight: FloatArray
    most_nodes: int
    most_branches: int


def lay_out(trees: Sequence[Tree]) -> Forest:
    """Every tree's splits, branches and points in order."""
    branches = [branches_of(tree) for tree in trees]
    points = [
        points_for(most_features(tree, each)) for tree, each in zip(trees, branches, strict=True)
    ]
    every = [branch for each in branches for branch in each]
    return Forest(
        node_start=_starts(len(tree.feature) for tree in trees),
        **_nodes(trees),
        branch_start=_starts(map(len, branches)),
        node=_ints(branch.node for branch in every),
        to_left=np.array([branch.left for branch in every], dtype=np.uint8),
        above=_ints(branch.above for branch in every),
        before=_ints(branch.before for branch in every),
        share=np.array([branch.share for branch in every], dtype=np.float64),
        value=np.array([branch.value for branch in every], dtype=np.float64),
        point_start=_starts(len(at) for at, _ in points),
        point=_joined([at for at, _ in points], np.float64),
        weight=_joined([weight for _, weight in points], np.float64),
        most_nodes=max((len(tree.feature) for tree in trees), default=0),
        most_branches=max(map(len, branches), default=0),
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a tree; see ``Forest``."""

    node: int
    left: bool
    above: int
    before: int
    share: float
    value: float


def branches_of(tree: Tree) -> list[Branch]:
    """The branches of a tree, each after the one above it; none for a constant."""
    if not len(tree.feature):
        return []
    found: list[Branch] = []
    waiting: list[tuple[int, int, dict[int, int]]] = [(0, NONE, {})]
    while waiting:
        node, above, last = waiting.pop()
        feature = int(tree.feature[node])
        before = last.get(feature, NONE)
        for child, left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
            share = tree.rows_at(child) / int(tree.node_rows[node])
            share *= found[before].share if before >= 0 else 1.0
            value = float(tree.value[-child - 1]) if child < 0 else float("nan")
            found.append(Branch(node, left, above, before, share, value))
            if child >= 0:
                waiting.append((child, len(found) - 1, {**last, feature: len(found) - 1}))
    return found


def most_features(tree: Tree, branches: Sequence[Branch]) -> int:
    """Different features on the way that asks most of them."""
    counts: list[int] = []
    for branch in branches:
        so_far = counts[branch.above] if branch.above >= 0 else 0
        counts.append(so_far + (branch.before < 0))
    return max(counts, default=1)


def points_for(d: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre points and weights on [0, 1] that integrate degree d - 1 exactly."""
    at, weight = np.polynomial.legendre.leggauss((d + 1) // 2)
    return (at + 1) / 2, weight / 2


def _nodes(trees: Sequence[Tree]) -> dict[str, NDArray[Any]]:
    """Splits of all trees, each category's set found without going through its tree."""
    decision = _joined([tree.decision for tree in trees], np.int64)
    threshold = _joined([tree.threshold for tree in trees], np.float64)
    missing = decision >> 2 & 3
    # What is missing but not told apart counts as zero.
    absent_left = np.where(missing == 0, threshold >= 0, decision & DEFAULT_LEFT > 0)
    start, size = np.full(len(decision), NONE), np.zeros(len(decision))
    for at, low, high in _sets(trees):
        start[at], size[at], absent_left[at] = low, high - low, False
    return {
        "feature": _joined([tree.feature for tree in trees], np.int64),
        "threshold": threshold,
        "absent_left": absent_left.astype(np.uint8),
        "zero_absent": (missing == MISSING_ZERO).astype(np.uint8),
        "set_start": start.astype(np.int64),
        "set_size": size.astype(np.int64),
        "set_words": _joined([tree.set_words for tree in trees], np.uint32),
    }


def _sets(trees: Sequence[Tree]) -> Iterator[tuple[int, int, int]]:
    """The splits that ask a category, and where each one's set begins and ends."""
    node = words = 0
    for tree in trees:
        for each in np.flatnonzero(tree.decision & CATEGORY):
            low, high = tree.set_starts[int(tree.threshold[each]) :][:2]
            yield node + int(each), words + int(low), words + int(high)
        node, words = node + len(tree.feature), words + len(tree.set_words)


def _starts(sizes: Any) -> IntArray:
    return np.array([0, *accumulate(sizes)], dtype=np.int64)


def _ints(values: Any) -> IntArray:
    return np.array(list(values), dtype=np.int64)


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=kind), *parts]).astype(kind)
