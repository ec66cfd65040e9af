"""Remedies for unequal treatment, tried on a finished run and told in its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.pipeline.beside import put_beside
from riskstrat.pipeline.options import Listener, Options
from riskstrat.stages.lineage import MITIGATION
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
    made = put_beside(study, options, listener, run, MITIGATION, _say)
    groups = read_json(made.folder / "audit/mitigation.json")["groups"]
    return Mitigated(
        folder=made.folder,
        groups=tuple(made.facts["groups"]),
        remedies=int(made.facts["remedies"]),
        measures=tuple({"group": one["group"], **row} for one in groups for row in one["measures"]),
    )


def _say(facts: Mapping[str, Any]) -> str:
    groups = ", ".join(facts["groups"])
    return (
        f"{facts['remedies']} remedies on {groups}, judged on {facts['rows_out']:,} rows; none is "
        "used for a list"
    )
