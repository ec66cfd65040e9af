"""Named decisions on a model version, and the log that keeps them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from riskstrat.errors import StorageError
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


def ledger_entries(store: Path) -> list[dict[str, Any]]:
    """Every entry of the store's log, oldest first."""
    return Ledger.of_store(store).entries()


def verify_ledger(store: Path) -> str:
    """Prove the chain of the log's entries.

    Raises:
        StorageError: naming the first entry that does not follow from the one before.
    """
    ledger = Ledger.of_store(store)
    if broken := ledger.first_broken_link():
        raise StorageError(
            f"{ledger.path}: entry {broken} does not follow from the one before it",
            fix="compare the log with a copy kept elsewhere; it was changed after it was written",
            code="RS7405",
        )
    return f"{len(ledger.entries()):,} entries, the chain is whole"
