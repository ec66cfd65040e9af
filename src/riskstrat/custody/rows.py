"""Rows of a Parquet file with some columns exchanged, streamed, in the order they came in."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.custody.faults import CustodyError, listed
from riskstrat.custody.headers import opened
from riskstrat.disk import disk_errors, file_aside

BATCH_ROWS = 262_144
"""rows in memory at a time; also those of a row group"""
RECORD_KEY = "record_key"
KEY_BYTES = 16
"""128 bits: among ten million records the chance that two keys agree is about 1e-25"""

Change = Callable[[pa.RecordBatch], pa.RecordBatch]


def record_keys(count: int) -> pa.StringArray:
    """New random record keys, as 32 hex digits each, from the system's source of secrets."""
    digits = secrets.token_bytes(KEY_BYTES * count).hex().encode()
    places = np.arange(count + 1, dtype=np.int32) * (2 * KEY_BYTES)
    return pa.StringArray.from_buffers(count, pa.py_buffer(places), pa.py_buffer(digits))


class Lookup:
    """From a text to another; texts that are not known, and empty cells, give NULL."""

    def __init__(self, keys: pa.Array, values: pa.Array) -> None:
        self._keys, self._values = plain(keys), plain(values)

    def places(self, column: pa.Array) -> pa.Array:
        """Where each cell stands among the keys: int32 (n,), NULL where it does not."""
        return pc.index_in(as_text(column), value_set=self._keys, skip_nulls=True)

    def at(self, places: pa.Array) -> pa.Array:
        """The values at these places."""
        return self._values.take(places)


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of texts."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):  # more than fits into one array of short offsets
        whole = pa.concat_arrays(whole.chunks)
    return as_text(whole)


def as_text(column: pa.Array) -> pa.Array:
    """A column of ids as texts: one agency writes 12, another '12'."""
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def batches(file: pq.ParquetFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a file in their order, with these columns in this order."""
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
        yield batch.select(list(columns))


def write(target: Path, schema: pa.Schema, rows: Iterator[pa.RecordBatch]) -> int:
    """Write rows as they come; the file appears whole or not at all. Returns how many."""
    count = 0
    with (
        disk_errors(target),
        file_aside(target) as aside,
        pq.ParquetWriter(aside, schema, compression="zstd") as writer,
    ):
        for batch in rows:
            if batch.num_rows:
                writer.write_batch(batch.cast(schema), row_group_size=BATCH_ROWS)
                count += batch.num_rows
    return count


def need_columns(path: Path, wanted: Sequence[str]) -> pa.Schema:
    """The schema of a file that must hold some columns.

    Raises:
        CustodyError: RS1601, with the names of those it lacks.
    """
    schema: pa.Schema = opened(path).schema_arrow
    if missing := [name for name in wanted if name not in schema.names]:
        raise CustodyError(
            f"{path}: the file lacks {listed(missing)}",
            fix="correct the columns in the custody file, or ask the agency for them",
            code="RS1601",
        )
    return schema
