"""Who somebody is, as whoever passes it in has proved or been told; and what they may write.

The command line is told a name. Where there is a file of accounts, the name must be in it, active,
with a role that may do this. A portal passes in what its sign-on service proved.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from riskstrat.errors import UsageError
from riskstrat.signoff.faults import SignoffRefused

AUTHORS = frozenset({"data_scientist"})
REVIEWERS = frozenset({"information_governance", "gp", "caseworker"})
"""roles that may review, where accounts say who has which: those who answer for the use of data,
and those who will use the list. Who commissions it, supplies data or polices does not"""
MOST_CHARACTERS = 1_000
"""of a reason or an answer"""
LONGEST_NAME = 80
SAID, LISTED, BY_LOGIN = "said", "accounts", "login"
"""who vouches for a name, where no sign-on service does"""
_NAMES_A_PERSON = re.compile(
    r"\b\d{3}[\s-]?\d{3}[\s-]?\d{4}\b"  # an NHS number
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b"  # a postcode
    r"|\b[PH][0-9a-f]{32}\b",  # a pseudonym
    re.IGNORECASE,
)


class Account(Protocol):
    """One user in one role. ``riskstrat.custody.accounts.Account`` is one."""

    @property
    def role(self) -> str:
        """What they are here for."""

    @property
    def login(self) -> str:
        """The login of the operating system that alone may use it; '' where none is named."""

    def active(self, day: date) -> bool:
        """Whether it may be used on a day."""


class Directory(Protocol):
    """Knows users. A sign-on service needs to offer no more than this."""

    def accounts_of(self, user: str) -> Sequence[Account]:
        """Every account of a user, active or not."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who acts.

    Attributes:
        user: their name, as it will stand in the log.
        role: as what they act; '' if nobody said.
        vouched: on whose word: ``said`` at the command line; ``accounts``, which know the name
            and not who typed it; ``login``, where they tie the name to the login that runs the
            command; or whatever a portal's sign-on service is called.
    """

    user: str
    role: str = ""
    vouched: str = SAID

    @property
    def proved(self) -> bool:
        """Whether a sign-on service told who it is: the login of the process is the portal's."""
        return self.vouched not in (SAID, LISTED, BY_LOGIN)


def identify(
    user: str,
    role: str,
    directory: Directory | None,
    day: date,
    roles: frozenset[str],
    login: str = "",
) -> Identity:
    """Who a name is, where a directory is asked; what it says, where there is none.

    Args:
        user: the name given.
        role: the role claimed; '' takes the one that fits, if there is one.
        directory: of accounts, or None.
        day: on which the account must be active.
        roles: of which one is needed, where there are accounts.
        login: that runs the command; an account that names another is not theirs.

    Raises:
        UsageError: RS3326, no name, or none that a log can hold.
        SignoffRefused: RS3327, the directory knows no such account, or it is another login's.
    """
    name, claimed = _name(user), _name(role) if role else ""
    if directory is None:
        return Identity(name, claimed)
    wanted = roles & ({claimed} if claimed else roles)
    active = [each for each in directory.accounts_of(name) if each.active(day)]
    fitting = sorted((each for each in active if each.role in wanted), key=lambda each: each.role)
    if not fitting:
        raise _no_account(f"no account of this user is active on {day} with", roles)
    theirs = [each for each in fitting if each.login in ("", login)]
    if not theirs:
        raise _no_account("the account is of another login than runs this command, with", roles)
    vouched = BY_LOGIN if theirs[0].login else LISTED
    return Identity(name, str(theirs[0].role), vouched)


def proved(identity: Identity, roles: frozenset[str]) -> Identity:
    """An identity that a sign-on service proved, if its role may do this.

    Raises:
        UsageError: RS3326, no name.
        SignoffRefused: RS3327, another role.
    """
    if identity.role not in roles:
        raise _no_account(f"{identity.vouched} proved no", roles)
    return Identity(_name(identity.user), identity.role, _name(identity.vouched))


def _name(text: str) -> str:
    """A name or a role as the log may hold it."""
    name = " ".join(text.split())
    if not (person(name) and len(name) <= LONGEST_NAME and name.isprintable()):
        raise UsageError(
            "`--by` or `--role` names nobody: a name has letters and at most "
            f"{LONGEST_NAME} characters",
            fix="give the name of whoever acts, as it should stand in the log",
            code="RS3326",
        )
    return name


def _no_account(what: str, roles: frozenset[str]) -> SignoffRefused:
    return SignoffRefused(
        f"{what} role {' or '.join(sorted(roles))}",
        fix="have the account entered or extended by whoever keeps the accounts",
        code="RS3327",
    )


def person(name: str) -> str:
    """What two spellings of one name share: neither case, blanks, nor full stops tell people apart.

    Examples:
        >>> person("A. Lee") == person(" a.lee"), person("A. Lee") == person("B. Lee")
        (True, False)
    """
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def words(text: str, what: str) -> str:
    """A reason or an answer as the log may hold it.

    Raises:
        UsageError: RS3323, there is none, it is too long, or it names somebody.
    """
    said = " ".join(text.split())
    fit = said and len(said) <= MOST_CHARACTERS and said.isprintable()
    if not fit or _NAMES_A_PERSON.search(said):
        raise UsageError(
            f"{what} is empty, longer than {MOST_CHARACTERS:,} characters, or holds what looks "
            "like a number, postcode or pseudonym of a person",
            fix="say it in your own words and name no resident: it is kept in the log",
            code="RS3323",
        )
    return said
