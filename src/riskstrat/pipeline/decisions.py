"""Named decisions on a model version, and the log that keeps them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from riskstrat.stages.jobs import call
from riskstrat.store.artefacts import Store
from riskstrat.store.ledger import Ledger
from riskstrat.store.worker import run_in_child


def decide(
    model: str,
    number: int,
    store: Path,
    *,
    by: str,
    reason: str,
    approved: bool,
    at: datetime,
) -> str:
    """Record a named decision on a model version: on its alias, and in the log.

    Raises:
        UsageError: there is no such version, or no name or reason.
        ReleaseRefused: the version's gates failed.
    """
    kept = Store(store)
    with kept.held():
        name = "approve" if approved else "reject"
        done = run_in_child(
            call,
            "register.decide",
            kept,
            model,
            number,
            by,
            reason,
            approved,
            at.date(),
            memory="4GB",
        ).value
        Ledger.of_store(store).append(
            at=at,
            who=by,
            what=f"{name} {model} {number}",
            why=reason,
            details={"model_digest": done["digest"], "aliases": done["aliases"]},
        )
    alias = ", ".join(done["aliases"]) or "no alias"
    return f"{model} version {number}: {'approved' if approved else 'rejected'} by {by}; {alias}"
