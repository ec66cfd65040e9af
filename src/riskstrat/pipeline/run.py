"""A study from contracts to release, and the identity of its run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from riskstrat import __version__
from riskstrat.derivation import digest, file_digest
from riskstrat.disk import read_json
from riskstrat.errors import StorageError
from riskstrat.pipeline.derived import FEATURES, UNITS, derive_stage
from riskstrat.pipeline.explain import explain_more
from riskstrat.pipeline.links import hold_links
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.score import release_day
from riskstrat.pipeline.work import (
    GATES,
    Work,
    allowed,
    holding,
    last_date,
    opt_outs_applied,
    step,
    write_log,
)
from riskstrat.release.standing import Preview
from riskstrat.stages.jobs import is_made_up
from riskstrat.stages.lineage import (
    ENGINE,
    EXPLANATIONS,
    LEARNING,
    LINKAGE_ERROR,
    stage_digest,
    trace,
)
from riskstrat.store.artefacts import Store
from riskstrat.store.files import verified_manifest
from riskstrat.store.worker import without_learning
from riskstrat.study import Study
from riskstrat.study.rules import rules_of
from riskstrat.vocabulary import NO_GATES

RUN_STAGES = (*UNITS, *FEATURES, "training", "audit")


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run."""

    folder: Path
    run: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether every gate passed, of at least one."""
        return bool(self.run["verdict"]["passed"])

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"folder": str(self.folder), "run": dict(self.run)}

    def failed_gates(self) -> str:
        """The gates that did not pass, in words."""
        return _failed(self.run["verdict"]["gates"])


@dataclass(frozen=True, slots=True)
class PartResult:
    """The stages of a study up to one of them, finished and kept."""

    folders: tuple[Path, ...]
    """what the last of them left: of the contracts, a folder for each source"""
    stages: tuple[Mapping[str, Any], ...]
    gates: tuple[Mapping[str, Any], ...] | None = None
    """of an audit; None where the stages end before it"""

    @property
    def passed(self) -> bool:
        """Whether an audit's gates all passed, of at least one; before an audit none is held."""
        return self.gates is None or (bool(self.gates) and not self.failed_gates())

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            "folders": [str(folder) for folder in self.folders],
            "stages": list(self.stages),
            "gates": list(self.gates or ()),
        }

    def failed_gates(self) -> str:
        """The gates that did not pass, in words."""
        return _failed(self.gates or ())


def _failed(gates: Sequence[Mapping[str, Any]]) -> str:
    if not gates:
        return NO_GATES + ", so nothing was decided"
    return "; ".join(
        f"{gate['text']} ({gate['verdict'].replace('_', ' ')})"
        for gate in gates
        if not gate["passed"]
    )


def run_study(study: Study, options: Options, listener: Listener | None = None) -> RunResult:
    """Run a study from contracts to release.

    Raises:
        RiskstratError: of the family that names the exit code; finished stages are kept.
    """
    allowed(study, options)
    with holding(options.store):
        work = Work(study, options, trace(study, options.store, options.data), listener or Silent())
        derive(work)
        result = _deliver(work)
        _log_run(work, result)
        return result


def run_until(
    study: Study,
    options: Options,
    until: str,
    listener: Listener | None = None,
    *,
    last: bool = False,
) -> PartResult:
    """Run the first stages of a study, the last of them ``until``.

    Args:
        last: this process runs nothing after it, so what only learning needs may stay out of it.

    Raises:
        RiskstratError: as for a run.
    """
    allowed(study, options)
    if last and RUN_STAGES.index(until) < RUN_STAGES.index("training"):
        without_learning()
    with holding(options.store):
        work = Work(study, options, trace(study, options.store, options.data), listener or Silent())
        derive(work, until)
        result = _part(work, until)
        _log_part(work, until, result)
        return result


def _part(work: Work, until: str) -> PartResult:
    names = [until]
    if until == "contracts":
        names = [f"contracts/{source.source}" for source in work.study.sources]
    folders = tuple(work.job().folder(name) for name in names)
    gates = tuple(read_json(folders[0] / "gates.json")) if until == "audit" else None
    return PartResult(folders, tuple(work.stages), gates)


def derive(work: Work, until: str = RUN_STAGES[-1]) -> None:
    """Make, or reuse, every stage up to one."""
    for stage in RUN_STAGES[: RUN_STAGES.index(until) + 1]:
        if stage in (*UNITS, *FEATURES):
            derive_stage(work, stage)
        else:
            work.stage(stage, SENTENCES[stage])


def _say_training(facts: Mapping[str, Any]) -> str:
    auroc = facts["auroc"]
    return (
        f"{facts['winner']} wins on validation; test AUROC {auroc['value']:.3f} "
        f"({auroc['low']:.3f} to {auroc['high']:.3f}) on {auroc['n']:,}"
    )


