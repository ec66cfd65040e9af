"""Tables in order to one Parquet file whose bytes do not depend on how they were cut."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 50_000
SORTED = ("as_of", "unit_id")
"""the columns by which rows are looked up: the only ones whose ranges are worth writing down"""


class SortedParquet:
    """A Parquet file (zstd) with row groups of a fixed size, whatever is written at once."""

    def __init__(self, out: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._rows = 0
        texts = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        # Numbers compress as well without a dictionary of their values, and are written in half
        # the time; categories have theirs already, and are read back as text.
        self._file = pq.ParquetWriter(
            out,
            schema,
            compression="zstd",
            use_dictionary=[*SORTED, *texts],
            write_statistics=list(SORTED),
            store_schema=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._rows:
                self._flush(self._rows)
        finally:
            self._file.close()

    def write(self, table: pa.Table) -> None:
        """Add rows; whole row groups are written, the rest waits."""
        self._waiting.append(
            table if table.schema.equals(self._schema) else table.cast(self._schema)
        )
        self._rows += table.num_rows
        while self._rows >= GROUP_ROWS:
            self._flush(GROUP_ROWS)

    def _flush(self, rows: int) -> None:
        some: list[pa.Table] = []
        lacking = rows
        while lacking:
            table = self._waiting.pop(0)
            some.append(table.slice(0, lacking))
            if table.num_rows > lacking:
                self._waiting.insert(0, table.slice(lacking))
            lacking -= some[-1].num_rows
        # One piece per column, or page boundaries would follow the chunks.
        together = pa.concat_tables(some).combine_chunks()
        self._file.write_table(together, row_group_size=rows)
        self._rows -= rows
