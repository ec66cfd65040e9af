"""What the features say, and how many people each saying is true of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskstrat.privacy.holders import NONE, Holders
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.risk_model.trees import read_trees
from riskstrat.statistics.estimate import IntArray
from riskstrat.vocabulary import FeatureKind

Kind = Literal["something", "level", "missing"]


@dataclass(frozen=True, slots=True)
class Saying:
    """A set of rows of which a feature says one thing.

    Attributes:
        feature: its position in the model.
        kind: ``something`` (a number that is neither absent nor zero), a ``level`` of a category,
            or ``missing``.
        level: the category's code.
    """

    feature: int
    kind: Kind
    level: int = 0


class Held:
    """All that a model's features can say, and the people it is true of."""

    def __init__(self, model: RiskModel, each: int) -> None:
        self.sayings: list[Saying] = []
        self._category = np.array([f.kind is FeatureKind.CATEGORY for f in model.features])
        self._first = np.zeros(len(model.features), dtype=np.int64)
        for position, levels in enumerate(model.levels):
            self._first[position] = len(self.sayings)
            if self._category[position]:
                self.sayings += [Saying(position, "level", code) for code in range(len(levels))]
            else:
                self.sayings.append(Saying(position, "something"))
        self._missing = len(self.sayings)
        self.sayings += [Saying(place, "missing") for place in range(len(model.features))]
        self.holders = Holders(len(self.sayings), each)

    def of(self, matrix: NDArray[np.float32]) -> IntArray:
        """int (n, 2 x features): which saying is true of each row; or ``NONE``."""
        absent = np.isnan(matrix)
        codes = np.where(absent | ~self._category, 0, matrix).astype(np.int64)
        silent = absent | (~self._category & (matrix == 0))
        says = np.where(silent, NONE, self._first + codes)
        missing = self._missing + np.arange(matrix.shape[1])
        return np.hstack((says, np.where(absent, missing, NONE)))

    def places(self, kinds: Sequence[Kind], features: Sequence[int]) -> IntArray:
        """Places of the sayings of some kinds about some features."""
        wanted = frozenset(features)
        return np.array(
            [
                place
                for place, saying in enumerate(self.sayings)
                if saying.kind in kinds and saying.feature in wanted
            ],
            dtype=np.int64,
        )


def used_features(model: RiskModel) -> tuple[int, ...]:
    """Positions of the features that the score depends on."""
    if model.kind == LIGHTGBM:
        split = [tree.feature for tree in read_trees(model.booster)]
        return tuple(np.unique(np.concatenate([np.empty(0, np.int64), *split])).tolist())
    terms = model.linear.terms if model.linear else ()
    used = {f.feature for term in terms if term.coefficient for f in term.factors}
    return tuple(sorted(used))
