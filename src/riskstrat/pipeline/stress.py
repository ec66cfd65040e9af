"""Put a finished run's model under stress: drill by drill, each kept when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.derivation import code_version, digest
from riskstrat.errors import UsageError
from riskstrat.pipeline.desk import signed_versions
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import derive, identity
from riskstrat.pipeline.work import Work, allowed, holding, step, write_log
from riskstrat.stages.jobs import call
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Store
from riskstrat.store.files import read_mark, verified_manifest, write_mark
from riskstrat.store.runs import find_run
from riskstrat.store.worker import run_in_child
from riskstrat.study import Study

DRILLS = (
    "ablation", "transport", "later_year", "stability", "missing_agency", "learning_curve",
    "permutation", "planted_leaks",
)  # fmt: skip
CODE = ("robustness", "stages", "training", "statistics", "risk_model", "features", "audit")


@dataclass(frozen=True, slots=True)
class Stressed:
    """What drills found."""

    folder: Path
    """where ``robustness.json`` is"""
    facts: Mapping[str, Any]
    signed: bool
    """the run is signed, so its folder was left as it is"""

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"folder": str(self.folder), "left_beside": self.signed, **dict(self.facts)}


def stress_study(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    only: Sequence[str] = (),
    quick: bool = False,
    run: Path | None = None,
) -> Stressed:
    """Do the drills of a finished run that have not been done, and put them into its report.

    Args:
        only: names of ``DRILLS``; by default all.
        quick: fewer repetitions, for a first look.
        run: a run's folder or id, which must be this study's own.

    Raises:
        UsageError: RS3750, there is no such run of this study, data and code; or no such drill.
        RiskstratError: as for a run; drills that are done are kept.
    """
    if unknown := sorted(set(only) - set(DRILLS)):
        raise UsageError(f"there is no drill `{unknown[0]}`", fix=f"one of {', '.join(DRILLS)}")
    allowed(study, options)
    with holding(options.store):
        lineage = trace(study, options.store, options.data)
        work = Work(study, options, lineage, listener or Silent())
        folder = _run_of(work, run)
        derive(work, "training")
        results = {name: _done(work, name, quick) for name in DRILLS if not only or name in only}
        signed = bool(signed_versions(work.store.root, work.study.name, folder.name, options.today))
        target = _beside(work, folder) if signed else folder / "audit"
        put = (
            "stressing.stress.put",
            Store(options.store.root),
            results,
            quick,
            target,
            not signed,
        )
        facts = run_in_child(call, *put, memory=options.memory).value
        write_log(
            work,
            f"stress {study.name} {folder.name}",
            {"drills": list(results), "quick": quick, "findings": facts["findings"]},
        )
    return Stressed(target, facts, signed)


def _run_of(work: Work, run: Path | None) -> Path:
    """The finished run of this very study, data and code."""
    found = identity(work)
    folder = work.store.run_folder(found["study"], found["run_id"])
    named = find_run(run, work.store).folder if run else folder
    if named.resolve() != folder.resolve() or verified_manifest(folder) is None:
        other = f"{named} is a run of another study, data or code" if run else f"{folder}: no run"
        raise UsageError(
            f"{other}: what is put under stress is the run of this study, on these data, with "
            f"this code ({found['run_id']})",
            fix="run the study first, with the same `--data`, `--store` and `--set`",
            code="RS3750",
        )
    return folder


def _done(work: Work, name: str, quick: bool) -> list[dict[str, Any]]:
    """A drill's rows: of before, if it was done with these inputs, else of now."""
    area = work.study.spec.stress.area
    key = digest("stress", work.lineage["training"], name, quick, area, code_version(CODE))
    mark = work.store.scratch("stress", key[:32]) / f"{name}.json"
    rows: list[dict[str, Any]] | None = read_mark(mark)
    if rows is not None:
        facts = {"seconds": 0.0, "peak_mb": 0.0, "rows_out": len(rows)}
        work.listener.starts(name)
        work.record(name, facts, _say({"rows": rows}), reused=True)
        return rows
    found = step(work, name, "stressing.stress.drill", name, quick, say=_say)
    rows = list(found["rows"])
    write_mark(mark, rows, ())
    return rows


def _say(facts: Mapping[str, Any]) -> str:
    cases = {row["case"] for row in facts["rows"] if row["metric"]}
    undone = sum(not row["metric"] for row in facts["rows"])
    return f"{len(cases)} cases" + (f", {undone} that could not be done" if undone else "")


def _beside(work: Work, folder: Path) -> Path:
    return work.store.root / "robustness" / work.study.name / folder.name
