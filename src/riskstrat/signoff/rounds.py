"""What the log says of sign-offs: a submission, and all that came of it.

The log is the only record. A round is read from its entries; nothing else is believed, neither the
registry's aliases nor a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from riskstrat.asof import after
from riskstrat.derivation import digest
from riskstrat.signoff.binding import Binding, Bound
from riskstrat.signoff.faults import record_broken
from riskstrat.signoff.people import Identity, person
from riskstrat.signoff.states import Party, State
from riskstrat.vocabulary import Days, parse_days

DETAILS = "signoff"
"""the key under which an entry of the log tells of a sign-off"""
SUBMITTED, OPENED, SEALED, UNSEALED, WITHDRAWN = (
    "submitted", "opened", "sealed", "unsealed", "withdrawn",
)  # fmt: skip
VOTES = 2
APPROVE, REJECT = "approve", "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """What a reviewer decided, why, and what they answered.

    Attributes:
        submission: what it is about.
        by: the reviewer.
        decision: ``approve`` or ``reject``.
        answers: name of a question -> answer.
        at: when, ISO 8601 with its time zone.
        salt: 64 random hex digits, so that the seal cannot be guessed from the few votes there are.
    """

    submission: str
    by: Identity
    decision: str
    reason: str
    answers: Mapping[str, str]
    at: str
    salt: str = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they are sealed and later opened."""
        return {
            "submission": self.submission,
            "by": self.by.user,
            "role": self.by.role,
            "vouched": self.by.vouched,
            "decision": self.decision,
            "reason": self.reason,
            "answers": dict(self.answers),
            "at": self.at,
            "salt": self.salt,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Vote:
        """From what ``as_dict`` gave."""
        return cls(
            submission=told["submission"],
            by=Identity(told["by"], told["role"], told["vouched"]),
            decision=told["decision"],
            reason=told["reason"],
            answers=MappingProxyType(dict(told["answers"])),
            at=told["at"],
            salt=told["salt"],
        )

    @property
    def seal(self) -> str:
        """What stands in the log for the vote until both are in."""
        return digest(self.as_dict())


@dataclass(frozen=True, slots=True)
class Case:
    """What is submitted.

    Attributes:
        study, version: the registered model.
        run_id, model_id: the run that made it, and the registry's id of its files.
        made_by: who ran the study, as the log tells: they are authors, too.
        bound: the bytes that are signed.
        valid_for: how long an approval holds.
        failed: the gates that did not pass, as the study writes them.
        despite_gates: why it is submitted all the same; '' if all passed.
    """

    study: str
    version: int
    run_id: str
    model_id: str
    made_by: tuple[str, ...]
    bound: Binding
    valid_for: Days
    failed: tuple[str, ...] = ()
    despite_gates: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One submission, and all that came of it so far."""

    id: str
    case: Case
    author: Identity
    at: datetime
    opened: Mapping[str, str] = field(default_factory=dict)
    """who opened the review -> when first"""
    seals: Mapping[str, str] = field(default_factory=dict)
    """who voted -> the seal of their vote"""
    votes: tuple[Vote, ...] = ()
    """those that are open"""
    decided_at: datetime | None = None
    """when the last vote was opened"""
    withdrawn: Mapping[str, str] | None = None
    """by, at, reason"""

    @property
    def name(self) -> str:
        """The registered model and its version."""
        return f"{self.case.study} {self.case.version}"

    @property
    def state(self) -> State:
        """Where it stands by the log alone."""
        if self.withdrawn:
            return State.WITHDRAWN
        if self.decided_at:
            agreed = all(vote.decision == APPROVE for vote in self.votes)
            return State.APPROVED if agreed else State.REJECTED
        return (State.SUBMITTED, State.ONE_VOTE, State.VOTES_IN)[len(self.seals)]

    @property
    def approved(self) -> bool:
        """Whether both reviewers approved, and nobody took it back."""
        return self.state is State.APPROVED

    @property
    def until(self) -> date | None:
        """The last day on which an approval holds."""
        if self.decided_at is None:
            return None
        return after(self.decided_at.date(), self.case.valid_for) - timedelta(days=1)

    def party(self, name: str) -> Party:
        """What somebody is to this submission."""
        who = person(name)
        if who in {person(each) for each in (self.author.user, *self.case.made_by)}:
            return Party.AUTHOR
        if who in {person(each) for each in self.seals}:
            return Party.VOTER
        return Party.READER if who in {person(each) for each in self.opened} else Party.STRANGER


def rounds(entries: Iterable[Mapping[str, Any]]) -> tuple[Round, ...]:
    """Every submission in a log, the oldest first.

    Raises:
        StorageError: RS3331, an entry tells of a sign-off what cannot be.
    """
    found: dict[str, Round] = {}
    for entry in entries:
        told = entry["details"].get(DETAILS)
        if not told:
            continue
        try:
            what, name = told["event"], told["submission"]
            if what == SUBMITTED:
                if name in found:
                    raise record_broken(f"entry {entry['seq']} submits under an id that is taken")
                found[name] = _submitted(name, entry, told)
            else:
                found[name] = _AFTER[what](found[name], entry, told)
        except (KeyError, TypeError, ValueError) as fault:
            where = f"entry {entry['seq']} lacks something or names no submission"
            raise record_broken(where) from fault
    return tuple(found.values())


def case_details(case: Case) -> dict[str, Any]:
    """A submission as its entry of the log tells it."""
    bound = {
        thing: {"digest": each.digest, "parts": dict(each.parts)}
        for thing, each in case.bound.items()
    }
    return {
        "study": case.study,
        "version": case.version,
        "run_id": case.run_id,
        "model_id": case.model_id,
        "made_by": list(case.made_by),
        "bound": bound,
        "valid_for": str(case.valid_for),
        "failed": list(case.failed),
        "despite_gates": case.despite_gates,
    }


def _case(told: Mapping[str, Any]) -> Case:
    period = parse_days(told["valid_for"])
    if not isinstance(period, Days):
        raise ValueError(f"`{period}` is no length of time")
    return Case(
        study=told["study"],
        version=int(told["version"]),
        run_id=told["run_id"],
        model_id=told["model_id"],
        made_by=tuple(told["made_by"]),
        bound={
            thing: Bound(each["digest"], MappingProxyType(dict(each["parts"])))
            for thing, each in told["bound"].items()
        },
        valid_for=period,
        failed=tuple(told["failed"]),
        despite_gates=told["despite_gates"],
    )


def _submitted(name: str, entry: Mapping[str, Any], told: Mapping[str, Any]) -> Round:
    author = Identity(entry["who"], told["role"], told["vouched"])
    return Round(name, _case(told), author, datetime.fromisoformat(entry["at"]))


def _opened(found: Round, entry: Mapping[str, Any], _: Mapping[str, Any]) -> Round:
    return replace(found, opened={entry["who"]: entry["at"], **found.opened})


def _sealed(found: Round, entry: Mapping[str, Any], told: Mapping[str, Any]) -> Round:
    if found.party(entry["who"]) is not Party.READER or len(found.seals) >= VOTES:
        raise record_broken(f"entry {entry['seq']} is a vote that was not to be given")
    return replace(found, seals={**found.seals, entry["who"]: told["seal"]})


def _unsealed(found: Round, entry: Mapping[str, Any], told: Mapping[str, Any]) -> Round:
    vote = Vote.from_dict(told["vote"])
    if found.seals.get(vote.by.user) != vote.seal or vote.submission != found.id:
        raise record_broken(f"entry {entry['seq']} opens a vote that is not the one sealed")
    if len(found.seals) < VOTES or vote.seal in {each.seal for each in found.votes}:
        raise record_broken(f"entry {entry['seq']} opens a vote twice, or too early")
    votes = (*found.votes, vote)
    decided = datetime.fromisoformat(entry["at"]) if len(votes) == VOTES else None
    return replace(found, votes=votes, decided_at=decided)


def _withdrawn(found: Round, entry: Mapping[str, Any], _: Mapping[str, Any]) -> Round:
    told = {"by": entry["who"], "at": entry["at"], "reason": entry["why"]}
    return replace(found, withdrawn=told)


_AFTER = MappingProxyType(
    {OPENED: _opened, SEALED: _sealed, UNSEALED: _unsealed, WITHDRAWN: _withdrawn}
)
"""event -> what it makes of a round"""
