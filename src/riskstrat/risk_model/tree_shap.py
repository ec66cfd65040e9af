"""Exact Shapley values of a LightGBM model (TreeSHAP, path-dependent), compiled.

The same game as LightGBM's ``pred_contrib`` and SHAP's path-dependent mode (Lundberg et al. 2020,
doi:10.1038/s42256-019-0138-9), worked out leaf by leaf (``paths``): some fifty times faster, and by
other means, so that each can be held against the other. A row's values depend on that row
alone, whatever rows it is computed with and by how many threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from riskstrat.risk_model.forest import lay_out
from riskstrat.risk_model.paths import Forest
from riskstrat.risk_model.trees import read_trees

FloatArray = NDArray[np.float64]
ROWS_AT_ONCE = 512
"""rows a thread works on at a time: their cells stay in a core's own cache"""
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
    left = np.zeros((forest.most_nodes, rows), np.uint8)
    takes = np.zeros((forest.widest, rows), np.uint8)
    pattern = np.zeros(rows, np.int32)
    for tree in range(len(forest.leaf_start) - 1):
        first = forest.node_start[tree]
        for node in range(first, forest.node_start[tree + 1]):
            _decide(columns[forest.feature[node]], node, forest, left[node - first])
        for leaf in range(forest.leaf_start[tree], forest.leaf_start[tree + 1]):
            e0, e1 = forest.entry_start[leaf], forest.entry_start[leaf + 1]
            for e in range(e0, e1):
                _takes(e, left, forest, takes[e - e0])
            if forest.table_start[leaf] < 0:
                _add_wide(leaf, e0, e1, takes, forest, out)
                continue
            pattern[:] = 0
            for j in range(e1 - e0):
                for row in range(rows):
                    pattern[row] |= np.int32(takes[j, row]) << np.int32(j)
            for j in range(e1 - e0):
                _look_up(forest.table, forest.table_start[leaf] + j * 2 ** (e1 - e0), pattern,
                         out[forest.entry_feature[e0 + j]])  # fmt: skip


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


@njit(nogil=True, cache=True)
def _takes(entry: int, left: Any, forest: Forest, takes: Any) -> None:
    """Which rows go a leaf's way at every split on one feature: (rows,), 1 or 0."""
    takes[:] = np.uint8(1)
    for at in range(forest.asked_start[entry], forest.asked_start[entry + 1]):
        other = np.uint8(1) - forest.asked_left[at]
        went = left[forest.asked_node[at]]
        for row in range(len(takes)):
            takes[row] &= went[row] ^ other


@njit(nogil=True, cache=True)
def _look_up(table: Any, start: int, pattern: Any, out: Any) -> None:
    for row in range(len(pattern)):
        out[row] += table[start + pattern[row]]


@njit(nogil=True, cache=True)
def _add_wide(leaf: int, e0: int, e1: int, takes: Any, forest: Forest, out: Any) -> None:
    """What a leaf of many features gives: the integral point by point, as ``paths.tables_of``."""
    d = e1 - e0
    after = np.ones(d + 1, np.float64)
    for row in range(out.shape[1]):
        for p in range(forest.point_start[d], forest.point_start[d + 1]):
            t = forest.point[p]
            for j in range(d - 1, -1, -1):
                z = forest.entry_share[e0 + j]
                after[j] = after[j + 1] * (t * takes[j, row] + (1.0 - t) * z)
            before = forest.value[leaf] * forest.weight[p]
            for j in range(d):
                z = forest.entry_share[e0 + j]
                feature = forest.entry_feature[e0 + j]
                out[feature, row] += before * after[j + 1] * (takes[j, row] - z)
                before *= t * takes[j, row] + (1.0 - t) * z
