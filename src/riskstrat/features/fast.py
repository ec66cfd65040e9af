"""The same cells by the compiled kernel: one pass over each unit's rows in a bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskstrat.features import kernel
from riskstrat.features.events import EventReader
from riskstrat.features.frame import Frame
from riskstrat.features.plan import KNOWN_LEVELS, Feature
from riskstrat.features.program import SourceProgram, op_of
from riskstrat.features.reference import reads_rows, reference_table
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

Ints: TypeAlias = NDArray[Any]


class Rows(Protocol):
    """A bucket's files."""

    def pieces(self, name: str) -> tuple[Path, ...]:
        """The files of a source."""

    def keys(self, kind: str) -> pa.Table:
        """Everyone of a kind: unit_id and key."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who is asked for: entities, and for each row of the frame its column in the answer."""

    entities: kernel.Entities
    rows: int
    of_row: Ints | None
    """for features through a relation; -1: none. ``None``: row for row"""


def fast_table(frame: Frame, features: Sequence[Feature], files: Rows) -> pa.Table:
    """Every feature of every row of the frame, equal to :func:`reference_table` cell by cell.

    Args:
        frame: the rows; all of one bucket.
        features: which features.
        files: the bucket's files.
    """
    kernels: dict[tuple[str, Unit | None], list[Feature]] = {}
    others: list[Feature] = []
    for feature in features:
        # What an agency knows beside its rows is asked of its attributes, in SQL.
        if reads_rows(feature) and not feature.attributes:
            kernels.setdefault((feature.source, feature.through), []).append(feature)
        else:
            others.append(feature)
    found: dict[str, pa.Array] = {}
    if others:
        table = reference_table(frame, others)
        found |= {name: table[name] for name in table.column_names}
    asking = _Asking(frame, files)
    for (name, through), group in kernels.items():
        found |= _computed(asking, frame.sources[name], through, group)
    return pa.table({f.column.name: found[f.column.name] for f in features})


def _computed(
    asking: _Asking, source: Source, through: Unit | None, features: Sequence[Feature]
) -> dict[str, pa.Array]:
    frame = asking.frame
    program = SourceProgram(source, features)
    asked = asking.asked(source, through)
    reader = EventReader(
        frame.con, program, asking.files.pieces(source.source), asking.size(source.unit)
    )
    events, code_parts = reader.events()
    out = np.zeros((len(features), asked.rows), np.float32)
    for number, feature in enumerate(features):
        if op_of(feature) not in kernel.ZERO_WHEN_EMPTY:
            out[number] = np.nan
    kernel.aggregate(events, asked.entities, program.arrays(code_parts), out)
    found = {}
    for number, feature in enumerate(features):
        cells = out[number]
        if asked.of_row is not None:
            cells = np.append(cells, np.float32(0))[asked.of_row]
        found[feature.column.name] = _as_column(feature, cells, frame.covered(feature))
    return found


def _as_column(feature: Feature, cells: Ints, covered: NDArray[np.bool_]) -> pa.Array:
    """A kernel's row of cells as the feature's column."""
    if feature.function == "known":
        has_record, no_record, not_covered = np.arange(3, dtype=np.int16)
        level = np.where(cells > 0, has_record, np.where(covered, no_record, not_covered))
        return pa.DictionaryArray.from_arrays(pa.array(level), pa.array(KNOWN_LEVELS))
    if not covered.all():
        return pa.array(cells, mask=~covered | np.isnan(cells))
    return pa.array(cells, from_pandas=op_of(feature) not in _NEVER_EMPTY)


_NEVER_EMPTY = kernel.ZERO_WHEN_EMPTY - {kernel.SUM}


class _Asking:
    """Turns rows of a frame into entities of the kernel, once per relation."""

    def __init__(self, frame: Frame, files: Rows) -> None:
        self.frame, self.files = frame, files
        self._asked: dict[tuple[Unit, Unit | None], _Asked] = {}
        self._sizes: dict[Unit, int] = {}

    def size(self, unit: Unit) -> int:
        """How many keys units of a kind have in the bucket."""
        if unit not in self._sizes:
            keys = self.files.keys(unit.value)["key"]
            self._sizes[unit] = (pc.max(keys).as_py() + 1) if len(keys) else 0
        return self._sizes[unit]

    def asked(self, source: Source, through: Unit | None) -> _Asked:
        """Who is asked for when rows of a source are read directly or through a relation."""
        key = (source.unit, through)
        if key not in self._asked:
            if through is None:
                self._asked[key] = self._own(source.unit)
            elif source.unit == through:
                self._asked[key] = self._homes(through)
            else:
                self._asked[key] = self._members(through)
        return self._asked[key]

    def _own(self, unit: Unit) -> _Asked:
        """Each unit, at all its days."""
        frame = self.frame
        keys = _numbered(frame.keys["unit_id"], self.files.keys(unit.value))
        return _Asked(_by_key(keys, frame.as_of), len(frame), None)

    def _homes(self, via: Unit) -> _Asked:
        """Each household, at all the days somebody belonged to it."""
        of_row, places = self.frame.homes(via)
        keys = _numbered(places["key"], self.files.keys(via.value))
        return _Asked(_by_key(keys, _days(places["as_of"])), places.num_rows, of_row)

    def _members(self, via: Unit) -> _Asked:
        """Each household and day, reading the rows of everyone who belonged to it that day."""
        frame = self.frame
        of_row, places = frame.homes(via)
        members = frame.con.execute(
            f"SELECT p.place, m.key FROM {frame.members_table(via)} AS m "
            f"JOIN {frame.places_table(via)} AS p ON p.key = m.home AND p.as_of = m.as_of "
            "ORDER BY p.place, m.key"
        ).to_arrow_table()
        keys = _numbered(members["key"], self.files.keys(frame.plan.unit.value))
        counts = np.bincount(members["place"].to_numpy(), minlength=places.num_rows)
        number = np.arange(places.num_rows + 1, dtype=np.int64)
        entities = kernel.Entities(
            key_ptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            keys=keys,
            date_ptr=number,
            dates=_days(places["as_of"]),
            rows=number[:-1],
        )
        return _Asked(entities, places.num_rows, of_row)


def _by_key(keys: Ints, days: Ints) -> kernel.Entities:
    """One entity per key that occurs, with its days rising."""
    order = np.lexsort((days, keys))
    ordered = keys[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    return kernel.Entities(
        key_ptr=np.arange(len(first) + 1, dtype=np.int64),
        keys=ordered[first],
        date_ptr=np.append(first, len(keys)).astype(np.int64),
        dates=np.ascontiguousarray(days[order]),
        rows=order.astype(np.int64),
    )


def _numbered(units: pa.ChunkedArray, known: pa.Table) -> Ints:
    """Units by their key in the bucket."""
    place = pc.index_in(units, value_set=known["unit_id"].combine_chunks())
    keys: Ints = known["key"].to_numpy()[place.to_numpy()]
    return keys.astype(np.int64)


def _days(column: pa.ChunkedArray) -> Ints:
    return np.ascontiguousarray(column.cast(pa.int32()).to_numpy())
