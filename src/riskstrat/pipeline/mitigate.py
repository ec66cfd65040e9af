"""Remedies for unequal treatment, tried on a finished run and told in its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.pipeline.explain import explain_more
from riskstrat.pipeline.glassbox import finished_run
from riskstrat.pipeline.links import hold_links
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import derive
from riskstrat.pipeline.work import Work, allowed, holding, write_log
from riskstrat.stages.lineage import MITIGATION, trace
from riskstrat.study import Study

PAGE = "audit/mitigation.html"


@dataclass(frozen=True, slots=True)
class Mitigated:
    """What remedies would gain and cost, and the run whose report says so."""

    folder: Path
    groups: tuple[str, ...]
    remedies: int
    measures: tuple[Mapping[str, Any], ...]
    """a row per group, remedy and measure, with its change and intervals"""

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            "folder": str(self.folder),
            "page": str(self.folder / PAGE),
            "groups": list(self.groups),
            "measures": [dict(row) for row in self.measures],
        }


def try_remedies(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    run: Path | None = None,
) -> Mitigated:
    """Try the remedies on a run's own rows, and write its report anew.

    Args:
        run: the run, where it must be that one; by default the one that the study, the extracts
            and this version give.

    Raises:
        UsageError: RS3612 or RS3613, as for a glass box; RS3510, the study names no groups.
        TooThinError: RS3512, a group has fewer than two levels that can be judged.
        RiskstratError: as for a run.
    """
    if not study.spec.audit.groups:
        raise UsageError(
            f"{study.name} names no groups, so there is nothing to treat more alike",
            fix="list attributes under `audit.groups`, and run the study again",
            code="RS3510",
        )
    allowed(study, options)
    with holding(options.store):
        lineage = trace(study, options.store, options.data)
        work = Work(study, options, lineage, listener or Silent())
        folder = finished_run(work, run)
        derive(work)
        explain_more(work)
        hold_links(work)
        before = len(work.stages)
        artefact = work.stage(MITIGATION, _say)
        facts = read_json(folder / "run.json")
        known = [each for each in facts["stages"] if each["stage"] not in (MITIGATION, "report")]
        told = {name: value for name, value in facts.items() if name != "stages"}
        work.listener.starts("report")
        done = work.child("report.publish_run", told, [*known, *work.stages[before:]])
        work.listener.ends("report", str(folder / "report.html"), done.seconds, reused=False)
        write_log(
            work,
            f"mitigate {study.name} {folder.name}",
            {"mitigation": lineage[MITIGATION], "groups": artefact.facts["groups"]},
        )
    groups = read_json(folder / "audit/mitigation.json")["groups"]
    return Mitigated(
        folder=folder,
        groups=tuple(artefact.facts["groups"]),
        remedies=int(artefact.facts["remedies"]),
        measures=tuple({"group": one["group"], **row} for one in groups for row in one["measures"]),
    )


def _say(facts: Mapping[str, Any]) -> str:
    groups = ", ".join(facts["groups"])
    return (
        f"{facts['remedies']} remedies on {groups}, judged on {facts['rows_out']:,} rows; none is "
        "used for a list"
    )
