"""Decision rules to compare groups under, and the levels of the groups compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .capacity import checked_share
from .estimate import BoolArray, NotEstimable

NOT_RECORDED = "not recorded"
RANKING, RISK = "ranking", "risk"


@dataclass(frozen=True, slots=True)
class Cut:
    """A decision rule: the top share by a score, or everyone at or above a threshold on it.

    Build one with ``Cut.top`` or ``Cut.at_least``.

    Attributes:
        name: how results refer to it; unique within one evaluation.
        score: ``ranking``, ``risk``, or the name of another score passed along.
        share: capacity in (0, 1]; found over everyone of a list, afresh in every replicate, people
            tied at the cut being selected fractionally.
        threshold: fixed: selected when score >= threshold; a missing score is not selected.
    """

    name: str
    score: str
    share: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if (self.share is None) == (self.threshold is None):
            raise NotEstimable.bad_argument(
                f"cut {self.name}", (self.share, self.threshold), "a share or a threshold, not both"
            )
        if self.share is not None:
            checked_share(self.share)
        if self.threshold is not None and not isfinite(self.threshold):
            raise NotEstimable.bad_argument("threshold", self.threshold, "a finite number")

    @classmethod
    def top(cls, share: float, *, score: str = RANKING, name: str | None = None) -> Self:
        """The top ``share`` of everyone.

        Examples:
            >>> Cut.top(0.05).name
            'top 5%'
        """
        suffix = "" if score == RANKING else f" by {score}"
        return cls(name or f"top {100 * share:g}%{suffix}", score, share=share)

    @classmethod
    def at_least(cls, threshold: float, *, score: str = RISK, name: str | None = None) -> Self:
        """Everyone whose ``score`` reaches ``threshold``.

        Examples:
            >>> Cut.at_least(50, score="parr").name
            'parr >= 50'
        """
        return cls(name or f"{score} >= {threshold:g}", score, threshold=threshold)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of one attribute and the rows in it.

    Attributes:
        attribute, name: such as ``sex`` and ``female``.
        members: bool (n,), possibly none of them.
    """

    attribute: str
    name: str
    members: BoolArray


def find_levels(
    attribute: str, values: NDArray[Any], declared: Sequence[str] | None = None
) -> tuple[Level, ...]:
    """Every level that is declared or occurs, in that order; none ever vanishes.

    Declared levels come first, as declared; others follow, sorted. Missing (None, NaN, NaT, NA)
    and blank values become ``not recorded``, which comes last.

    Args:
        attribute: its name.
        values: (n,) labels or codes; compared as text.
        declared: levels to list even when nobody is in them.
    """
    seen: dict[Any, int] = {}
    first = np.array([seen.setdefault(v, len(seen)) for v in values.tolist()], dtype=np.int64)
    # Each distinct value is made a text once: several of them may read alike.
    texts = np.array([_label(v) for v in seen], dtype=str)
    labels, of_first = np.unique(texts, return_inverse=True)
    codes = of_first.reshape(-1)[first]
    position = {str(label): i for i, label in enumerate(labels)}
    expected = list(dict.fromkeys(str(level) for level in declared or ()))
    names = expected + [name for name in position if name not in expected]
    names.sort(key=lambda name: name == NOT_RECORDED)
    return tuple(Level(attribute, name, codes == position.get(name, -1)) for name in names)


def _label(value: Any) -> str:
    return NOT_RECORDED if _is_missing(value) else str(value).strip() or NOT_RECORDED


def _is_missing(value: Any) -> bool:
    """None, or what does not equal itself (NaN, NaT), or will not say (pandas.NA)."""
    try:
        return value is None or not value == value  # noqa: SIM201
    except TypeError:
        return True


def choose_reference(levels: Sequence[Level], wanted: str | None) -> str:
    """The level others are compared with: the one asked for, or the largest that is recorded.

    Equal sizes are settled by the order of ``levels``; ``not recorded`` only if there is no other.

    Raises:
        NotEstimable: if the level asked for does not exist.
    """
    names = tuple(level.name for level in levels)
    if wanted is not None:
        if wanted not in names:
            raise NotEstimable.unknown(f"reference level of {levels[0].attribute}", wanted, names)
        return wanted
    return max(levels, key=lambda x: (x.name != NOT_RECORDED, int(x.members.sum()))).name


def checked_cuts(cuts: Sequence[Cut], scores: Mapping[str, Any]) -> tuple[Cut, ...]:
    """The cuts, once their names are known to be unique and their scores to exist.

    Raises:
        NotEstimable: if they are not.
    """
    names = [cut.name for cut in cuts]
    if len(set(names)) < len(names):
        raise NotEstimable.bad_argument("cuts", names, "a different name for each cut")
    for cut in cuts:
        if cut.score not in scores:
            raise NotEstimable.unknown(f"score in cut {cut.name}", cut.score, tuple(scores))
    return tuple(cuts)
