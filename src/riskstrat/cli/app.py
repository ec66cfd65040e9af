"""The ``riskstrat`` command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Annotated

import typer

from riskstrat import __version__
from riskstrat.cli import (
    county,
    disclosure,
    explanations,
    intruder,
    linkage,
    mitigate,
    monitor,
    pack,
    reference,
    reidentify,
    runs,
    signoff,
    stress,
    study,
)
from riskstrat.cli.console import result, say
from riskstrat.cli.custody import pseudonymise
from riskstrat.cli.log import log

app = typer.Typer(
    name="riskstrat",
    help="Predictive risk stratification for public services: agency extracts in; a registered, "
    "audited model, a cohort list and a report out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
STUDY, RUN, SIGN_OFF, CUSTODY, HELP = (
    "From extracts to lists",
    "About a finished run",
    "Sign-off and what follows",
    "Linkage, re-identification, disclosure",
    "Looking things up",
)
PANELS: Mapping[str, tuple[str, ...]] = {
    STUDY: ("synth", "check", "prepare", "run", "score"),
    RUN: ("report", "compare", "export", "contributions", "glassbox", "mitigate", "stress", "pack"),
    SIGN_OFF: ("submit", "review", "approve", "reject", "withdraw", "monitor", "suspend"),
    CUSTODY: ("link", "reidentify", "intruder", "disclosure"),
    HELP: ("schema", "explain"),
}
"""heading of the help -> commands"""

for each in (
    county, study, runs, explanations, mitigate, signoff, linkage, reidentify, intruder,
    pack, monitor, stress, disclosure, reference,
):  # fmt: skip
    each.register(app)
app.add_typer(pseudonymise, rich_help_panel=CUSTODY)
app.add_typer(log, rich_help_panel=SIGN_OFF)
for known in app.registered_commands:
    known.rich_help_panel = next(p for p, names in PANELS.items() if known.name in names)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True)
    ] = False,
) -> None:
    if version:
        result(f"riskstrat {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point. Nothing but a bug may show a traceback, and never its local values."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot show a sign still works
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        say("\nstopped")
        sys.exit(130)
