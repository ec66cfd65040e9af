"""Sign-off: what is put before reviewers, what they are shown, and what they decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import StorageError, UsageError
from riskstrat.pipeline.desk import Actor, case_of, desk_of, follow
from riskstrat.pipeline.packed import INDEX, still_open
from riskstrat.release.policies import policy_named
from riskstrat.release.scan.rules import tells_too_much
from riskstrat.signoff.binding import REVIEW
from riskstrat.signoff.case import Case
from riskstrat.signoff.desk import Desk
from riskstrat.signoff.faults import refusal
from riskstrat.signoff.people import AUTHORS, REVIEWERS
from riskstrat.signoff.questions import questions_for
from riskstrat.signoff.rounds import APPROVE, REJECT
from riskstrat.signoff.states import NEVER_SUBMITTED, State
from riskstrat.signoff.view import View
from riskstrat.store.artefacts import Store

SETTLES = frozenset({State.APPROVED, State.REJECTED, State.WITHDRAWN})
"""states that move the registry's aliases"""


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer is shown.

    Attributes:
        view: where it stands.
        shown: gates and findings under disclosure control, as the run kept them for reviewers.
        questions: name -> question; for a reviewer, those that they have yet to answer.
        before: what differs from the version that was approved last, if another was.
        report: the report's file.
        pack: the first page of the pack for the board.
        open_in_pack: questions of the pack that nobody has answered, by name.
        preview: the folder of marked lists that shows what would leave, if there is one.
    """

    view: View
    shown: Mapping[str, Any]
    questions: Mapping[str, str]
    before: str
    report: Path
    pack: Path
    open_in_pack: tuple[str, ...]
    preview: Path | None

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            **self.view.as_dict(),
            "review": dict(self.shown),
            "questions": dict(self.questions),
            "changed_since_the_last_approval": self.before,
            "report": str(self.report),
            "pack": str(self.pack),
            "open_in_pack": list(self.open_in_pack),
            "preview": str(self.preview) if self.preview else None,
        }


# -- acts ------------------------------------------------------------------------------------------


def submit(name: str, number: int, store: Path, actor: Actor, *, despite_gates: str = "") -> View:
    """Put a registered version before two reviewers.

    Raises:
        UsageError: there is no such version, or no fit name or reason; RS3334, the reason counts
            people.
        SignoffRefused: RS3310 to RS3313 or RS3327.
        StorageError: the model or the run is not what it was when it was registered.
    """
    by = actor.identity(store, AUTHORS)
    case = replace(case_of(store, name, number), despite_gates=despite_gates)
    _fit_for_lists(store, case, despite_gates, "the reason of `--despite-gates`")
    return desk_of(store).submit(case, by, actor.at)


def review(
    name: str,
    number: int,
    store: Path,
    actor: Actor | None = None,
    *,
    answers: Mapping[str, str] = MappingProxyType({}),
    today: date | None = None,
) -> Review:
    """What would be signed; with an actor, note that they opened it and what they answered.

    Raises:
        UsageError: there is no such question, or an answer is not fit for the log.
        SignoffRefused: RS3301, RS3306, RS3320, RS3324 or RS3327.
    """
    desk = desk_of(store)
    if actor is None:
        view = desk.records.view(name, number, today or datetime.now(UTC).date())
        if view.state is State.UNSUBMITTED:
            raise refusal(NEVER_SUBMITTED, name, number)
        asked = questions_for(despite_gates=bool(view.despite_gates))
    else:
        by = actor.identity(store, REVIEWERS)
        view = desk.review(name, number, by, answers, actor.at)
        asked = desk.unanswered(name, number, by)
        _settle(desk, store, view, actor.at)
    run = Store(store).run_folder(name, view.run_id)
    return Review(
        view=view,
        shown=read_json(run / REVIEW) if (run / REVIEW).is_file() else {},
        questions=asked,
        before=_since_the_last(desk, view),
        report=run / "report.html",
        pack=run / INDEX,
        open_in_pack=still_open(run),
        preview=_preview(store, run),
    )


def vote(
    name: str,
    number: int,
    store: Path,
    actor: Actor,
    *,
    approve: bool,
    reason: str,
    answers: Mapping[str, str] = MappingProxyType({}),
) -> View:
    """Give one of two votes, which nobody sees before both are in.

    Raises:
        UsageError: the reason is not fit for the log, or counts people (RS3334); or there is no
            such question.
        SignoffRefused: RS3301, RS3306, RS3320 to RS3322, RS3324, RS3327 or RS3333.
    """
    by = actor.identity(store, REVIEWERS)
    desk = desk_of(store)
    if last := desk.records.last(name, number):
        _fit_for_lists(store, last.case, reason, "the reason")
    decision = APPROVE if approve else REJECT
    view = desk.vote(name, number, by, decision, reason, actor.at, answers)
    _settle(desk, store, view, actor.at)
    return view


def withdraw(name: str, number: int, store: Path, actor: Actor, *, reason: str) -> View:
    """Take a submission, or the approval that came of it, back.

    Raises:
        UsageError: the reason is not fit for the log.
        SignoffRefused: RS3327 to RS3329.
    """
    by = actor.identity(store, AUTHORS | REVIEWERS)
    desk = desk_of(store)
    view = desk.withdraw(name, number, by, reason, actor.at)
    _settle(desk, store, view, actor.at)
    return view


def _fit_for_lists(store: Path, case: Case, reason: str, what: str) -> None:
    """Refuse words that would stand in every manifest and could not leave with it."""
    review = Store(store).run_folder(case.study, case.run_id) / REVIEW
    if not review.is_file():  # then nothing of it is signed, and the desk says so
        return
    policy = policy_named(read_json(review)["policy"])
    if tells_too_much(reason, policy):
        raise UsageError(
            f"{what} tells a count of people that the policy `{policy.name}` would not show, and "
            "it is printed with every list",
            fix="say it without the count, or with one that may be shown, as reports do",
            code="RS3334",
        )


def _settle(desk: Desk, store: Path, view: View, at: datetime) -> None:
    """Have the registry's aliases follow a decision that was just taken."""
    if view.state in SETTLES:
        rejected = view.version if view.state is State.REJECTED else None
        follow(desk, store, view.study, at.date(), rejected=rejected)


