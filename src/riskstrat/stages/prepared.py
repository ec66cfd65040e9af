"""Accepted extracts, cut into buckets: once per extract, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.buckets.cut import Bucket, cut, from_firsts, still_fit, weigh_units
from riskstrat.buckets.layout import RELATIONS, BucketFiles, BucketWriter
from riskstrat.buckets.place import GUESTS, Needed, needed_rows, place
from riskstrat.disk import folder_aside, place_file, read_json, write_json
from riskstrat.stages.engine import accepted_views, engine, making, view, view_of
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import stage_digest
from riskstrat.stages.spread import Rate, Told, spread
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.vocabulary import Unit

LAYOUT = "layout.parquet"
CUTS = "cuts.json"
COUNTS = "rows.json"


def members_of(study: Study) -> dict[str, tuple[Unit, ...]]:
    """Source -> relations through which the study reads the rows of others."""
    found: dict[str, tuple[Unit, ...]] = {}
    for block in study.spec.features.blocks:
        source = study.sources_by_name[block.source]
        if block.through and source.unit is study.spec.unit:
            found[block.source] = tuple({*found.get(block.source, ()), block.through})
    return found


def needed_by(study: Study) -> tuple[Needed, ...]:
    """Whose rows of each source the study needs."""
    return needed_rows(study.records, study.spec.unit, members_of(study))


@dataclass(frozen=True, slots=True)
class _Task:
    """One bucket to write."""

    bucket: Bucket
    before: BucketFiles | None


def prepared_stage(job: Job, *, progress: Progress) -> None:
    """Cut the units into buckets, and lay every source's rows beside them."""
    facts: dict[str, Any] = {}
    scratch = job.store.scratch("prepared", job.lineage["prepared"])
    with making(job, "prepared", facts) as folder:
        buckets, before, units = _placed(job, scratch)
        progress(0.2, f"{units:,} units in {len(buckets):,} buckets")
        tasks = [_Task(b, before[b.number] if before else None) for b in buckets]
        rate = Rate(units, "units laid out", progress)
        counted = spread(job, "prepared.write_bucket", tasks, rate)
        for file in sorted(scratch.glob("b[0-9]*/*")):
            # Given a second name rather than moved: until all is done, nothing is lost by a kill.
            place_file(file, folder / file.relative_to(scratch))
        _write_layout(buckets, job, folder)
        facts |= _facts(units, counted)
    # What a killed run made bucket by bucket may follow the cuts of a layout that is gone.
    for stage in ("prepared", "cohort", "features"):
        job.store.drop_scratch(stage)


def _placed(
    job: Job, scratch: Path
) -> tuple[tuple[Bucket, ...], tuple[BucketFiles, ...] | None, int]:
    """The cuts, the buckets of an earlier layout with the same ones, and the number of units."""
    study = job.study
    with engine(job, "prepared") as con:
        _source_views(con, job)
        weigh_units(con, [s.source for s in study.records if s.unit is study.spec.unit])
        [(units,)] = con.execute("SELECT count(*) FROM units").fetchall()
        cuts = scratch / CUTS
        if cuts.exists():  # a run was killed: what it left follows its cuts
            buckets = from_firsts(read_json(cuts))
            before = _layout_before(job, lambda earlier: earlier == buckets)
        else:
            before = _layout_before(job, lambda earlier: still_fit(con, earlier))
            buckets = before[0] if before else cut(con)
            write_json(cuts, [bucket.first for bucket in buckets])
        place(con, buckets, needed_by(study), study.spec.unit, members_of(study), scratch)
    return buckets, before[1] if before else None, units


def write_bucket(job: Job, task: _Task, told: Told) -> dict[str, int]:
    """Write one bucket's files aside, and rename; one that is there is done."""
    scratch = job.store.scratch("prepared", job.lineage["prepared"])
    target = scratch / task.bucket.name
    if not target.exists():
        with (
            engine(job, "prepared", share=0.8, apart=task.bucket.name) as con,
            folder_aside(target) as folder,
        ):
            _source_views(con, job)
            writer = BucketWriter(
                con, task.bucket, job.study.spec.unit, scratch, task.before, folder
            )
            write_json(folder / COUNTS, writer.write(needed_by(job.study)))
    counts: dict[str, int] = read_json(target / COUNTS)
    told(BucketFiles(target).own_units(job.study.spec.unit.value))
    return counts


def _source_views(con: duckdb.DuckDBPyConnection, job: Job) -> None:
    accepted_views(con, job, job.study.records)
    view(con, RELATIONS, job.folder("linkage") / "relations.parquet")


def _layout_before(
    job: Job, serves: Callable[[tuple[Bucket, ...]], bool]
) -> tuple[tuple[Bucket, ...], tuple[BucketFiles, ...]] | None:
    """The newest undamaged layout of the same unit whose cuts serve."""
    root = job.store.root / "derived" / "prepared"
    found = sorted(root.glob(f"[0-9a-f]*/{LAYOUT}"), key=lambda path: -path.stat().st_mtime)
    for path in found:
        table = pq.read_table(path)
        if table.schema.metadata[b"unit"].decode() != job.study.spec.unit.value:
            continue
        buckets = from_firsts(table["first"].to_pylist())
        if table.schema.metadata.get(b"made_by", b"").decode() != _made_by():
            continue
        if serves(buckets) and job.store.artefact("prepared", path.parent.name):
            return buckets, tuple(BucketFiles(path.parent / b.name) for b in buckets)
    return None


def _made_by() -> str:
    """The version of the code and libraries: what another one wrote is not taken over."""
    return stage_digest("prepared")


def _write_layout(buckets: tuple[Bucket, ...], job: Job, folder: Path) -> None:
    table = pa.table({"first": [bucket.first for bucket in buckets]})
    table = table.replace_schema_metadata(
        {"unit": job.study.spec.unit.value, "made_by": _made_by()}
    )
    pq.write_table(table, folder / LAYOUT)


def _facts(units: int, counted: list[Mapping[str, int]]) -> dict[str, Any]:
    sources = dict.fromkeys(name for counts in counted for name in counts)
    rows = {name: sum(counts.get(name, 0) for counts in counted) for name in sources}
    return {
        "rows_in": sum(n for name, n in rows.items() if name != RELATIONS),
        "rows_out": units,
        "buckets": len(counted),
        "rows": rows,
    }


# -- reading a layout ----------------------------------------------------------------------------


def layout(job: Job) -> tuple[BucketFiles, ...]:
    """The buckets of the study's layout, in the order of their units."""
    folder = job.folder("prepared")
    return tuple(BucketFiles(path) for path in sorted(folder.glob("b[0-9]*")) if path.is_dir())


@contextmanager
def bucket_engine(
    job: Job, stage: str, files: BucketFiles, *, own: bool, share: float
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with ``relations`` and the views ``source_<name>`` of one bucket.

    Args:
        own: rows of the bucket's own units only, not of others of their households.
        share: of the memory, see :func:`riskstrat.stages.engine.engine`.
    """
    study = job.study
    with engine(job, stage, share=share, apart=files.folder.name) as con:
        units = files.own_sql(study.spec.unit.value)
        for each in needed_by(study):
            name = each.source.source
            only = f" SEMI JOIN ({units}) USING (unit_id)" if own and GUESTS in each.whose else ""
            view_of(con, f"source_{name}", f"SELECT * EXCLUDE (key) FROM {files.sql(name)}{only}")
        view_of(con, RELATIONS, f"SELECT * EXCLUDE (key) FROM {files.sql(RELATIONS)}")
        yield con
