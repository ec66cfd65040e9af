"""``riskstrat reidentify``: who a pseudonym is, for those who look after the person."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from riskstrat.cli.console import RESULTS, table
from riskstrat.cli.custody import CUSTODY, DATA, AsJson, CustodyDir, CustodyFile, DataDir
from riskstrat.cli.custody_steps import Step
from riskstrat.cli.guard import command, show
from riskstrat.custody.accounts import Role
from riskstrat.custody.keyspec import Keeper

ACCOUNTS = Path("configs/accounts/example.yaml")


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "riskstrat reidentify configs/custody/mid_county.yaml P3f2a... --user a.lee --role gp "
        "--organisation Y00001 --reason 'medication review' --accounts accounts.yaml",
    )(reidentify)


def reidentify(
    custody_file: CustodyFile,
    pseudonym: Annotated[str, typer.Argument(metavar="PSEUDONYM", help="as it stands on a list")],
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="who asks")],
    role: Annotated[Role, typer.Option("--role", help="as what they ask")],
    organisation: Annotated[
        str, typer.Option("--organisation", metavar="CODE", help="for which practice or team")
    ],
    reason: Annotated[
        str, typer.Option("--reason", metavar="WHY", help="why; name nobody, it is logged")
    ],
    accounts: Annotated[
        Path, typer.Option("--accounts", metavar="FILE", help="who may claim to be what (YAML)")
    ] = ACCOUNTS,
    data: DataDir = DATA,
    custody: CustodyDir = CUSTODY,
    as_json: AsJson = False,
) -> None:
    """Show who a pseudonym is: for direct care, to the organisation that looks after the person.

    Every request is in the gateway's log before anything is looked up, with a keyed digest in the
    place of the pseudonym; refusals too. What is shown is nowhere kept. Exit code 30: refused.
    """
    from riskstrat.custody.accounts import read_accounts
    from riskstrat.custody.gateway import Request
    from riskstrat.custody.objections import Objectors
    from riskstrat.custody.reidentify import open_gateway
    from riskstrat.pipeline.options import whoever_asks
    from riskstrat.store.ledger import Ledger

    at = Step.read(custody_file, custody, data)
    gateway = open_gateway(
        at.spec,
        at.places,
        data,
        read_accounts(accounts),
        Ledger(at.places.log(Keeper.GATEWAY)),
        opted_out=Objectors(data, at.spec.reidentification.opt_outs),
        operator=whoever_asks(),
    )
    asked = Request(user, role, organisation, pseudonym, reason)
    person = gateway.request(asked, datetime.now(UTC))
    if as_json:
        show(dict(person.identifiers), as_json=True, text="")
    else:
        RESULTS.print(table("Person", ("what", "is"), list(person.identifiers.items())))