def open_in_pack(store: Path, view: View) -> tuple[Path, tuple[str, ...]]:
    """The pack that a submission is bound to: its folder, and its questions still open, by name."""
    run = Store(store).run_folder(view.study, view.run_id)
    return (run / INDEX).parent, still_open(run)


def overview(store: Path, *, today: date | None = None) -> tuple[View, ...]:
    """Every version that was ever submitted, and whose turn it is."""
    desk = desk_of(store)
    known = dict.fromkeys((each.case.study, each.case.version) for each in desk.records.all())
    day = today or datetime.now(UTC).date()
    return tuple(desk.records.view(name, number, day) for name, number in known)


def _preview(store: Path, run: Path) -> Path | None:
    """The marked lists that a run left for its reviewers."""
    try:
        released = read_json(run / "run.json")["release"]
    except StorageError:
        return None
    folder = Path(store, released["folder"]) if released else None
    return folder if folder and folder.is_dir() else None


def _since_the_last(desk: Desk, view: View) -> str:
    """What of a submission differs from the version that was approved last."""
    before = [
        each
        for each in desk.records.all(view.study)
        if each.decided_at and each.approved and each.id != view.submission
    ]
    if not before or not view.bound:
        return ""
    last = before[-1]
    differing = [
        thing
        for thing, each in view.bound.items()
        if thing not in last.case.bound or last.case.bound[thing].digest != each.digest
    ]
    return f"since version {last.case.version}, approved last: {', '.join(differing) or 'nothing'}"
