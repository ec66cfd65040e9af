"""An extract in slices of about as many rows, for several to work on at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from riskstrat.contracts.tables import ROW_NUMBER, RawTable, Scan
from riskstrat.contracts.textfile import exact_path

MOST_ROWS, LEAST_ROWS = 4_000_000, 10_000
"""rows of a slice: what a worker reads in seconds, and what is worth asking one for"""


def slices(con: duckdb.DuckDBPyConnection, table: RawTable, wanted: int) -> tuple[RawTable, ...]:
    """The same rows in several tables, each of one file, or of some of its rows.

    Args:
        con: an open connection; it reads the files' own notes on their length, and no row.
        table: an extract.
        wanted: how many slices there should be, about; there are more if they would be too
            long, and fewer if too short.
    """
    lengths = {part.path: _rows(con, part.path) for scan in table.scans for part in scan.parts}
    rows = min(max(-(-sum(lengths.values()) // wanted), LEAST_ROWS), MOST_ROWS)
    return tuple(
        replace(table, sql=table.own(sql), parts=scan.parts, scans=(scan,), ragged=0)
        for whole in table.scans
        for scan in whole.each_part()
        for sql in _cut(scan, lengths[scan.parts[0].path], rows)
    )


def _rows(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    row = con.execute(f"SELECT num_rows FROM parquet_file_metadata({exact_path(path)})").fetchone()
    return int(row[0]) if row else 0


def _cut(scan: Scan, length: int, rows: int) -> Iterator[str]:
    if scan.names_own_number or length <= rows:
        if length:
            yield scan.sql()
        return
    # DuckDB knows the row numbers of a row group, and reads only the groups it needs.
    numbered = scan if scan.options else replace(scan, options=f", {ROW_NUMBER}=true")
    for first in range(0, length, rows):
        yield f"{numbered.sql()} WHERE {ROW_NUMBER} >= {first} AND {ROW_NUMBER} < {first + rows}"
