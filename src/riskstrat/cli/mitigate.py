"""``riskstrat mitigate``: what it would cost to treat groups more alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from riskstrat.cli.arguments import (
    DATA,
    STORE,
    AsJson,
    DataDir,
    ItsRun,
    Memory,
    Quiet,
    Sets,
    StoreDir,
    StudyFile,
    Threads,
    load,
    options_of,
)
from riskstrat.cli.console import RESULTS, stage_display, suggest, table
from riskstrat.cli.guard import command, show

if TYPE_CHECKING:
    from riskstrat.pipeline import Mitigated

SHOWN = {
    "sensitivity_gap": "gap in reach",
    "net_benefit": "net benefit",
    "ppv": "correct",
    "sensitivity": "reached",
    "auroc": "AUROC",
}
"""measure -> how the terminal heads it; the rest is on the page"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "riskstrat mitigate configs/studies/emergency_admission.yaml",
        "riskstrat mitigate study.yaml --set 'audit.mitigate=[ethnicity, sex]'",
    )(mitigate)


def mitigate(
    study: StudyFile,
    run: ItsRun = None,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Try remedies for unequal treatment on a finished run: what each gains, and what it costs.

    Cuts by group, weighed rows, a learner held to equal reach, and models without the attribute
    or its proxies, judged on the same people with paired intervals. Nothing is used for a list:
    it informs a board. The run's report is written anew, so try them before the run is submitted;
    a killed command goes on from the remedies that are finished.

    The groups are those of `audit.mitigate`, otherwise those that gates name.
    """
    from riskstrat.pipeline import try_remedies

    options = options_of(data, store, memory, threads)
    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        found = try_remedies(loaded, options, display, run=run)
    if as_json:
        show(found.as_dict(), as_json=True, text="")
        return
    for title, columns, rows in tables(found):
        RESULTS.print(table(title, columns, rows))
    show(None, as_json=False, text=str(found.folder))
    if not quiet:
        suggest(read=str(found.folder / "audit/mitigation.html"))


def tables(found: Mitigated) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Title, columns and rows for each group: the change that each remedy makes."""
    for group in found.groups:
        rows: dict[str, dict[str, Mapping[str, Any]]] = {}
        for row in found.measures:
            if row["group"].rpartition(".")[2] == group.rpartition(".")[2] and row["level"] is None:
                rows.setdefault(row["remedy"], {})[row["metric"]] = row
        body = [
            (name.replace("_", " "), *(_change(own.get(metric)) for metric in SHOWN))
            for name, own in rows.items()
            if name != "current"
        ]
        yield f"{group}: change (95% interval)", ("remedy", *SHOWN.values()), body


def _change(row: Mapping[str, Any] | None) -> str:
    if row is None or row["change"] is None:
        return "n/a"
    if row["change_low"] is None:
        return f"{row['change']:+.3f}"
    return f"{row['change']:+.3f} ({row['change_low']:+.3f} to {row['change_high']:+.3f})"
