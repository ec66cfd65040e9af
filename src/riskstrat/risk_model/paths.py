"""From every leaf back to the root: which features decide whether a row comes to it, and how.

A leaf's part of a prediction is ``value x product over its features of o_j``, where ``o_j`` is 1
if the row takes this leaf's way at every split on feature j, and 0 otherwise. Without knowing
feature j, ``o_j`` is replaced by ``z_j``, the share of training rows that took that way at those
splits. The Shapley value of that game is an integral over how likely each other feature is to
be known already (Owen 1972, doi:10.1287/mnsc.18.5.64):

    phi_i = value x (o_i - z_i) x integral over t in [0, 1] of
            the product over the other features j of (t o_j + (1 - t) z_j)

The integrand is a polynomial of degree d - 1, so Gauss-Legendre points integrate it exactly. What
a row's leaf gives depends on its pattern of zeros and ones alone: for leaves of few features all
patterns are worked out beforehand (as Yang 2021, arXiv:2109.09847, does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskstrat.risk_model.trees import Tree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
TABLE_CELLS = 4_000_000
"""32 MB of patterns, at most, for all leaves together"""
WIDEST_TABLE = 10
"""a leaf of more features is never tabled"""


@dataclass(frozen=True, slots=True)
class Path:
    """The way to one leaf.

    Attributes:
        value: of the leaf.
        features: int (d,), rising: the features that decide, each once.
        shares: float (d,), of the training rows that came by, those that took this way at all
            the splits on the feature.
        asked: for each feature, the nodes that ask it and whether this way is left there.
    """

    value: float
    features: tuple[int, ...]
    shares: tuple[float, ...]
    asked: tuple[tuple[tuple[int, bool], ...], ...]


def paths_of(tree: Tree) -> list[Path]:
    """The ways to all leaves of a tree, in the order of the leaves; none for a constant."""
    if not len(tree.feature):
        return []
    found: dict[int, Path] = {}
    trail: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
    while trail:
        node, before = trail.pop()
        for child, left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
            steps = [*before, (node, left)]
            if child < 0:
                found[-child - 1] = _path(tree, -child - 1, steps)
            else:
                trail.append((child, steps))
    return [found[leaf] for leaf in sorted(found)]


def _path(tree: Tree, leaf: int, steps: list[tuple[int, bool]]) -> Path:
    shares: dict[int, float] = {}
    asked: dict[int, list[tuple[int, bool]]] = {}
    for node, left in steps:
        feature = int(tree.feature[node])
        child = int((tree.left if left else tree.right)[node])
        share = tree.rows_at(child) / int(tree.node_rows[node])
        shares[feature] = shares.get(feature, 1.0) * share
        asked.setdefault(feature, []).append((node, left))
    features = tuple(sorted(shares))
    return Path(
        float(tree.value[leaf]),
        features,
        tuple(shares[feature] for feature in features),
        tuple(tuple(asked[feature]) for feature in features),
    )


def points(d: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre points and weights on [0, 1] that integrate degree d - 1 exactly."""
    at, weight = np.polynomial.legendre.leggauss((d + 1) // 2)
    return (at + 1) / 2, weight / 2


def tables_of(value: FloatArray, shares: FloatArray) -> FloatArray:
    """What each pattern of some leaves' features gives to each of them: (leaves, d, 2^d).

    Bit j of a pattern says that feature j takes the leaf's way.

    Args:
        value: float (leaves,), of the leaves.
        shares: float (leaves, d), ``Path.shares``: leaves of d features each.
    """
    d = shares.shape[1]
    ones = ((np.arange(2**d)[:, None] >> np.arange(d)) & 1)[None, None]
    z = shares[:, None, None, :]
    at, weight = points(d)
    t = at[None, :, None, None]
    # (leaves, points, patterns, d): how likely each feature lets the row through at each point
    factor = t * ones + (1 - t) * z
    before, after = np.ones_like(factor), np.ones_like(factor)
    np.cumprod(factor[..., :-1], axis=-1, out=before[..., 1:])
    after[..., :-1] = np.cumprod(factor[..., :0:-1], axis=-1)[..., ::-1]
    others = np.einsum("p,lpkd->lkd", weight, before * after)
    found = value[:, None, None] * (ones[:, 0] - shares[:, None, :]) * others
    return np.ascontiguousarray(found.transpose(0, 2, 1))


class Forest(NamedTuple):
    """All trees as plain arrays, for the compiled code.

    Attributes:
        node_start: int (trees + 1,), where each tree's nodes begin.
        feature, threshold: of the nodes.
        absent_left: 1 where the node sends a missing value to the left.
        zero_absent: 1 where the node takes a zero for a missing value.
        set_start, set_size: of a node that asks a category: where its set lies among
            ``set_words``, and how many words it has; -1 where it asks a number.
        leaf_start: int (trees + 1,), where each tree's leaves begin in what follows.
        entry_start: int (leaves + 1,), where each leaf's features begin.
        entry_feature: int (entries,).
        entry_share: float (entries,), ``z_j``.
        asked_start: int (entries + 1,), where each entry's splits begin.
        asked_node, asked_left: the node within its tree, and 1 where this way is to its left.
        value: float (leaves,).
        table_start: int (leaves,), where the leaf's patterns begin, -1 without.
        table: float, patterns of all leaves that have them.
        point_start: int (widest leaf + 1,), where the points for d features begin.
        point, weight: float, Gauss-Legendre.
        most_nodes: of the largest tree.
        widest: features of the widest leaf.
    """

    node_start: IntArray
    feature: IntArray
    threshold: FloatArray
    absent_left: NDArray[np.uint8]
    zero_absent: NDArray[np.uint8]
    set_start: IntArray
    set_size: IntArray
    set_words: NDArray[np.uint32]
    leaf_start: IntArray
    entry_start: IntArray
    entry_feature: IntArray
    entry_share: FloatArray
    asked_start: IntArray
    asked_node: IntArray
    asked_left: NDArray[np.uint8]
    value: FloatArray
    table_start: IntArray
    table: FloatArray
    point_start: IntArray
    point: FloatArray
    weight: FloatArray
    most_nodes: int
    widest: int
