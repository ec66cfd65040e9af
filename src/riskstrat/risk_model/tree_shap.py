"""Exact Shapley values of a LightGBM model (TreeSHAP, path-dependent), compiled.

The same game as LightGBM's ``pred_contrib`` and SHAP's path-dependent mode (Lundberg et al. 2020,
doi:10.1038/s42256-019-0138-9), worked out in another way (``forest``): some fifty times faster,
and independent, so that each can be held against the other. A row's values depend on that
row alone, whatever rows it is computed with and by how many threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from riskstrat.risk_model.forest import Forest, lay_out
from riskstrat.risk_model.trees import read_trees

FloatArray = NDArray[np.float64]
ROWS_AT_ONCE = 1_024
"""rows a thread works on at a time"""
LANES = 64
"""rows that go through a tree side by side: their products stay in a core's nearest cache"""
_ZERO = 1e-35
"""LightGBM's ``kZeroThreshold``, in single precision"""


class TreeShap:
    """The Shapley values of one model's trees.

    Attributes:
        base: the expected log-odds of the training rows; base plus a row's values is its score.
    """

    def __init__(self, text: str) -> None:
        trees = read_trees(text)
        self.base = float(sum(tree.expected for tree in trees))
        self._forest = lay_out(trees)

    def values(self, matrix: NDArray[Any], threads: int = 1) -> FloatArray:
        """What each feature adds to each row's log-odds: (rows, features).

        Args:
            matrix: float (rows, features), encoded; NaN where a feature is missing.
            threads: that work at the same time; the answer does not depend on it.
        """
        out = np.empty(matrix.shape, dtype=np.float64)
        starts = range(0, len(matrix), ROWS_AT_ONCE)

        def work(start: int) -> None:
            where = slice(start, start + ROWS_AT_ONCE)
            columns = np.ascontiguousarray(matrix[where].T, dtype=np.float64)
            found = np.zeros_like(columns)
            _shap(columns, self._forest, found)
            out[where] = found.T

        if threads > 1 and len(starts) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, starts))
        else:
            for start in starts:
                work(start)
        return out


@lru_cache(maxsize=4)
def tree_shap(text: str) -> TreeShap:
    """Of a model's text; the layout of the last few models is kept."""
    return TreeShap(text)


def load() -> None:
    """Load the compiled code, or compile it, which takes some seconds and is kept."""
    leaf = "split_feature=0\nthreshold=0\ndecision_type=10\nleft_child=-1\nright_child=-2\n"
    rows = "leaf_value=0 0\nleaf_count=1 1\ninternal_count=2\n"
    TreeShap(f"\nTree=0\nnum_leaves=2\n{leaf}{rows}").values(np.zeros((1, 1)))


@njit(nogil=True, cache=True)
def _shap(columns: Any, forest: Forest, out: Any) -> None:
    """Add every tree's values to ``out``; both (features, rows), so that rows lie side by side."""
    rows = columns.shape[1]
    left = np.zeros((forest.most_nodes, LANES), np.uint8)
    takes = np.zeros((forest.most_branches, LANES), np.uint8)
    product = np.zeros((forest.most_branches + 1, LANES), np.float64)
    for tree in range(len(forest.branch_start) - 1):
        for first in range(0, rows, LANES):
            last = min(first + LANES, rows)
            begin = forest.node_start[tree]
            for node in range(begin, forest.node_start[tree + 1]):
                column = columns[forest.feature[node], first:last]
                _decide(column, node, forest, left[node - begin, : last - first])
            _follow(tree, forest, left[:, : last - first], takes[:, : last - first])
            for point in range(forest.point_start[tree], forest.point_start[tree + 1]):
                _down(tree, point, forest, takes[:, : last - first], product[:, : last - first])
                _up(tree, point, forest, takes[:, : last - first], product[:, : last - first],
                    out[:, first:last])  # fmt: skip


@njit(nogil=True, cache=True)
def _follow(tree: int, forest: Forest, left: Any, takes: Any) -> None:
    """Which rows take each branch at every split on its feature so far: (branches, rows)."""
    begin = forest.branch_start[tree]
    for branch in range(forest.branch_start[tree + 1] - begin):
        at = begin + branch
        other = np.uint8(1) - forest.to_left[at]
        went, own = left[forest.node[at]], takes[branch]
        if forest.before[at] < 0:
            for row in range(len(own)):
                own[row] = went[row] ^ other
        else:
            before = takes[forest.before[at]]
            for row in range(len(own)):
                own[row] = (went[row] ^ other) & before[row]


