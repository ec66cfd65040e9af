"""The stages in order. The parent process: it decides what to reuse, and who works on the rest."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from riskstrat import __version__
from riskstrat.contracts.agreements import check_agreements
from riskstrat.derivation import digest
from riskstrat.errors import AgreementError, RiskstratError, StorageError, UsageError
from riskstrat.jobs import Job, call, is_made_up
from riskstrat.lineage import ENGINE, LEARNING, Lineage, stage_digest, trace
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.files import read_json, verified_manifest
from riskstrat.store.ledger import Ledger
from riskstrat.store.runs import find_run
from riskstrat.store.worker import Done, run_in_child
from riskstrat.study import Study
from riskstrat.vocabulary import Finding, Severity

RUN_STAGES = ("contracts", "linkage", "cohort", "features", "training", "audit")


class Listener(Protocol):
    """Told what the pipeline does; the command line draws it."""

    def starts(self, stage: str) -> None:
        """A stage begins."""

    def moves(self, share: float, words: str = "") -> None:
        """It has come so far: a share in [0, 1] and a few words."""

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """It has ended, or did not have to begin."""


class Silent:
    """A listener that says nothing."""

    def starts(self, stage: str) -> None:
        """Say nothing."""

    def moves(self, share: float, words: str = "") -> None:
        """Say nothing."""

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """Say nothing."""


def whoever_asks() -> str:
    """The user's name for the log: ``RISKSTRAT_USER``, else that of the operating system."""
    from getpass import getuser

    try:
        return os.environ.get("RISKSTRAT_USER", "").strip() or getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Options:
    """Where things are and what the run may use. None of it may change a byte of the result."""

    data: Path
    store: Store
    memory: str
    threads: int
    today: date
    user: str = field(default_factory=whoever_asks)
    """who the log says asked"""

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
    prefix: str = ""

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.options.store

    def job(self) -> Job:
        """What a child needs to know."""
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
        return run_in_child(
            call,
            function,
            self.job(),
            *arguments,
            memory=self.options.memory,
            progress=self.listener.moves,
        )

    def stage(
        self, name: str, say: Callable[[Mapping[str, Any]], str], *arguments: Any
    ) -> Artefact:
        """Reuse a stage's output, or have it made."""
        self.listener.starts(self.prefix + name)
        found = self.store.artefact(name, self.lineage[name])
        reused = found is not None
        if found is None:
            module = "delivery" if name == "scores" else "stages"
            self.child(f"{module}.{name}_stage", *arguments)
            found = self.job().artefact(name)
        self.record(name, found.facts, say(found.facts), reused=reused)
        return found

    def record(self, name: str, facts: Mapping[str, Any], summary: str, *, reused: bool) -> None:
        """Note what a stage cost, and say so."""
        self.stages.append(
            {
                "stage": self.prefix + name,
                "summary": summary,
                "seconds": facts["seconds"],
                "peak_mb": facts["peak_mb"],
                "rows_in": facts.get("rows_in", facts.get("rows_out")),
                "rows_out": facts.get("rows_out"),
                "reused": reused,
            }
        )
        self.listener.ends(self.prefix + name, summary, facts["seconds"], reused=reused)


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
    summary = f"{len(found)} sources, {rows_out:,} rows accepted, {rows_in - rows_out:,} rejected"
    work.record(stage, total, summary, reused=not missing)
    return found


def derive_features(work: Work) -> None:
    """Contracts to features: what a run and a score have in common."""
    prepare_sources(work)
    work.stage("linkage", _say_linkage)
    work.stage("cohort", _say_cohort)
    work.stage(
        "features",
        lambda facts: (
            f"{facts['features']} features of {facts['rows_out']:,} units and dates "
            f"from {facts['sources']} sources"
        ),
    )


def _say_linkage(facts: Mapping[str, Any]) -> str:
    return f"{facts['rows_out']:,} spells in households and areas"


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
        """Whether every gate passed."""
        return bool(self.run["verdict"]["passed"])

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
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
        result = _deliver(work)
        _log_run(work, result)
        return result


