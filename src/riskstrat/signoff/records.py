"""Where every version stands: what the log says of it, held against what is there now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from riskstrat.signoff.binding import Binding, Change, changes
from riskstrat.signoff.rounds import Round, rounds
from riskstrat.signoff.view import View, clear, view_of
from riskstrat.vocabulary import Approval

Found = Callable[[Round], Binding]
"""a submission -> the bytes that are there now of what it is bound to"""


class Log(Protocol):
    """A tamper-evident log."""

    def append(
        self, *, at: datetime, who: str, what: str, why: str, details: Mapping[str, Any]
    ) -> str:
        """Add an entry and return its hash, once it is on the disk."""

    @property
    def login(self) -> str:
        """The login that runs this process, as every entry tells it."""

    def entries(self) -> Iterable[Mapping[str, Any]]:
        """Every entry, oldest first."""


@dataclass(frozen=True, slots=True)
class Records:
    """Sign-offs as a store holds them.

    Attributes:
        log: the only record.
        found: tells what is there now.
    """

    log: Log
    found: Found

    def last(self, study: str, version: int) -> Round | None:
        """The last submission of a version."""
        found = [each for each in self.all(study) if each.case.version == version]
        return found[-1] if found else None

    def all(self, study: str = "") -> tuple[Round, ...]:
        """Every submission of a study, or of all, oldest first."""
        return tuple(each for each in rounds(self.log.entries()) if study in ("", each.case.study))

    def view(self, study: str, version: int, day: date) -> View:
        """Where a version stands on a day."""
        last = self.last(study, version)
        return view_of(study, version, last, self._changes(last), day)

    def approval(self, study: str, version: int, day: date) -> Approval:
        """The approval that a use on a day rests on.

        Raises:
            SignoffRefused: RS3301 to RS3306, there is none that holds.
        """
        return clear(self.view(study, version, day), self.last(study, version))

    def in_use(self, study: str) -> int | None:
        """The version that was approved last and not withdrawn since; it may be void or expired."""
        last = {each.case.version: each for each in self.all(study)}
        given = [(each.decided_at, each.case.version) for each in last.values() if each.approved]
        return max(given)[1] if given else None

    def _changes(self, last: Round | None) -> tuple[Change, ...]:
        return changes(last.case.bound, self.found(last)) if last else ()
