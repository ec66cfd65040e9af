"""`riskstrat export`: a registered model, its card and its checksums in one folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskstrat.derivation import file_digest
from riskstrat.disk import folder_aside, read_json, write_bytes
from riskstrat.errors import UsageError
from riskstrat.publish.model_card import CardFacts, model_card
from riskstrat.publish.sections import LIMITS
from riskstrat.publish.study_tables import question_of
from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.disclosure import protect_text
from riskstrat.release.policies import policy_named
from riskstrat.signoff.rounds import rounds
from riskstrat.signoff.states import State
from riskstrat.signoff.view import View, view_of
from riskstrat.stages.reporting.shown import MADE_UP
from riskstrat.store.artefacts import Store
from riskstrat.store.ledger import Ledger
from riskstrat.store.registry import ModelVersion, Registry
from riskstrat.store.worker import Progress

SUMS = "SHA256SUMS"


def export_model(
    store: Store, name: str, number: int | None, to: Path, *, progress: Progress
) -> str:
    """Write ``<to>/<name>-<version>/``, whole or not at all; the same version, the same bytes.

    Raises:
        UsageError: there is no such version, or its run is no longer in the store.
        StorageError: the model's files are not those that were registered.
    """
    registry = Registry.of_store(store.root)
    version = registry.find_version(name, number)
    progress(0.2, "checking the model's files")
    model = registry.verified_model(version)
    run = _run_of(store, version)
    decided = _decided(store, version)
    target = to / f"{name}-{version.version}"
    progress(0.5, "writing")
    with folder_aside(target) as folder:
        shutil.copytree(model, folder / "model")
        for file in ("features.json", "study.yaml"):
            shutil.copyfile(run / file, folder / file)
        write_bytes(folder / "MODEL_CARD.md", model_card(_facts(version, run, decided)).encode())
        write_bytes(folder / SUMS, _sums(folder).encode())
    return str(target)


def _run_of(store: Store, version: ModelVersion) -> Path:
    folder = store.run_folder(version.name, version.run_id)
    if not (folder / "run.json").exists():
        raise UsageError(
            f"the run {version.run_id} that made {version.name} version {version.version} is no "
            "longer in the store, so its card cannot be written",
            fix=f"run the study {version.name} again, or export another version",
        )
    return folder


def _sums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return "".join(f"{file_digest(path)}  {path.relative_to(folder)}\n" for path in files)


def _decided(store: Store, version: ModelVersion) -> View:
    """What reviewers decided, by the log; a card is of one version for good, so of no day."""
    name, number = version.name, version.version
    all_ = rounds(Ledger.of_store(store.root).entries())
    own = [each for each in all_ if (each.case.study, each.case.version) == (name, number)]
    return view_of(name, number, own[-1] if own else None, (), date.min)


def _facts(version: ModelVersion, run: Path, decided: View) -> CardFacts:
    inputs, training = read_json(run / "report.json"), read_json(run / "training.json")
    told, metrics = inputs["run"], read_json(run / "metrics.json")
    policy = policy_named(inputs["policy"])
    fairness = evidence.fairness_table(
        pq.read_table(run / "audit/fairness.parquet").to_pylist(), policy
    )
    study = _study(run)
    shares = study["audit"]["capacity"]
    return CardFacts(
        name=version.name,
        version=version.version,
        title=told["title"],
        status=_status(version, decided),
        learner=training["winner"],
        question=question_of(study),
        purpose=study["purpose"],
        made_up=told["made_up"],
        capacity=0.05 if 0.05 in shares else shares[len(shares) // 2],
        performance=evidence.performance_table(metrics, policy),
        at_capacity=evidence.capacity_table(metrics, policy),
        fairness=fairness,
        gates=make.gates_table(read_json(run / "audit/gates.json"), policy, fairness=fairness),
        sources=make.sources_table(inputs["sources"], policy),
        folds=make.folds_table(read_json(run / "folds.json"), policy),
        limits=(
            *(MADE_UP if told["made_up"] else ()),
            *LIMITS,
            *(protect_text(note, policy) for note in training["notes"]),
        ),
        approvals=tuple(
            f"{each['decision'].capitalize()} by {each['by']} on {each['on']}: {each['reason']}"
            for each in decided.decisions
        ),
        provenance=_provenance(version, told),
    )


def _study(run: Path) -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load((run / "study.yaml").read_text(encoding="utf-8"))
    return found


def _status(version: ModelVersion, decided: View) -> str:
    if decided.state is State.APPROVED:
        return ", ".join([*version.aliases, f"approved {decided.why}"])
    if decided.state in (State.REJECTED, State.WITHDRAWN):
        return f"{decided.state} {decided.why}"
    if version.aliases:
        return ", ".join(version.aliases)
    return "superseded" if version.passed else f"not promoted: {version.not_passed}"


def _provenance(version: ModelVersion, told: Mapping[str, Any]) -> dict[str, object]:
    digests = {f"{name} digest": told["digests"][name] for name in ("study", "data", "training")}
    model = {"model digest": version.tags.get("model_digest", "")}
    return {"run": told["run_id"], "seed": told["seed"], **digests, **model, **told["versions"]}
