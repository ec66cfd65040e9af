"""What each stage does in its child process: read its parents, call the stage, publish.

Here, and in ``scoring.py``, pure stages meet the store. Every function takes a ``Job`` and
leaves an artefact whose facts hold the stage's counts, summary, seconds and peak memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.asof import literal, quoted
from riskstrat.attributes import Attribute
from riskstrat.audit.audit import AuditResult, audit
from riskstrat.cohort.eligible import build_pairs
from riskstrat.cohort.flow import CohortFlow, refuse_no_answer, refuse_nobody
from riskstrat.cohort.outcomes import build_outcomes
from riskstrat.contracts.check import birth_view_sql, check_source, death_view_sql
from riskstrat.contracts.spec import Source
from riskstrat.features.build import build_features
from riskstrat.features.dictionary import feature_dictionary
from riskstrat.features.groups import build_groups
from riskstrat.features.plan import FeaturePlan, plan_features
from riskstrat.features.spec import Aggregate, Block, FeaturesSpec
from riskstrat.linkage.spine import check_keys, check_overlaps, spine_sql
from riskstrat.risk_model import RiskModel
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import in_checking_order
from riskstrat.store.files import read_json, write_json
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.study import Study
from riskstrat.training.fit import TrainingResult, fit
from riskstrat.vocabulary import Finding

PRIOR_USE = "prior_use"


@contextmanager
def making(job: Job, stage: str, facts: dict[str, Any]) -> Iterator[Path]:
    """Publish a stage's output folder with its cost."""
    started = time.monotonic()
    with job.store.making(stage.split("/")[0], job.lineage[stage], facts) as folder:
        yield folder
        facts["seconds"] = round(time.monotonic() - started, 3)
        facts["peak_mb"] = peak_mb()


