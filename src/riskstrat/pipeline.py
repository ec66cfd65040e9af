"""The stages in order. The parent process: it decides what to reuse, and who works on the rest."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from riskstrat import __version__
from riskstrat.contracts.agreements import check_agreements
from riskstrat.derivation import digest
from riskstrat.errors import UsageError
from riskstrat.lineage import ENGINE, LEARNING, Lineage, trace
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.worker import Done, run_in_child
from riskstrat.study import Study

RUN_STAGES = ("contracts", "linkage", "cohort", "features", "training", "audit")


class Listener(Protocol):
    """Told what the pipeline does; the command line draws it."""

    def starts(self, stage: str) -> None: ...
    def moves(self, share: float, words: str = "") -> None: ...
    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None: ...


class Silent:
    """A listener that says nothing."""

    def starts(self, stage: str) -> None: ...
    def moves(self, share: float, words: str = "") -> None: ...
    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """Where things are and what the run may use. None of it may change a byte of the result."""

    data: Path
    store: Store
    memory: str
    threads: int
    today: date

    @classmethod
    def make(cls, *, data: Path, store: Path, memory: str, threads: int, today: date) -> Options:
        """Check and complete what the user gave."""
        if not data.is_dir():
            raise UsageError(
                f"{data}: no such folder of extracts",
                fix="give the folder with `--data DIR`, or make the demo county with `make data`",
            )
        return cls(data, Store(store), _memory(memory), threads or os.cpu_count() or 1, today)


def _memory(text: str) -> str:
    import re

    if not re.fullmatch(r"\d+(\.\d+)?\s*(MB|GB|MiB|GiB)", text, flags=re.IGNORECASE):
        raise UsageError(f"`{text}` is not an amount of memory", fix="write `4GB` or `800MB`")
    return text


@dataclass(slots=True)
class Work:
    """A study on its way through the stages."""

    study: Study
    options: Options
    lineage: Lineage
    listener: Listener
    score_on: date | None = None
    stages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.options.store

    def job(self) -> Any:
        from riskstrat.jobs import Job

        return Job(
            study=self.study,
            lineage=self.lineage,
            store=self.store,
            data=self.options.data,
            memory=self.options.memory,
            threads=self.options.threads,
            score_on=self.score_on,
        )

    def child(self, function: str, *arguments: Any) -> Done:
        """Call ``riskstrat.stages.<function>`` or ``riskstrat.delivery.<function>`` in a child."""
        from riskstrat.jobs import call

        return run_in_child(
            call,
            function,
            self.job(),
            *arguments,
            memory=self.options.memory,
            progress=self.listener.moves,
        )

    def stage(self, name: str, say: Callable[[Mapping[str, Any]], str]) -> Artefact:
        """Reuse a stage's output, or have it made."""
        self.listener.starts(name)
        found = self.store.artefact(name, self.lineage[name])
        reused = found is not None
        if found is None:
            self.child(f"stages.{name}_stage")
            found = self.store.artefact(name, self.lineage[name])
        assert found is not None  # noqa: S101 - the child has published it or raised
        self.record(name, found.facts, say(found.facts), reused=reused)
        return found

    def record(
        self, name: str, facts: Mapping[str, Any], summary: str, *, reused: bool
    ) -> None:
        self.stages.append(
            {
                "stage": name,
                "seconds": facts["seconds"],
                "peak_mb": facts["peak_mb"],
                "rows_in": facts.get("rows_in", facts.get("rows_out")),
                "rows_out": facts.get("rows_out"),
                "reused": reused,
            }
        )
        self.listener.ends(name, summary, facts["seconds"], reused=reused)


