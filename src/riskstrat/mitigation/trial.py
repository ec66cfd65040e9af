"""The rows on which remedies are tried: learnt from, adjusted on, and judged on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from riskstrat.vocabulary import FeatureColumn

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
CLIP = 1e-9


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows.

    Attributes:
        y: bool (n,), the outcome.
        level: str (n,), the level of the group in question.
        clusters: (n,), what is resampled, and kept on one side of every split.
        unit: int (n,), number of the unit.
        score: float (n,), the current model's, on the scale on which it is adjusted; empty where
            it is not needed.
        matrix: float (n, features); empty where it is not needed.
        lists: (n,) the list of each row, such as its as-of date; empty where all are one.
    """

    y: BoolArray
    level: NDArray[np.str_]
    clusters: NDArray[Any]
    unit: IntArray
    score: FloatArray
    matrix: NDArray[np.float32]
    lists: NDArray[Any] = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.y)

    def of(self, chosen: BoolArray) -> Part:
        """Some of the rows."""
        cut = {
            name: getattr(self, name)[chosen]
            for name in ("y", "level", "clusters", "unit", "score", "matrix", "lists")
            if len(getattr(self, name)) == len(self)
        }
        return replace(self, **cut)


@dataclass(frozen=True, slots=True)
class Trial:
    """One group of one run, ready for remedies to be tried.

    Attributes:
        group: whose levels are to be treated more alike.
        at: the share that can be seen.
        price: false positives that one true positive is worth, as the capacity implies.
        train, adjust, test: learnt from; adjusted on (their scores are of models that had not
            seen them); judged on. No unit of ``test`` is in ``train`` on a date that tells of it.
        features: the columns of the matrices.
        nominal: positions of features whose values have no order.
        judged: levels with enough people and outcomes on the test rows.
        too_few: the others.
        proxies: positions of features that tell the group: the attribute itself, and its proxies.
        itself: of these, the attribute itself.
        seed: of every draw.
    """

    group: str
    at: float
    price: float
    train: Part
    adjust: Part
    test: Part
    features: tuple[FeatureColumn, ...]
    nominal: tuple[int, ...]
    judged: tuple[str, ...]
    too_few: tuple[str, ...]
    proxies: tuple[int, ...]
    itself: tuple[int, ...]
    seed: int


def adjustable(score: NDArray[Any]) -> FloatArray:
    """A score on the scale on which groups are shifted: log-odds of a probability, else itself."""
    values = np.asarray(score, dtype=np.float64)
    if len(values) and values.min() >= 0 and values.max() <= 1:
        return np.asarray(logit(np.clip(values, CLIP, 1 - CLIP)))
    return values