def _log_run(work: Work, result: RunResult) -> None:
    """In the log: who ran what, from what, with which verdict."""
    run = result.run
    model = run["model"]
    _log(
        work,
        f"run {run['study']} {run['run_id']}",
        {
            "passed": run["verdict"]["passed"],
            "model": f"{model['name']} {model['version']}",
            "study_digest": run["digests"]["study"],
            "data_digest": run["digests"]["data"],
            "reused": all(stage["reused"] for stage in work.stages),
        },
    )


def _log(work: Work, what: str, details: Mapping[str, Any]) -> None:
    """Add an entry to the store's log; the reason is the purpose of the study."""
    Ledger.of_store(work.store.root).append(
        at=datetime.now(UTC),
        who=work.options.user,
        what=what,
        why=f"purpose: {work.study.spec.purpose}",
        details=details,
    )


def allowed(study: Study, options: Options) -> tuple[Finding, ...]:
    """Refuse, before a row is read, what the sharing agreements do not grant.

    Raises:
        AgreementError: naming the clause that is missing and the smallest change.
    """
    return check_agreements(
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
    whole = stage_digest("run", work.study.text, work.lineage["audit"], __version__, spec.release)
    packages = ("riskstrat", *ENGINE, *LEARNING, "fairlearn", "mlflow", "shap")
    return {
        "study": spec.study,
        "title": spec.title,
        "run_id": whole[:12],
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


def _deliver(work: Work) -> RunResult:
    """Register, score, release and report; the run's folder appears last of all."""
    facts = identity(work)
    folder = work.store.run_folder(facts["study"], facts["run_id"])
    if known := _finished(work, folder):
        return RunResult(folder, known)
    model = _step(work, "register", "delivery.register", facts, say=_say_model)
    audit = work.job().artefact("audit")
    passed = bool(audit.facts["passed"])
    day = work.study.spec.release.as_of or _last_date(work.study)
    released = _release(work, model, day) if passed and day else None
    run = {
        **facts,
        "verdict": {"passed": passed, "gates": read_json(audit / "gates.json")},
        "model": {name: model[name] for name in ("name", "version", "aliases", "uri")},
        "approvals": model["approvals"],
        "release": released,
        "made_up": is_made_up(work.options.data),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    work.listener.starts("report")
    done = work.child("reporting.publish_run", run, work.stages)
    work.stages.append(done.value["stage"])
    work.listener.ends("report", str(folder / "report.html"), done.seconds, reused=False)
    return RunResult(folder, {**run, "stages": work.stages})


def _last_date(study: Study) -> date | None:
    """The last as-of date of a cohort with common dates."""
    as_of = study.spec.cohort.as_of
    return getattr(as_of, "last", None) or max(getattr(as_of, "dates", ()), default=None)


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


def _step(
    work: Work,
    name: str,
    function: str,
    *arguments: Any,
    say: Callable[[Mapping[str, Any]], str],
) -> dict[str, Any]:
    """Work whose result is not a derived table: the registry, a release."""
    work.listener.starts(name)
    done = work.child(function, *arguments)
    facts = {**done.value, "seconds": round(done.seconds, 3)}
    work.record(name, facts, say(facts), reused=False)
    return facts


def _say_model(facts: Mapping[str, Any]) -> str:
    alias = " ".join(f"@{name}" for name in facts["aliases"]) or "without alias"
    return f"{facts['name']} version {facts['version']} {alias}"


def _release(work: Work, model: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Score a day with a registered model and write every recipient's folder."""
    study, options = work.study, work.options
    lineage = trace(study, work.store, options.data, score_on=day, model=model["digest"])
    scoring = Work(study, options, lineage, work.listener, score_on=day, stages=work.stages)
    scoring.prefix = "score "
    if work.lineage.fingerprints != lineage.fingerprints:
        prepare_sources(scoring)
    scoring.stage("cohort", _say_cohort)
    scoring.stage("features", lambda facts: f"{facts['features']} features")
    scoring.prefix = ""
    scoring.stage("scores", _say_scores, model)
    # Before it is written: a release without an entry must not exist, even after a power cut.
    _log(
        work,
        f"release {study.name} {day.isoformat()}",
        {
            "recipients": [recipient.to for recipient in study.spec.release.recipients],
            "model": f"{model['name']} {model['version']}",
            "model_digest": model["digest"],
            "scores": lineage["scores"],
        },
    )
    released = _step(scoring, "release", "delivery.release", model, say=_say_release)
    return {
        "as_of": day.isoformat(),
        "folder": released["folder"],
        "recipients": released["recipients"],
        "bands": released["bands"],
        "scores": lineage["scores"],
    }


def _say_scores(facts: Mapping[str, Any]) -> str:
    return f"{facts['rows_out']:,} scored, {facts['listed']:,} in a band above low"


def _say_release(facts: Mapping[str, Any]) -> str:
    return f"{len(facts['recipients'])} recipients in {facts['folder']}"


def score_study(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    as_of: date | None = None,
    version: int | None = None,
) -> Path:
    """Score everyone in scope on a day with the registered model, and write the releases.

    Returns:
        The folder ``releases/<study>/<as_of>``.

    Raises:
        UsageError: no day is given, or no version is fit to score with.
        RiskstratError: as for a run.
    """
    allowed(study, options)
    day = as_of or study.spec.release.as_of or _last_date(study)
    if day is None:
        raise UsageError("no day to score for", fix="give one with `--as-of 2025-04-01`")
    with options.store.held():
        lineage = trace(study, options.store, options.data, score_on=day)
        work = Work(study, options, lineage, listener or Silent(), score_on=day)
        prepare_sources(work)
        work.stage("linkage", _say_linkage)
        work.listener.starts("model")
        model = work.child("delivery.chosen_version", study.name, version).value
        released = _release(work, model, day)
        folder = Path(options.store.root, released["folder"])
        _log(
            work,
            f"score {study.name} {day.isoformat()}",
            {"model": f"{model['name']} {model['version']}", "scores": released["scores"]},
        )
    return folder


def make_demo_county(
    directory: Path, *, people: int, seed: int, listener: Listener
) -> dict[str, Any]:
    """Write a made-up county and, last, the file that says how it was made."""
    done = run_in_child(
        call, "countymaking.make", directory, people, seed, memory="4GB", progress=listener.moves
    )
    facts: dict[str, Any] = done.value
    listener.ends(
        "synth",
        f"{facts['people']:,} people, {sum(facts['rows'].values()):,} rows in {directory}; "
        f"sealed truth in {directory.parent / facts['truth']}",
        done.seconds,
        reused=False,
    )
    return facts


# -- about finished runs -------------------------------------------------------------------------


def render_again(reference: Path, store: Path) -> Path:
    """Render a finished run's report again; returns its path."""
    run = find_run(reference, Store(store))
    done = run_in_child(call, "reporting.render_again", run.folder, memory="4GB")
    return Path(done.value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side: metrics down, runs across."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    def tables(self) -> list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]]:
        """(title, columns, rows) of each table."""
        return [(f"{self.title}. {self.note}", self.columns, self.rows)]

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def compare_runs(references: Sequence[Path], store: Path, *, split: str = "test") -> Comparison:
    """Compare finished runs; named by folder or id."""
    folders = [find_run(each, Store(store)).folder for each in references]
    found = run_in_child(call, "reporting.compare", folders, split, memory="4GB").value
    return Comparison(
        title=found["title"],
        columns=tuple(found["columns"]),
        rows=tuple(tuple(row) for row in found["rows"]),
        note=found["note"],
    )


def decide(
    model: str,
    number: int,
    store: Path,
    *,
    by: str,
    reason: str,
    approved: bool,
    at: datetime,
) -> str:
    """Record a named decision on a model version: on its alias, and in the log.

    Raises:
        UsageError: there is no such version, or no name or reason.
        ReleaseRefused: the version's gates failed.
    """
    kept = Store(store)
    with kept.held():
        name = "approve" if approved else "reject"
        done = run_in_child(
            call,
            "delivery.decide",
            kept,
            model,
            number,
            by,
            reason,
            approved,
            at.date(),
            memory="4GB",
        ).value
        Ledger.of_store(store).append(
            at=at,
            who=by,
            what=f"{name} {model} {number}",
            why=reason,
            details={"model_digest": done["digest"], "aliases": done["aliases"]},
        )
    alias = ", ".join(done["aliases"]) or "no alias"
    return f"{model} version {number}: {'approved' if approved else 'rejected'} by {by}; {alias}"


def export_model(name: str, number: int | None, store: Path, to: Path) -> Path:
    """Write a registered model with its card and checksums; returns ``<to>/<name>-<version>``.

    Raises:
        UsageError: there is no such version, or its run is no longer in the store.
        StorageError: the model's files are not those that were registered.
    """
    function = "export.export_model"
    return Path(run_in_child(call, function, Store(store), name, number, to, memory="4GB").value)


def ledger_entries(store: Path) -> list[dict[str, Any]]:
    """Every entry of the store's log, oldest first."""
    return Ledger.of_store(store).entries()


def verify_ledger(store: Path) -> str:
    """Prove the chain of the log's entries.

    Raises:
        StorageError: naming the first entry that does not follow from the one before.
    """
    ledger = Ledger.of_store(store)
    if broken := ledger.first_broken_link():
        raise StorageError(
            f"{ledger.path}: entry {broken} does not follow from the one before it",
            fix="compare the log with a copy kept elsewhere; it was changed after it was written",
            code="RS7405",
        )
    return f"{len(ledger.entries()):,} entries, the chain is whole"


# -- checking alone ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What `riskstrat check` found."""

    sources: tuple[Mapping[str, Any], ...]
    basis: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, Any], ...]
    fault: RiskstratError | None = None

    def sources_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: each extract and how many of its rows were accepted."""
        return _as_table(self.sources, ("source", "agency", "rows_in", "accepted", "rejected"))

    def basis_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: why each source may be processed."""
        return _as_table(self.basis, ("source", "agreement", "purpose", "uk_gdpr", "ends"))

    def findings_table(self) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Columns and rows: what was found, the worst first."""
        order = [severity.value for severity in Severity]
        ranked = sorted(self.findings, key=lambda row: order.index(row["severity"]))
        return _as_table(ranked, ("code", "severity", "where", "message"))

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        fault = self.fault
        return {
            "sources": list(self.sources),
            "legal_basis": list(self.basis),
            "findings": list(self.findings),
            "error": {"code": fault.code, "message": fault.message} if fault else None,
        }


def _as_table(
    rows: Sequence[Mapping[str, Any]], columns: tuple[str, ...]
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    return columns, [tuple(row.get(name, "") for name in columns) for row in rows]


def check_study(study: Study, options: Options, listener: Listener | None = None) -> Checked:
    """Hold every extract and agreement against what was agreed, and keep nothing.

    Each source is checked even when another one is refused; the first refusal is the exit code.
    """
    granted: tuple[Finding, ...] = ()
    fault: RiskstratError | None = None
    try:
        granted = allowed(study, options)
    except AgreementError as refused:
        fault = refused
    with TemporaryDirectory(prefix="riskstrat-check-") as folder:
        aside = replace(options, store=Store(Path(folder)))
        work = Work(study, aside, trace(study, aside.store, options.data), listener or Silent())
        found = work.child("checking.check_all", granted).value
    return Checked(
        tuple(found["sources"]),
        tuple(found["basis"]),
        tuple(found["findings"]),
        fault or next(iter(found["faults"]), None),
    )
