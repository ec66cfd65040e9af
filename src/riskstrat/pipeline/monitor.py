"""Watch a registered version: a new period through the stages, then held against training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from riskstrat.asof import after, covered_days
from riskstrat.cohort.spec import EventDates, ListedDates
from riskstrat.disk import read_json
from riskstrat.errors import TooThinError, UsageError
from riskstrat.pipeline.derived import derive_features, derive_stage, derive_units
from riskstrat.pipeline.desk import MEMORY, Actor, desk_of, follow
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.work import Work, allowed, holding, step, write_log
from riskstrat.signoff.people import AUTHORS, REVIEWERS, Identity
from riskstrat.signoff.suspension import lift, suspend, suspension
from riskstrat.stages.jobs import call
from riskstrat.stages.lineage import trace
from riskstrat.stages.watching.ripe import Ripe, released_days
from riskstrat.store.artefacts import Store
from riskstrat.store.worker import run_in_child
from riskstrat.study import Study

BY_RULE = Identity("riskstrat monitor", vouched="the study's own rule")
"""who suspends a version by the study's own rule"""


@dataclass(frozen=True, slots=True)
class Monitored:
    """What watching a day found."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def failed(self) -> tuple[str, ...]:
        """The gates of the approval that would fail now."""
        return tuple(self.facts["failed"])

    @property
    def suspended(self) -> tuple[str, ...]:
        """The findings for which the version was suspended."""
        return tuple(self.facts["suspends"])

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        named = ("findings", "failed", "gates", "judged_on", "suspends")
        return {"folder": str(self.folder), **{name: self.facts[name] for name in named}}


def monitor_study(
    study: Study,
    options: Options,
    listener: Listener | None = None,
    *,
    as_of: date,
    version: int | None = None,
) -> Monitored:
    """Hold a day against what a registered version was trained and judged on.

    Nothing is fitted. The day goes through the stages as it would to be scored; if its outcomes
    are known by now they judge the version again, else those of the last released day that has
    ripened do.

    Raises:
        UsageError: RS3722 to RS3724, or no version is fit to be watched.
        RiskstratError: as for scoring.
    """
    if isinstance(study.spec.cohort.as_of, EventDates):
        raise UsageError(
            f"{study.name} decides on everybody on a day of their own, so there is no one day to "
            "watch",
            fix="run the study again on later data, and compare the runs with `riskstrat compare`",
            code="RS3724",
        )
    allowed(study, options, score_on=as_of)
    with holding(options.store):
        model = _version(options.store, study.name, version)
        _refuse_what_it_learnt_from(options.store, model, as_of)
        lineage = trace(study, options.store, options.data, score_on=as_of)
        work = Work(study, options, lineage, listener or Silent(), score_on=as_of)
        derive_units(work)
        scored = _scored(work, model, as_of, "day ")
        ripe, not_ripe = _ripe(work, scored, model, as_of)
        facts = step(scored, "monitor", "watching.monitor.monitor", model, ripe, not_ripe, say=_say)
        done = Monitored(Path(options.store.root, facts["folder"]), facts)
        if done.suspended:
            reason = f"{', '.join(done.suspended)} on {as_of} (see {facts['folder']})"
            _stop(options, model, reason)
        write_log(work, f"monitor {study.name} {as_of}", _details(model, scored, facts))
    return done


def _scored(work: Work, model: Mapping[str, Any], day: date, prefix: str) -> Work:
    """Score a day as it would be for a release; what is there is reused."""
    study, options = work.study, work.options
    lineage = trace(study, work.store, options.data, score_on=day, model=model["digest"])
    scoring = Work(study, options, lineage, work.listener, score_on=day, stages=work.stages)
    scoring.prefix = prefix
    derive_features(scoring)
    scoring.stage("scores", lambda facts: f"{facts['rows_out']:,} scored", model)
    scoring.prefix = ""
    return scoring


# -- outcomes ------------------------------------------------------------------------------------


def _ripe(
    work: Work, scored: Work, model: Mapping[str, Any], as_of: date
) -> tuple[Ripe | None, dict[str, Any]]:
    """The latest day whose outcomes judge the version, and why the watched day's do not."""
    not_ripe = _not_ripe(work.study, as_of)
    found = None if not_ripe else _known(work, scored, as_of)
    if found is None and not not_ripe:
        not_ripe = {"known_from": None, "why": "nobody's is known, or everybody's is the same"}
    tested = _last_tested(work.store, model)
    for day in _released(work, as_of, tested) if found is None else ():
        if not _not_ripe(work.study, day):
            found = _known(work, _scored(work, model, day, "earlier "), day)
        if found is not None:
            break
    return found, not_ripe


def _last_tested(store: Store, model: Mapping[str, Any]) -> date:
    """The last date on which the version was judged before it was registered."""
    folds = read_json(_run_of(store, model) / "folds.json")
    return max(date.fromisoformat(row["as_of_to"]) for row in folds)


