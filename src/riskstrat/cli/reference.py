"""``riskstrat schema`` and ``explain``: what may be written in a file, and what a code means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.arguments import AsJson
from riskstrat.cli.console import RESULTS, table
from riskstrat.cli.guard import command, show
from riskstrat.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "riskstrat schema --out configs/schemas    [dim]# files for an editor[/]",
        "riskstrat schema study                    [dim]# one, to stdout[/]",
    )(schema)
    command(
        app,
        "riskstrat explain RS1007",
        "riskstrat explain            [dim]# every code[/]",
    )(explain)


def schema(
    name: Annotated[str | None, typer.Argument(help="study, source, agreement ...")] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder to write <name>.schema.json into")
    ] = None,
) -> None:
    """JSON Schemas of the config files, so that editors complete and check them."""
    import json

    from riskstrat.disk import write_json
    from riskstrat.study import schema as schemas

    known = schemas()
    if name and name not in known:
        raise UsageError(f"no schema `{name}`", fix=f"one of {', '.join(sorted(known))}")
    if out:
        for title, body in known.items():
            write_json(out / f"{title}.schema.json", body)
        show(None, as_json=False, text=str(out))
    else:
        chosen = known[name] if name else known
        show(None, as_json=False, text=json.dumps(chosen, indent=2))


def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE")] = None,
    as_json: AsJson = False,
) -> None:
    """What a finding or error code means, how it is computed, and how to fix it."""
    from riskstrat.codes import CODES

    if code is None:
        rows = [(each.code, each.title) for each in CODES.values()]
        RESULTS.print(table("Codes", ("code", "title"), rows))
        return
    found = CODES.get(code.upper())
    if found is None:
        raise UsageError(f"no code `{code}`", fix="`riskstrat explain` lists them all")
    parts = {"code": found.code, "title": found.title, "meaning": found.meaning}
    parts |= {"how": found.how, "fix": found.fix}
    text = f"{found.code}  {found.title}\n\n{found.meaning}\n"
    text += f"\nHow it is computed: {found.how}\n" if found.how else ""
    text += f"\nTo fix: {found.fix}" if found.fix else ""
    show(parts, as_json=as_json, text=text.rstrip())
