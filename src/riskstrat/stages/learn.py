"""Training and audit in their child process: read their parents, call the stage, publish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.audit import AuditResult, audit
from riskstrat.disk import read_json, write_json
from riskstrat.risk_model import KEY, FeatureRows, RiskModel
from riskstrat.stages.engine import as_rows, making
from riskstrat.stages.jobs import Job, amount
from riskstrat.store.worker import Progress
from riskstrat.study.planned import feature_plan
from riskstrat.training.entrants import needed_attributes
from riskstrat.training.fit import TrainingResult, fit


def training_stage(job: Job, *, progress: Progress) -> None:
    """Folds, learners, calibration, predictions and their metrics."""
    study, spec = job.study, job.study.spec.training
    facts: dict[str, Any] = {}
    scratch = job.store.scratch("training", job.lineage["training"])
    with making(job, "training", facts) as folder:
        features = FeatureRows.of_file(job.folder("features") / "features.parquet")
        groups = job.folder("features") / "groups.parquet"
        wanted = needed_attributes(spec, pq.read_schema(groups).names)
        result = fit(
            columns_of(job.folder("cohort") / "cohort.parquet", ["outcome"]),
            features,
            feature_plan(study).columns,
            columns_of(groups, wanted),
            spec,
            horizon_days=study.spec.outcome.within.days,
            capacity=study.spec.audit.capacity,
            seed=study.spec.seed,
            threads=job.threads,
            scratch=scratch,
            memory=amount(job.memory),
            progress=progress,
        )
        rows = _write_training(result, folder)
        facts |= _training_facts(result, features.num_rows) | {"rows_out": rows}
    job.store.drop_scratch("training", job.lineage["training"])


def _tested(file: Path, learners: Sequence[str]) -> pa.Table:
    """The predictions of some learners on the held-out rows."""
    return pq.read_table(file, filters=[("split", "=", "test"), ("learner", "in", learners)])


def _first_day(predictions: pa.Table) -> date:
    """The earliest date that was tested."""
    return pc.min(predictions["as_of"]).as_py()  # type: ignore[no-any-return]


def columns_of(file: Path, wanted: Sequence[str], since: date | None = None) -> pa.Table:
    """Some columns of a table of units and dates, with the keys; each text is held once.

    Args:
        file: sorted by date and unit.
        wanted: columns beside the keys; those that do not exist are left out.
        since: leave out earlier dates.
    """
    present = pq.read_schema(file)
    names = list(dict.fromkeys((*KEY, *(name for name in wanted if name in present.names))))
    texts = [name for name in names if pa.types.is_string(present.field(name).type)]
    kept = None if since is None else pc.field("as_of") >= since
    table = pq.read_table(file, columns=names, read_dictionary=texts, filters=kept)
    return table.unify_dictionaries()


def _write_training(result: TrainingResult, folder: Path) -> int:
    rows = result.write_predictions(folder / "predictions.parquet")
    write_json(folder / "metrics.json", result.metrics)
    write_json(folder / "tuning.json", result.tuning)
    write_json(folder / "folds.json", result.folds)
    learnt = {"winner": result.winner, "notes": list(result.notes), "sample": result.sample}
    write_json(folder / "training.json", learnt)
    for name, model in result.models.items():
        model.save(folder / "models" / name)
    return rows


def _training_facts(result: TrainingResult, rows: int) -> dict[str, Any]:
    auroc = result.metrics["test"][result.winner]["auroc"]
    return {
        "rows_in": rows,
        "winner": result.winner,
        "auroc": auroc,
        "trials": len(result.tuning),
    }


def audit_stage(job: Job, *, progress: Progress) -> None:
    """Is it right, for whom, and why; gates are evaluated and recorded."""
    study = job.study
    facts: dict[str, Any] = {}
    training, features = job.folder("training"), job.folder("features")
    with making(job, "audit", facts) as folder:
        winner = read_json(training / "training.json")["winner"]
        counts = read_json(job.folder("cohort") / "counts.json")
        baselines = [baseline.kind for baseline in study.spec.training.baselines]
        predictions = _tested(training / "predictions.parquet", [winner, *baselines])
        attributes = (*study.spec.audit.groups, study.spec.training.cluster)
        result = audit(
            predictions,
            read_json(training / "metrics.json"),
            RiskModel.load(training / "models" / winner),
            FeatureRows.of_file(features / "features.parquet"),
            columns_of(features / "groups.parquet", attributes, since=_first_day(predictions)),
            study.spec.audit,
            baselines=baselines,
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
