"""The Parquet files of a folder, written block after block."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Files:
    """One open Parquet file per table; a name may have folders in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: Counter[str] = Counter()

    def append(self, name: str, table: pa.Table) -> None:
        """Write some more rows of a table."""
        if name not in self._writers:
            path = self._folder / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
        self._writers[name].write_table(table)
        self.rows[name] += len(table)

    def close(self) -> None:
        """Finish all files."""
        for writer in self._writers.values():
            writer.close()
