"""Who is in scope and what came next, bucket by bucket."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.buckets.layout import BucketFiles
from riskstrat.cohort.eligible import build_pairs
from riskstrat.cohort.flow import (
    CohortFlow,
    FlowStep,
    added,
    count_steps,
    refuse_no_answer,
    refuse_nobody,
)
from riskstrat.cohort.outcomes import build_outcomes
from riskstrat.contracts.optouts import opted_out_pairs_sql
from riskstrat.disk import file_aside, write_json
from riskstrat.stages.engine import accepted_views, engine, making, view_of
from riskstrat.stages.jobs import Job
from riskstrat.stages.prepared import bucket_engine, layout
from riskstrat.stages.spread import Rate, Told, spread
from riskstrat.store.files import read_mark, write_mark
from riskstrat.store.worker import Progress
from riskstrat.vocabulary import Unit

NOT_OPTED_OUT = "not opted out on the day"


def cohort_stage(job: Job, *, progress: Progress) -> None:
    """Who is in scope at each date, and what came next."""
    facts: dict[str, Any] = {}
    with making(job, "cohort", facts) as folder:
        units = int(job.artefact("prepared").facts["rows_out"])
        buckets = layout(job)
        found = spread(job, "cohort.judge_bucket", buckets, Rate(units, "units judged", progress))
        flow = added(read_flow(rows) for rows in found)
        progress(1.0, "sorting")
        out = folder / "cohort.parquet"
        with engine(job, "cohort") as con:
            pieces = ", ".join(literal(_piece(job, files).as_posix()) for files in buckets)
            view_of(con, "judged", f"SELECT * FROM read_parquet([{pieces}])")
            flow = _without_opted_out(con, job, flow)
            refuse_nobody(flow)
            if not job.score_on:
                refuse_no_answer(con, job.study.spec.outcome.name)
            con.execute(
                f"COPY (SELECT * FROM cohort ORDER BY as_of, unit_id) TO "
                f"{literal(out.as_posix())} (FORMAT parquet, COMPRESSION zstd)"
            )
            facts |= _counts(con, flow, outcomes=not job.score_on)
        write_json(folder / "flow.json", flow_rows(flow))
        write_json(folder / "counts.json", facts)
    job.store.drop_scratch("cohort", job.lineage["cohort"])


def _without_opted_out(con: duckdb.DuckDBPyConnection, job: Job, flow: CohortFlow) -> CohortFlow:
    """The view ``cohort``: all that were judged but who had opted out on the day, a last step.

    Whoever has opted out by now has no rows any more; this is about those who took it back.
    """
    study = job.study
    if not study.opt_outs or study.spec.unit is not Unit.PERSON:
        view_of(con, "cohort", "SELECT * FROM judged")
        return flow
    accepted_views(con, job, study.opt_outs)
    spells = " UNION ALL ".join(
        f"SELECT unit_id, kind, starts_on, ends_on FROM {quoted(f'source_{one.source}')}"
        for one in study.opt_outs
    )
    gone = opted_out_pairs_sql("judged", f"({spells})", study.bound_by)
    con.execute(f"CREATE TEMP TABLE gone AS {gone}")
    view_of(con, "cohort", "SELECT * FROM judged ANTI JOIN gone USING (unit_id, as_of)")
    steps = (
        "(SELECT j.as_of, CASE WHEN gone.unit_id IS NOT NULL THEN 1 END AS failed "
        "FROM judged AS j LEFT JOIN gone USING (unit_id, as_of))"
    )
    return added([flow.then(count_steps(con, steps, None, [NOT_OPTED_OUT]))])


def judge_bucket(job: Job, files: BucketFiles, told: Told) -> list[dict[str, Any]]:
    """Write one bucket's part of the cohort, and return its flow; one that is there is done."""
    piece = _piece(job, files)
    mark = piece.with_suffix(".json")
    found: list[dict[str, Any]] | None = read_mark(mark)
    if found is None:
        with bucket_engine(job, "cohort", files, own=True, share=0.8) as con:
            found = flow_rows(_judged(con, job))
            _write_piece(con, piece)
        write_mark(mark, found, [piece])
    told(files.own_units(job.study.spec.unit.value))
    return found


def _piece(job: Job, files: BucketFiles) -> Path:
    """Where a bucket's part of the cohort is until all are there."""
    return job.store.scratch("cohort", job.lineage["cohort"]) / f"{files.folder.name}.parquet"


def _judged(con: duckdb.DuckDBPyConnection, job: Job) -> CohortFlow:
    study, spec = job.study, job.study.spec
    flow = build_pairs(
        con,
        spec.cohort,
        spec.unit,
        study.sources_by_name,
        study.who,
        study.attributes,
        each=study.each_where,
        dates=[job.score_on] if job.score_on else None,
    )
    if job.score_on:
        con.execute("CREATE OR REPLACE TEMP VIEW cohort AS SELECT * FROM pairs")
        return flow
    return flow.then(
        build_outcomes(
            con,
            spec.outcome,
            spec.cohort,
            spec.unit,
            study.sources_by_name,
            study.outcome_where,
        )
    )


def _write_piece(con: duckdb.DuckDBPyConnection, piece: Path) -> None:
    with file_aside(piece) as aside:
        con.execute(
            f"COPY (SELECT * FROM cohort ORDER BY as_of, unit_id) TO {literal(aside.as_posix())} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )


def flow_rows(flow: CohortFlow) -> list[dict[str, Any]]:
    """Who was left at each step, as plain values for JSON."""
    return [
        {
            "as_of": step.as_of.isoformat() if step.as_of else None,
            "step": step.step,
            "left": step.left,
            "removed": step.removed,
        }
        for step in flow.steps
    ]


def read_flow(rows: Iterable[dict[str, Any]]) -> CohortFlow:
    """What :func:`flow_rows` wrote."""
    return CohortFlow(
        tuple(
            FlowStep(
                date.fromisoformat(row["as_of"]) if row["as_of"] else None,
                row["step"],
                row["left"],
                row["removed"],
            )
            for row in rows
        )
    )


def _counts(con: duckdb.DuckDBPyConnection, flow: CohortFlow, *, outcomes: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {"rows_in": flow.total[0].left}
    if not outcomes:
        [(rows,)] = con.execute("SELECT count(*) FROM cohort").fetchall()
        return {**counts, "rows_out": rows}
    rows, yes, no, dates = con.execute(
        "SELECT count(*), coalesce(count_if(outcome), 0), coalesce(count_if(NOT outcome), 0), "
        "count(DISTINCT as_of) "
        "FROM cohort"
    ).fetchall()[0]
    by_reason = con.execute(
        "SELECT outcome_reason, count(*) FROM cohort GROUP BY 1 ORDER BY 1"
    ).fetchall()
    by_date = con.execute(
        "SELECT as_of, count(*), coalesce(count_if(outcome), 0), "
        "coalesce(count_if(NOT outcome), 0) FROM cohort GROUP BY 1 ORDER BY 1 LIMIT 60"
    ).fetchall()
    return {
        **counts,
        "rows_out": rows,
        "outcomes": yes,
        "known": yes + no,
        "dates": dates,
        "reasons": dict(by_reason),
        "by_date": [[day.isoformat(), n, y, known_no] for day, n, y, known_no in by_date],
    }
