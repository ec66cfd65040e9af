"""``riskstrat pack``: every document a board needs to decide about a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.arguments import STORE, AsJson, Quiet, StoreDir
from riskstrat.cli.console import say
from riskstrat.cli.guard import command, show

EXAMPLES = (
    "riskstrat pack store/runs/emergency_admission/3f2a91c04b7d",
    "riskstrat pack 3f2a91c04b7d --answers answers.yaml --pdf",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, *EXAMPLES)(pack)


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, or its id")],
    answers: Annotated[
        Path | None,
        typer.Option("--answers", help="what people answered; default: what the pack has"),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="print the main pages too, by Chromium where there is one")
    ] = False,
    store: StoreDir = STORE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make the board's pack of a run: summary, model card, data sheets, annexes, checklists.

    A run makes its pack by itself. This makes it anew with what people answered to the questions
    that no run can answer; `answers-to-give.yaml` in the pack lists those that are open.
    """
    from datetime import date

    from riskstrat.pipeline import make_pack

    made = make_pack(run, store, date.today(), answers=answers, printed=pdf)
    told = {"pack": str(made.index), "open": list(made.open), "printed": list(made.printed)}
    show(told, as_json=as_json, text=str(made.index))
    if quiet or as_json:
        return
    if made.open:
        blank = made.index.with_name("answers-to-give.yaml")
        say(f"  {len(made.open)} questions still need a person's answer: {blank}", style="yellow")
    if pdf and not made.printed:
        say("  not printed: no Chromium was found on this machine", style="yellow")
