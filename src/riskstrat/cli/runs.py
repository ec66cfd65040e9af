"""``riskstrat report``, ``compare`` and ``export``: what is done with finished runs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.arguments import STORE, AsJson, StoreDir
from riskstrat.cli.console import RESULTS, table
from riskstrat.cli.guard import command, show
from riskstrat.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "riskstrat report store/runs/emergency_admission/3f2a91c04b7d",
    )(report)
    command(
        app,
        "riskstrat compare store/runs/emergency_admission/*",
    )(compare)
    command(
        app,
        "riskstrat export emergency_admission --to models",
        "riskstrat export emergency_admission --version 2 --to models",
    )(export)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, or its id")],
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Render a run's report again (after an upgrade, say) and print its path."""
    from riskstrat.pipeline import render_again

    path = render_again(run, store, date.today())
    show({"report": str(path)}, as_json=as_json, text=str(path))


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="run folders or ids")],
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Compare runs: metrics with intervals, gates, and what differed in the study."""
    from riskstrat.pipeline import compare_runs

    if len(runs) < 2:
        raise UsageError("compare needs at least two runs", fix="riskstrat compare RUN RUN")
    compared = compare_runs(runs, store)
    if as_json:
        show(compared.as_dict(), as_json=True, text="")
        return
    for title, columns, rows in compared.tables():
        RESULTS.print(table(title, columns, rows))


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="the registered model's name")],
    version: Annotated[
        int | None, typer.Option(help="model version; default champion, else challenger")
    ] = None,
    to: Annotated[Path, typer.Option(help="folder to write MODEL-VERSION into")] = Path("models"),
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Write a registered model with its model card and checksums into a folder."""
    from riskstrat.pipeline import export_model

    folder = export_model(model, version, store, to)
    show({"folder": str(folder)}, as_json=as_json, text=str(folder))
