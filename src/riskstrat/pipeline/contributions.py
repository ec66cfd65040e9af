"""Exact contributions of everybody in scope on a day, off the main path."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from riskstrat.errors import UsageError
from riskstrat.pipeline.derived import derive_features, derive_units
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import (
    Work,
    allowed,
    holding,
    last_date,
    opt_outs_applied,
    write_log,
)
from riskstrat.stages.jobs import call
from riskstrat.stages.lineage import CONTRIBUTIONS, trace
from riskstrat.store.worker import run_in_child
from riskstrat.study import Study


def explain_everyone(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    as_of: date | None = None,
    version: int | None = None,
) -> Path:
    """What each feature adds to the score of everybody in scope on a day.

    Args:
        as_of: the day; by default the study's own.
        version: of the registered model; by default the champion, else the challenger.

    Returns:
        The folder of the parts, in the store: nothing of it leaves.

    Raises:
        UsageError: no day is given, or there is no such version.
        RiskstratError: as for scoring; RS3610 where contributions do not add up.
    """
    day = as_of or study.spec.release.as_of or last_date(study)
    allowed(study, options, score_on=day)
    if day is None:
        raise UsageError("no day to explain", fix="give one with `--as-of 2025-04-01`")
    with holding(options.store):
        asked = ("register.chosen_version", options.store, study.name, version, False)
        model: Mapping[str, Any] = run_in_child(call, *asked, memory=options.memory).value
        lineage = trace(study, options.store, options.data, score_on=day, model=model["digest"])
        work = Work(study, options, lineage, listener or Silent(), score_on=day)
        derive_units(work)
        derive_features(work)
        artefact = work.stage(CONTRIBUTIONS, _say, model)
        write_log(
            work,
            f"contributions {study.name} {day.isoformat()}",
            {
                "model": f"{model['name']} {model['version']}",
                "contributions": lineage[CONTRIBUTIONS],
                **opt_outs_applied(work),
            },
        )
    return artefact.folder


def _say(facts: Mapping[str, Any]) -> str:
    rate = facts["rows_out"] / max(facts["seconds"], 1e-3)
    again = f"; {facts['resumed']} parts were there" if facts["resumed"] else ""
    return (
        f"{facts['rows_out']:,} explained by {facts['features']} features, {rate:,.0f} a second; "
        f"they add up (gap {facts['gap']:.0e}){again}"
    )
