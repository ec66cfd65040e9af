"""The leaves of a LightGBM model, and how many people each rests on."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from riskstrat.errors import StorageError
from riskstrat.privacy.holders import Holders
from riskstrat.risk_model.trees import read_trees
from riskstrat.statistics.estimate import IntArray


@dataclass(frozen=True, slots=True)
class SmallestLeaf:
    """The leaf on which the fewest people stand.

    Attributes:
        people: that are in it at least.
        rows: of the smallest leaf by rows, as the model's text says.
        leaves: how many leaves the model has.
    """

    people: int
    rows: int
    leaves: int


class Leaves:
    """Leaves of all trees, numbered through, and the people in them.

    A tree learns from a part of the rows (bagging), and its text says how many of each leaf those
    were. Which they were is not told, so of the people whose rows fall into a leaf as many may be
    absent as rows are: what is left, or the rows over the most one person has, is a lower bound.
    """

    def __init__(self, text: str, each: int) -> None:
        trees = read_trees(text)
        sizes = [tree.leaf_rows for tree in trees if len(tree.leaf_rows)]
        self._booster = lgb.Booster(model_str=text)
        self._grown = np.array([len(tree.leaf_rows) > 0 for tree in trees], dtype=np.bool_)
        self._bagged = np.concatenate([np.empty(0, dtype=np.int64), *sizes])
        starts = np.cumsum([0, *(len(size) for size in sizes)])[:-1]
        self._start = starts.astype(np.int64)
        self._each = max(each, 1)
        self.holders = Holders(len(self._bagged), each)

    @property
    def any(self) -> bool:
        """Whether a tree has grown at all."""
        return len(self._bagged) > 0

    def of(self, matrix: NDArray[np.float32]) -> IntArray:
        """int (n, trees): the leaf each row falls into, numbered through."""
        found = np.asarray(self._booster.predict(matrix, pred_leaf=True))
        grown = found.reshape(len(matrix), -1)[:, self._grown]
        return np.asarray(grown.astype(np.int64) + self._start)

    def ask(self) -> None:
        """After the first pass: which leaves could be the one with the fewest people.

        Raises:
            StorageError: RS3420, when leaves hold more rows than there are.
        """
        if (self._bagged > self.holders.rows).any():
            raise StorageError(
                "the model's leaves hold more rows than fall into them: it was not learnt from "
                "these rows",
                fix="run the study again; if it stays so, report it",
                code="RS3420",
            )
        self.holders.ask(self._least < self._bagged.min(initial=np.iinfo(np.int64).max))

    def smallest(self) -> SmallestLeaf:
        """After the second pass."""
        people = self.holders.people()
        present = people - (self.holders.rows - self._bagged)
        known = np.where(people >= 0, np.maximum(self._least, present), self._bagged)
        return SmallestLeaf(int(known.min()), int(self._bagged.min()), len(self._bagged))

    @property
    def _least(self) -> IntArray:
        return np.asarray(-(-self._bagged // self._each))
