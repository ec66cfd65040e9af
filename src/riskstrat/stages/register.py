"""The registry: runs and models are written and found, and aliases follow the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.derivation import PACKAGE, file_digest
from riskstrat.disk import read_json
from riskstrat.errors import UsageError
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
        "not_passed": version.not_passed,
        "run_id": version.run_id,
        "digest": version.tags.get("model_digest", ""),
        "tags": dict(version.tags),
        "certainty": version.tags.get("certainty", "").splitlines(),
    }


def chosen_version(
    store: Store, name: str, number: int | None, any_at_all: bool, *, progress: Progress
) -> dict[str, Any]:
    """The registered version to score with: by number, else the champion or the challenger.

    Args:
        any_at_all: where there is neither, take the latest, so that it can be said why not; its
            files are then looked at with its approval, else here.

    Raises:
        UsageError: there is no such version.
        StorageError: its files are not those that were registered.
    """
    progress(0.0, "")
    registry = Registry.of_store(store.root)
    try:
        version = registry.find_version(name, number)
    except UsageError:
        known = registry.versions(name) if number is None and any_at_all else ()
        if not known:
            raise
        return _model_facts(known[0])
    if not any_at_all:
        registry.verified_model(version)
    return _model_facts(version)


def to_be_signed(store: Store, name: str, number: int, *, progress: Progress) -> dict[str, Any]:
    """A version whose files have their recorded digest, and where they are."""
    progress(0.1, "checking the model's files")
    registry = Registry.of_store(store.root)
    version = registry.find_version(name, number)
    registry.verified_model(version)
    told = {"model_id": version.tags.get("model_id", ""), "folder": str(registry.fetched(version))}
    return {**_model_facts(version), **told}


def fetch_model(store: Store, name: str, number: int, *, progress: Progress) -> str:
    """The folder of a version's files, copied from a remote registry if need be."""
    progress(0.1, "fetching the model's files")
    registry = Registry.of_store(store.root)
    return str(registry.fetched(registry.find_version(name, number)))


def place(
    store: Store, name: str, champion: int | None, rejected: int | None, *, progress: Progress
) -> None:
    """Have the aliases of a model follow the log."""
    progress(0.1, "aliases")
    Registry.of_store(store.root).place(name, champion, rejected=rejected)


def certainty_of(metrics: Mapping[str, Any], policy: Policy) -> list[str]:
    """How sure a list of each length is, from one learner's held-out metrics.

    What rests on too few people to be shown is left out.
    """
    table = evidence.capacity_table({"test": {"": metrics}}, policy)
    rows = list(table.records())
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
