"""Who somebody is: a local file of accounts, behind the door that a sign-on service can take over.

The file says what a user may claim to be. It does not say that it is they who ask: that is the
matter of whoever passes the identity in, the operating system for the command line, a sign-on
service for a portal.
"""

from __future__ import annotations

import stat
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

from pydantic import model_validator

from riskstrat.custody.faults import CustodyError
from riskstrat.spec import Spec
from riskstrat.yamlfile import read_document


class Role(StrEnum):
    """What somebody is here for."""

    DATA_SCIENTIST = "data_scientist"
    COMMISSIONER = "commissioner"
    INFORMATION_GOVERNANCE = "information_governance"
    GP = "gp"
    CASEWORKER = "caseworker"
    POLICE = "police"
    SUPPLIER = "supplier"
    PROVIDER = "provider"


DIRECT_CARE = frozenset({Role.GP, Role.CASEWORKER})
"""those who look after people themselves; nobody else may ever learn who a pseudonym is, whatever
a config file says"""


class Account(Spec):
    """One user in one role for one organisation; who works for two has two."""

    user: str
    """the name they sign in with"""
    role: Role
    """what they are here for"""
    organisation: str
    """the code of their practice, team or body"""
    starts: date
    """the first day the account is active"""
    ends: date
    """the last day the account is active"""
    login: str = ""
    """the login of the operating system that alone may use it, at the machine of the store"""

    @model_validator(mode="after")
    def _runs_forwards(self) -> Self:
        if self.ends < self.starts:
            raise ValueError(f"the account ends ({self.ends}) before it starts ({self.starts})")
        return self

    def active(self, day: date) -> bool:
        """Whether it may be used on a day; both ends are included."""
        return self.starts <= day <= self.ends


class AccountsFile(Spec):
    """Local accounts, where there is no sign-on service."""

    accounts: tuple[Account, ...]


class Directory(Protocol):
    """Knows users. A sign-on service needs to offer no more than this."""

    def accounts_of(self, user: str) -> tuple[Account, ...]:
        """Every account of a user, active or not."""


class LocalDirectory:
    """Accounts from a file."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        self._accounts = accounts

    def accounts_of(self, user: str) -> tuple[Account, ...]:
        """Every account of a user, active or not."""
        return tuple(each for each in self._accounts if each.user == user)


def read_accounts(path: Path) -> LocalDirectory:
    """Read a file of accounts.

    Raises:
        StudyError: RS1201 to RS1203, a fault of the file.
        CustodyError: RS1647, everybody may write to it.
    """
    accounts = read_document(path).validate(AccountsFile).accounts
    if path.stat().st_mode & stat.S_IWOTH:
        raise CustodyError(
            f"{path}: everybody may write to the accounts file",
            fix=f"chmod o-w {path}, and look through it",
            code="RS1647",
        )
    return LocalDirectory(accounts)
