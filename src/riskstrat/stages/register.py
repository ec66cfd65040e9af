"""The registry: runs and models are written, found, and decided on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from riskstrat.derivation import PACKAGE, file_digest
from riskstrat.disk import read_json
from riskstrat.release import evidence
from riskstrat.release.policies import Policy, policy_named, strictest
from riskstrat.risk_model import RiskModel
from riskstrat.stages.jobs import Job
from riskstrat.store.artefacts import Store
from riskstrat.store.registry import ModelVersion, Registry, RunRecord, TrialRecord
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.study import Study


def register(job: Job, facts: Mapping[str, Any], *, progress: Progress) -> dict[str, Any]:
    """Write the run to MLflow and register its winner; a second time changes nothing."""
    training, audit = job.folder("training"), job.folder("audit")
    winner = read_json(training / "training.json")["winner"]
    verdict = read_json(audit / "verdict.json")
    spec = job.study.spec
    metrics = read_json(training / "metrics.json")
    certainty = certainty_of(metrics["test"][winner], policy_of(job.study))
    record = RunRecord(
        study=spec.study,
        title=spec.title,
        run_id=facts["run_id"],
        winner=winner,
        metrics=metrics,
        gates=read_json(audit / "gates.json"),
        passed=verdict["passed"],
        model_dir=training / "models" / winner,
        features=RiskModel.load(training / "models" / winner).features,
        study_text=job.study.text,
        study_digest=facts["digests"]["study"],
        data_fingerprint=facts["digests"]["data"],
        lock_digest=_lock_digest(),
        params={
            "seed": spec.seed,
            "purpose": spec.purpose,
            "unit": spec.unit.value,
            "outcome": spec.outcome.model_dump(mode="json"),
            "training": spec.training.model_dump(mode="json"),
            "versions": facts["versions"],
        },
        trials=tuple(TrialRecord.from_tuning(row) for row in read_json(training / "tuning.json")),
        version_tags={"certainty": "\n".join(certainty), "audit": job.lineage["audit"]},
        files={
            "metrics": training / "metrics.json",
            "folds": training / "folds.json",
            "features": job.folder("features") / "features.json",
        },
    )
    progress(0.2, "writing to the registry")
    version = Registry.of_store(job.store.root).log_run(record)
    return {**_model_facts(version), "peak_mb": peak_mb()}


def _lock_digest() -> str:
    """Of the lock file this environment was built from, when run from a checkout."""
    lock = PACKAGE.parent.parent / "requirements.lock"
    return file_digest(lock) if lock.exists() else ""


def _model_facts(version: ModelVersion) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.version,
        "aliases": sorted(version.aliases),
        "uri": f"models:/{version.name}/{version.version}",
        "passed": version.passed,
        "run_id": version.run_id,
        "digest": version.tags.get("model_digest", ""),
        "tags": dict(version.tags),
        "approvals": list(approvals_of(version.tags)),
        "certainty": version.tags.get("certainty", "").splitlines(),
    }


def chosen_version(
    job: Job, name: str, number: int | None, *, progress: Progress
) -> dict[str, Any]:
    """The registered version to score with: by number, or the champion, or the challenger."""
    progress(0.0, "")
    return _model_facts(Registry.of_store(job.store.root).find_version(name, number))


def decide(
    store: Store,
    model: str,
    number: int,
    by: str,
    reason: str,
    approved: bool,
    on: date,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Move the alias of a version as a named person decided."""
    registry = Registry.of_store(store.root)
    progress(0.1, "recording the decision")
    moves = registry.approve if approved else registry.reject
    return _model_facts(moves(model, number, by=by, reason=reason, on=on))


def approvals_of(tags: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    """Decisions recorded with a version, as the manifest and the report tell them."""
    if not tags.get("decided_by"):
        return ()
    return (
        {
            "by": tags["decided_by"],
            "role": tags.get("decided_role", "information governance"),
            "on": tags.get("decided_on", ""),
            "decision": tags.get("decision", "approved"),
            "reason": tags.get("reason", ""),
        },
    )


def certainty_of(metrics: Mapping[str, Any], policy: Policy) -> list[str]:
    """How sure a list of each length is, from one learner's held-out metrics.

    What rests on too few people to be shown is left out.
    """
    table = evidence.capacity_table({"test": {"": metrics}}, policy)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    found = {(row["share"], row["metric"]): row for row in rows}
    said = []
    for share in dict.fromkeys(row["share"] for row in rows):
        ppv, reached = found.get((share, "ppv")), found.get((share, "sensitivity"))
        if not ppv or not reached or ppv["low"] is None or reached["low"] is None:
            continue
        said.append(
            f"Of the {_percent(share)} at highest risk, {ppv['value']:.0%} had the outcome on "
            f"held-out data (95% interval {ppv['low']:.0%} to {ppv['high']:.0%}); they were "
            f"{reached['value']:.0%} ({reached['low']:.0%} to {reached['high']:.0%}) of all who "
            "had it."
        )
    return said


def _percent(share: float) -> str:
    return f"{share:.1%}".replace(".0%", "%")


def policy_of(study: Study) -> Policy:
    """The strictest policy of the contributing sources' agreements, or the one named."""
    named = study.spec.release.disclosure
    if named != "strictest":
        return policy_named(named)
    agreements = study.catalogue.agreements
    return strictest(agreements[source.agreement].disclosure.value for source in study.sources)
