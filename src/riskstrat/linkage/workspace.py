"""A corner of somebody's DuckDB connection: named tables that are gone when the work is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import duckdb
import pyarrow as pa

_TURNS = count(1)


@dataclass(slots=True)
class Workspace:
    """Tables under one prefix in one connection."""

    con: duckdb.DuckDBPyConnection
    prefix: str
    made: list[tuple[str, str]] = field(default_factory=list)
    """(table or view, its full name), in the order they were made"""

    def name(self, short: str) -> str:
        """The full name of a table."""
        return f"{self.prefix}_{short}"

    def table(self, short: str, sql: str) -> str:
        """Make a table from a query, in the place of one of that name, and give its full name."""
        return self._make("TABLE", short, sql)

    def view(self, short: str, sql: str) -> str:
        """Make a view from a query and give its full name."""
        return self._make("VIEW", short, sql)

    def keep(self, short: str, rows: pa.Table) -> str:
        """Make a table from Arrow columns and give its full name."""
        handle = f"{self.prefix}_arrow"
        self.con.register(handle, rows)
        try:
            return self.table(short, f"SELECT * FROM {handle}")
        finally:
            self.con.unregister(handle)

    def _make(self, kind: str, short: str, sql: str) -> str:
        full = self.name(short)
        self.con.execute(f"CREATE OR REPLACE {kind} {full} AS {sql}")
        if (kind, full) not in self.made:
            self.made.append((kind, full))
        return full

    def run(self, sql: str) -> None:
        """Run a statement."""
        self.con.execute(sql)

    def drop(self, *shorts: str) -> None:
        """Forget tables that are not needed any more."""
        for short in shorts:
            self.con.execute(f"DROP TABLE IF EXISTS {self.name(short)}")
            self.made = [made for made in self.made if made[1] != self.name(short)]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Every row of a small answer."""
        return self.con.execute(sql).fetchall()

    def number(self, sql: str) -> int:
        """The whole number that a query gives."""
        found = self.con.execute(sql).fetchone()
        return int(found[0] or 0) if found else 0

    def arrow(self, sql: str) -> pa.Table:
        """An answer as an Arrow table."""
        return self.con.execute(sql).to_arrow_table()

    def arrays(self, sql: str) -> dict[str, Any]:
        """An answer as NumPy arrays by column."""
        return dict(self.con.execute(sql).fetchnumpy())


@contextmanager
def workspace(con: duckdb.DuckDBPyConnection) -> Iterator[Workspace]:
    """Lend a corner of a connection; every table made in it is dropped at the end."""
    work = Workspace(con, f"linking{next(_TURNS)}")
    try:
        yield work
    finally:
        for kind, full in reversed(work.made):
            con.execute(f"DROP {kind} IF EXISTS {full}")


def listed(columns: Sequence[str], alias: str = "") -> str:
    """Columns as SQL, quoted and divided by commas."""
    dot = f"{alias}." if alias else ""
    return ", ".join(f'{dot}"{column}"' for column in columns)
