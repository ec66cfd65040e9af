"""``riskstrat disclosure``: does a folder tell of too few people?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.console import RESULTS, say, table
from riskstrat.cli.guard import command, show

EXAMPLES = (
    "riskstrat disclosure store/releases/emergency_admission/2025-04-01",
    "riskstrat disclosure to_be_sent --policy hes --json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, *EXAMPLES)(disclosure)


def disclosure(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="whose files are to be read")],
    policy: Annotated[
        str, typer.Option("--policy", help="for files without a manifest that names one")
    ] = "strict",
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object to stdout")
    ] = False,
) -> None:
    """Read every file of a folder as a stranger would, and say what tells of too few people.

    Releases are read like this before they leave. This is for what lies there already, was changed
    by hand, or was made elsewhere: it knows less, so look at what it finds. Exit code 30 if it
    finds anything.
    """
    from riskstrat.release.policies import policy_named
    from riskstrat.release.scan.anywhere import look_through

    found, files = look_through(folder, policy_named(policy))
    rows = [(each.code, each.where, each.message) for each in found]
    if as_json:
        told = [dict(zip(("code", "where", "message"), row, strict=True)) for row in rows]
        show({"files": files, "found": told}, as_json=True, text="")
    elif rows:
        RESULTS.print(table("What may not be told", ("code", "where", "what"), rows))
    if not as_json:
        say(f"  {files:,} files read, {len(found):,} findings")
    if found:
        raise typer.Exit(30)
