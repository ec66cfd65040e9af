"""Score a day with a registered model, and hand every recipient its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from riskstrat.errors import UsageError
from riskstrat.pipeline.clearance import clearance, cleared
from riskstrat.pipeline.derived import derive_features, derive_units
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import (
    Work,
    allowed,
    holding,
    last_date,
    opt_outs_applied,
    step,
    write_log,
)
from riskstrat.release.standing import Research, Standing
from riskstrat.stages.lineage import trace
from riskstrat.study import Study


def score_study(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    as_of: date | None = None,
    version: int | None = None,
    research: bool = False,
) -> Path:
    """Score everyone in scope on a day with an approved model, and write the releases.

    Args:
        research: score without an approval; what is written is marked in every row, and goes into
            a folder that nothing leaves from.

    Returns:
        The folder ``releases/<study>/<as_of>``; of research, ``research/<study>/<as_of>``.

    Raises:
        UsageError: no day is given, or there is no such version.
        SignoffRefused: no approval of the version holds.
        RiskstratError: as for a run.
    """
    day = as_of or study.spec.release.as_of or last_date(study)
    allowed(study, options, score_on=day)
    if day is None:
        raise UsageError("no day to score for", fix="give one with `--as-of 2025-04-01`")
    with holding(options.store):
        model = clearance(study, options, version, research=research)
        lineage = trace(study, options.store, options.data, score_on=day)
        work = Work(study, options, lineage, listener or Silent(), score_on=day)
        derive_units(work)
        # Asked again when lists are written: it may have been withdrawn while people were scored.
        again = Research if research else partial(cleared, study, options, model["version"])
        released = release_day(work, model, day, again)
        folder = Path(options.store.root, released["folder"])
        write_log(
            work,
            f"score {study.name} {day.isoformat()}",
            {
                "status": released["status"],
                "model": f"{model['name']} {model['version']}",
                "scores": released["scores"],
            },
        )
    return folder


def release_day(
    work: Work, model: Mapping[str, Any], day: date, standing_now: Callable[[], Standing]
) -> dict[str, Any]:
    """Score a day with a registered model and write every recipient's folder.

    Args:
        standing_now: tells whether what is written may be used; asked when it is to be written.
    """
    study, options = work.study, work.options
    lineage = trace(study, work.store, options.data, score_on=day, model=model["digest"])
    scoring = Work(study, options, lineage, work.listener, score_on=day, stages=work.stages)
    scoring.prefix = "score "
    if work.lineage.fingerprints != lineage.fingerprints:
        derive_units(scoring)
    derive_features(scoring)
    scoring.prefix = ""
    scoring.stage("scores", _say_scores, model)
    standing = standing_now()
    # Before it is written: a release without an entry must not exist, even after a power cut.
    write_log(
        work,
        f"{standing.log} {study.name} {day.isoformat()}",
        {
            "recipients": [recipient.to for recipient in study.spec.release.recipients],
            "model": f"{model['name']} {model['version']}",
            "model_digest": model["digest"],
            "scores": lineage["scores"],
            **standing.facts(),
            **opt_outs_applied(scoring),
        },
    )
    released = step(
        scoring, "release", "releasing.release.release", model, standing, say=_say_release
    )
    return {
        "status": standing.status,
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
