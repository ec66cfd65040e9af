"""What was approved of a study before a run, by the log: whatever has become of it since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from riskstrat.disk import read_json
from riskstrat.publish.pack.facts import Approved
from riskstrat.publish.report_data import ReportData
from riskstrat.signoff.binding import changes, found_in
from riskstrat.signoff.rounds import Round, rounds
from riskstrat.signoff.suspension import suspension
from riskstrat.stages.reporting.shown import report_data
from riskstrat.store.artefacts import Store
from riskstrat.store.ledger import Ledger
from riskstrat.store.registry_versions import kept_model


def approved_before(store: Store, study: str, run_id: str, day: date) -> tuple[Approved, ...]:
    """The last approval of another run of the study, and the last one of this very run.

    The registry's alias is not asked: it is taken away when an approval ends, which is when a
    board most needs to be told of it.

    Args:
        day: on which it is asked; an approval that is over by then has expired.

    Raises:
        StorageError: the log is damaged.
    """
    log = Ledger.of_store(store.root)
    log.verify()
    entries = log.entries()
    given = [each for each in rounds(entries) if each.case.study == study and each.agreed]
    last = {each.case.run_id == run_id: each for each in sorted(given, key=_decided)}
    return tuple(
        Approved(
            version=last[own].case.version,
            on=_decided(last[own])[:10],
            became=_became(store, last[own], entries, day),
            own=own,
            report=None if own else _report(store, last[own]),
        )
        for own in sorted(last)
    )


def _decided(each: Round) -> str:
    return each.decided_at.isoformat() if each.decided_at else ""


def _report(store: Store, each: Round) -> ReportData | None:
    folder = store.run_folder(each.case.study, each.case.run_id)
    if not (folder / "report.json").exists():
        return None
    data = report_data(folder, None, read_json(folder / "report.json"))
    return replace(data, version=str(each.case.version))


def _became(store: Store, each: Round, entries: list[dict[str, Any]], day: date) -> str:
    """What has become of an approval, in words; '' while it holds."""
    case = each.case
    if each.withdrawn:
        return f"withdrawn on {each.withdrawn['at'][:10]}"
    if found := suspension(entries, case.study, case.version):
        return f"suspended since {found.since}"
    if each.until is not None and day > each.until:
        return f"expired, its last day was {each.until}"
    model = kept_model(store.root / "artifacts", case.study, case.model_id)
    now = found_in(store.run_folder(case.study, case.run_id), model)
    differing = [
        change.thing
        for change in changes(case.bound, now)
        if change.thing != "model" or model.is_dir()  # a registry elsewhere keeps its own files
    ]
    return f"void, for {', '.join(differing)} changed" if differing else ""
