"""Who works through the rows of an extract: one database engine here, or others elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from riskstrat.asof import literal
from riskstrat.contracts.columns import Resolved, raw_name
from riskstrat.contracts.read import copy_as_parquet, raw_stem
from riskstrat.contracts.rows import keep_first, reasons, write_tested
from riskstrat.contracts.rules import Test
from riskstrat.contracts.spec import Source
from riskstrat.contracts.tables import Part, RawTable
from riskstrat.contracts.textfile import TextTable


class Hands(Protocol):
    """What a check leaves to others: whatever touches every row."""

    def copy(
        self, each: Sequence[Source], parts: Sequence[Part], copies: Sequence[Part]
    ) -> list[TextTable]:
        """Copy text files or a database table as Parquet; see :func:`copy_as_parquet`."""

    def test(
        self, table: RawTable, columns: Sequence[Resolved], tests: Sequence[Test]
    ) -> dict[int, int]:
        """Test every row; number of the first test failed (0: none) -> rows."""

    def values(self, table: RawTable, column: int, item: Resolved) -> tuple[int, int]:
        """How many values a column holds, and how many of them are of its type."""

    def keep_first(self, good: int) -> tuple[str, int]:
        """Set repeated keys aside among so many good rows; see :func:`keep_first`."""

    def deliver(self, sql: str, folder: Path) -> None:
        """Leave the rows of the check's ``accepted_sql`` in a folder, in order."""


@dataclass(frozen=True, slots=True)
class OneEngine:
    """A connection does it all.

    Attributes:
        con: an open connection.
        source: the contract.
        births: a view with ``unit_id, born_on``, if another source tells it.
        deaths: a view with ``unit_id, died_on``, if there is one.
        scratch: an existing private folder for temporary files with people's data.
        opted_out: a view with ``unit_id`` of those whose rows are withheld, if any are.
    """

    con: duckdb.DuckDBPyConnection
    source: Source
    births: str | None
    deaths: str | None
    scratch: Path
    opted_out: str | None = None

    @property
    def _checked(self) -> Path:
        return self.scratch / f"{self.source.source}.checked.parquet"

    def copy(
        self, each: Sequence[Source], parts: Sequence[Part], copies: Sequence[Part]
    ) -> list[TextTable]:
        """One file after the other."""
        return [
            copy_as_parquet(self.con, one, part.path, self.scratch, copy.path)
            for one, part, copy in zip(each, parts, copies, strict=True)
        ]

    def test(
        self, table: RawTable, columns: Sequence[Resolved], tests: Sequence[Test]
    ) -> dict[int, int]:
        """All rows in one query, written to one file."""
        write_tested(
            self.con, self.source, table, columns, tests, self.births, self.deaths, self._checked,
            opted_out=self.opted_out,
        )  # fmt: skip
        return reasons(self.con, self._checked)

    def values(self, table: RawTable, column: int, item: Resolved) -> tuple[int, int]:
        """By one query."""
        return count_values(self.con, table, column, item)

    def keep_first(self, good: int) -> tuple[str, int]:
        """By one query, after the copies have made room for it."""
        for copy in self.scratch.glob(f"{raw_stem(self.source)}*.parquet"):
            copy.unlink()
        return keep_first(self.con, self.source, self._checked, self.scratch)

    def deliver(self, sql: str, folder: Path) -> None:
        """Sort them into one file."""
        out = literal((folder / "accepted.parquet").as_posix())
        self.con.execute(f"COPY ({sql}) TO {out} (FORMAT parquet, COMPRESSION zstd)")


def count_values(
    con: duckdb.DuckDBPyConnection, table: RawTable, column: int, item: Resolved
) -> tuple[int, int]:
    """How many values a column holds, and how many of them are of its type.

    Args:
        con: an open connection.
        table: the extract, or a slice of it.
        column: the number of the column, which names its raw value.
        item: the column.
    """
    row = con.execute(
        f"SELECT count({raw_name(column)}), count({item.converted}) "
        f"FROM (SELECT {item.raw} AS {raw_name(column)} FROM ({table.sql}) AS raw)"
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
