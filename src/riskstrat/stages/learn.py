"""Training and audit in their child process: read their parents, call the stage, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.audit import AuditResult, audit
from riskstrat.disk import read_json, write_json
from riskstrat.privacy.examine import ModelPrivacy, examine
from riskstrat.risk_model import KEY, FeatureRows, RiskModel
from riskstrat.stages.engine import as_rows, making
from riskstrat.stages.jobs import Job, amount
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.study.planned import feature_plan
from riskstrat.training.again import procedure_of
from riskstrat.training.entrants import needed_attributes
from riskstrat.training.fit import TrainingResult, fit
from riskstrat.training.ground import Ground, lay_ground
from riskstrat.vocabulary import FeatureColumn, Severity


def training_stage(job: Job, *, progress: Progress) -> None:
    """Folds, learners, calibration, predictions and their metrics."""
    study, spec = job.study, job.study.spec.training
    facts: dict[str, Any] = {}
    scratch = job.store.scratch("training", job.lineage["training"])
    with making(job, "training", facts) as folder:
        cohort, features, groups = _learnt_from(job)
        result = fit(
            cohort,
            features,
            feature_plan(study).columns,
            groups,
            spec,
            horizon_days=study.spec.outcome.within.days,
            capacity=study.spec.audit.capacity,
            seed=study.spec.seed,
            threads=job.threads,
            scratch=scratch,
            memory=amount(job.memory),
            progress=progress,
            by_date=study.spec.cohort.lists_by_date,
        )
        by_date = study.spec.cohort.lists_by_date
        rows = _write_training(result, folder, by_date=by_date)
        facts |= _training_facts(result, features.num_rows) | {"rows_out": rows}
    job.store.drop_scratch("training", job.lineage["training"])


def ground_of(job: Job, columns: Sequence[FeatureColumn], more: Sequence[str] = ()) -> Ground:
    """The rows, folds and samples of a study's training, set out again.

    Args:
        job: of the study.
        columns: the features of the widest learner.
        more: attributes wanted beside those that training needs.
    """
    spec = job.study.spec
    return lay_ground(
        *_learnt_from(job, more),
        spec.training,
        columns=len(columns),
        horizon_days=spec.outcome.within.days,
        seed=spec.seed,
    )


def _learnt_from(job: Job, more: Sequence[str] = ()) -> tuple[pa.Table, FeatureRows, pa.Table]:
    """Cohort, features and groups, as learning reads them."""
    folder = job.folder("features")
    groups = folder / "groups.parquet"
    needed = needed_attributes(job.study.spec.training, pq.read_schema(groups).names)
    return (
        columns_of(job.folder("cohort") / "cohort.parquet", ["outcome"]),
        FeatureRows.of_file(folder / "features.parquet"),
        columns_of(groups, (*needed, *more)),
    )


def winner_of(job: Job) -> str:
    """The name of the learner that won."""
    winner: str = read_json(job.folder("training") / "training.json")["winner"]
    return winner


def model_of(job: Job, name: str) -> RiskModel:
    """A learner's model."""
    return RiskModel.load(job.folder("training") / "models" / name)


def tested_rows(job: Job, *learners: str) -> pa.Table:
    """The predictions of some learners on the held-out rows, each by date and unit."""
    chosen = [("split", "=", "test"), ("learner", "in", learners)]
    return pq.read_table(job.folder("training") / "predictions.parquet", filters=chosen)


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


POOLED = (
    "Each unit's as-of dates follow its own events, so no list is made of a day's units: shares "
    "of a list are cut once, over all units tested on whatever date."
)
"""noted where dates have no lists of their own"""


def _write_training(result: TrainingResult, folder: Path, *, by_date: bool) -> int:
    rows = result.write_predictions(folder / "predictions.parquet")
    write_json(folder / "metrics.json", result.metrics)
    write_json(folder / "tuning.json", result.tuning)
    write_json(folder / "folds.json", result.folds)
    notes = [*result.notes, *([] if by_date else [POOLED])]
    learnt = {"winner": result.winner, "notes": notes, "sample": result.sample}
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
        winner = winner_of(job)
        counts = read_json(job.folder("cohort") / "counts.json")
        baselines = [baseline.kind for baseline in study.spec.training.baselines]
        model = model_of(job, winner)
        privacy = _examine(job, model, lambda share, words: progress(share / 2, words))
        predictions = tested_rows(job, winner, *baselines)
        attributes = (*study.spec.audit.groups, study.spec.training.cluster)
        result = audit(
            predictions,
            read_json(training / "metrics.json"),
            model,
            FeatureRows.of_file(features / "features.parquet"),
            columns_of(features / "groups.parquet", attributes, since=_first_day(predictions)),
            study.spec.audit,
            baselines=baselines,
            cohort_rows=counts["rows_out"],
            cohort_unknown=counts["rows_out"] - counts["known"],
            cluster=study.spec.training.cluster,
            extra=privacy.gates,
            levels=_declared(study),
            replicates=study.spec.training.replicates,
            seed=study.spec.seed,
            progress=lambda share, words: progress((1 + share) / 2, words),
            by_date=study.spec.cohort.lists_by_date,
        )
        _write_audit(result, privacy, folder)
        facts |= {
            "rows_in": counts["known"],
            "rows_out": result.fairness.num_rows,
            "passed": result.passed,
            "gates": len(result.gates),
            "gates_passed": sum(gate.passed for gate in result.gates),
            "gates_failed": sum(gate.verdict == "fail" for gate in result.gates),
        }


def _declared(study: Study) -> dict[str, tuple[str, ...]]:
    """Levels that agencies declare; bands of age go with the scope, which leaves some out."""
    found = {name: study.attributes[name] for name in study.spec.audit.groups}
    return {name: each.levels for name, each in found.items() if each.kind != "age_band"}


def _examine(job: Job, model: RiskModel, tell: Callable[[float, str], None]) -> ModelPrivacy:
    """What the model remembers of the people it was learnt from."""
    spec = job.study.spec
    ground = ground_of(job, model.features, spec.audit.groups)
    return examine(
        procedure_of(model, ground, job.threads),
        spec.audit.groups,
        cluster=spec.training.cluster,
        replicates=spec.training.replicates,
        tell=tell,
    )


def _write_audit(result: AuditResult, privacy: ModelPrivacy, folder: Path) -> None:
    for name in ("fairness", "explanations", "importance", "importance_by_agency", "reasons"):
        pq.write_table(getattr(result, name), folder / f"{name}.parquet", compression="zstd")
    for name, table in result.tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    order = list(Severity)
    findings = (*result.findings, *privacy.findings)
    worst_first = sorted(findings, key=lambda found: order.index(found.severity))
    write_json(folder / "findings.json", as_rows(worst_first))
    write_json(folder / "privacy.json", privacy.as_dict())
    write_json(folder / "gates.json", [gate.as_dict() for gate in result.gates])
    write_json(folder / "verdict.json", {"passed": result.passed})