@contextmanager
def engine(job: Job, stage: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection within the job's memory and threads, spilling into scratch."""
    spill = job.store.scratch("spill", job.lineage[stage])
    con = duckdb.connect(
        config={
            "memory_limit": job.memory,
            "threads": job.threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": True,
        }
    )
    con.execute("SET enable_progress_bar = false")
    try:
        yield con
    finally:
        con.close()
        job.store.drop_scratch("spill", job.lineage[stage])


def view(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    """A view over a finished Parquet file."""
    con.execute(
        f"CREATE OR REPLACE VIEW {quoted(name)} AS "
        f"SELECT * FROM read_parquet({literal(file.as_posix())})"
    )


def accepted_views(con: duckdb.DuckDBPyConnection, job: Job, sources: Sequence[Source]) -> None:
    """A view `source_<name>` over the accepted rows of each source."""
    for source in sources:
        folder = job.folder(f"contracts/{source.source}")
        view(con, f"source_{source.source}", folder / "accepted.parquet")


def as_rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as plain rows, for JSON."""
    """Findings as plain values, for JSON."""
    return [{**asdict(finding), "severity": finding.severity.value} for finding in findings]


# -- 1 contracts ---------------------------------------------------------------------------------


def contracts_stage(job: Job, wanted: Sequence[str], *, progress: Progress) -> None:
    """Check the extracts of ``wanted`` sources; births and deaths come first."""
    order = [s for s in in_checking_order(job.study) if s.source in wanted]
    for number, source in enumerate(order):
        progress(number / len(order), source.title)
        check_one(job, source)


def check_one(job: Job, source: Source) -> None:
    """Check one extract and publish its accepted rows."""
    stage = f"contracts/{source.source}"
    facts: dict[str, Any] = {"source": source.source}
    with engine(job, stage) as con, making(job, stage, facts) as folder:
        births, deaths = _vital_views(con, job, source)
        scratch = job.store.scratch("checking", job.lineage[stage])
        try:
            checked = check_source(
                con,
                source,
                job.data,
                births=births,
                deaths=deaths,
                scratch=scratch,
                codelists=job.study.catalogue.codelists,
            )
            out = literal((folder / "accepted.parquet").as_posix())
            con.execute(
                f"COPY ({checked.accepted_sql}) TO {out} (FORMAT parquet, COMPRESSION zstd)"
            )
        finally:
            job.store.drop_scratch("checking", job.lineage[stage])
        write_json(folder / "findings.json", as_rows(checked.findings))
        facts |= {
            "rows_in": checked.rows_in,
            "rows_out": checked.rows_accepted,
            "rejected": dict(checked.rejected),
        }


def _vital_views(
    con: duckdb.DuckDBPyConnection, job: Job, source: Source
) -> tuple[str | None, str | None]:
    """Births and deaths from the sources that come before this one in the order of checking."""
    names: list[str | None] = [None, None]
    for other in in_checking_order(job.study):
        if other.source == source.source:
            break
        if other.unit is not source.unit:
            continue
        # `check` goes on after a refusal, and holds the rest against what there is.
        if job.store.artefact("contracts", job.lineage[f"contracts/{other.source}"]) is None:
            continue
        if other.born_on:
            accepted_views(con, job, [other])
            con.execute(f"CREATE OR REPLACE VIEW births AS {birth_view_sql(other)}")
            names[0] = "births"
        if other.status == "death":
            accepted_views(con, job, [other])
            con.execute(f"CREATE OR REPLACE VIEW deaths AS {death_view_sql(other)}")
            names[1] = "deaths"
    return names[0], names[1]


# -- 2 linkage -----------------------------------------------------------------------------------


def linkage_stage(job: Job, *, progress: Progress) -> None:
    """Resolve who lived where, and whether the sources speak of the same units."""
    facts: dict[str, Any] = {}
    study = job.study
    with engine(job, "linkage") as con, making(job, "linkage", facts) as folder:
        accepted_views(con, job, study.sources)
        check_overlaps(con, study.sources)
        relating = [source for source in study.sources if source.relates]
        progress(0.3, "households and areas")
        out = literal((folder / "relations.parquet").as_posix())
        con.execute(f"COPY ({spine_sql(relating)}) TO {out} (FORMAT parquet, COMPRESSION zstd)")
        findings = check_keys(con, study.sources, study.population)
        write_json(folder / "findings.json", as_rows(tuple(findings)))
        facts["rows_out"] = pq.read_metadata(folder / "relations.parquet").num_rows


# -- 3 cohort ------------------------------------------------------------------------------------


def cohort_stage(job: Job, *, progress: Progress) -> None:
    """Who is in scope at each date, and what came next."""
    study, spec = job.study, job.study.spec
    facts: dict[str, Any] = {}
    with engine(job, "cohort") as con, making(job, "cohort", facts) as folder:
        prepare(con, job)
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
        refuse_nobody(flow)
        progress(0.5, "outcomes")
        if job.score_on:
            con.execute("CREATE OR REPLACE TEMP VIEW cohort AS SELECT * FROM pairs")
        else:
            flow = flow.then(
                build_outcomes(
                    con,
                    spec.outcome,
                    spec.cohort,
                    spec.unit,
                    study.sources_by_name,
                    study.outcome_where,
                )
            )
            refuse_no_answer(con, spec.outcome.name)
        out = literal((folder / "cohort.parquet").as_posix())
        con.execute(
            f"COPY (SELECT * FROM cohort ORDER BY as_of, unit_id) TO {out} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        write_json(folder / "flow.json", flow_rows(flow))
        facts |= _cohort_counts(con, flow, outcomes=not job.score_on)
        write_json(folder / "counts.json", facts)


def prepare(con: duckdb.DuckDBPyConnection, job: Job) -> None:
    """The views every later stage reads: accepted sources and relations."""
    accepted_views(con, job, job.study.sources)
    view(con, "relations", job.folder("linkage") / "relations.parquet")


def flow_rows(flow: CohortFlow) -> list[dict[str, Any]]:
    """The cohort's flow as plain rows, for JSON."""
    """Who was left at each step, as plain values."""
    return [
        {
            "as_of": step.as_of.isoformat() if step.as_of else None,
            "step": step.step,
            "left": step.left,
            "removed": step.removed,
        }
        for step in flow.steps
    ]


def _cohort_counts(
    con: duckdb.DuckDBPyConnection, flow: CohortFlow, *, outcomes: bool
) -> dict[str, Any]:
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


# -- 4 features ----------------------------------------------------------------------------------


def feature_plan(study: Study) -> FeaturePlan:
    """The study's measurements as plain data."""
    return plan_features(
        study.spec.features,
        unit=study.spec.unit,
        sources=study.sources_by_name,
        codelists=study.catalogue.codelists,
        filters=study.block_filters,
        attributes=study.block_attributes,
        age_bands=study.spec.cohort.age_bands,
    )


def prior_use_plan(study: Study) -> FeaturePlan:
    """How often the outcome's own event had happened before, for the baseline of prior use."""
    features = study.spec.features
    block = Block(
        source=study.spec.outcome.event,
        name=PRIOR_USE,
        aggregates=(Aggregate(function="count"),),
        windows=(max(features.windows),),
    )
    return plan_features(
        FeaturesSpec(windows=features.windows, blocks=(block,), min_covered=features.min_covered),
        unit=study.spec.unit,
        sources=study.sources_by_name,
        codelists=study.catalogue.codelists,
        filters=(study.outcome_where,),
        attributes=({},),
        age_bands=study.spec.cohort.age_bands,
    )


def features_stage(job: Job, *, progress: Progress) -> None:
    """What could be known about each unit on the day, and the attributes that group them."""
    study = job.study
    facts: dict[str, Any] = {}
    with engine(job, "features") as con, making(job, "features", facts) as folder:
        prepare(con, job)
        view(con, "cohort", job.folder("cohort") / "cohort.parquet")
        con.execute("CREATE TEMP TABLE pairs AS SELECT unit_id, as_of FROM cohort")
        plan = feature_plan(study)
        summary = build_features(
            con, plan, study.sources_by_name, folder / "features.parquet", progress=progress
        )
        dictionary = feature_dictionary(plan, summary)
        write_json(folder / "features.json", dictionary)
        _write_groups(con, job, study.attributes, folder)
        facts |= {
            "rows_in": summary.rows,
            "rows_out": summary.rows,
            "features": len(plan.columns),
            "sources": len({column.source for column in plan.columns}),
        }


def _write_groups(con: duckdb.DuckDBPyConnection, job: Job, attributes: Any, folder: Path) -> None:
    """Group attributes and prior use side by side, in the order of the features."""
    study = job.study
    scratch = job.store.scratch("groups", job.lineage["features"])
    named: dict[str, Attribute] = dict(attributes)
    build_groups(
        con,
        named,
        study.sources_by_name,
        study.spec.unit,
        study.spec.cohort.age_bands,
        scratch / "groups.parquet",
    )
    prior = prior_use_plan(study)
    build_features(con, prior, study.sources_by_name, scratch / "prior.parquet")
    groups = pq.read_table(scratch / "groups.parquet")
    counts = pq.read_table(scratch / "prior.parquet")
    [name] = [c.name for c in prior.columns if c.kind.value == "number"]
    column = counts.column(name).cast(pa.float64())
    pq.write_table(
        groups.append_column(PRIOR_USE, column), folder / "groups.parquet", compression="zstd"
    )
    job.store.drop_scratch("groups", job.lineage["features"])


# -- 5 training ----------------------------------------------------------------------------------


def training_stage(job: Job, *, progress: Progress) -> None:
    """Folds, learners, calibration, predictions and their metrics."""
    study = job.study
    facts: dict[str, Any] = {}
    scratch = job.store.scratch("training", job.lineage["training"])
    with making(job, "training", facts) as folder:
        cohort = pq.read_table(job.folder("cohort") / "cohort.parquet")
        features = pq.read_table(job.folder("features") / "features.parquet")
        result = fit(
            cohort,
            features,
            feature_plan(study).columns,
            pq.read_table(job.folder("features") / "groups.parquet"),
            study.spec.training,
            horizon_days=study.spec.outcome.within.days,
            capacity=study.spec.audit.capacity,
            seed=study.spec.seed,
            threads=job.threads,
            scratch=scratch,
            progress=progress,
        )
        _write_training(result, folder)
        facts |= _training_facts(result, features.num_rows)
    job.store.drop_scratch("training", job.lineage["training"])


def _write_training(result: TrainingResult, folder: Path) -> None:
    pq.write_table(result.predictions, folder / "predictions.parquet", compression="zstd")
    write_json(folder / "metrics.json", result.metrics)
    write_json(folder / "tuning.json", result.tuning)
    write_json(folder / "folds.json", result.folds)
    write_json(folder / "training.json", {"winner": result.winner, "notes": list(result.notes)})
    for name, model in result.models.items():
        model.save(folder / "models" / name)


def _training_facts(result: TrainingResult, rows: int) -> dict[str, Any]:
    auroc = result.metrics["test"][result.winner]["auroc"]
    return {
        "rows_in": rows,
        "rows_out": result.predictions.num_rows,
        "winner": result.winner,
        "auroc": auroc,
        "trials": len(result.tuning),
    }


# -- 6 audit -------------------------------------------------------------------------------------


def audit_stage(job: Job, *, progress: Progress) -> None:
    """Is it right, for whom, and why; gates are evaluated and recorded."""
    study = job.study
    facts: dict[str, Any] = {}
    training, features = job.folder("training"), job.folder("features")
    with making(job, "audit", facts) as folder:
        winner = read_json(training / "training.json")["winner"]
        counts = read_json(job.folder("cohort") / "counts.json")
        result = audit(
            pq.read_table(training / "predictions.parquet"),
            read_json(training / "metrics.json"),
            RiskModel.load(training / "models" / winner),
            pq.read_table(features / "features.parquet"),
            pq.read_table(features / "groups.parquet"),
            study.spec.audit,
            baselines=[baseline.kind for baseline in study.spec.training.baselines],
            cohort_rows=counts["rows_out"],
            cohort_unknown=counts["rows_out"] - counts["known"],
            cluster=study.spec.training.cluster,
            replicates=study.spec.training.replicates,
            seed=study.spec.seed,
            progress=progress,
        )
        _write_audit(result, folder)
        facts |= {
            "rows_in": counts["known"],
            "rows_out": result.fairness.num_rows,
            "passed": result.passed,
            "gates": len(result.gates),
            "gates_passed": sum(gate.passed for gate in result.gates),
        }


def _write_audit(result: AuditResult, folder: Path) -> None:
    for name in ("fairness", "explanations", "importance", "importance_by_agency", "reasons"):
        pq.write_table(getattr(result, name), folder / f"{name}.parquet", compression="zstd")
    write_json(folder / "findings.json", as_rows(result.findings))
    write_json(folder / "gates.json", [gate.as_dict() for gate in result.gates])
    write_json(folder / "verdict.json", {"passed": result.passed})