def prepare_sources(work: Work) -> dict[str, Artefact]:
    """Check every extract that has not been checked before, births and deaths first."""
    work.listener.starts("contracts")
    stage = "contracts"

    def finished() -> dict[str, Artefact]:
        known = {
            source.source: work.store.artefact(stage, work.lineage[f"{stage}/{source.source}"])
            for source in work.study.sources
        }
        return {name: artefact for name, artefact in known.items() if artefact}

    found = finished()
    if missing := [s.source for s in work.study.sources if s.source not in found]:
        work.child("stages.contracts_stage", missing)
        found = finished()
    facts = [artefact.facts for artefact in found.values()]
    rows_in = sum(each["rows_in"] for each in facts)
    rows_out = sum(each["rows_out"] for each in facts)
    total = {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "seconds": round(sum(each["seconds"] for each in facts), 3),
        "peak_mb": max(each["peak_mb"] for each in facts),
    }
    summary = (
        f"{len(found)} sources, {rows_out:,} rows accepted, {rows_in - rows_out:,} rejected"
    )
    work.record(stage, total, summary, reused=not missing)
    return found


def derive_features(work: Work) -> None:
    """Contracts to features: what a run and a score have in common."""
    prepare_sources(work)
    work.stage("linkage", lambda facts: f"{facts['rows_out']:,} spells in households and areas")
    work.stage("cohort", _say_cohort)
    work.stage(
        "features",
        lambda facts: f"{facts['features']} features of {facts['rows_out']:,} units and dates "
        f"from {facts['sources']} sources",
    )


def _say_cohort(facts: Mapping[str, Any]) -> str:
    if "outcomes" not in facts:
        return f"{facts['rows_out']:,} units in scope"
    return (
        f"{facts['rows_out']:,} units and dates, outcome known for {facts['known']:,}: "
        f"{facts['outcomes']:,} yes"
    )


def _say_training(facts: Mapping[str, Any]) -> str:
    auroc = facts["auroc"]
    return (
        f"{facts['winner']} wins on validation; test AUROC {auroc['value']:.3f} "
        f"({auroc['low']:.3f} to {auroc['high']:.3f}) on {auroc['n']:,}"
    )


def _say_audit(facts: Mapping[str, Any]) -> str:
    return f"{facts['gates_passed']} of {facts['gates']} gates passed"


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run."""

    folder: Path
    run: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        return bool(self.run["verdict"]["passed"])

    def as_dict(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "run": dict(self.run)}

    def failed_gates(self) -> str:
        """The gates that did not pass, in words."""
        gates = self.run["verdict"]["gates"]
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
    hears = listener or Silent()
    allowed(study, options)
    with options.store.held():
        work = Work(study, options, trace(study, options.store, options.data), hears)
        derive_features(work)
        work.stage("training", _say_training)
        work.stage("audit", _say_audit)
        return _deliver(work)


def allowed(study: Study, options: Options) -> None:
    """Refuse, before a row is read, what the sharing agreements do not grant.

    Raises:
        AgreementError: naming the clause that is missing and the smallest change.
    """
    check_agreements(
        purpose=study.spec.purpose,
        sources=study.sources,
        used_columns=study.used_columns,
        agreements=study.catalogue.agreements,
        recipients=study.recipients,
        today=options.today,
    )


def identity(work: Work) -> dict[str, Any]:
    """What a run is made from, and the id that follows from it."""
    spec = work.study.spec
    delivered = digest(work.study.text, work.lineage["audit"], __version__, spec.release)
    packages = ("riskstrat", *ENGINE, *LEARNING, "fairlearn", "mlflow", "shap")
    return {
        "study": spec.study,
        "title": spec.title,
        "run_id": delivered[:12],
        "seed": spec.seed,
        "digests": {
            **dict(work.lineage.digests),
            "study": digest(work.study.text),
            "data": work.lineage.data,
        },
        "fingerprints": dict(work.lineage.fingerprints),
        "versions": {name: version(name) for name in packages}
        | {"python": platform.python_version()},
    }


def now() -> datetime:
    return datetime.now(UTC)


def _deliver(work: Work) -> RunResult:
    """Register, score, release and report; then put the run's folder in its place."""
    raise NotImplementedError


__all__ = ["Listener", "Options", "RunResult", "Sequence", "run_study"]
