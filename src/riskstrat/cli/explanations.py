"""``riskstrat glassbox`` and ``contributions``: what explains a model, off the main path."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

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
from riskstrat.cli.console import stage_display, suggest
from riskstrat.cli.guard import command, show


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "riskstrat glassbox configs/studies/emergency_admission.yaml",
        "riskstrat glassbox study.yaml --data extracts --run 3f2a91c04b7d",
    )(glassbox)
    command(
        app,
        "riskstrat contributions configs/studies/emergency_admission.yaml",
        "riskstrat contributions study.yaml --data extracts --as-of 2025-04-01 &    "
        "[dim]# in the background; killed, it resumes[/]",
    )(contributions)


def glassbox(
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
    """Fit a model that can be read in full beside a run's winner, and say what using it would cost.

    An explainable boosting machine learns from the same rows and features, is calibrated in the
    same way and judged on the same people; differences carry intervals. The run's report is
    written anew with what was found, so fit it before the run is submitted.
    """
    from riskstrat.pipeline import compare_with_glass_box

    options = options_of(data, store, memory, threads)
    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        found = compare_with_glass_box(loaded, options, display, run=run)
    show(found.as_dict(), as_json=as_json, text=str(found.folder))
    if not (quiet or as_json):
        suggest(read=str(found.folder / "report.html"))


def contributions(
    study: StudyFile,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="the day; default: the study's"),
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="model version; default champion, else challenger")
    ] = None,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Work out what each feature adds to the score of everybody in scope on a day.

    Parts of 16,384 people, one Parquet file each, under the store; a killed run goes on from the
    parts that are finished. They hold a row for each person, so they stay where the data live.
    """
    from riskstrat.pipeline import explain_everyone

    options = options_of(data, store, memory, threads)
    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        folder = explain_everyone(
            loaded, options, display, as_of=as_of.date() if as_of else None, version=version
        )
    show({"folder": str(folder)}, as_json=as_json, text=str(folder))
