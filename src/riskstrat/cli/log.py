"""``riskstrat log``: who did what, when and why, and the proof that nobody changed it since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskstrat.cli.arguments import STORE, StoreDir
from riskstrat.cli.console import RESULTS, suggest, table
from riskstrat.cli.guard import command, guard, show

if TYPE_CHECKING:
    from riskstrat.store.ledger import Ledger
    from riskstrat.store.released import ReleaseLedger

CustodyDir = Annotated[
    Path | None, typer.Option("--custody", help="the keepers' logs there, in place of the store's")
]
Last = Annotated[int, typer.Option("--last", help="how many entries to show", min=1)]

log = typer.Typer(
    name="log",
    help="The tamper-evident log: who did what, when and why.",
    invoke_without_command=True,
    rich_markup_mode="rich",
    epilog="[bold]Examples[/]\n\n  riskstrat log --last 20\n\n  riskstrat log verify",
)


@log.callback(invoke_without_command=True)
@guard
def entries(
    context: typer.Context,
    verify_too: Annotated[bool, typer.Option("--verify", help="as `riskstrat log verify`")] = False,
    last: Last = 10,
    store: StoreDir = STORE,
    custody: CustodyDir = None,
) -> None:
    """The tamper-evident log: who did what, when and why."""
    if context.invoked_subcommand:
        return
    if verify_too:
        _prove(store, custody)
        return
    columns = ("seq", "at", "who", "what", "why")
    for ledger in _ledgers(store, custody):
        rows = [tuple(entry[name] for name in columns) for entry in ledger.entries()[-last:]]
        if rows:
            RESULTS.print(table(_title(ledger, custody), columns, rows))
        else:
            show(None, as_json=False, text="no entries yet")


@command(log, "riskstrat log verify", "riskstrat log verify --custody custody")
def verify(store: StoreDir = STORE, custody: CustodyDir = None) -> None:
    """Prove that each entry follows from the one before, and that none was cut off the end.

    Of the log, and of the ledger of releases, which holds every release that the log tells of.
    Exit code 74 and the first entry that does not, else the newest entry's hash, to be minuted.
    """
    _prove(store, custody)


def _prove(store: Path, custody: Path | None) -> None:
    from riskstrat.store.released import ReleaseLedger

    for ledger in _ledgers(store, custody):
        _prove_one(ledger, f"{_title(ledger, custody)}: " if custody else "")
    if custody is None:
        left = ReleaseLedger.of_store(store)
        left.verify()
        if left.chain.has_begun:
            _prove_one(left, "Releases: ")


def _prove_one(ledger: Ledger | ReleaseLedger, title: str) -> None:
    count, newest = ledger.verify()
    show(None, as_json=False, text=f"{title}{count:,} entries, the chain is whole")
    if count:
        suggest(newest=newest)


def _ledgers(store: Path, custody: Path | None) -> list[Ledger]:
    """The store's log, or those of the keepers whose folders are here."""
    from riskstrat.custody.keyspec import Keeper
    from riskstrat.custody.places import Places
    from riskstrat.errors import UsageError
    from riskstrat.store.ledger import Ledger

    if custody is None:
        return [Ledger.of_store(store)]
    places = Places(custody)
    # A log that was removed whole has its second anchor still, so its keeper's folder is enough.
    found = [Ledger(places.log(each)) for each in Keeper if (custody / each.value).is_dir()]
    if not found:
        raise UsageError(f"{custody}: there is no keeper's folder", fix="give --custody DIR")
    return found


def _title(ledger: Ledger, custody: Path | None) -> str:
    return f"Log of the {ledger.path.parent.parent.name}" if custody else "Log"
