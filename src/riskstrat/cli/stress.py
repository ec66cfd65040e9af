"""`riskstrat stress`: what a model owes to one agency, one place, one year, or chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.console import stage_display, suggest
from riskstrat.cli.guard import command, show

DATA, STORE = Path("data/demo"), Path("store")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(
        app,
        "riskstrat stress configs/studies/emergency_admission.yaml",
        "riskstrat stress study.yaml --quick --only ablation --only stability",
    )
    def stress(
        study: Annotated[Path, typer.Argument(metavar="STUDY", help="a study file (YAML)")],
        run: Annotated[
            Path | None, typer.Option("--run", help="its run: a folder or an id; default: the run")
        ] = None,
        only: Annotated[
            list[str] | None,
            typer.Option("--only", metavar="DRILL", help="one of the drills; repeatable"),
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="fewer repetitions")] = False,
        data: Annotated[
            Path, typer.Option("--data", help="where the sources' relative paths start")
        ] = DATA,
        store: Annotated[Path, typer.Option("--store", help="where everything is kept")] = STORE,
        sets: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="PATH=VALUE", help="override a value of the study"),
        ] = None,
        memory: Annotated[
            str, typer.Option("--memory", help="what all processes may use together")
        ] = "4GB",
        threads: Annotated[int, typer.Option("--threads", help="0: one for each core", min=0)] = 0,
        as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", help="no sentences")] = False,
    ) -> None:
        """Put a finished run's model under stress, and its report's page on it; print the folder.

        Drills: ablation by agency, transport to an area it has not seen, a later year, stability of
        the list, missing suppliers, learning curve, outcomes by lot, planted leaks. A drill that is
        done is kept; a killed command goes on where it was. Do it before the model is submitted:
        the report of a run that is signed is left as it is.
        """
        from datetime import date

        from riskstrat.pipeline import Options, stress_study
        from riskstrat.study import load_study

        loaded = load_study(study, sets or ())
        options = Options.make(
            data=data, store=store, memory=memory, threads=threads, today=date.today()
        )
        with stage_display(quiet=quiet) as display:
            done = stress_study(loaded, options, display, only=only or (), quick=quick, run=run)
        show(done.as_dict(), as_json=as_json, text=str(done.folder))
        if not quiet and not done.signed:
            suggest(read=str(done.folder.parent / "report.html"))
