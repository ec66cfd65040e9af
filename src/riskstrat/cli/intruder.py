"""``riskstrat intruder``: attack what we made ourselves; end with 0 only if nobody is found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.console import RESULTS, complain, say, stage_display, table
from riskstrat.cli.guard import command, show
from riskstrat.errors import UsageError

DATA, STORE, CUSTODY = Path("data/demo"), Path("store"), Path("custody")
EXAMPLES = (
    "riskstrat intruder",
    "riskstrat intruder --data extracts --store store --other-data other/extracts",
    "riskstrat intruder --only enumeration --only bytes --json",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, *EXAMPLES)(intruder)


def intruder(
    data: Annotated[Path, typer.Option("--data", help="the analyst's extracts")] = DATA,
    store: Annotated[Path, typer.Option("--store", help="where everything is kept")] = STORE,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="a made-up county's sealed truth; default: DATA-truth"),
    ] = None,
    custody: Annotated[
        Path | None,
        typer.Option("--custody", help="the keepers' folders, for the judge; default: custody"),
    ] = None,
    other_data: Annotated[
        Path | None, typer.Option("--other-data", help="the extracts of another project")
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="LINKAGE_FILE", help="attack the tokens it makes"),
    ] = None,
    release_key: Annotated[
        list[Path] | None,
        typer.Option(
            "--release-key",
            help="a file with a secret of release ids, for the judge; repeatable; default: "
            "STORE-keys/release.key",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="KIND",
            help="enumeration, singling_out, linkage, joins, "
            "tokens or bytes; repeatable; default: all",
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="folder of the report; default: STORE/log")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="of all samples", min=0)] = 20260401,
    threads: Annotated[int, typer.Option("--threads", help="0: one for each core", min=0)] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object to stdout")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="no sentences, only results and errors")
    ] = False,
) -> None:
    """Attack our own outputs as a motivated intruder would; succeed only if nobody is found.

    It guesses pseudonyms by trying all NHS numbers, singles out rows and cells of releases, looks
    for acquaintances and for the same person in two releases, joins ids, counts tokens, and
    searches every file for identifiers and keys. Claims are judged with the sealed truth or the
    linker's table, which nobody else may read. The report holds counts alone.

    Ends with 0 if nothing is confirmed, else with 30.
    """
    from riskstrat.intruder.campaign import Asked, attack
    from riskstrat.intruder.enumeration import Effort
    from riskstrat.intruder.report import COLUMNS, table_rows, write_report

    asked = Asked(
        data=_there(data, DATA),
        store=_there(store, STORE),
        truth=truth or _there(usual := data.with_name(f"{data.name}-truth"), usual),
        custody=custody or _there(CUSTODY, CUSTODY),
        other=other_data,
        tokens=tokens,
        release_keys=tuple(map(_key, release_key or _usual_key(store))),
        seed=seed,
        effort=Effort(workers=threads or os.cpu_count() or 1),
    )
    with stage_display(quiet=quiet) as display:
        report = attack(asked, display, only or ())
    _, page = write_report(report, to or (asked.store or Path()) / "log")
    if as_json:
        show(report.as_dict(), as_json=True, text="")
    else:
        RESULTS.print(table("The motivated intruder", COLUMNS, table_rows(report)))
        for each in report.untried:
            say(f"not tried: {each.title}: {each.skipped}", style="yellow")
        for each in report.succeeded:
            say(f"{each.code} {each.title}: " + "; ".join(each.notes[:3]))
        if not quiet:
            say(f"  report:  {page}", style="dim")
    if report.confirmed:
        verdict = report.refusal()
        if not as_json:
            complain(verdict, as_json=False)
        raise typer.Exit(verdict.exit_code)


def _there(path: Path, usual: Path) -> Path | None:
    """A folder; the usual one may be missing, one that was asked for may not."""
    return None if path == usual and not path.is_dir() else path


def _usual_key(store: Path) -> list[Path]:
    from riskstrat.stages.releasing.secret import key_file

    usual = key_file(store)
    return [usual] if usual.is_file() else []


def _key(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise UsageError(
            f"{path}: there is no key in hex digits here", fix="check --release-key"
        ) from None
