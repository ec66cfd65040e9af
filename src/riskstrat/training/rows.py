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

IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]

KEY = ("as_of", "unit_id")


@dataclass(frozen=True, slots=True)
class Rows:
    """Known outcomes, sorted by as-of date and unit.

    Attributes:
        unit_id: string (n,).
        as_of: int (n,), days since 1970-01-01.
        outcome: bool (n,).
        unit: int (n,), the unit's number, 0, 1, ...
        groups: table (n), the attributes people are grouped by.
    """

    unit_id: pa.Array
    as_of: IntArray
    outcome: BoolArray
    unit: IntArray
    groups: pa.Table

    def __len__(self) -> int:
        return len(self.outcome)

    def labels(self, by: str) -> IntArray:
        """A number per row for what ``by`` names; a row without a value stands for its unit.

        Args:
            by: ``unit``, or a column of ``groups``.

        Raises:
            StudyError: RS1263, when there is no such column.
        """
        if by == "unit":
            return self.unit
        column = group_column(self.groups, by)
        coded = pc.dictionary_encode(column.combine_chunks().cast(pa.string()))
        codes = np.asarray(coded.indices.fill_null(-1)).astype(np.int64)
        return np.where(codes < 0, len(coded.dictionary) + self.unit, codes)


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


def arrange(cohort: pa.Table, features: pa.Table, groups: pa.Table) -> tuple[Rows, pa.Table]:
    """Sort the three tables alike and keep the rows whose outcome is known.

    Args:
        cohort: unit_id, as_of, outcome (NULL: not yet known).
        features: unit_id, as_of and the features, the same pairs in any order.
        groups: unit_id, as_of and the attributes, the same pairs in any order.

    Returns:
        The rows, and their features without the key.

    Raises:
        StudyError: RS1264, when the tables are not about the same pairs.
        TooThinError: RS1401, when no outcome is known.
    """
    ordered = [_sorted(table) for table in (cohort, features, groups)]
    _same_pairs(ordered, ("cohort", "features", "groups"))
    outcome = ordered[0].column("outcome")
    known = pc.is_valid(outcome)
    if not pc.any(known).as_py():
        raise TooThinError(
            f"none of the {cohort.num_rows} rows of the cohort has a known outcome",
            fix="add earlier as-of dates, shorten `within`, or bring later data",
            code="RS1401",
        )
    kept_cohort, kept_features, kept_groups = (table.filter(known) for table in ordered)
    unit_id = kept_cohort.column("unit_id").combine_chunks().cast(pa.string())
    rows = Rows(
        unit_id=unit_id,
        as_of=_days(kept_cohort.column("as_of")),
        outcome=np.asarray(kept_cohort.column("outcome").to_numpy()).astype(np.bool_),
        unit=np.asarray(pc.dictionary_encode(unit_id).indices).astype(np.int64),
        groups=kept_groups,
    )
    return rows, kept_features.drop_columns(list(KEY))


def _sorted(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in KEY]))


def _same_pairs(tables: Sequence[pa.Table], names: Sequence[str]) -> None:
    first = tables[0]
    for table, name in zip(tables, names, strict=True):
        same = table.num_rows == first.num_rows and all(
            table.column(key).cast(kind).equals(first.column(key).cast(kind))
            for key, kind in (("as_of", pa.date32()), ("unit_id", pa.string()))
        )
        if not same:
            raise StudyError(
                f"the {name} ({table.num_rows} rows) are not about the same units and dates as "
                f"the cohort ({first.num_rows} rows)",
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
