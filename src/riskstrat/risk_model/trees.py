"""The trees of a LightGBM model, read from its text: splits, leaves and how many rows fell where.

LightGBM's own decision rules (``Tree::NumericalDecision`` and ``Tree::CategoricalDecision`` of
its source, version 4): a number goes left when it is at most the threshold; a missing one goes
where the split sends what is missing; a category goes left when it is in the split's set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

CATEGORY, DEFAULT_LEFT = 1, 2
MISSING_ZERO, MISSING_NAN = 1, 2
"""what ``decision_type`` holds: two flags, and from its third bit on how absence is told"""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; nodes are numbered as LightGBM does, a leaf ``l`` is the child ``-l - 1``.

    Attributes:
        feature: int (nodes,), what each node asks.
        threshold: float (nodes,); of a category the number of its set.
        decision: int (nodes,), ``decision_type``.
        left, right: int (nodes,), children.
        value: float (leaves,), in log-odds.
        node_rows, leaf_rows: int (nodes,), (leaves,), training rows that came by.
        set_starts: int (sets + 1,); a set's words are ``set_words[start:end]``.
        set_words: uint32, bit ``c`` of a set is category ``c``.
    """

    feature: IntArray
    threshold: FloatArray
    decision: IntArray
    left: IntArray
    right: IntArray
    value: FloatArray
    node_rows: IntArray
    leaf_rows: IntArray
    set_starts: IntArray
    set_words: NDArray[np.uint32]

    @property
    def expected(self) -> float:
        """The mean of its leaves over the training rows."""
        if not len(self.feature):
            return float(self.value[0])
        return float((self.leaf_rows / self.node_rows[0] * self.value).sum())

    def rows_at(self, child: int) -> int:
        """Training rows that reached a child, node or leaf."""
        return int(self.leaf_rows[-child - 1] if child < 0 else self.node_rows[child])


def read_trees(text: str) -> tuple[Tree, ...]:
    """The trees of a model's text, in order.

    Raises:
        ValueError: when a tree is not of a kind this module knows.
    """
    return tuple(_tree(fields) for fields in _blocks(text))


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    """The lines ``name=value`` of each tree."""
    body = text.partition("\nend of trees")[0]
    for block in body.split("\nTree=")[1:]:
        lines = (line.partition("=") for line in block.split("\n")[1:])
        yield {name: value for name, sign, value in lines if sign}


def _tree(fields: Mapping[str, str]) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise ValueError("trees with linear leaves are not known")
    if int(fields["num_leaves"]) == 1:
        return _constant(float(fields["leaf_value"]))
    ints = {
        name: _numbers(fields[name], np.int64)
        for name in (
            "split_feature", "decision_type", "left_child", "right_child", "internal_count",
            "leaf_count",
        )
    }  # fmt: skip
    return Tree(
        feature=ints["split_feature"],
        threshold=_numbers(fields["threshold"], np.float64),
        decision=ints["decision_type"],
        left=ints["left_child"],
        right=ints["right_child"],
        value=_numbers(fields["leaf_value"], np.float64),
        node_rows=ints["internal_count"],
        leaf_rows=ints["leaf_count"],
        set_starts=_numbers(fields.get("cat_boundaries", "0"), np.int64),
        set_words=_numbers(fields.get("cat_threshold", ""), np.uint32),
    )


def _constant(value: float) -> Tree:
    none = np.empty(0, dtype=np.int64)
    return Tree(
        feature=none,
        threshold=np.empty(0),
        decision=none,
        left=none,
        right=none,
        value=np.array([value]),
        node_rows=none,
        leaf_rows=none,
        set_starts=np.zeros(1, dtype=np.int64),
        set_words=np.empty(0, dtype=np.uint32),
    )


def _numbers(text: str, kind: Any) -> NDArray[Any]:
    return np.array(text.split(), dtype=kind)
