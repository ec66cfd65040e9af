"""Features read a piece at a time: from one Parquet file, or from a table in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

KEY = ("as_of", "unit_id")
PIECE_ROWS = 65_536
"""Rows read, encoded and scored at once: 32 MB of float32 with 121 features."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Rows sorted by as-of date and unit, of which only a piece is in memory at a time.

    Attributes:
        schema: unit_id, as_of and the features.
        num_rows: how many.
        path: the Parquet file, sorted by ``KEY``; or None.
        table: the table in memory, sorted by ``KEY``; or None.
    """

    schema: pa.Schema
    num_rows: int
    path: Path | None = None
    table: pa.Table | None = None

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Rows of a Parquet file sorted by as_of and unit_id, as the features stage writes it."""
        with pq.ParquetFile(path) as file:
            return cls(file.schema_arrow, file.metadata.num_rows, path=path)

    @classmethod
    def of_table(cls, table: pa.Table) -> Self:
        """Rows of a table in any order."""
        return cls(table.schema, table.num_rows, table=sorted_by_key(table))

    def pieces(
        self, columns: Sequence[str], start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The rows ``start`` to ``stop``, in order.

        Args:
            columns: which to read, in this order.
            start, stop: row numbers.

        Yields:
            The number of the piece's first row, and its at most ``PIECE_ROWS`` rows. Texts of a
            file come dictionary-encoded: each distinct text is held once a piece.
        """
        end = self.num_rows if stop is None else min(stop, self.num_rows)
        if start >= end:
            return
        if self.table is not None:
            chosen = self.table.select(list(columns))
            for at in range(start, end, PIECE_ROWS):
                yield at, chosen.slice(at, min(PIECE_ROWS, end - at))
            return
        yield from self._from_file(list(columns), start, end)

    def take(self, columns: Sequence[str], rows: IntArray) -> pa.Table:
        """The given rows in the order given, texts written out; -1 gives a row of nulls.

        A file is passed through once, from the first to the last of the rows.
        """
        wanted = np.unique(rows[rows >= 0])
        parts = [plain(piece.take(pa.array(at))) for piece, at, _ in self.chosen(columns, wanted)]
        empty = plain(pa.schema([self.schema.field(name) for name in columns]).empty_table())
        found = pa.concat_tables([empty, *parts])
        return found.take(pa.array(np.searchsorted(wanted, rows), mask=rows < 0))

    def find(self, wanted: pa.Table) -> IntArray:
        """The number of the row about each of the wanted pairs, -1 where there is none.

        Args:
            wanted: unit_id and as_of (n), in any order, each pair once.
        """
        found = np.full(wanted.num_rows, -1, dtype=np.int64)
        keys = pa.table({name: wanted[name] for name in KEY})
        order = np.asarray(pc.sort_indices(plain(keys), sort_keys=[(k, "ascending") for k in KEY]))
        days = _days(keys["as_of"])[order]
        for first, piece in self.pieces(KEY):
            there = _days(piece["as_of"])
            low, high = np.searchsorted(days, [there[0], there[-1] + 1])
            asked = order[low:high]
            if len(asked):
                at = pc.index_in(_joined(keys.take(pa.array(asked))), value_set=_joined(piece))
                hit = at.is_valid().to_numpy(zero_copy_only=False)
                found[asked[hit]] = at.drop_null().to_numpy() + first
        return found

    def chosen(
        self, columns: Sequence[str], rows: IntArray
    ) -> Iterator[tuple[pa.Table, IntArray, slice]]:
        """Pieces that hold some of the given rows (rising numbers).

        Yields:
            The piece, the wanted rows' places in it, and where they stand among ``rows``.
        """
        if not len(rows):
            return
        for first, piece in self.pieces(columns, int(rows[0]), int(rows[-1]) + 1):
            low, high = np.searchsorted(rows, [first, first + piece.num_rows])
            if high > low:
                yield piece, rows[low:high] - first, slice(int(low), int(high))

    def _from_file(
        self, columns: list[str], start: int, end: int
    ) -> Iterator[tuple[int, pa.Table]]:
        texts = [name for name in columns if pa.types.is_string(self.schema.field(name).type)]
        with pq.ParquetFile(self.path, read_dictionary=texts) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            groups = [i for i in range(len(sizes)) if ends[i] > start and ends[i] - sizes[i] < end]
            at = int(ends[groups[0]] - sizes[groups[0]])
            for batch in file.iter_batches(PIECE_ROWS, row_groups=groups, columns=columns):
                low, high = max(start - at, 0), min(end - at, batch.num_rows)
                if high > low:
                    piece = pa.Table.from_batches([batch.slice(low, high - low)])
                    yield at + low, piece.select(columns)
                at += batch.num_rows


def plain(table: pa.Table) -> pa.Table:
    """The same table, dictionary-encoded texts written out."""
    return pa.table(
        {
            name: column.cast(column.type.value_type)
            if pa.types.is_dictionary(column.type)
            else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )


def sorted_by_key(table: pa.Table) -> pa.Table:
    """Sorted by as-of date and unit; the table itself when it is sorted."""
    if is_sorted(table):
        return table
    written_out = plain(table)
    order = pc.sort_indices(written_out, sort_keys=[(name, "ascending") for name in KEY])
    return written_out.take(order)


def is_sorted(table: pa.Table) -> bool:
    """Whether rows rise by as-of date and then unit; looks at a piece at a time."""
    for start in range(0, table.num_rows, PIECE_ROWS):
        # One row more, so that the piece's last row is held against the next piece's first.
        piece = plain(table.select(list(KEY)).slice(start, PIECE_ROWS + 1))
        before, after = piece.slice(0, piece.num_rows - 1), piece.slice(1)
        later = pc.less(before["as_of"], after["as_of"])
        same_day = pc.equal(before["as_of"], after["as_of"])
        rises = pc.less_equal(before["unit_id"], after["unit_id"])
        if not pc.all(pc.or_(later, pc.and_(same_day, rises)), min_count=0).as_py():
            return False
    return True


def _days(column: pa.ChunkedArray) -> IntArray:
    return np.asarray(column.cast(pa.date32()).cast(pa.int32()).to_numpy()).astype(np.int64)


def _joined(table: pa.Table) -> pa.Array:
    """One text for each pair of date and unit."""
    day = table["as_of"].cast(pa.date32()).cast(pa.int32()).cast(pa.string())
    pairs = pc.binary_join_element_wise(day, table["unit_id"].cast(pa.string()), " ")
    return pairs.combine_chunks() if isinstance(pairs, pa.ChunkedArray) else pairs
