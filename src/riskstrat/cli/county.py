"""``riskstrat synth``: a made-up county to try everything on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.arguments import AsJson, Quiet
from riskstrat.cli.console import stage_display
from riskstrat.cli.guard import command, show


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "riskstrat synth data/demo --people 50000 --seed 1",
        "riskstrat synth /tmp/county --people 5000    [dim]# a small one, in seconds[/]",
        "riskstrat synth /tmp/linked --linked         [dim]# as if all links were known[/]",
        "riskstrat synth unfair --linked --plant under_recorded:sex=female:0.4",
    )(synth)


def synth(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="folder to write")],
    people: Annotated[int, typer.Option(min=500, help="how many residents")] = 50_000,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same bytes")] = 20260401,
    linked: Annotated[bool, typer.Option("--linked", help="extracts linked already")] = False,
    plant: Annotated[
        list[str] | None,
        typer.Option("--plant", metavar="FAULT", help="a fault for audits to find; repeatable"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a made-up county: raw extracts of agencies in DIR, their sealed truth beside it.

    Faults to plant: `under_recorded:ethnicity=asian:0.4` (sex, ethnicity or imd_quintile) and
    `leak:prescriptions.drug_class=dementia:0.5`. Only the sealed truth tells of them.
    """
    from riskstrat.pipeline import make_demo_county

    with stage_display(quiet=quiet) as display:
        facts = make_demo_county(
            directory,
            people=people,
            seed=seed,
            linked=linked,
            plants=plant or (),
            listener=display,
        )
    show(facts, as_json=as_json, text=str(directory))
