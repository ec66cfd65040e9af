"""The rows under audit, aligned: outcome, scores, what is resampled whole, and levels as texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.spec import AuditSpec, intersection_name
from riskstrat.errors import StudyError
from riskstrat.risk_model import FeatureRows, sorted_by_key
from riskstrat.statistics.cuts import NOT_RECORDED, RISK, Cut
from riskstrat.statistics.estimate import BoolArray, FloatArray, IntArray
from riskstrat.vocabulary import CROSSED

EVERYONE = "everyone"
"""A group of one level, so that each table of groups also shows the whole."""
KEYS = ("unit_id", "as_of")


@dataclass(frozen=True, slots=True)
class People:
    """The rows of one learner whose outcome is known.

    Attributes:
        place: int (n,), where each row is in the predictions.
        unit: int (n,), number of its unit, below ``units``.
        y: bool (n,), the outcome.
        risk, ranking: float (n,), the risk and the raw score.
        clusters: (n,), what is resampled whole.
        levels: group -> str (n,); ``everyone`` first, intersections last.
        lists: (n,), the as-of date whose list each row is of; None where all rows are one ranking.
    """

    place: IntArray
    unit: IntArray
    y: BoolArray
    risk: FloatArray
    ranking: FloatArray
    clusters: NDArray[Any]
    levels: Mapping[str, NDArray[np.str_]]
    lists: NDArray[Any] | None = None

    @property
    def units(self) -> int:
        """How many units there are, at least one."""
        return int(self.unit.max(initial=0)) + 1

    @property
    def is_probability(self) -> bool:
        """Whether every risk is one."""
        return bool(((self.risk >= 0) & (self.risk <= 1)).all())

    def score(self, cut: Cut) -> FloatArray:
        """What a cut looks at."""
        return self.risk if cut.score == RISK else self.ranking


@dataclass(frozen=True, slots=True)
class Counted:
    """Who is behind a level: people, where rows of several dates are of the same ones.

    Attributes:
        people: different units.
        with_outcome, without_outcome: those who had the outcome on some date, and those who did
            not on some date; with several dates a unit may be both.
        rows_each: the most rows that one unit has.
    """

    people: int = 0
    with_outcome: int = 0
    without_outcome: int = 0
    rows_each: int = 0

    def enough(self, spec: AuditSpec) -> bool:
        """Whether there are people and outcomes to judge by: of people, not of rows."""
        return self.people >= spec.min_group and self.with_outcome >= spec.min_outcomes


def count_people(levels: NDArray[np.str_], unit: IntArray, y: BoolArray) -> dict[str, Counted]:
    """Level -> who is behind it.

    Args:
        levels: str (n,), the level of each row.
        unit: int (n,) from 0, number of its unit.
        y: bool (n,), its outcome.
    """
    names, codes = np.unique(levels, return_inverse=True)
    units = int(unit.max(initial=0)) + 1
    own = codes.reshape(-1).astype(np.int64) * units + unit
    pairs, rows = np.unique(own, return_counts=True)
    most = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(most, pairs // units, rows)
    if len(pairs) == len(own):  # nobody twice: people are rows, and need not be sorted again
        kinds = [codes.reshape(-1)[some] for some in (slice(None), y, ~y)]
    else:
        kinds = [some // units for some in (pairs, np.unique(own[y]), np.unique(own[~y]))]
    counts = [np.bincount(some, minlength=len(names)).tolist() for some in kinds]
    every = zip(names.tolist(), *counts, most.tolist(), strict=True)
    return {name: Counted(*found) for name, *found in every}


def people_of(
    predictions: pa.Table,
    groups: pa.Table,
    spec: AuditSpec,
    clusters: NDArray[Any] | None = None,
    *,
    by_date: bool = False,
) -> People:
    """Align the rows of one learner on one split with the groups of a study.

    Args:
        predictions: unit_id, as_of, outcome, risk, raw_score; rows without a known outcome are
            left out.
        groups: unit_id, as_of and a column for each of ``spec.groups``.
        spec: the groups and their intersections.
        clusters: (n,) labels in the order of ``predictions``; default the unit.
        by_date: whether each as-of date has a list of its own.

    Raises:
        StudyError: a group is not in ``groups``.
    """
    if absent := [name for name in spec.groups if name not in groups.column_names]:
        raise StudyError(
            f"the audit asks for {', '.join(absent)}, which the run has no column for",
            fix="list the group under `audit.groups` as the attribute is spelt, such as "
            "`demographics.ethnicity`",
        )
    known = predictions["outcome"].is_valid().to_numpy(zero_copy_only=False)
    names = predictions["unit_id"].combine_chunks().dictionary_encode()
    unit = np.asarray(names.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    y = predictions["outcome"].fill_null(False).to_numpy(zero_copy_only=False)
    aligned = align(predictions, groups, spec.groups)
    texts = {name: level_texts(aligned[name])[known] for name in spec.groups}
    crossed = {
        intersection_name(some): cross([texts[name] for name in some])
        for some in spec.intersections
    }
    return People(
        place=np.flatnonzero(known),
        unit=unit[known],
        y=y[known].astype(bool),
        risk=_floats(predictions["risk"])[known],
        ranking=_floats(predictions["raw_score"])[known],
        clusters=unit[known] if clusters is None else np.asarray(clusters)[known],
        levels={EVERYONE: np.full(int(known.sum()), EVERYONE), **texts, **crossed},
        lists=predictions["as_of"].to_numpy()[known] if by_date else None,
    )


def cross(parts: Sequence[NDArray[np.str_]]) -> NDArray[np.str_]:
    """Levels of several groups as levels of their intersection.

    Examples:
        >>> cross([np.array(["female", "male"]), np.array(["asian", "not recorded"])]).tolist()
        ['female + asian', 'male + not recorded']
    """
    joined = parts[0]
    for part in parts[1:]:
        joined = np.char.add(np.char.add(joined, CROSSED), part)
    return joined


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def align(rows: pa.Table, attributes: pa.Table, wanted: Sequence[str]) -> pa.Table:
    """The wanted columns of ``attributes`` for each of ``rows``, in their order; null if absent."""
    held = sorted_by_key(attributes.select(list(dict.fromkeys((*KEYS, *wanted)))))
    place = FeatureRows(held.schema, held.num_rows, table=held).find(rows)
    return held.select(list(wanted)).take(pa.array(place, mask=place < 0))


def level_texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Levels as text: 3.0 reads ``3``; null and blank read ``not recorded``."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode(null_encoding="encode")
    names = [_level(value) for value in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*names, NOT_RECORDED], dtype=str)[codes])


def _level(value: Any) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return NOT_RECORDED
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or NOT_RECORDED
