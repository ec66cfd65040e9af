"""Stopping the use of a registered version, and allowing it again; the log is the only record.

A suspension is no vote: one person can stop a model at once, and its approval stays what it was. It
ends by being lifted, which needs a person and a reason too; a later approval does not end it in
silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from riskstrat.errors import UsageError
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.people import Identity, words
from riskstrat.signoff.records import Log

DETAILS = "suspension"
"""the key under which an entry of the log tells of one"""
SUSPENDED, LIFTED = "suspended", "lifted"


@dataclass(frozen=True, slots=True)
class Suspension:
    """A version that must not be used.

    Attributes:
        study, version: the registered model.
        by, since, reason: who stopped it, on which day (ISO 8601), and why.
    """

    study: str
    version: int
    by: str
    since: str
    reason: str


def suspension(entries: Iterable[Mapping[str, Any]], study: str, version: int) -> Suspension | None:
    """The suspension of a version that is in force, if there is one.

    Args:
        entries: of the log, oldest first.
        study, version: the registered model.
    """
    found = None
    for entry in entries:
        told = entry.get("details", {}).get(DETAILS, {})
        if (told.get("study"), told.get("version")) != (study, version):
            continue
        found = None
        if told["event"] == SUSPENDED:
            found = Suspension(study, version, entry["who"], entry["at"][:10], entry["why"])
    return found


def suspend(
    log: Log, study: str, version: int, by: Identity, reason: str, at: datetime, operator: str = ""
) -> None:
    """Stop the use of a version; one that is stopped already is stopped for this reason, too.

    Raises:
        UsageError: RS3323, the reason is not fit for the log.
    """
    _write(log, SUSPENDED, study, version, by, words(reason, "the reason"), at, operator)


def lift(
    log: Log, study: str, version: int, by: Identity, reason: str, at: datetime, operator: str = ""
) -> None:
    """Allow the use of a suspended version again.

    Raises:
        UsageError: RS3323 the reason is not fit for the log, RS3721 it is not suspended.
    """
    said = words(reason, "the reason")
    if suspension(log.entries(), study, version) is None:
        raise UsageError(
            f"{study} version {version} is not suspended",
            fix="see `riskstrat log` for what was decided about it",
            code="RS3721",
        )
    _write(log, LIFTED, study, version, by, said, at, operator)


def refuse_suspended(entries: Iterable[Mapping[str, Any]], study: str, version: int) -> None:
    """Nothing, or a refusal that says who stopped the version, when and why.

    Raises:
        SignoffRefused: RS3720.
    """
    found = suspension(entries, study, version)
    if found:
        raise SignoffRefused(
            f"{study} version {version} is suspended since {found.since}, by {found.by}: "
            f"{found.reason}",
            fix=f"lift it with `riskstrat suspend {study} {version} --lift --by NAME --reason "
            "WHY`, or approve another version",
            code="RS3720",
        )


def _write(
    log: Log,
    event: str,
    study: str,
    version: int,
    by: Identity,
    reason: str,
    at: datetime,
    operator: str,
) -> None:
    told = {"event": event, "study": study, "version": version}
    told |= {"role": by.role, "vouched": by.vouched}
    details: dict[str, Any] = {DETAILS: told}
    if operator and operator != by.user:
        details["operator"] = operator
    verb = "suspend" if event == SUSPENDED else "lift the suspension of"
    log.append(at=at, who=by.user, what=f"{verb} {study} {version}", why=reason, details=details)