def _say_audit(facts: Mapping[str, Any]) -> str:
    passed, failed, gates = facts["gates_passed"], facts["gates_failed"], facts["gates"]
    if not gates:
        return NO_GATES + ", so nothing was decided"
    told = f"{passed} of {gates} gates passed"
    told += f", {failed} failed" if failed else ""
    left = gates - passed - failed
    return told + (f", {left} without enough evidence to say" if left else "")


SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "training": _say_training,
    "audit": _say_audit,
}
"""what each stage did, in one sentence"""


def identity(work: Work) -> dict[str, Any]:
    """What a run is made from, and the id that follows from it."""
    spec = work.study.spec
    links = (work.lineage[LINKAGE_ERROR],) if LINKAGE_ERROR in work.lineage else ()
    audited = (work.lineage["audit"], work.lineage[EXPLANATIONS])
    rules = rules_of(work.study)
    made = (work.study.text, *audited, __version__, spec.release, rules, *links)
    whole = stage_digest("run", *made)
    packages = ("riskstrat", *ENGINE, *LEARNING, "fairlearn", "mlflow", "numba")
    return {
        "study": spec.study,
        "title": spec.title,
        "run_id": whole[:12],
        "seed": spec.seed,
        "digests": {
            **dict(work.lineage.digests),
            "study": digest(work.study.text),
            "data": work.lineage.data,
            "rules": digest(rules),
        },
        "fingerprints": dict(work.lineage.fingerprints),
        "versions": {name: version(name) for name in packages}
        | {"python": platform.python_version()},
    }


def _deliver(work: Work) -> RunResult:
    """Register, score, release and report; the run's folder appears last of all."""
    facts = identity(work)
    folder = work.store.run_folder(facts["study"], facts["run_id"])
    if known := _finished(work, folder):
        return RunResult(folder, known)
    explain_more(work)
    hold_links(work)
    model = step(work, "register", "register.register", facts, say=_say_model)
    audit = work.job().artefact("audit")
    passed = bool(audit.facts["passed"])
    day = work.study.spec.release.as_of or last_date(work.study)
    # What would leave, for those who decide whether it may: marked in every row as not for use.
    released = release_day(work, model, day, Preview) if passed and day else None
    run = {
        **facts,
        "verdict": {"passed": passed, "gates": read_json(audit / "gates.json")},
        "model": {name: model[name] for name in ("name", "version", "aliases", "uri")},
        "release": released,
        "made_up": is_made_up(work.options.data),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    work.listener.starts("report")
    done = work.child("reporting.report.publish_run", run, work.stages)
    work.stages.append(done.value["stage"])
    work.listener.ends("report", str(folder / "report.html"), done.seconds, reused=False)
    return RunResult(folder, {**run, "stages": work.stages})


def _finished(work: Work, folder: Path) -> dict[str, Any] | None:
    """The facts of a run that is complete, with what it registered and released still there."""
    try:
        if verified_manifest(folder) is None:
            return None
    except StorageError:
        return None
    run: dict[str, Any] = read_json(folder / "run.json")
    released = run["release"]
    if released and not Path(work.store.root, released["folder"]).is_dir():
        return None
    if not registry_is_there(work.store):
        return None
    for stage in run["stages"][len(RUN_STAGES) :]:
        work.record(stage["stage"], stage, stage["summary"], reused=True)
    return run


def registry_is_there(store: Store) -> bool:
    """Whether the local registry exists; one at another address is taken to."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (store.root / "mlflow.db").exists()


def _log_run(work: Work, result: RunResult) -> None:
    """In the log: who ran what, from what, with which verdict."""
    run = result.run
    model = run["model"]
    write_log(
        work,
        f"run {run['study']} {run['run_id']}",
        {
            "passed": run["verdict"]["passed"],
            "model": f"{model['name']} {model['version']}",
            "study_digest": run["digests"]["study"],
            "data_digest": run["digests"]["data"],
            GATES: file_digest(result.folder / "audit/gates.json"),
            "reused": all(stage["reused"] for stage in work.stages),
            **opt_outs_applied(work),
        },
    )


def _log_part(work: Work, until: str, result: PartResult) -> None:
    """In the log: who had which tables about people made, from what."""
    made = RUN_STAGES[: RUN_STAGES.index(until) + 1]
    digests = work.lineage.digests.items()
    details = {
        "study_digest": digest(work.study.text),
        "data_digest": work.lineage.data,
        "stages": {name: whole for name, whole in digests if name.split("/")[0] in made},
        "reused": all(stage["reused"] for stage in work.stages),
        **opt_outs_applied(work),
    }
    if until == "audit":
        details["passed"] = result.passed
    write_log(work, f"run {work.study.name} until {until}", details)


def _say_model(facts: Mapping[str, Any]) -> str:
    alias = " ".join(f"@{name}" for name in facts["aliases"]) or "without alias"
    return f"{facts['name']} version {facts['version']} {alias}"
