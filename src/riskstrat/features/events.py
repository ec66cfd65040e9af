"""A source's rows in one bucket as plain arrays, for the compiled kernel.

What is asked of a column (a filter, a part, a number per distinct value) is asked once of each of
its distinct values, in SQL, and looked up for the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.asof import quoted
from riskstrat.features.kernel import NEVER, Events
from riskstrat.features.plan import Split
from riskstrat.features.program import Slot, SourceProgram
from riskstrat.vocabulary import ColumnType

if TYPE_CHECKING:
    from riskstrat.expressions import Expression

Ints: TypeAlias = NDArray[Any]
MOST_CODES = 4_000_000
"""beyond so many pairs of part and value, only those that occur are numbered"""


class EventReader:
    """Reads the rows a program needs.

    Args:
        con: a connection, for filters.
        program: what is asked.
        pieces: the bucket's files of the source, each sorted by ``key``.
        keys: how many keys the bucket has.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        program: SourceProgram,
        pieces: Sequence[Path],
        keys: int,
    ) -> None:
        self.con, self.program = con, program
        self._encoded: dict[str, tuple[Ints, pa.Array]] = {}
        self._parts: dict[tuple[object, ...], Ints] = {}
        self.table = self._read(pieces)
        self.keys = keys

    def events(self) -> tuple[Events, tuple[Ints, ...]]:
        """The rows, and for each of the program's code pairs the part every code is in."""
        table, program = self.table, self.program
        happened = "starts_on" if program.source.shape == "spells" else "happened_on"
        day = _days(table[happened])
        seen = np.maximum(day, _days(table["known_on"]))
        key = table["key"].to_numpy()
        coded = [self._codes(slot, column) for slot, column in program.code_pairs]
        wholes, present = self._wholes()
        slots = [slot for slot in program.slots if not slot.takes_all]
        found = Events(
            starts=np.concatenate([[0], np.cumsum(np.bincount(key, minlength=self.keys))]).astype(
                np.int64
            ),
            day=day,
            seen=seen,
            closed=self._closed(),
            parts=_beside([self._part(slot) for slot in slots], len(key), np.int16),
            numbers=_beside(self._numbers(), len(key), np.float64),
            wholes=_beside(wholes, len(key), np.int64),
            present=_beside(present, len(key), np.bool_),
            codes=_beside([codes for codes, _ in coded], len(key), np.int32),
        )
        return found, tuple(parts for _, parts in coded)

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, pieces: Sequence[Path]) -> pa.Table:
        source = self.program.source
        spells = source.shape == "spells"
        dates = ["starts_on" if spells else "happened_on", "known_on"]
        if self.program.wants_open:
            dates += ["ends_on", "end_known_on"]
        wanted = dict.fromkeys(["key", *dates, *sorted(self._columns())])
        texts = [n for n in self._columns() if source.columns[n].type is ColumnType.STRING]
        tables = [
            pq.read_table(piece, columns=list(wanted), read_dictionary=texts, use_threads=False)
            for piece in pieces
        ]
        table = pa.concat_tables(tables).unify_dictionaries()
        dated = pc.and_(pc.is_valid(table[dates[0]]), pc.is_valid(table["known_on"]))
        if pc.any(pc.invert(dated)).as_py():
            table = table.filter(dated)
        key = table["key"].to_numpy()
        if len(tables) > 1 or np.any(key[1:] < key[:-1]):
            table = table.take(pa.array(np.argsort(key, kind="stable")))
        return table.combine_chunks()

    def _columns(self) -> set[str]:
        program = self.program
        found = {name for name, _ in program.value_columns}
        found |= {column for _, column in program.code_pairs}
        for slot in program.slots:
            found |= set(slot.where.columns) if slot.where else set()
            found |= {slot.split.column} if slot.split else set()
        return found

    # -- columns ---------------------------------------------------------------------------------

    def _closed(self) -> Ints:
        """The last morning on which a spell still counts as open."""
        if not self.program.wants_open:
            return np.zeros(0, np.int32)
        ends = self.table["ends_on"].cast(pa.int32())
        closed = pc.max_element_wise(ends, self.table["end_known_on"].cast(pa.int32()))
        closed = pc.if_else(pc.is_null(ends), pa.scalar(NEVER, pa.int32()), closed)
        return np.ascontiguousarray(closed.to_numpy())

    def _numbers(self) -> list[Ints]:
        return [
            np.asarray(self.table[name].cast(pa.float64()).to_numpy()) + 0.0  # one zero, not two
            for name, whole in self.program.value_columns
            if not whole
        ]

    def _wholes(self) -> tuple[list[Ints], list[Ints]]:
        wholes, present = [], []
        for name, whole in self.program.value_columns:
            if whole:
                column = self.table[name].cast(pa.int64())
                present.append(np.asarray(column.is_valid().to_numpy()))
                wholes.append(np.asarray(pc.fill_null(column, 0).to_numpy()))
        return wholes, present

    def _part(self, slot: Slot) -> Ints:
        """Which part of the slot each row is in; -1 for none."""
        if slot.key not in self._parts:
            parts = np.zeros(len(self.table), np.int16)
            if slot.split:
                parts = self._split(slot.split)
            if slot.where:
                parts = np.where(self._where(slot.where), parts, np.int16(-1))
            self._parts[slot.key] = parts
        return self._parts[slot.key]

    def _split(self, split: Split) -> Ints:
        codes, values = self._encode(split.column)
        parts = {code: part for part, group in enumerate(split.groups) for code in group}
        texts = self._ask(f"CAST({quoted(split.column)} AS VARCHAR)", {split.column: values})
        found = [parts.get(text, -1) for text in texts.to_pylist()]
        return np.array([*found, -1], np.int16)[codes]

    def _where(self, where: Expression) -> Ints:
        sql = f"coalesce({where.sql(None)}, false)"
        names = sorted(where.columns)
        if not names:
            [(answer,)] = self.con.execute(f"SELECT {sql}").fetchall()
            return np.full(len(self.table), answer, np.bool_)
        if len(names) == 1 and pa.types.is_dictionary(self.table[names[0]].type):
            codes, values = self._encode(names[0])
            both = pa.concat_arrays([values, pa.nulls(1, values.type)])
            return np.asarray(self._ask(sql, {names[0]: both}).to_numpy())[codes]
        columns = {name: _plain(self.table[name]) for name in names}
        return np.asarray(self._ask(sql, columns).to_numpy())

    def _ask(self, sql: str, columns: dict[str, Any]) -> pa.ChunkedArray:
        """A SQL expression over columns, row by row."""
        self.con.register("asked_columns", pa.table(columns))
        try:
            answer = self.con.execute(f"SELECT {sql} AS answer FROM asked_columns")
            return answer.to_arrow_table()["answer"]
        finally:
            self.con.unregister("asked_columns")

    def _encode(self, column: str) -> tuple[Ints, pa.Array]:
        """Each row's value as a number, and the values; an empty one is the number after all."""
        if column not in self._encoded:
            found = self.table[column]
            if not pa.types.is_dictionary(found.type):
                if pa.types.is_floating(found.type):
                    finite = pc.fill_null(pc.is_finite(found), False)
                    found = pc.if_else(finite, pc.add(found, 0.0), pa.scalar(None, found.type))
                found = pc.dictionary_encode(found)
            array = found.combine_chunks()
            array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
            values = array.dictionary
            codes = pc.fill_null(array.indices, len(values)).to_numpy(zero_copy_only=False)
            self._encoded[column] = np.asarray(codes, np.int32), values
        return self._encoded[column]

    def _codes(self, slot: int, column: str) -> tuple[Ints, Ints]:
        """Part and value of each row as one number (-1: none), and the part of each number."""
        codes, values = self._encode(column)
        told = codes != len(values)
        chosen = self.program.slots[slot]
        if chosen.takes_all:
            return np.where(told, codes, np.int32(-1)), np.zeros(len(values), np.int64)
        parts = self._part(chosen)
        told &= parts >= 0
        both = parts.astype(np.int64) * len(values) + codes
        if chosen.parts * len(values) <= MOST_CODES:
            numbered = np.where(told, both, -1).astype(np.int32)
            return numbered, np.repeat(np.arange(chosen.parts), len(values))
        occurring, numbers = np.unique(both[told], return_inverse=True)
        numbered = np.full(len(codes), -1, np.int32)
        numbered[told] = numbers
        return numbered, occurring // len(values)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without its dictionary."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _days(column: pa.ChunkedArray) -> Ints:
    return np.ascontiguousarray(column.cast(pa.int32()).to_numpy())


def _beside(columns: Sequence[Ints], rows: int, kind: type) -> Ints:
    """Columns side by side, so that a row's values are together in memory."""
    found: Ints = np.empty((rows, len(columns)), kind)
    for number, column in enumerate(columns):
        found[:, number] = column
    return found
