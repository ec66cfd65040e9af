"""A feature file, built from tables in the ways riskstrat can build one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from riskstrat.asof import literal
from riskstrat.buckets.cut import Bucket, cut, weigh_units
from riskstrat.buckets.layout import RELATIONS, UNITS, BucketFiles, BucketWriter
from riskstrat.buckets.place import GUESTS, HOMES, OWN, Needed, place
from riskstrat.contracts.spec import Source
from riskstrat.features.build import (
    BucketInputs,
    FeatureSummary,
    FilledBlock,
    assemble,
    fill,
)
from riskstrat.features.plan import FeaturePlan
from riskstrat.stages.features import seen_of
from riskstrat.vocabulary import Unit
from tables import connection, register, table

NO_RELATIONS = table(
    "unit | unit_id | via | via_id | starts_on:date | ends_on:date | end_known_on:date "
    "| known_on:date"
)


@dataclass(frozen=True, slots=True)
class Given:
    """What features are built from.

    ``views`` holds ``source_<name>`` for every source, and ``relations`` where a feature asks.
    """

    plan: FeaturePlan
    sources: Mapping[str, Source]
    pairs: pa.Table
    views: Mapping[str, pa.Table | str]

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Everything as tables, and ``source_everyone``: who is asked for or related."""
        con = connection()
        for name, rows in {RELATIONS: NO_RELATIONS, **self.views, "pairs": self.pairs}.items():
            register(con, "given_rows", rows)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM given_rows")
        con.execute(
            "CREATE VIEW source_everyone AS SELECT unit_id FROM pairs UNION SELECT unit_id "
            f"FROM relations WHERE unit = {literal(self.plan.unit.value)}"
        )
        return con

    @property
    def members(self) -> dict[str, tuple[Unit, ...]]:
        """Source -> relations through which features read the rows of others."""
        return {
            f.source: (f.through,)
            for f in self.plan.features
            if f.through and self.sources[f.source].unit is self.plan.unit
        }

    @property
    def needed(self) -> tuple[Needed, ...]:
        """Every source, and whose rows of it."""
        found = []
        for source in self.sources.values():
            whose = {HOMES}
            if source.unit is self.plan.unit:
                whose = {OWN, GUESTS} if source.source in self.members else {OWN}
            found.append(Needed(source, frozenset(whose)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Built:
    """A feature file and how it came about."""

    data: bytes
    summary: FeatureSummary
    blocks: tuple[tuple[FilledBlock, ...], ...]

    @property
    def computed(self) -> dict[date, int]:
        """As-of date -> columns that were computed, of all buckets together."""
        found: dict[date, int] = {}
        for block in (block for bucket in self.blocks for block in bucket):
            found[block.opens] = found.get(block.opens, 0) + block.computed
        return found


def lay_out(
    given: Given,
    out: Path,
    *,
    units: int = 1_000,
    before: Sequence[BucketFiles] | None = None,
    buckets: Sequence[Bucket] | None = None,
) -> tuple[tuple[Bucket, ...], tuple[BucketFiles, ...]]:
    """Write the buckets of a layout as the stage does.

    Args:
        given: the tables.
        out: a folder to be made.
        units: per bucket, at most.
        before, buckets: the layout before, and its cuts.
    """
    unit = given.plan.unit
    placed = out / "placed"
    placed.mkdir(parents=True)
    con = given.connection()
    own = [name for name, source in given.sources.items() if source.unit is unit]
    weigh_units(con, ["everyone", *own])
    cuts = tuple(buckets) if buckets else cut(con, units=units)
    place(con, cuts, given.needed, unit, given.members, placed)
    found = []
    for number, bucket in enumerate(cuts):
        folder = out / bucket.name
        folder.mkdir()
        earlier = before[number] if before else None
        BucketWriter(con, bucket, unit, placed, earlier, folder).write(given.needed)
        found.append(BucketFiles(folder))
    con.close()
    return cuts, tuple(found)


def bucket_views(
    given: Given, files: BucketFiles, con: duckdb.DuckDBPyConnection, bucket: Bucket
) -> None:
    """What the stage offers the features of one bucket: its rows, and its part of the pairs."""
    for name in (*given.sources, RELATIONS):
        view = name if name == RELATIONS else f"source_{name}"
        con.execute(f"CREATE VIEW {view} AS SELECT * EXCLUDE (key) FROM {files.sql(name)}")
    con.register("all_pairs", given.pairs)
    con.execute(
        f"CREATE TABLE pairs AS SELECT * FROM all_pairs WHERE {bucket.holds('unit_id')} "
        f"AND unit_id IN (SELECT unit_id FROM {files.sql(UNITS)} WHERE own)"
    )


def from_layout(
    given: Given,
    layout: tuple[Sequence[Bucket], Sequence[BucketFiles]],
    root: Path,
    *,
    kernel: bool = True,
    monthly: bool = False,
    cells: int = 1_000_000,
) -> Built:
    """Fill every bucket's blocks, keeping cells in ``root``, and put them together.

    Args:
        kernel: by the compiled kernel; else in SQL.
        monthly: a block is a month of dates.
        cells: filled at once.
    """
    filled = []
    for bucket, files in zip(*layout, strict=True):
        con = connection()
        bucket_views(given, files, con, bucket)
        inputs = BucketInputs(con, given.sources, seen_of(files), "code", cells=cells)
        if kernel:
            inputs = replace(inputs, files=files)
        filled.append(fill(inputs, given.plan, root, monthly=monthly))
        con.close()
    return _assembled(given.plan, filled, root, monthly)


def by_sql(given: Given, *, monthly: bool = False) -> Built:
    """The slow and obvious way: no buckets, no kernel, nothing kept."""
    with tempfile.TemporaryDirectory() as folder:
        con = given.connection()
        inputs = BucketInputs(con, given.sources, lambda feature, day: 0, "code")
        filled = [fill(inputs, given.plan, Path(folder), monthly=monthly)]
        con.close()
        return _assembled(given.plan, filled, Path(folder), monthly)


def by_kernel(given: Given, *, monthly: bool = False) -> Built:
    """The compiled kernel over one bucket."""
    return _fresh(given, 1_000, 1_000_000, monthly)


def bucketed(given: Given, *, monthly: bool = False, units: int = 1) -> Built:
    """The compiled kernel over buckets of one unit or two, one block at a time."""
    return _fresh(given, units, 1, monthly)


def every_way(given: Given, *, monthly: bool = False) -> Built:
    """Build in all ways; they must agree on every byte."""
    slow = by_sql(given, monthly=monthly)
    for quick in (by_kernel(given, monthly=monthly), bucketed(given, monthly=monthly)):
        assert quick.summary == slow.summary
        assert quick.data == slow.data, difference(quick.data, slow.data)
    return slow


def difference(left: bytes, right: bytes) -> str:
    """Where two feature files differ."""
    import pyarrow.parquet as pq

    one, two = (pq.read_table(pa.BufferReader(data)) for data in (left, right))
    names = [n for n in two.column_names if not one[n].equals(two[n])] or ["only the bytes"]
    return str(
        {n: (one[n].to_pylist(), two[n].to_pylist()) for n in names if n in one.schema.names}
    )


def _fresh(given: Given, units: int, cells: int, monthly: bool) -> Built:
    with tempfile.TemporaryDirectory() as folder:
        layout = lay_out(given, Path(folder) / "layout", units=units)
        return from_layout(given, layout, Path(folder) / "cells", monthly=monthly, cells=cells)


def _assembled(
    plan: FeaturePlan, filled: Iterable[tuple[FilledBlock, ...]], root: Path, monthly: bool
) -> Built:
    blocks = tuple(filled)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "features.parquet"
        summary = assemble(plan, blocks, root, out, monthly=monthly)
        return Built(out.read_bytes(), summary, blocks)
