"""The way back from a pseudonym to a person: for direct care, for one's own, and never unseen.

A request is in the log before anything is looked up, and its answer before anything is told. The
log holds a keyed digest of the pseudonym, so whoever reads it learns who asked how often, and for
the same person or another, and not for whom.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from riskstrat.custody.accounts import DIRECT_CARE, Account, Directory, Role
from riskstrat.custody.faults import ReidentificationRefused
from riskstrat.errors import RiskstratError

ASKED, ALLOWED, REFUSED = "reidentify asked", "reidentify allowed", "reidentify refused"
DIGEST_DIGITS = 32
REASON_CHARACTERS = 200
_NAMES_SOMEBODY = re.compile(
    r"\d[\d\s-]{5,}\d"  # an NHS number, UPRN, telephone number, or a date in digits
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b"  # a postcode
    r"|\b[PH][0-9a-f]{32}\b",  # a pseudonym
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Log(Protocol):
    """A tamper-evident log."""

    def append(
        self, *, at: datetime, who: str, what: str, why: str, details: Mapping[str, Any]
    ) -> str:
        """Add an entry and return its hash, once it is on the disk."""

    def entries(self) -> Iterable[Mapping[str, Any]]:
        """Every entry, oldest first."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, as what, for whom, and why."""

    user: str
    role: Role
    organisation: str
    pseudonym: str = field(repr=False)
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """The answer. It is shown and forgotten: never logged, never stored, not even by accident."""

    identifiers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Answers requests. All that it relies on is passed in; it keeps nothing."""

    directory: Directory
    responsible: Mapping[Role, Callable[[str, date], str | None]]
    """role -> (pseudonym, day) -> the organisation that looks after the person"""
    identity: Callable[[str], Mapping[str, str] | None]
    """pseudonym -> identifiers; ``None`` where the linker has none"""
    current: Callable[[str], str]
    """pseudonym -> the one that took its place when keys were rotated, else itself"""
    opted_out: Callable[[str, date], bool]
    """(pseudonym, day) -> whether the person objects"""
    log: Log
    log_key: bytes = field(repr=False)
    per_hour: int
    per_day: int
    operator: str = ""
    """who runs the gateway, if it is not the user"""

    def digest(self, pseudonym: str) -> str:
        """What stands in the log for a pseudonym."""
        sealed = hmac.digest(self.log_key, pseudonym.encode(), "sha256")
        return sealed.hex()[:DIGEST_DIGITS]

    def request(self, request: Request, at: datetime) -> Person:
        """Tell who a pseudonym is, if the one who asks may know.

        Args:
            request: who asks, as what, for whom, and why.
            at: now, with its time zone; its date decides who is responsible.

        Raises:
            ReidentificationRefused: RS1641 to RS1646; the refusal is in the log.
            StorageError: the log cannot be written, so nothing is told.
        """
        self._note(ASKED, request, at)
        try:
            person = self._person(request, at)
        except Exception as fault:
            code = fault.code if isinstance(fault, RiskstratError) else "RS0070"
            self._note(REFUSED, request, at, code=code)
            raise
        self._note(ALLOWED, request, at)
        return person

    def _person(self, request: Request, at: datetime) -> Person:
        _refuse_reason(request.reason)
        self._refuse_account(request, at.date())
        self._refuse_too_many(request, at)
        pseudonym = self.current(request.pseudonym)
        self._refuse_others(request, pseudonym, at.date())
        if self.opted_out(pseudonym, at.date()):
            raise ReidentificationRefused(
                "the person objects to risk stratification, so this list may not be followed up",
                fix="leave them off the list; care that they ask for themselves is not affected",
                code="RS1645",
            )
        if (found := self.identity(pseudonym)) is None:
            raise ReidentificationRefused(
                "the linker holds no identifiers of this person, only tokens of them",
                fix="ask the agency that sent the tokens, which knows the person itself",
                code="RS1646",
            )
        return Person(found)

    def _refuse_account(self, request: Request, day: date) -> None:
        """Refuse whom the directory does not know as what they say, and all who give no care."""
        known: tuple[Account, ...] = self.directory.accounts_of(request.user)
        claimed = [
            each
            for each in known
            if each.role is request.role and each.organisation == request.organisation
        ]
        if not any(each.active(day) for each in claimed):
            raise ReidentificationRefused(
                f"no account of this user is active on {day} with role {request.role} and this "
                "organisation",
                fix="have the account entered or extended by whoever keeps the accounts",
                code="RS1641",
            )
        if request.role not in DIRECT_CARE:
            raise ReidentificationRefused(
                f"role {request.role} gives no direct care, so it never learns who a pseudonym is",
                fix="work with the pseudonym; the person's own practice can ask",
                code="RS1642",
            )

    def _refuse_too_many(self, request: Request, at: datetime) -> None:
        """Refuse beyond the limits. The request itself is in the log already, so it counts."""
        times = [
            datetime.fromisoformat(str(each["at"]))
            for each in self.log.entries()
            if each["what"] == ASKED and each["who"] == request.user
        ]
        for limit, hours in ((self.per_hour, 1), (self.per_day, 24)):
            asked = sum(at - timedelta(hours=hours) < time <= at for time in times)
            if asked > limit:
                raise ReidentificationRefused(
                    f"this user has made {asked} requests in {hours} h; the limit is {limit}",
                    fix="wait, or have `reidentification` in the custody file reviewed",
                    code="RS1644",
                )

    def _refuse_others(self, request: Request, pseudonym: str, day: date) -> None:
        """Refuse all but the organisation that looks after the person.

        Whether nobody is called so or somebody else's patient is, the answer is the same.
        """
        looked_up = self.responsible.get(request.role)
        if looked_up is None or looked_up(pseudonym, day) != request.organisation:
            raise ReidentificationRefused(
                f"this organisation was not known to look after the person on {day}",
                fix="ask again when the person is registered with it and the register says so",
                code="RS1643",
            )

    def _note(self, what: str, request: Request, at: datetime, code: str = "") -> None:
        details = {
            "pseudonym": self.digest(request.pseudonym),
            "role": request.role.value,
            "organisation": _shown(request.organisation),
        }
        details |= {"code": code} if code else {}
        details |= {"operator": self.operator} if self.operator else {}
        why = request.reason if _is_fit(request.reason) else "(not fit for the log)"
        self.log.append(at=at, who=_shown(request.user), what=what, why=why, details=details)


def _shown(name: str) -> str:
    """A user or organisation as the log may hold it: a plain name, or that it was none."""
    return name if _PLAIN.fullmatch(name) and not _NAMES_SOMEBODY.search(name) else "(no name)"


def _is_fit(reason: str) -> bool:
    words = reason.strip()
    return (
        bool(words)
        and len(words) <= REASON_CHARACTERS
        and words.isprintable()
        and not _NAMES_SOMEBODY.search(words)
    )


def _refuse_reason(reason: str) -> None:
    if not _is_fit(reason):
        raise ReidentificationRefused(
            f"the reason is empty, longer than {REASON_CHARACTERS} characters, or holds what looks "
            "like a number, postcode or pseudonym of a person",
            fix="say in a few words why the person has to be known, and name nobody: the reason "
            "is kept in the log",
            code="RS1640",
        )
