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
from riskstrat.signoff.case import Case, case_of
from riskstrat.signoff.faults import record_broken
from riskstrat.signoff.people import SAID, Identity, person
from riskstrat.signoff.states import Party, State

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
    earlier: tuple[Round, ...] = ()
    """submissions of the same version before this one, oldest first"""
    logins: Mapping[str, str] = field(default_factory=dict)
    """who submitted or voted, unless a sign-on service proved them -> the login that ran it"""

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
            return State.APPROVED if self.agreed else State.REJECTED
        return (State.SUBMITTED, State.ONE_VOTE, State.VOTES_IN)[len(self.seals)]

    @property
    def agreed(self) -> bool:
        """Whether both reviewers approved, whatever became of it."""
        return bool(self.decided_at) and all(vote.decision == APPROVE for vote in self.votes)

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

    @property
    def authors(self) -> frozenset[str]:
        """Who submitted this version, this time or before, and who ran the study."""
        every = (self, *self.earlier)
        names = (name for each in every for name in (each.author.user, *each.case.made_by))
        return frozenset(map(person, names))

    @property
    def unread(self) -> int:
        """Votes that are sealed; once it is withdrawn or void, they never are opened."""
        return len(self.seals) - len(self.votes)

    def same_login(self, login: str) -> tuple[str, ...]:
        """Who submitted or voted under a login, this time; or submitted before; and `the run`."""
        ran = ["the run"] if login in self.case.made_under else []
        before = [
            each.author.user for each in self.earlier if each.logins.get(each.author.user) == login
        ]
        now = [name for name, used in self.logins.items() if used == login]
        return tuple(dict.fromkeys((*ran, *before, *now))) if login else ()

    @property
    def one_login(self) -> tuple[str, ...]:
        """Those who acted under a login that another of them acted under as well."""
        shared = {used for used in self.logins.values() if len(self.same_login(used)) > 1}
        found = (each for used in sorted(shared) for each in self.same_login(used))
        return tuple(dict.fromkeys(found))

    def party(self, name: str) -> Party:
        """What somebody is to this submission."""
        who = person(name)
        if who in self.authors:
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
                found[name] = _submitted(name, entry, told, found.values())
            else:
                found[name] = _AFTER[what](found[name], entry, told)
        except (KeyError, TypeError, ValueError) as fault:
            where = f"entry {entry['seq']} lacks something or names no submission"
            raise record_broken(where) from fault
    return tuple(found.values())


def _submitted(
    name: str, entry: Mapping[str, Any], told: Mapping[str, Any], before: Iterable[Round]
) -> Round:
    author = Identity(entry["who"], told["role"], told["vouched"])
    case = case_of(told)
    which = (case.study, case.version)
    return Round(
        name,
        case,
        author,
        datetime.fromisoformat(entry["at"]),
        earlier=tuple(each for each in before if (each.case.study, each.case.version) == which),
        logins=_login(author, entry),
    )


def _login(who: Identity, entry: Mapping[str, Any]) -> dict[str, str]:
    """Under which login somebody acted, where it tells people apart: a portal has one for all."""
    login = str(entry.get("login", ""))
    return {} if who.proved or not login else {who.user: login}


def _opened(found: Round, entry: Mapping[str, Any], _: Mapping[str, Any]) -> Round:
    return replace(found, opened={entry["who"]: entry["at"], **found.opened})


def _sealed(found: Round, entry: Mapping[str, Any], told: Mapping[str, Any]) -> Round:
    if found.party(entry["who"]) is not Party.READER or len(found.seals) >= VOTES:
        raise record_broken(f"entry {entry['seq']} is a vote that was not to be given")
    who = Identity(entry["who"], vouched=told.get("vouched", SAID))
    seals = {**found.seals, who.user: told["seal"]}
    return replace(found, seals=seals, logins={**found.logins, **_login(who, entry)})


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