@njit(nogil=True, cache=True)
def _down(tree: int, point: int, forest: Forest, takes: Any, product: Any) -> None:
    """The product over the features on the way to each branch, times the value at a leaf.

    ``product`` (branches + 1, rows) begins with the root's, which is 1.
    """
    begin, t = forest.branch_start[tree], forest.point[point]
    product[0] = 1.0
    for branch in range(forest.branch_start[tree + 1] - begin):
        at = begin + branch
        parent, own, took = product[forest.above[at] + 1], product[branch + 1], takes[branch]
        share, before, value = forest.share[at], forest.before[at], forest.value[at]
        scale = 1.0 if np.isnan(value) else value
        yes, no = (t + (1.0 - t) * share) * scale, (1.0 - t) * share * scale
        if before < 0:
            for row in range(len(own)):
                own[row] = parent[row] * (yes if took[row] else no)
            continue
        # The feature's factor so far is taken out again.
        share = forest.share[begin + before]
        had, lacked = t + (1.0 - t) * share, (1.0 - t) * share
        both, lost, neither = yes / had, no / had, no / lacked
        earlier = takes[before]
        for row in range(len(own)):
            missed = lost if earlier[row] else neither
            own[row] = parent[row] * (both if took[row] else missed)


@njit(nogil=True, cache=True)
def _up(tree: int, point: int, forest: Forest, takes: Any, product: Any, out: Any) -> None:
    """Add up the leaves below each branch, and give its feature what they owe it."""
    begin, t, weight = forest.branch_start[tree], forest.point[point], forest.weight[point]
    node_begin = forest.node_start[tree]
    for branch in range(forest.branch_start[tree + 1] - begin - 1, -1, -1):
        at = begin + branch
        own, parent, took = product[branch + 1], product[forest.above[at] + 1], takes[branch]
        feature = out[forest.feature[node_begin + forest.node[at]]]
        yes, no = _owed(t, forest.share[at])
        yes, no = weight * yes, weight * no
        if forest.before[at] < 0:
            for row in range(len(own)):
                feature[row] += own[row] * (yes if took[row] else no)
        else:
            # The branch above that asked the same feature counts these leaves, too: not twice.
            had, lacked = _owed(t, forest.share[begin + forest.before[at]])
            both, lost, neither = yes - weight * had, no - weight * had, no - weight * lacked
            earlier = takes[forest.before[at]]
            for row in range(len(own)):
                missed = lost if earlier[row] else neither
                feature[row] += own[row] * (both if took[row] else missed)
        if forest.to_left[at]:  # the second of the two, from below
            for row in range(len(own)):
                parent[row] += own[row]
        else:
            for row in range(len(own)):
                parent[row] = own[row]


@njit(nogil=True, cache=True)
def _owed(t: float, share: float) -> tuple[float, float]:
    """(o - z) / (t o + (1 - t) z) for o = 1 and o = 0."""
    return (1.0 - share) / (t + (1.0 - t) * share), -1.0 / (1.0 - t)


@njit(nogil=True, cache=True)
def _decide(column: Any, node: int, forest: Forest, left: Any) -> None:
    """Which rows a node sends to its left: (rows,), 1 or 0."""
    threshold, absent = forest.threshold[node], forest.absent_left[node]
    start, size = forest.set_start[node], forest.set_size[node]
    if start >= 0:
        for row in range(len(column)):
            category = np.int64(column[row]) if column[row] >= 0 else np.int64(-1)
            inside = category >= 0 and (category >> 5) < size
            bits = np.int64(forest.set_words[start + (category >> 5)]) if inside else np.int64(0)
            left[row] = np.uint8((bits >> (category & 31)) & 1)
        return
    for row in range(len(column)):
        value = column[row]
        left[row] = absent if np.isnan(value) else np.uint8(value <= threshold)
    if forest.zero_absent[node]:
        for row in range(len(column)):
            if abs(column[row]) <= _ZERO:
                left[row] = absent
