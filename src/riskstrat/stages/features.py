"""What could be known about each unit on each day, bucket by bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.asof import literal
from riskstrat.buckets.layout import RELATIONS, BucketFiles
from riskstrat.buckets.visible import Visible
from riskstrat.derivation import digest
from riskstrat.disk import file_aside, write_json
from riskstrat.features.build import (
    MOST_DATES,
    BucketInputs,
    FilledBlock,
    assemble,
    fill,
)
from riskstrat.features.cells import Block as KeptBlock
from riskstrat.features.checks import names_the_end
from riskstrat.features.dictionary import feature_dictionary
from riskstrat.features.frame import limited
from riskstrat.features.groups import build_groups
from riskstrat.features.plan import Feature, FeaturePlan, plan_features
from riskstrat.features.spec import Aggregate, Block, FeaturesSpec
from riskstrat.stages.engine import engine, give_back, left_over, making
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import KERNEL, stage_digest
from riskstrat.stages.prepared import bucket_engine, layout
from riskstrat.stages.spread import Rate, Told, spread
from riskstrat.store.files import read_mark, write_mark
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.study.planned import feature_plan

PRIOR_USE = "prior_use"
BYTES_OF_A_CELL = 6
"""of the kernel's answer, and of what is written from it at once"""
SMALL = 5_000_000
"""cells, and rows of sources times dates per unit, together: below it, loading the compiled kernel
(about a second) costs more than it gains"""


def prior_use(study: Study) -> Feature:
    """How often the outcome's own event had happened before, for the baseline of prior use.

    Where the outcome asks how a spell ended, every spell counts: the end is known only later.
    """
    features = study.spec.features
    event = study.sources_by_name[study.spec.outcome.event]
    of_ends = names_the_end(event, study.outcome_where.columns)
    block = Block(
        source=event.source,
        name=PRIOR_USE,
        aggregates=(Aggregate(function="count"),),
        windows=(max(features.windows),),
    )
    plan = plan_features(
        FeaturesSpec(windows=features.windows, blocks=(block,), min_covered=features.min_covered),
        unit=study.spec.unit,
        sources=study.sources_by_name,
        codelists=study.catalogue.codelists,
        filters=(None if of_ends else study.outcome_where,),
        attributes=({},),
        age_bands=study.spec.cohort.age_bands,
    )
    found = next(feature for feature in plan.features if feature.function == "count")
    # A study may have a feature of the same name; this one is no column of its table.
    return replace(found, column=replace(found.column, name=f"({PRIOR_USE})"))


@dataclass(frozen=True, slots=True)
class _Task:
    """One bucket to fill."""

    files: BucketFiles
    plan: FeaturePlan
    """the study's features, and last of all prior use"""
    fast: bool
    monthly: bool


def features_stage(job: Job, *, progress: Progress) -> None:
    """What could be known about each unit on the day, and the attributes that group them."""
    facts: dict[str, Any] = {}
    with making(job, "features", facts) as folder:
        rows = int(job.artefact("cohort").facts["rows_out"])
        plan = feature_plan(job.study)
        tasks = _tasks(job, plan)
        facts["loading_seconds"] = _load_kernel() if any(task.fast for task in tasks) else 0.0
        # Filling is most of the work; putting the blocks together is about a fifth as much.
        rate = Rate(rows, "units and dates", lambda share, words: progress(share * 0.85, words))
        found = [
            [FilledBlock.of_json(block) for block in blocks]
            for blocks in spread(job, "features.fill_bucket", tasks, rate)
        ]
        writing = Rate(rows, "rows written", lambda share, w: progress(0.85 + share * 0.15, w))
        summary = assemble(
            plan,
            found,
            cells_root(job),
            folder / "features.parquet",
            monthly=any(task.monthly for task in tasks),
            told=writing,
        )
        write_json(folder / "features.json", feature_dictionary(plan, summary))
        _write_groups(job, folder, tasks)
        facts |= {
            "rows_in": summary.rows,
            "rows_out": summary.rows,
            "features": len(plan.columns),
            "sources": len({column.source for column in plan.columns}),
            "events": sum(job.artefact("prepared").facts["rows"].values()),
            "cells": summary.rows * (len(plan.columns) + 1),
            "cells_computed": sum(b.computed * b.rows for blocks in found for b in blocks),
            "kernel": any(task.fast for task in tasks),
        }
    job.store.drop_scratch("features", job.lineage["features"])


def _tasks(job: Job, plan: FeaturePlan) -> list[_Task]:
    prepared, cohort = job.artefact("prepared").facts, job.artefact("cohort").facts
    rows, dates = int(cohort["rows_out"]), int(cohort.get("dates", 1))
    events = sum(n for name, n in prepared["rows"].items() if name != RELATIONS)
    looks = events * rows // max(int(prepared["rows_out"]), 1)
    fast = rows * len(plan.features) + looks >= SMALL
    whole = limited(plan, (*plan.features, prior_use(job.study)))
    return [_Task(files, whole, fast, dates > MOST_DATES) for files in layout(job)]


