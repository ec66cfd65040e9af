"""How the score moves with a feature's value: contributions in bins that hold enough people.

Each bin tells the mean contribution of its people (how the model treats such a value, with all else
as these people have it) and the middle 80% of them, which is wide where the effect depends on other
features. A bin is never a single person: neighbouring values are joined until enough people share
one, and the outermost bins are open, so that no smallest or largest value is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.audit.explain import Contributions
from riskstrat.audit.wording import aggregate, measure, value_text
from riskstrat.vocabulary import FeatureColumn, FeatureKind

FloatArray = NDArray[np.float64]
BINS = 8
LEAST = 50
"""people in a bin, if the feature has so many; disclosure control asks for fewer"""
MIDDLE = (0.1, 0.9)
TOLD = 6
"""features whose effect is drawn"""
NOT_RECORDED, NO_RECORD = "not recorded", "none on record"


@dataclass(frozen=True, slots=True)
class Bin:
    """Values that are told together.

    Attributes:
        label: of the values, in words.
        rows: which people hold them.
    """

    label: str
    rows: NDArray[np.int64]


def effects(found: Contributions, told: int = TOLD) -> list[dict[str, Any]]:
    """The leading features' contributions by value, one feature a measure.

    Returns:
        Rows of feature, meaning, agency, place (of the bin, from 0), value (in words), effect (mean
        contribution, log-odds), low, high (the middle 80%), n; by feature, then place.
    """
    rows = []
    for i in leading(found, told):
        column = found.features[i]
        raw = found.rows[column.name].to_pylist()
        for place, each in enumerate(bins_of(column, raw)):
            moved = found.values[each.rows, i]
            low, high = np.quantile(moved, MIDDLE)
            rows.append(
                {
                    "feature": column.name,
                    "meaning": column.meaning,
                    "agency": column.agency,
                    "place": place,
                    "value": each.label,
                    "effect": float(moved.mean()),
                    "low": float(low),
                    "high": float(high),
                    "n": len(moved),
                }
            )
    return rows


def leading(found: Contributions, told: int) -> list[int]:
    """Positions of the features with the largest mean absolute contribution, one a measure."""
    size = np.abs(found.values).sum(axis=0)
    chosen: dict[str, int] = {}
    for i in np.lexsort((np.arange(len(size)), -size)):
        if size[i] > 0:
            chosen.setdefault(measure(found.features[i]), int(i))
    return list(chosen.values())[:told]


def bins_of(column: FeatureColumn, values: Sequence[Any]) -> list[Bin]:
    """A feature's values in bins, what is not recorded last."""
    absent = np.array([v is None or v != v for v in values], dtype=bool)
    present = [int(i) for i in np.flatnonzero(~absent)]
    if column.kind is FeatureKind.CATEGORY:
        found = _by_level(column, values, present)
    else:
        found = _by_size(column, np.array([float(values[i]) for i in present]), present)
    missing = np.flatnonzero(absent)
    nothing = NO_RECORD if aggregate(column).startswith("days_since") else NOT_RECORDED
    return found + ([Bin(nothing, missing)] if len(missing) else [])


def _by_level(column: FeatureColumn, values: Sequence[Any], present: Sequence[int]) -> list[Bin]:
    members: dict[str, list[int]] = {level: [] for level in column.levels}
    for i in present:
        members.setdefault(str(values[i]), []).append(i)
    return [
        Bin(value_text(column, level), np.array(rows, dtype=np.int64))
        for level, rows in members.items()
        if rows
    ]


def _by_size(column: FeatureColumn, numbers: FloatArray, present: Sequence[int]) -> list[Bin]:
    if not len(numbers):
        return []
    cuts = cuts_of(numbers)
    place = np.searchsorted(cuts, numbers, side="right")
    labels = labels_of(column, numbers, cuts)
    rows = np.array(present, dtype=np.int64)
    return [Bin(label, rows[place == bin_]) for bin_, label in enumerate(labels)]


def cuts_of(numbers: FloatArray) -> FloatArray:
    """Where bins begin, but the first: each holds enough people, and a common value its own bin.

    Args:
        numbers: float (n,), without missing values.

    Returns:
        Rising; a bin holds what is at least its own and below the next. Numbers that are not
        whole are cut at two digits, so that an edge is no single person's value.

    Examples:
        >>> cuts_of(np.repeat([0.0, 1.0, 2.0, 3.0], [700, 200, 80, 20])).tolist()
        [1.0, 2.0]
    """
    value, count = np.unique(numbers, return_counts=True)
    wanted = max(float(LEAST), len(numbers) / BINS)
    cuts: list[float] = []
    held = 0
    for number, people in zip(value, count, strict=True):
        if held >= LEAST and (held >= wanted or people >= wanted):
            cuts.append(float(number))
            held = 0
        held += int(people)
    whole = bool((numbers == np.round(numbers)).all())
    return _with_enough(numbers, np.unique([cut if whole else _rounded(cut) for cut in cuts]))


def _with_enough(numbers: FloatArray, cuts: FloatArray) -> FloatArray:
    """The cuts without those that leave a bin with too few people."""
    while len(cuts):
        people = np.bincount(np.searchsorted(cuts, numbers, side="right"), minlength=len(cuts) + 1)
        if people.min() >= LEAST:
            break
        cuts = np.delete(cuts, max(0, int(people.argmin()) - 1))
    return cuts


def labels_of(column: FeatureColumn, numbers: FloatArray, cuts: FloatArray) -> list[str]:
    """Bins in words: a single common value as it is, the outermost open."""
    if not len(cuts):
        return ["any value"]
    whole = bool((numbers == np.round(numbers)).all())
    held, people = np.unique(numbers, return_counts=True)
    first = held < cuts[0]
    alone = first.sum() == 1 and people[first][0] >= LEAST
    found = [value_text(column, float(held[0])) if alone else f"under {_said(column, cuts[0])}"]
    for low, high in pairwise(cuts):
        inside = held[(held >= low) & (held < high)]
        if len(inside) == 1:
            found.append(_said(column, inside[0]))
        elif whole:
            found.append(f"{_bare(low)} to {_said(column, high - 1)}")
        else:
            found.append(f"{_said(column, low)} to under {_said(column, high)}")
    last = _said(column, cuts[-1])
    return [*found, last if (held >= cuts[-1]).sum() == 1 else f"{last} or more"]


def _said(column: FeatureColumn, value: float) -> str:
    return value_text(column, float(value))


def _bare(value: float) -> str:
    """A whole number without its unit, which follows the second of two."""
    return f"{int(value):,}"


def _rounded(cut: float) -> float:
    return cut if cut == 0 else round(cut, 1 - floor(log10(abs(cut))))
