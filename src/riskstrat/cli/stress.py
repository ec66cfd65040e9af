"""`riskstrat stress`: what a model owes to one agency, one place, one year, or chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.arguments import (
    DATA,
    STORE,
    AsJson,
    DataDir,
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
    """Add the command."""

    @command(
        app,
        "riskstrat stress configs/studies/emergency_admission.yaml",
        "riskstrat stress study.yaml --quick --only ablation --only stability",
    )
    def stress(
        study: StudyFile,
        run: Annotated[
            Path | None, typer.Option("--run", help="its run: a folder or an id; default: the run")
        ] = None,
        only: Annotated[
            list[str] | None,
            typer.Option("--only", metavar="DRILL", help="one of the drills; repeatable"),
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="fewer repetitions")] = False,
        data: DataDir = DATA,
        store: StoreDir = STORE,
        sets: Sets = None,
        memory: Memory = "4GB",
        threads: Threads = 0,
        as_json: AsJson = False,
        quiet: Quiet = False,
    ) -> None:
        """Put a finished run's model under stress, and its report's page on it; print the folder.

        Drills: ablation by agency, transport to an area it has not seen, a later year, stability of
        the list, missing suppliers, learning curve, outcomes by lot, planted leaks. A drill that is
        done is kept; a killed command goes on where it was. Do it before the model is submitted:
        the report of a run that is signed is left as it is.
        """
        from riskstrat.pipeline import stress_study

        loaded = load(study, sets)
        options = options_of(data, store, memory, threads)
        with stage_display(quiet=quiet) as display:
            done = stress_study(loaded, options, display, only=only or (), quick=quick, run=run)
        show(done.as_dict(), as_json=as_json, text=str(done.folder))
        if not quiet and not done.signed:
            suggest(read=str(done.folder.parent / "report.html"))
