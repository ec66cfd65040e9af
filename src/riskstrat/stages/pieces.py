"""An extract worked through by many at once: each a slice of it, and then a shuffle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from riskstrat.asof import literal
from riskstrat.contracts.columns import Resolved
from riskstrat.contracts.hands import count_values
from riskstrat.contracts.read import copy_as_parquet, raw_stem
from riskstrat.contracts.rows import (
    REASON,
    canonical_columns,
    first_columns,
    reasons,
    sorting_columns,
    write_tested,
)
from riskstrat.contracts.rules import Test
from riskstrat.contracts.slices import slices
from riskstrat.contracts.spec import Source
from riskstrat.contracts.tables import Part, RawTable, reading_parts
from riskstrat.contracts.textfile import TextTable
from riskstrat.disk import file_aside
from riskstrat.spark.arrange import Arrangement, arrange
from riskstrat.stages.engine import engine, opted_out_view, vital_views
from riskstrat.stages.jobs import Job
from riskstrat.stages.spread import Told, desk_of, spread


@dataclass(frozen=True, slots=True)
class ManyHands:
    """The executors of a Spark work through the rows of one source.

    Attributes:
        job: with a cluster.
        con: an open connection of this process; it reads what files say of themselves, and
            counts.
        source: the contract.
        scratch: an existing private folder that executors share with this process.
    """

    job: Job
    con: duckdb.DuckDBPyConnection
    source: Source
    scratch: Path

    def copy(
        self, each: Sequence[Source], parts: Sequence[Part], copies: Sequence[Part]
    ) -> list[TextTable]:
        """Each file by one executor: how a text splits into rows is known at its end only."""
        tasks = [
            _File(one, part.path, copy.path)
            for one, part, copy in zip(each, parts, copies, strict=True)
        ]
        found = spread(self.job, "pieces.copy_file", tasks)
        return [TextTable(ragged, tuple(first)) for ragged, first in found]

    def test(
        self, table: RawTable, columns: Sequence[Resolved], tests: Sequence[Test]
    ) -> dict[int, int]:
        """Slice by slice, each written to a file of its own."""
        tasks = [
            _Slice(self.source, piece, tuple(columns), tuple(tests), self._checked(number))
            for number, piece in enumerate(self._slices(table))
        ]
        counts: Counter[int] = Counter()
        for found in spread(self.job, "pieces.test_slice", tasks):
            counts.update({int(reason): rows for reason, rows in found.items()})
        return dict(counts)

    def values(self, table: RawTable, column: int, item: Resolved) -> tuple[int, int]:
        """Slice by slice."""
        pieces = self._slices(table)
        tasks = [_Column(self.source, piece, column, item) for piece in pieces]
        found = spread(self.job, "pieces.count_column", tasks)
        return sum(held for held, _ in found), sum(fitting for _, fitting in found)

    def keep_first(self, good: int) -> tuple[str, int]:
        """By a shuffle, which sorts the rows, too."""
        for copy in self.scratch.glob(f"{raw_stem(self.source)}*.parquet"):
            copy.unlink()
        if not good:
            return "(SELECT 1 WHERE false)", 0
        checked = sorted(self.scratch.glob(self._checked("*").name))
        asked = Arrangement(
            good=REASON,
            columns=canonical_columns(self.source),
            key=tuple(self.source.key),
            first=first_columns(self.source),
            order=sorting_columns(self.source),
        )
        repeated = arrange(desk_of(self.job), checked, asked, self._sorted, rows=good)
        for file in checked:
            file.unlink()
        parts = literal((self._sorted / "part-*.parquet").as_posix())
        return f"(SELECT * FROM read_parquet({parts}, hive_partitioning=false))", repeated

    def deliver(self, sql: str, folder: Path) -> None:
        """They are in order: the parts become ``accepted-00000.parquet`` and so on."""
        for part in self._sorted.iterdir():
            part.rename(folder / part.name.replace("part-", "accepted-"))

    def _slices(self, table: RawTable) -> tuple[RawTable, ...]:
        return slices(self.con, table, desk_of(self.job).cluster.width)

    def _checked(self, number: int | str) -> Path:
        name = f"{number:05d}" if isinstance(number, int) else number
        return self.scratch / f"{self.source.source}.checked.{name}.parquet"

    @property
    def _sorted(self) -> Path:
        return self.scratch / f"{self.source.source}.sorted"


# -- on an executor ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    """One file to copy; ``source`` is the contract with this file as its own."""

    source: Source
    path: Path
    target: Path


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some rows to test."""

    source: Source
    table: RawTable
    columns: tuple[Resolved, ...]
    tests: tuple[Test, ...]
    target: Path


@dataclass(frozen=True, slots=True)
class _Column:
    """A column to count in some rows."""

    source: Source
    table: RawTable
    number: int
    item: Resolved


def _stage(source: Source) -> str:
    return f"contracts/{source.source}"


def copy_file(job: Job, task: _File, told: Told) -> tuple[int, tuple[int, ...]]:
    """Copy one file as Parquet; how many rows did not fit, and the lines of the first of them."""
    own = task.target.with_suffix(".text")
    own.mkdir(exist_ok=True)
    with (
        engine(job, _stage(task.source), apart=task.target.stem) as con,
        file_aside(task.target) as aside,
    ):
        found = copy_as_parquet(con, task.source, task.path, own, aside)
    return found.ragged, found.first_ragged


def test_slice(job: Job, task: _Slice, told: Told) -> dict[str, int]:
    """Write the tested rows of a slice; number of the first test failed (0: none) -> rows."""
    with (
        engine(job, _stage(task.source), apart=task.target.stem) as con,
        file_aside(task.target) as aside,
        reading_parts(con, task.source, task.table),
    ):
        births, deaths = vital_views(con, job, task.source)
        write_tested(
            con, task.source, task.table, task.columns, task.tests, births, deaths, aside,
            opted_out=opted_out_view(con, job, task.source),
        )  # fmt: skip
        return {str(reason): rows for reason, rows in reasons(con, aside).items()}


def count_column(job: Job, task: _Column, told: Told) -> tuple[int, int]:
    """How many values a column of a slice holds, and how many are of its type."""
    with engine(job, _stage(task.source), apart=f"column{task.number}") as con:
        return count_values(con, task.table, task.number, task.item)