def _refuse_what_it_learnt_from(store: Store, model: Mapping[str, Any], day: date) -> None:
    provenance = read_json(_run_of(store, model) / "model" / "model.json")["provenance"]
    last = date.fromisoformat(provenance["trained_to"])
    if day <= last:
        raise UsageError(
            f"{model['name']} version {model['version']} has learnt from days up to {last}, so "
            f"{day} is no new period to it",
            fix=f"watch a day after {last}, with `--as-of`",
            code="RS3723",
        )


def _run_of(store: Store, model: Mapping[str, Any]) -> Path:
    """The folder of the run that made a version.

    Raises:
        UsageError: RS3722, it is not in this store.
    """
    folder = store.run_folder(model["name"], model["run_id"])
    if not (folder / "folds.json").exists():
        raise UsageError(
            f"{folder}: the run that made {model['name']} version {model['version']} is not in "
            "this store, so there is nothing to compare a new period with",
            fix="use the store that trained the version, or run the study again",
            code="RS3722",
        )
    return folder


def _released(work: Work, before: date, after_day: date) -> list[date]:
    """Days for which lists were released, the latest first."""
    days = [date.fromisoformat(day) for day in released_days(work.store.root, work.study.name)]
    return sorted((day for day in days if after_day < day < before), reverse=True)


def _known(work: Work, scored: Work, day: date) -> Ripe | None:
    """The cohort of a day with what came of it; None where there is no answer."""
    spec = work.study.spec
    cohort = spec.cohort.model_copy(update={"as_of": ListedDates(dates=(day,))})
    then = replace(work.study, spec=spec.model_copy(update={"cohort": cohort}))
    lineage = trace(then, work.store, work.options.data)
    again = Work(then, work.options, lineage, work.listener, stages=work.stages)
    again.prefix = "outcome "
    try:
        derive_stage(again, "cohort")
    except TooThinError:  # nobody known, or one answer: a result, not a fault
        return None
    return Ripe(day, scored.lineage, lineage)


def _not_ripe(study: Study, day: date) -> dict[str, Any]:
    """Why outcomes of people scored on a day cannot be known, and from when; {} where they can."""
    closes = after(day, study.spec.outcome.within)
    event = study.sources_by_name[study.spec.outcome.event]
    needed = [source for source in (event, study.deaths) if source]
    short = [
        source.source
        for source in needed
        if covered_days(source.coverage, day, closes) < (closes - day).days
    ]
    if not short:
        return {}
    why = f"{' and '.join(short)} {'do' if len(short) > 1 else 'does'} not cover the "
    return {"known_from": closes, "why": f"{why}{study.spec.outcome.within} from that day on"}


# -- suspension ----------------------------------------------------------------------------------


def suspend_version(
    name: str, number: int, store: Path, actor: Actor, *, reason: str, lifted: bool = False
) -> str:
    """Stop the use of a version at once, or allow it again; says what was done.

    Anybody who may submit or review can stop a version; to allow it again takes a reviewer.

    Raises:
        UsageError: there is no such version, no fit name or reason, or nothing to lift.
        SignoffRefused: RS3327, no account that may do this.
        StorageError: the log was changed.
    """
    by = actor.identity(store, REVIEWERS if lifted else AUTHORS | REVIEWERS)
    model = _version(Store(store), name, number)
    desk = desk_of(store)
    act = lift if lifted else suspend
    act(desk.records.log, name, model["version"], by, reason, actor.at, desk.operator)
    follow(desk, store, name, actor.at.date(), rejected=None)
    if lifted:
        return f"{name} version {number}: suspension lifted by {by.user}"
    return f"{name} version {number}: suspended by {by.user}; it makes no list until that is lifted"


def _stop(options: Options, model: Mapping[str, Any], reason: str) -> None:
    """Suspend a version by the study's own rule, unless it is suspended already."""
    store, name, number = options.store.root, str(model["name"]), int(model["version"])
    desk = desk_of(store)
    if suspension(desk.records.log.entries(), name, number) is None:
        at = datetime.now(UTC)
        suspend(desk.records.log, name, number, BY_RULE, reason, at, options.user)
        follow(desk, store, name, at.date(), rejected=None)


def _version(store: Store, name: str, number: int | None) -> Mapping[str, Any]:
    """The registered version to watch: by number, else that approved last, else the challenger."""
    chosen = number or desk_of(store.root).records.in_use(name)
    asked = ("register.chosen_version", store, name, chosen, False)
    facts: Mapping[str, Any] = run_in_child(call, *asked, memory=MEMORY).value
    return facts


# -- words ---------------------------------------------------------------------------------------


def _say(facts: Mapping[str, Any]) -> str:
    found = facts["findings"]
    worrying = found.get("error", 0) + found.get("warning", 0)
    if facts["judged_on"]:
        kept = facts["gates"] - len(facts["failed"])
        gates = f"{kept} of {facts['gates']} gates would not fail on {facts['judged_on']}"
    else:
        gates = "outcomes are not known yet"
    return f"{worrying} findings to look at; {gates}"


def _details(model: Mapping[str, Any], scored: Work, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": f"{model['name']} {model['version']}",
        "model_digest": model["digest"],
        "scores": scored.lineage["scores"],
        "findings": dict(facts["findings"]),
        "gates_failed": list(facts["failed"]),
        "judged_on": facts["judged_on"],
        "suspends": list(facts["suspends"]),
    }
