"""The glass-box rival of a finished run: fitted off the main path, and put into its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.pipeline.explain import explain_more
from riskstrat.pipeline.links import hold_links
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import derive, identity
from riskstrat.pipeline.work import Work, allowed, holding, write_log
from riskstrat.stages.lineage import GLASSBOX, trace
from riskstrat.store.artefacts import Store
from riskstrat.store.files import verified_manifest
from riskstrat.store.runs import find_run
from riskstrat.study import Study


@dataclass(frozen=True, slots=True)
class Compared:
    """What a glass box would cost, and the run whose report says so."""

    folder: Path
    winner: str
    price: Mapping[str, Any]
    """the difference in average precision: the glass box's less the winner's"""

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"folder": str(self.folder), "winner": self.winner, "price": dict(self.price)}


def compare_with_glass_box(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    run: Path | None = None,
) -> Compared:
    """Fit the rival on a run's rows, judge both on the same people, and write its report anew.

    Args:
        run: the run, where it must be that one; by default the one that the study, the extracts
            and this version give.

    Raises:
        UsageError: RS3612, the run named was made from something else; RS3613, there is none.
        RiskstratError: as for a run.
    """
    allowed(study, options)
    with holding(options.store):
        lineage = trace(study, options.store, options.data)
        work = Work(study, options, lineage, listener or Silent())
        folder = finished_run(work, run)
        derive(work)
        explain_more(work)
        hold_links(work)
        before = len(work.stages)
        artefact = work.stage(GLASSBOX, _say)
        facts = read_json(folder / "run.json")
        known = [stage for stage in facts["stages"] if stage["stage"] not in (GLASSBOX, "report")]
        told = {name: value for name, value in facts.items() if name != "stages"}
        work.listener.starts("report")
        done = work.child("report.publish_run", told, [*known, *work.stages[before:]])
        work.listener.ends("report", str(folder / "report.html"), done.seconds, reused=False)
        write_log(
            work,
            f"glassbox {study.name} {folder.name}",
            {"glassbox": lineage[GLASSBOX], "winner": artefact.facts["winner"]},
        )
    return Compared(folder, artefact.facts["winner"], artefact.facts["price"])


def finished_run(work: Work, run: Path | None) -> Path:
    """The folder of the run that the rival is held against."""
    facts = identity(work)
    folder = work.store.run_folder(facts["study"], facts["run_id"])
    if run is not None:
        named = find_run(run, Store(work.store.root)).folder
        if named.resolve() != folder.resolve():
            raise UsageError(
                f"{named.name} was not made from this study, these extracts and this version: "
                f"that would be {folder.name}",
                fix="name the study file, `--set`, `--data` and `--store` that it was run with; or "
                "run the study again and leave `--run` out",
                code="RS3612",
            )
    if verified_manifest(folder) is None:
        raise UsageError(
            f"{work.study.name}: there is no finished run of this study and these extracts",
            fix=f"riskstrat run {work.study.path}",
            code="RS3613",
        )
    return folder


def _say(facts: Mapping[str, Any]) -> str:
    price = facts["price"]
    return (
        f"learnt from {facts['rows_in']:,} rows; average precision {price['value']:+.4f} "
        f"({price['low']:+.4f} to {price['high']:+.4f}) against {facts['winner']}"
    )
