"""What it costs to write wide 32-bit floats: the same block of features in several ways.

    python write_settings.py wide FOLDER RESULT.json

CPU seconds are the least of three tries, one thread.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from engine import Job
from engine_kernel import Plan, as_table, compute
from workload import WORKLOADS

TRIES = 3


def parquet(**settings: object) -> Callable[[pa.Table, Path], None]:
    """A way to write Parquet with pyarrow."""
    return lambda table, out: pq.write_table(table, out, row_group_size=50_000, **settings)


def arrow(codec: str | None) -> Callable[[pa.Table, Path], None]:
    """A way to write Arrow IPC."""

    def write(table: pa.Table, out: Path) -> None:
        options = ipc.IpcWriteOptions(compression=codec, use_threads=False)
        with ipc.new_file(out, table.schema, options=options) as file:
            file.write_table(table, max_chunksize=50_000)

    return write


def copied(codec: str) -> Callable[[pa.Table, Path], None]:
    """A way to write Parquet with DuckDB."""

    def write(table: pa.Table, out: Path) -> None:
        con = duckdb.connect(config={"threads": 1})
        con.register("wide", table)
        con.execute(
            f"COPY wide TO '{out}' (FORMAT parquet, COMPRESSION {codec}, ROW_GROUP_SIZE 50000)"
        )

    return write


WAYS: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet zstd, dictionary (pyarrow's default)": parquet(compression="zstd"),
    "parquet zstd level 3, dictionary": parquet(compression="zstd", compression_level=3),
    "parquet zstd, dictionary, no statistics": parquet(compression="zstd", write_statistics=False),
    "parquet zstd, no dictionary": parquet(compression="zstd", use_dictionary=False),
    "parquet zstd, byte_stream_split": parquet(
        compression="zstd", use_dictionary=False, use_byte_stream_split=True
    ),
    "parquet lz4, dictionary": parquet(compression="lz4"),
    "parquet lz4, no dictionary": parquet(compression="lz4", use_dictionary=False),
    "parquet lz4, byte_stream_split": parquet(
        compression="lz4", use_dictionary=False, use_byte_stream_split=True
    ),
    "parquet snappy, dictionary": parquet(compression="snappy"),
    "parquet uncompressed, dictionary": parquet(compression="none"),
    "parquet uncompressed, no dictionary": parquet(compression="none", use_dictionary=False),
    "parquet zstd, DuckDB COPY": copied("zstd"),
    "parquet lz4, DuckDB COPY": copied("lz4"),
    "arrow ipc lz4": arrow("lz4"),
    "arrow ipc zstd": arrow("zstd"),
    "arrow ipc uncompressed": arrow(None),
}


def read_back(out: Path) -> None:
    """Read every cell, one thread."""
    if out.suffix == ".arrow":
        feather.read_table(out, use_threads=False, memory_map=False)
    else:
        pq.read_table(out, use_threads=False)


def least(work: Callable[[], None]) -> float:
    """CPU seconds of the quickest of several tries."""
    found = []
    for _ in range(TRIES):
        clock = time.process_time()
        work()
        found.append(time.process_time() - clock)
    return min(found)


def measure(name: str, data: Path) -> dict[str, object]:
    """Every way over the first block."""
    workload = WORKLOADS[name]
    job = Job(workload, data, (0,), None, data, 1, "")
    plans = {table.name: Plan(workload, table) for table in workload.tables}
    table = as_table(job, 0, plans, compute(job, plans, 0, Counter()))
    pa.set_cpu_count(1)
    cells = table.num_rows * len(workload.features())
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for text, write in WAYS.items():
            out = Path(folder) / ("t.arrow" if text.startswith("arrow") else "t.parquet")
            write_s = least(lambda write=write, out=out: write(table, out))
            read_s = least(lambda out=out: read_back(out))
            found[text] = {
                "write_ns_per_cell": round(write_s / cells * 1e9, 1),
                "read_ns_per_cell": round(read_s / cells * 1e9, 1),
                "mb": round(out.stat().st_size / 1e6, 2),
            }
    return {"rows": table.num_rows, "columns": len(workload.features()), "ways": found}


if __name__ == "__main__":
    result = measure(sys.argv[1], Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for way, figures in result["ways"].items():
        print(f"{way:48} {figures}")