def _load_kernel() -> float:
    """Load the compiled kernel once for all threads; the CPU seconds that took."""
    from riskstrat.features.kernel import load

    started = time.process_time()
    load()
    return round(time.process_time() - started, 3)


def cells_root(job: Job) -> Path:
    """Where cells are kept, for every study of the store."""
    return job.store.root / "derived" / "cells"


# -- one bucket ----------------------------------------------------------------------------------


def fill_bucket(job: Job, task: _Task, told: Told) -> list[dict[str, Any]]:
    """Fill one bucket's blocks and write its groups; what is there is done."""
    study, root = job.study, cells_root(job)
    piece = _piece(job, task)
    mark = piece.with_suffix(".json")
    done = [FilledBlock.of_json(block) for block in read_mark(mark) or ()]
    if done and all(block.is_kept(root) for block in done):
        told(sum(block.rows for block in done))
        return [block.as_json() for block in done]
    with bucket_engine(job, "features", task.files, own=False, share=0.35) as con:
        _bucket_pairs(con, job, task.files)
        inputs = BucketInputs(
            con,
            study.sources_by_name,
            seen_of(task.files),
            stage_digest("features", "cells", libraries=KERNEL),
            task.files if task.fast else None,
            cells=max(int(left_over(job) * 0.4) // BYTES_OF_A_CELL, 1_000_000),
        )
        blocks = fill(inputs, task.plan, root, monthly=task.monthly, told=told)
        _groups_piece(con, study, blocks, root, piece)
    filled = [block.as_json() for block in blocks]
    write_mark(mark, filled, [piece])
    return filled


def _piece(job: Job, task: _Task) -> Path:
    """Where a bucket's groups are until all are there."""
    scratch = job.store.scratch("features", job.lineage["features"])
    return scratch / f"{task.files.folder.name}.groups.parquet"


def _bucket_pairs(con: duckdb.DuckDBPyConnection, job: Job, files: BucketFiles) -> None:
    """The cohort's pairs of the bucket's own units; the cohort is sorted by date, then unit."""
    cohort = literal((job.folder("cohort") / "cohort.parquet").as_posix())
    own = files.own_sql(job.study.spec.unit.value)
    low, high = con.execute(f"SELECT min(unit_id), max(unit_id) FROM ({own})").fetchall()[0]
    bounds = f"WHERE unit_id BETWEEN {literal(low or '')} AND {literal(high or '')}"
    con.execute(
        f"CREATE TEMP TABLE pairs AS SELECT unit_id, as_of FROM read_parquet({cohort}) {bounds}"
    )


def seen_of(files: BucketFiles) -> Callable[[Feature, date], str]:
    """A digest of what can be seen on a day of the sources that a feature reads."""
    known: dict[str, Visible] = {}

    def at(name: str, day: date) -> list[object]:
        if name not in known:
            known[name] = Visible(files.visible(name))
        return [name, known[name].columns, *known[name].at(day)]

    @cache
    def of(names: frozenset[str], day: date) -> str:
        return digest(*(at(name, day) for name in sorted(names)))

    def seen(feature: Feature, day: date) -> str:
        names = {feature.source, *(a.source for a in feature.attributes if a.source)}
        if feature.through or any(a.through for a in feature.attributes):
            names.add(RELATIONS)
        return of(frozenset(names), day)

    return seen


# -- groups --------------------------------------------------------------------------------------


def _groups_piece(
    con: duckdb.DuckDBPyConnection,
    study: Study,
    blocks: Sequence[FilledBlock],
    root: Path,
    piece: Path,
) -> None:
    """Group attributes and prior use of one bucket side by side, in the order of the features."""
    with file_aside(piece) as aside:
        build_groups(
            con,
            dict(study.attributes),
            study.sources_by_name,
            study.spec.unit,
            study.spec.cohort.age_bands,
            aside,
        )
        groups = pq.read_table(aside)
        prior = [KeptBlock(root / b.folder).read(b.keys[-1:]).column(2) for b in blocks]
        column = pa.chunked_array([c for each in prior for c in each.chunks], pa.float32())
        groups = groups.append_column(PRIOR_USE, pc.cast(column, pa.float64()))
        pq.write_table(groups, aside, compression="zstd")


def _write_groups(job: Job, folder: Path, tasks: Sequence[_Task]) -> None:
    """The groups of all buckets, sorted by (as_of, unit_id)."""
    pieces = ", ".join(literal(_piece(job, task).as_posix()) for task in tasks)
    out = literal((folder / "groups.parquet").as_posix())
    give_back()
    with engine(job, "features", share=0.4) as con:
        con.execute(
            f"COPY (SELECT * FROM read_parquet([{pieces}]) ORDER BY as_of, unit_id) TO {out} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
