"""Score a day with a registered model, and hand every recipient its folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from riskstrat.errors import UsageError
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import (
    Work,
    allowed,
    holding,
    last_date,
    opt_outs_applied,
    prepare_sources,
    say_cohort,
    say_linkage,
    say_prepared,
    step,
    write_log,
)
from riskstrat.stages.lineage import trace
from riskstrat.study import Study


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
    day = as_of or study.spec.release.as_of or last_date(study)
    allowed(study, options, score_on=day)
    if day is None:
        raise UsageError("no day to score for", fix="give one with `--as-of 2025-04-01`")
    with holding(options.store):
        lineage = trace(study, options.store, options.data, score_on=day)
        work = Work(study, options, lineage, listener or Silent(), score_on=day)
        prepare_sources(work)
        work.stage("linkage", say_linkage)
        work.stage("prepared", say_prepared)
        work.listener.starts("model")
        model = work.child("register.chosen_version", study.name, version).value
        released = release_day(work, model, day)
        folder = Path(options.store.root, released["folder"])
        write_log(
            work,
            f"score {study.name} {day.isoformat()}",
            {"model": f"{model['name']} {model['version']}", "scores": released["scores"]},
        )
    return folder


def release_day(work: Work, model: Mapping[str, Any], day: date) -> dict[str, Any]:
    """Score a day with a registered model and write every recipient's folder."""
    study, options = work.study, work.options
    lineage = trace(study, work.store, options.data, score_on=day, model=model["digest"])
    scoring = Work(study, options, lineage, work.listener, score_on=day, stages=work.stages)
    scoring.prefix = "score "
    if work.lineage.fingerprints != lineage.fingerprints:
        prepare_sources(scoring)
        scoring.stage("linkage", say_linkage)
        scoring.stage("prepared", say_prepared)
    scoring.stage("cohort", say_cohort)
    scoring.stage("features", lambda facts: f"{facts['features']} features")
    scoring.prefix = ""
    scoring.stage("scores", _say_scores, model)
    # Before it is written: a release without an entry must not exist, even after a power cut.
    write_log(
        work,
        f"release {study.name} {day.isoformat()}",
        {
            "recipients": [recipient.to for recipient in study.spec.release.recipients],
            "model": f"{model['name']} {model['version']}",
            "model_digest": model["digest"],
            "scores": lineage["scores"],
            **opt_outs_applied(scoring),
        },
    )
    released = step(scoring, "release", "release.release", model, say=_say_release)
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
