"""Slices of an extract hold its rows, each once."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path

import duckdb
import pytest

from contracts.desk import CONTRACT
from riskstrat.contracts.slices import LEAST_ROWS, slices
from riskstrat.contracts.spec import Source
from riskstrat.contracts.tables import Part, RawTable, one_table

VISITS = Source.model_validate(CONTRACT)
ROWS = 2 * LEAST_ROWS + 7


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def extract(
    con: duckdb.DuckDBPyConnection, folder: Path, *lengths: int, more: str = ""
) -> RawTable:
    """Files of so many rows, numbered through."""
    parts, first = [], 0
    for n, length in enumerate(lengths):
        parts.append(Part(f"{n}.parquet", folder / f"{n}.parquet"))
        rows = f"SELECT range AS number{more} FROM range({first}, {first + length})"
        con.execute(f"COPY ({rows}) TO '{parts[-1].path}' (ROW_GROUP_SIZE 4096)")
        first += length
    return one_table(con, VISITS, parts)


def numbers(con: duckdb.DuckDBPyConnection, pieces: tuple[RawTable, ...]) -> list[list[int]]:
    return [
        [row[0] for row in con.execute(f"SELECT number FROM ({piece.sql})").fetchall()]
        for piece in pieces
    ]


def test_a_long_file_is_cut_by_its_rows(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = numbers(con, slices(con, extract(con, tmp_path, ROWS), 100))
    assert list(map(len, found)) == [LEAST_ROWS, LEAST_ROWS, 7]
    assert list(chain.from_iterable(found)) == list(range(ROWS))


def test_each_file_is_a_slice_at_least_and_an_empty_one_is_none(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    pieces = slices(con, extract(con, tmp_path, 5, 0, ROWS), 2)
    assert [piece.parts[0].name for piece in pieces] == ["0.parquet", "2.parquet", "2.parquet"]
    assert list(chain.from_iterable(numbers(con, pieces))) == list(range(ROWS + 5))


def test_only_the_sources_own_rows_are_in_a_slice(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    table = replace(extract(con, tmp_path, ROWS), where="number % 2 = 0")
    found = numbers(con, slices(con, table, 2))
    assert len(found) == 2
    assert list(chain.from_iterable(found)) == list(range(0, ROWS, 2))


def test_a_column_named_like_the_rows_number_is_a_column(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    table = extract(con, tmp_path, ROWS, more=", 3 AS file_row_number")
    [whole] = numbers(con, slices(con, table, 2))
    assert whole == list(range(ROWS))
