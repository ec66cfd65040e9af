"""The cohort's rows whose outcome is known, in one order, whatever order they came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskstrat.errors import StudyError, TooThinError
from riskstrat.risk_model import KEY, FeatureRows, sorted_by_key
from riskstrat.statistics.together import Together, together

IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Known outcomes, sorted by as-of date and unit.

    Attributes:
        unit_id: string (n,), dictionary-encoded: a unit's id is held once, however many dates.
        as_of: int (n,), days since 1970-01-01.
        outcome: bool (n,).
        unit: int (n,), the unit's number, 0, 1, ...
        groups: table (n), the attributes people are grouped by.
    """

    unit_id: pa.DictionaryArray
    as_of: IntArray
    outcome: BoolArray
    unit: IntArray
    groups: pa.Table

    def __len__(self) -> int:
        return len(self.outcome)

    def keys(self, chosen: IntArray) -> pa.Table:
        """unit_id (text) and as_of (date) of some rows."""
        return pa.table(
            {
                "unit_id": self.unit_id.take(pa.array(chosen)).cast(pa.string()),
                "as_of": pa.array(self.as_of[chosen].astype(np.int32)).cast(pa.date32()),
            }
        )

    def labels(self, by: str) -> IntArray:
        """A number per row for what ``by`` names; a row without a value stands for its unit.

        Args:
            by: ``unit``, or a column of ``groups``.

        Raises:
            StudyError: RS1263, when there is no such column.
        """
        if by == "unit":
            return self.unit
        codes, levels = _numbered(group_column(self.groups, by))
        return np.where(codes < 0, levels + self.unit, codes)

    def clusters(self, by: str, among: IntArray | None = None) -> IntArray:
        """What is resampled and dealt whole, (n,): ``labels`` with movers' households joined.

        Args:
            by: as for ``labels``.
            among: the rows in question; who moved is looked for among them. By default all.
        """
        return self.together(by, among).labels

    def together(self, by: str, among: IntArray | None = None) -> Together:
        """The same, with how many moved and how far that chains households together."""
        chosen = slice(None) if among is None else among
        label, unit = self.labels(by)[chosen], self.unit[chosen]
        return together(unit, label, self.as_of[chosen])


def chain_note(rows: Rows, cluster: str) -> tuple[str, ...]:
    """What is told where many move: that chains of them were not kept together."""
    found = rows.together(cluster)
    if not found.by_last:
        return ()
    return (
        f"{found.moved} units are in different clusters (`{cluster}`) on different dates. All "
        f"clusters that they link would be one of {found.longest:.0%} of the rows, so for "
        "resampling and calibration each unit is with the cluster of its last date; units that "
        "were together only earlier may be apart.",
    )


def group_column(groups: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of the groups table, or StudyError naming what there is."""
    if name not in groups.column_names:
        present = [c for c in groups.column_names if c not in KEY]
        raise StudyError(
            f"`{name}` is not among the attributes of the study's units\n"
            f"  present: {', '.join(present) or 'none'}",
            fix="use `unit`, a related unit, or an attribute of a source",
            code="RS1263",
        )
    return groups.column(name)


def arrange(
    cohort: pa.Table, features: FeatureRows | pa.Table, groups: pa.Table
) -> tuple[Rows, IntArray]:
    """Sort the tables alike and number the rows whose outcome is known.

    Args:
        cohort: unit_id, as_of, outcome (NULL: not yet known).
        features: unit_id, as_of and the features, of the same pairs.
        groups: unit_id, as_of and the attributes, the same pairs in any order.

    Returns:
        The rows, and the number each has among the features.

    Raises:
        StudyError: RS1264, when the tables are not about the same pairs.
        TooThinError: RS1401, when no outcome is known.
    """
    read = features if isinstance(features, FeatureRows) else FeatureRows.of_table(features)
    ordered, attributes = sorted_by_key(cohort), sorted_by_key(groups)
    _same_pairs(ordered, read, "features")
    of_groups = FeatureRows(attributes.schema, attributes.num_rows, table=attributes)
    _same_pairs(ordered, of_groups, "groups")
    outcome = ordered.column("outcome")
    known = pc.is_valid(outcome)
    if not pc.any(known).as_py():
        raise TooThinError(
            f"none of the {cohort.num_rows} rows of the cohort has a known outcome",
            fix="add earlier as-of dates, shorten `within`, or bring later data",
            code="RS1401",
        )
    place = np.flatnonzero(known.to_numpy())
    kept = ordered.filter(known)
    unit_id = _encoded(kept.column("unit_id"))
    rows = Rows(
        unit_id=unit_id,
        as_of=_days(kept.column("as_of")),
        outcome=np.asarray(kept.column("outcome").to_numpy()).astype(np.bool_),
        unit=np.asarray(unit_id.indices).astype(np.int64),
        groups=attributes.filter(known),
    )
    return rows, place


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Texts dictionary-encoded, numbered in the order they first appear."""
    if not pa.types.is_dictionary(column.type):
        return pc.dictionary_encode(column.cast(pa.string()).combine_chunks())
    one = column.unify_dictionaries().combine_chunks()
    again = pc.dictionary_encode(one.indices)
    texts = one.dictionary.cast(pa.string()).take(again.dictionary)
    return pa.DictionaryArray.from_arrays(again.indices, texts)


def _numbered(column: pa.ChunkedArray) -> tuple[IntArray, int]:
    """A number per row, -1 where there is no value, and how many different values there are."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    coded = _encoded(column)
    codes = np.asarray(coded.indices.fill_null(-1)).astype(np.int64)
    return codes, len(coded.dictionary)


def _same_pairs(cohort: pa.Table, others: FeatureRows, name: str) -> None:
    """Nothing, or StudyError when the pairs of the cohort are not those of another table."""
    same = cohort.num_rows == others.num_rows
    for first, piece in others.pieces(KEY) if same else ():
        ours = cohort.slice(first, piece.num_rows)
        same = same and all(
            piece.column(key).cast(kind).equals(ours.column(key).cast(kind))
            for key, kind in (("as_of", pa.date32()), ("unit_id", pa.string()))
        )
    if not same:
        raise StudyError(
            f"the {name} ({others.num_rows} rows) are not about the same units and dates as "
            f"the cohort ({cohort.num_rows} rows)",
            fix="build the features again from this cohort",
            code="RS1264",
        )


def _days(column: pa.ChunkedArray) -> IntArray:
    days: NDArray[Any] = np.asarray(column.cast(pa.date32()).cast(pa.int32()).to_numpy())
    return days.astype(np.int64)


def sample_units(rows: Rows, among: IntArray, limit: int, seed: Sequence[int]) -> IntArray:
    """At most ``limit`` of the rows ``among``, as whole units drawn without looking at outcomes.

    Returns:
        Row numbers, rising; ``among`` itself when it is small enough.
    """
    if len(among) <= limit:
        return among
    units, position, size = np.unique(rows.unit[among], return_inverse=True, return_counts=True)
    order = np.random.default_rng(list(seed)).permutation(len(units))
    kept = np.zeros(len(units), dtype=np.bool_)
    kept[order[np.cumsum(size[order]) <= limit]] = True
    return among[kept[position]]
