"""`riskstrat monitor` and `riskstrat suspend`: watch a model in use, and stop it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

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
from riskstrat.cli.console import complain, suggest
from riskstrat.cli.console import stage_display as display_of
from riskstrat.cli.guard import command, show
from riskstrat.errors import GatesFailed

Day = Annotated[
    datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="the morning that is watched")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @command(
        app,
        "riskstrat monitor configs/studies/emergency_admission.yaml --as-of 2025-04-01",
        "riskstrat monitor study.yaml --as-of 2025-07-01 --version 3 --json",
    )
    def monitor(
        study: StudyFile,
        as_of: Day,
        version: Annotated[
            int | None,
            typer.Option(help="model version; default: the one approved last, else the challenger"),
        ] = None,
        data: DataDir = DATA,
        store: StoreDir = STORE,
        sets: Sets = None,
        memory: Memory = "4GB",
        threads: Threads = 0,
        as_json: AsJson = False,
        quiet: Quiet = False,
    ) -> None:
        """Compare a new period with training; print the folder of what was found.

        Extracts, features, scores and the list are compared on the day. Calibration, groups and
        the gates of the approval are held against outcomes once these are known. Exit code 20
        means that a gate would fail now, or that the study's own rule has suspended the version.
        """
        from riskstrat.pipeline import monitor_study

        loaded = load(study, sets)
        options = options_of(data, store, memory, threads)
        with display_of(quiet=quiet) as display:
            done = monitor_study(loaded, options, display, as_of=as_of.date(), version=version)
        show(done.as_dict(), as_json=as_json, text=str(done.folder))
        page = str(done.folder / "monitor.html")
        if done.failed or done.suspended:
            _stop(done, page)
        if not quiet:
            suggest(read=page, **_next(done.facts, loaded.name, store))

    @command(
        app,
        "riskstrat suspend emergency_admission 1 --by 'A. Lee' --reason 'admissions halved in May'",
        "riskstrat suspend emergency_admission 1 --lift --by 'A. Lee' --reason 'extract resent'",
    )
    def suspend(
        study: Annotated[str, typer.Argument(metavar="STUDY", help="the registered model's name")],
        version: Annotated[int, typer.Argument(metavar="VERSION", help="its version", min=1)],
        by: Annotated[str, typer.Option("--by", metavar="NAME", help="who acts")],
        reason: Annotated[str, typer.Option(metavar="WHY", help="why; name no resident")],
        lift: Annotated[bool, typer.Option("--lift", help="allow its use again")] = False,
        role: Annotated[
            str, typer.Option("--role", help="as what; default: the account's own role")
        ] = "",
        accounts: Annotated[
            Path | None, typer.Option("--accounts", metavar="FILE", help="who may claim to be what")
        ] = None,
        store: StoreDir = STORE,
        as_json: AsJson = False,
    ) -> None:
        """Stop the use of a version at once: it makes no list until the suspension is lifted.

        Its approval stays what it was. Anybody who may submit or review can stop a version; to
        allow it again takes a reviewer.
        """
        from datetime import UTC

        from riskstrat.pipeline import suspend_version
        from riskstrat.pipeline.desk import Actor

        actor = Actor(by, datetime.now(UTC), role, accounts)
        said = suspend_version(study, version, store, actor, reason=reason, lifted=lift)
        show({"decision": said}, as_json=as_json, text=said)


def _stop(done: Any, page: str) -> None:
    """Say what does not hold any more, and end with the exit code of a failed gate."""
    said = []
    if done.failed:
        said.append(f"gates of the approval would fail now: {'; '.join(done.failed)}")
    if done.suspended:
        said.append(f"the version is suspended, for {', '.join(done.suspended)}")
    fault = GatesFailed("; ".join(said), fix=f"read {page}, and have the board decide")
    complain(fault, as_json=False)
    raise typer.Exit(fault.exit_code)


def _next(facts: Mapping[str, Any], name: str, store: Path) -> dict[str, str]:
    """What a person may do about what was found."""
    found = facts["findings"]
    if not found.get("error", 0) + found.get("warning", 0):
        return {}
    where = [] if store == STORE else ["--store", str(store)]
    words = ["riskstrat", "suspend", name, "VERSION", "--by", "NAME", "--reason", "WHY", *where]
    return {"stop": shlex.join(words)}
