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
    )


def _decisions(last: Round) -> tuple[Mapping[str, Any], ...]:
    """What the reviewers decided: nothing of it until all votes are open."""
    if last.decided_at is None:
        return ()
    return tuple(_decision(vote) for vote in last.votes)


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
        return f"by {last.withdrawn['by']} on {last.withdrawn['at'][:10]}"
    if state in (State.APPROVED, State.EXPIRED):
        return f"{'until' if state is State.APPROVED else 'after'} {last.until}"
    if state is State.REJECTED:
        against = [vote.by.user for vote in last.votes if vote.decision != APPROVE]
        return f"by {' and '.join(against)}"
    return f"{len(last.seals)} of {VOTES} votes are in"


def _about(view: View) -> str:
    """Where it stands, as the end of a sentence about it."""
    if view.state is State.EXPIRED:
        return f": its last day was {view.until}"
    joined = view.state in (State.REJECTED, State.WITHDRAWN)
    return f" {view.why}" if joined else view.why
