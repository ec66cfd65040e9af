"""The Python surface of sign-off; ``riskstrat.submit`` and the rest are these.

``by`` is a name, held against the store's accounts where there are any; or an ``Identity``, where a
portal's sign-on service proved who it is. ``at`` is now, with its time zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

from riskstrat.pipeline import signoff
from riskstrat.pipeline.desk import Actor
from riskstrat.pipeline.signoff import Review
from riskstrat.signoff.people import Identity
from riskstrat.signoff.view import View

__all__ = [
    "Identity",
    "Review",
    "View",
    "approve",
    "reject",
    "review",
    "signoffs",
    "submit",
    "withdraw",
]


def submit(
    study: str,
    version: int,
    *,
    by: str | Identity,
    despite_gates: str = "",
    store: str | Path = "store",
    at: datetime | None = None,
) -> View:
    """Put a registered version before two reviewers, bound to the bytes it is made of."""
    return signoff.submit(study, version, Path(store), _actor(by, at), despite_gates=despite_gates)


def review(
    study: str,
    version: int,
    *,
    by: str | Identity | None = None,
    answers: Mapping[str, str] = MappingProxyType({}),
    store: str | Path = "store",
    at: datetime | None = None,
) -> Review:
    """What would be signed; by a reviewer, note that they opened it, and what they answered."""
    now = at or datetime.now(UTC)
    actor = None if by is None else _actor(by, now)
    return signoff.review(study, version, Path(store), actor, answers=answers, today=now.date())


def approve(
    study: str,
    version: int,
    *,
    by: str | Identity,
    reason: str,
    answers: Mapping[str, str] = MappingProxyType({}),
    store: str | Path = "store",
    at: datetime | None = None,
) -> View:
    """Vote for a version; nobody sees the vote before both are in."""
    actor = _actor(by, at)
    return signoff.vote(
        study, version, Path(store), actor, approve=True, reason=reason, answers=answers
    )


def reject(
    study: str,
    version: int,
    *,
    by: str | Identity,
    reason: str,
    store: str | Path = "store",
    at: datetime | None = None,
) -> View:
    """Vote against a version; nobody sees the vote before both are in."""
    return signoff.vote(study, version, Path(store), _actor(by, at), approve=False, reason=reason)


def withdraw(
    study: str,
    version: int,
    *,
    by: str | Identity,
    reason: str,
    store: str | Path = "store",
    at: datetime | None = None,
) -> View:
    """Take a submission, or the approval that came of it, back."""
    return signoff.withdraw(study, version, Path(store), _actor(by, at), reason=reason)


def signoffs(*, store: str | Path = "store", today: date | None = None) -> tuple[View, ...]:
    """Every version that was ever submitted: where it stands, and whose turn it is."""
    return signoff.overview(Path(store), today=today)


def _actor(by: str | Identity, at: datetime | None) -> Actor:
    now = at or datetime.now(UTC)
    return Actor(by.user, now, proved=by) if isinstance(by, Identity) else Actor(by, now)
