"""Where a version stands, as anybody may see it; and the approval that a use rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from riskstrat.signoff.binding import Binding, Change, told
from riskstrat.signoff.faults import refusal
from riskstrat.signoff.rounds import APPROVE, VOTES, Round, Vote
from riskstrat.signoff.states import TABLE, Action, Owner, Party, State, owner_of
from riskstrat.vocabulary import Approval

_CAN_LAPSE = frozenset({State.SUBMITTED, State.ONE_VOTE, State.VOTES_IN, State.APPROVED})
"""states in which a changed byte matters"""


@dataclass(frozen=True, slots=True)
class View:
    """Where a version of a model stands. Of votes that are sealed it knows how many there are.

    Attributes:
        study, version: the registered model.
        state: of `states.State`.
        why: the same in a few words: how many votes, since when, what changed.
        submission: its id; '' where there is none.
        author, submitted: who submitted it, and when.
        run_id: the run that made it.
        bound: what it is bound to.
        changed: what of that is different now.
        votes: how many are in.
        decisions: by, role, on, decision, reason and answers of each reviewer, once both are in.
        until: the last day on which an approval holds.
        failed, despite_gates: gates that did not pass, and why it was submitted all the same.
        one_login: those who acted under one login of the operating system; `the run` among them.
        earlier: of each submission of this version before: submitted, author, state, why, and the
            reasons of rejections and of withdrawals.
    """

    study: str
    version: int
    state: State
    why: str = ""
    submission: str = ""
    author: str = ""
    submitted: str = ""
    run_id: str = ""
    bound: Binding = field(default_factory=dict)
    changed: tuple[Change, ...] = ()
    votes: int = 0
    decisions: tuple[Mapping[str, Any], ...] = ()
    until: date | None = None
    failed: tuple[str, ...] = ()
    despite_gates: str = ""
    one_login: tuple[str, ...] = ()
    earlier: tuple[Mapping[str, Any], ...] = ()

    @property
    def awaits(self) -> str:
        """Whose turn it is, in words."""
        owner = owner_of(self.state)
        if owner is not Owner.REVIEWERS:
            return owner.value
        left = VOTES - self.votes
        return f"{left} reviewer{'s' if left > 1 else ''}"

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {
            "study": self.study,
            "version": self.version,
            "state": self.state.value,
            "why": self.why,
            "awaits": self.awaits,
            "submission": self.submission,
            "author": self.author,
            "submitted": self.submitted,
            "run_id": self.run_id,
            "digests": {thing: each.digest for thing, each in self.bound.items()},
            "changed": [{"thing": each.thing, "parts": list(each.parts)} for each in self.changed],
            "votes": self.votes,
            "decisions": [dict(each) for each in self.decisions],
            "until": self.until.isoformat() if self.until else None,
            "failed_gates": list(self.failed),
            "despite_gates": self.despite_gates,
            "one_login": list(self.one_login),
            "earlier": [dict(each) for each in self.earlier],
        }


def view_of(
    study: str, version: int, last: Round | None, changed: tuple[Change, ...], day: date
) -> View:
    """Where a version stands on a day.

    Args:
        last: its last submission, if there is one.
        changed: what of its bytes is different now.
        day: the day that is asked about; an approval holds to the end of its last day.
    """
    if last is None:
        return View(study, version, State.UNSUBMITTED, "nobody submitted it")
    state = last.state
    if changed and state in _CAN_LAPSE:
        state = State.VOID
    elif last.approved and last.until is not None and day > last.until:
        state = State.EXPIRED
    return View(
        study=study,
        version=version,
        state=state,
        why=_why(state, last, changed),
        submission=last.id,
        author=last.author.user,
        submitted=last.at.date().isoformat(),
        run_id=last.case.run_id,
        bound=last.case.bound,
        changed=changed,
        votes=len(last.seals),
        decisions=_decisions(last),
        until=last.until if last.approved else None,
        failed=last.case.failed,
        despite_gates=last.case.despite_gates,
        one_login=last.one_login,
        earlier=tuple(map(_earlier, last.earlier)),
    )


def clear(view: View, last: Round | None) -> Approval:
    """The approval that a use rests on. This alone makes one.

    Raises:
        SignoffRefused: RS3301 to RS3306, there is none that holds.
    """
    rule = TABLE[view.state, Party.STRANGER, Action.USE]
    if rule.refused or last is None or last.decided_at is None or view.until is None:
        raise refusal(rule.refused or "RS3301", view.study, view.version, _about(view))
    return Approval(
        study=view.study,
        version=view.version,
        submission=view.submission,
        digests=MappingProxyType({thing: each.digest for thing, each in view.bound.items()}),
        decisions=view.decisions,
        on=last.decided_at.date(),
        until=view.until,
        despite_gates=view.despite_gates,
        one_login=view.one_login,
        # Without the reasons: what stands on a list must be fit to leave with it.
        earlier=tuple(f"{each['state']} {each['why']}" for each in view.earlier),
    )


def _earlier(each: Round) -> Mapping[str, Any]:
    """What became of an earlier submission, by the log alone."""
    # Only what was void is submitted again before it is decided.
    state = each.state if each.withdrawn or each.decided_at else State.VOID
    lapsed = f"by a change to what was to be signed{_never_opened(each)}"
    against = [vote.reason for vote in _open(each) if vote.decision != APPROVE]
    reasons = [each.withdrawn["reason"]] if each.withdrawn else []
    return MappingProxyType(
        {
            "submitted": each.at.date().isoformat(),
            "author": each.author.user,
            "state": state.value.replace("_", " "),
            "why": lapsed if state is State.VOID else _why(state, each, ()),
            "reasons": [*against, *reasons],
        }
    )


def _open(each: Round) -> tuple[Vote, ...]:
    return each.votes if each.decided_at else ()


def _decisions(last: Round) -> tuple[Mapping[str, Any], ...]:
    """What the reviewers decided: nothing of it until all votes are open."""
    return tuple(map(_decision, _open(last)))


def _decision(vote: Vote) -> Mapping[str, Any]:
    return MappingProxyType(
        {
            "by": vote.by.user,
            "role": vote.by.role,
            "on": vote.at[:10],
            "decision": "approved" if vote.decision == APPROVE else "rejected",
            "reason": vote.reason,
            "answers": dict(vote.answers),
        }
    )


def _why(state: State, last: Round, changed: tuple[Change, ...]) -> str:
    if state is State.VOID:
        return told(changed)
    if state is State.WITHDRAWN and last.withdrawn:
        return f"by {last.withdrawn['by']} on {last.withdrawn['at'][:10]}{_never_opened(last)}"
    if state in (State.APPROVED, State.EXPIRED):
        return f"{'until' if state is State.APPROVED else 'after'} {last.until}"
    if state is State.REJECTED:
        against = [vote.by.user for vote in last.votes if vote.decision != APPROVE]
        on = f" on {last.decided_at.date()}" if last.decided_at else ""
        return f"by {' and '.join(against)}{on}"
    return f"{len(last.seals)} of {VOTES} votes are in"


def _never_opened(each: Round) -> str:
    lost = each.unread
    return f", with {lost} sealed vote{'' if lost == 1 else 's'} never opened" if lost else ""


def _about(view: View) -> str:
    """Where it stands, as the end of a sentence about it."""
    if view.state is State.EXPIRED:
        return f": its last day was {view.until}"
    joined = view.state in (State.REJECTED, State.WITHDRAWN)
    return f" {view.why}" if joined else view.why
