"""All trees of a model laid out as plain arrays, once, for the compiled code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.risk_model.paths import (
    TABLE_CELLS,
    WIDEST_TABLE,
    Forest,
    Path,
    paths_of,
    points,
    tables_of,
)
from riskstrat.risk_model.trees import CATEGORY, DEFAULT_LEFT, MISSING_ZERO, Tree

CELLS_AT_ONCE = 1 << 16
"""cells of patterns and points that are worked out together"""


def lay_out(trees: Sequence[Tree]) -> Forest:
    """Every tree, leaf and pattern in order."""
    paths = [paths_of(tree) for tree in trees]
    leaves = [path for each in paths for path in each]
    widest = max((len(path.features) for path in leaves), default=1)
    nodes = _nodes(trees)
    asked = _asked(leaves)
    at, weight, start = _points(widest)
    table, table_start = _tables(leaves)
    return Forest(
        node_start=_starts(len(tree.feature) for tree in trees),
        **nodes,
        leaf_start=_starts(map(len, paths)),
        entry_start=_starts(len(path.features) for path in leaves),
        entry_feature=_ints(f for path in leaves for f in path.features),
        entry_share=np.array([z for path in leaves for z in path.shares], dtype=np.float64),
        **asked,
        value=np.array([path.value for path in leaves], dtype=np.float64),
        table_start=table_start,
        table=table,
        point_start=start,
        point=at,
        weight=weight,
        most_nodes=max((len(tree.feature) for tree in trees), default=0),
        widest=widest,
    )


def _nodes(trees: Sequence[Tree]) -> dict[str, NDArray[Any]]:
    """Splits of all trees, each category's set found without going through its tree."""
    decision = _joined([tree.decision for tree in trees], np.int64)
    threshold = _joined([tree.threshold for tree in trees], np.float64)
    missing = decision >> 2 & 3
    # What is missing but not told apart counts as zero.
    absent_left = np.where(missing == 0, threshold >= 0, decision & DEFAULT_LEFT > 0)
    start, size = np.full(len(decision), -1), np.zeros(len(decision))
    node = words = 0
    for tree in trees:
        for each in range(len(tree.feature)):
            if tree.decision[each] & CATEGORY:
                low, high = tree.set_starts[int(tree.threshold[each]) :][:2]
                start[node + each], size[node + each] = words + low, high - low
                absent_left[node + each] = False
        node, words = node + len(tree.feature), words + len(tree.set_words)
    return {
        "feature": _joined([tree.feature for tree in trees], np.int64),
        "threshold": threshold,
        "absent_left": absent_left.astype(np.uint8),
        "zero_absent": (missing == MISSING_ZERO).astype(np.uint8),
        "set_start": start.astype(np.int64),
        "set_size": size.astype(np.int64),
        "set_words": _joined([tree.set_words for tree in trees], np.uint32),
    }


def _asked(leaves: Sequence[Path]) -> dict[str, NDArray[Any]]:
    """For each leaf and feature: which decisions must have come out how."""
    entries = [each for path in leaves for each in path.asked]
    return {
        "asked_start": _starts(map(len, entries)),
        "asked_node": _ints(node for each in entries for node, _ in each),
        "asked_left": np.array([left for each in entries for _, left in each], dtype=np.uint8),
    }


def _points(widest: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The points for 0, 1, ... ``widest`` features, one after the other."""
    each = [points(max(d, 1)) for d in range(widest + 1)]
    return (
        np.concatenate([at for at, _ in each]),
        np.concatenate([weight for _, weight in each]),
        _starts(len(at) for at, _ in each),
    )


def _tables(leaves: Sequence[Path]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Patterns of the narrowest leaves, as many as there is room for, and where each begins."""
    start = np.full(len(leaves), -1, dtype=np.int64)
    by_width: dict[int, list[int]] = {}
    for leaf, path in enumerate(leaves):
        by_width.setdefault(len(path.features), []).append(leaf)
    parts: list[NDArray[Any]] = []
    used = 0
    for wide, members in sorted(by_width.items()):
        cells = 2**wide * wide
        members = members[: max(0, TABLE_CELLS - used) // cells if wide <= WIDEST_TABLE else 0]
        for some in batched(members, max(1, CELLS_AT_ONCE // (cells * wide))):
            shares = np.array([leaves[leaf].shares for leaf in some])
            value = np.array([leaves[leaf].value for leaf in some])
            parts.append(tables_of(value, shares).reshape(-1))
            start[list(some)] = used + cells * np.arange(len(some))
            used += cells * len(some)
    return _joined(parts, np.float64), start


def batched(members: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The members in their order, at most so many at a time."""
    for at in range(0, len(members), size):
        yield members[at : at + size]


def _starts(sizes: Any) -> NDArray[np.int64]:
    return np.array([0, *accumulate(sizes)], dtype=np.int64)


def _ints(values: Any) -> NDArray[np.int64]:
    return np.array(list(values), dtype=np.int64)


def _joined(parts: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=kind), *parts]).astype(kind)
