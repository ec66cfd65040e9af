"""A connection and an agency's desk, fresh for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from contracts.desk import Desk


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A small connection."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "500MB"}) as con:
        con.execute("SET TimeZone='UTC'")
        yield con


@pytest.fixture
def desk(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> Desk:
    """A fresh desk."""
    return Desk(tmp_path, con)
