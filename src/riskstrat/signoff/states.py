"""Where a sign-off stands, whose turn it is, and who may do what: one table, with no gap in it.

A state is what the log says, and then what is found: a changed byte makes it ``void``, the end of
its time ``expired``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from types import MappingProxyType


class State(StrEnum):
    """Where a version of a model stands."""

    UNSUBMITTED = "unsubmitted"
    SUBMITTED = "submitted"
    ONE_VOTE = "one_vote"
    VOTES_IN = "votes_in"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    EXPIRED = "expired"


class Party(StrEnum):
    """What somebody is to a submission; everybody is exactly one of these."""

    AUTHOR = "author"
    """who submitted it, and who ran the study that made it"""
    STRANGER = "stranger"
    """anybody who has not opened the review"""
    READER = "reader"
    """has opened the review and not voted"""
    VOTER = "voter"
    """has voted"""


class Action(StrEnum):
    """What somebody may want."""

    SUBMIT = "submit"
    REVIEW = "review"
    VOTE = "vote"
    UNSEAL = "unseal"
    WITHDRAW = "withdraw"
    USE = "use"


class Owner(StrEnum):
    """Whose turn it is."""

    AUTHOR = "the author"
    REVIEWERS = "reviewers"
    SYSTEM = "the votes, to be opened"
    NOBODY = "nobody"


OWNERS: Mapping[Owner, frozenset[State]] = MappingProxyType(
    {
        Owner.AUTHOR: frozenset(
            {State.UNSUBMITTED, State.REJECTED, State.WITHDRAWN, State.VOID, State.EXPIRED}
        ),
        Owner.REVIEWERS: frozenset({State.SUBMITTED, State.ONE_VOTE}),
        Owner.SYSTEM: frozenset({State.VOTES_IN}),
        Owner.NOBODY: frozenset({State.APPROVED}),
    }
)
"""whose turn it is -> in which states; each state is in one of them"""


def owner_of(state: State) -> Owner:
    """Whose turn it is."""
    return next(owner for owner, states in OWNERS.items() if state in states)


@dataclass(frozen=True, slots=True)
class Rule:
    """What comes of an action: another state, the same one, or a refusal.

    Attributes:
        to: the states it may lead to; none where it stays as it is.
        refused: the code of the refusal, or ''.
    """

    to: frozenset[State] = frozenset()
    refused: str = ""


Key = tuple[State, Party, Action]
_Row = tuple[str, str, Action, Rule]

NEVER_SUBMITTED, WAITING, REJECTED, WITHDRAWN, EXPIRED, VOID = (
    "RS3301", "RS3302", "RS3303", "RS3304", "RS3305", "RS3306",
)  # fmt: skip
UNDER_WAY, AUTHORS, TWICE, UNREAD, CLOSED, BLIND, NOT_THEIRS, NOTHING = (
    "RS3311", "RS3320", "RS3321", "RS3322", "RS3324", "RS3325", "RS3328", "RS3329",
)  # fmt: skip


def _to(*states: State) -> Rule:
    return Rule(to=frozenset(states))


def _no(code: str) -> Rule:
    return Rule(refused=code)


_STAYS = Rule()
_EVERYBODY = " ".join(Party)
_OPEN = "submitted one_vote"
_CLOSED = "approved rejected withdrawn expired"

_ROWS: tuple[_Row, ...] = (
    ("unsubmitted rejected withdrawn void expired", _EVERYBODY, Action.SUBMIT,
     _to(State.SUBMITTED)),
    (f"{_OPEN} votes_in approved", _EVERYBODY, Action.SUBMIT, _no(UNDER_WAY)),

    (_OPEN, "stranger reader voter", Action.REVIEW, _STAYS),
    ("votes_in", "voter", Action.REVIEW, _STAYS),
    ("votes_in", "stranger reader", Action.REVIEW, _no(CLOSED)),
    (f"{_OPEN} votes_in", "author", Action.REVIEW, _no(AUTHORS)),
    (_CLOSED, _EVERYBODY, Action.REVIEW, _no(CLOSED)),
    ("unsubmitted", _EVERYBODY, Action.REVIEW, _no(NEVER_SUBMITTED)),
    ("void", _EVERYBODY, Action.REVIEW, _no(VOID)),

    ("submitted", "reader", Action.VOTE, _to(State.ONE_VOTE)),
    ("one_vote", "reader", Action.VOTE, _to(State.VOTES_IN)),
    (_OPEN, "stranger", Action.VOTE, _no(UNREAD)),
    (f"{_OPEN} votes_in", "voter", Action.VOTE, _no(TWICE)),
    (f"{_OPEN} votes_in", "author", Action.VOTE, _no(AUTHORS)),
    ("votes_in", "stranger reader", Action.VOTE, _no(CLOSED)),
    (_CLOSED, _EVERYBODY, Action.VOTE, _no(CLOSED)),
    ("unsubmitted", _EVERYBODY, Action.VOTE, _no(NEVER_SUBMITTED)),
    ("void", _EVERYBODY, Action.VOTE, _no(VOID)),

    ("votes_in", _EVERYBODY, Action.UNSEAL, _to(State.APPROVED, State.REJECTED)),
    (f"unsubmitted {_OPEN} {_CLOSED} void", _EVERYBODY, Action.UNSEAL, _no(BLIND)),

    (f"{_OPEN} votes_in approved void", "author voter", Action.WITHDRAW, _to(State.WITHDRAWN)),
    (f"{_OPEN} votes_in approved void", "stranger reader", Action.WITHDRAW, _no(NOT_THEIRS)),
    ("unsubmitted rejected withdrawn expired", _EVERYBODY, Action.WITHDRAW, _no(NOTHING)),

    ("approved", _EVERYBODY, Action.USE, _STAYS),
    ("unsubmitted", _EVERYBODY, Action.USE, _no(NEVER_SUBMITTED)),
    (f"{_OPEN} votes_in", _EVERYBODY, Action.USE, _no(WAITING)),
    ("rejected", _EVERYBODY, Action.USE, _no(REJECTED)),
    ("withdrawn", _EVERYBODY, Action.USE, _no(WITHDRAWN)),
    ("expired", _EVERYBODY, Action.USE, _no(EXPIRED)),
    ("void", _EVERYBODY, Action.USE, _no(VOID)),
)  # fmt: skip
"""states, parties, action, what comes of it"""


def table_of(rows: Iterable[_Row]) -> Mapping[Key, Rule]:
    """Every state, party and action, and what comes of it.

    Raises:
        ValueError: two rows say something of the same, or no row says anything of one.
    """
    found: dict[Key, Rule] = {}
    for states, parties, action, rule in rows:
        for state, party in product(states.split(), parties.split()):
            key = (State(state), Party(party), action)
            if key in found:
                raise ValueError(f"two rows for {state}, {party}, {action}")
            found[key] = rule
    if missing := set(product(State, Party, Action)) - found.keys():
        raise ValueError(f"no row for {', '.join(map(str, sorted(missing)))}")
    return MappingProxyType(found)


TABLE: Mapping[Key, Rule] = table_of(_ROWS)
