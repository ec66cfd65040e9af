"""``riskstrat submit``, ``review``, ``approve``, ``reject``, ``withdraw``: who decides, on what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskstrat.cli.arguments import STORE, AsJson, StoreDir
from riskstrat.cli.console import RESULTS, suggest
from riskstrat.cli.guard import command, show
from riskstrat.cli.signoff_shown import (
    ask,
    draw,
    draw_overview,
    sentence,
    tell,
    warn_of_open,
    where,
)
from riskstrat.errors import UsageError

if TYPE_CHECKING:
    from riskstrat.pipeline.desk import Actor


Model = Annotated[
    str, typer.Argument(metavar="STUDY", help="the registered model's name, or its study file")
]
Version = Annotated[int, typer.Argument(metavar="VERSION", help="its version", min=1)]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="who acts, as the log will say")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="WHY", help="why; name no resident, it is logged")
]
Role = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="as what; default: the account's own role")
]
Accounts = Annotated[
    Path | None,
    typer.Option(
        "--accounts",
        metavar="FILE",
        help="who may claim to be what; default $RISKSTRAT_ACCOUNTS, then accounts.yaml in the "
        "store, else names are taken as given",
    ),
]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", metavar="QUESTION=TEXT", help="answer a question; repeatable"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "riskstrat submit emergency_admission 1 --by 'C. Patel'")(submit)
    command(
        app,
        "riskstrat review                [dim]# what awaits whom[/]",
        "riskstrat review emergency_admission 1",
        "riskstrat review emergency_admission 1 --by 'E. Novak' --answer stop='...'",
    )(review)
    example = "emergency_admission 1 --by 'A. Lee' --reason"
    command(app, f"riskstrat approve {example} 'minute 4'")(approve)
    command(app, f"riskstrat reject {example} 'minute 5'")(reject)
    command(app, f"riskstrat withdraw {example} 'drift'")(withdraw)


def submit(
    study: Model,
    version: Version,
    by: By,
    despite_gates: Annotated[
        str,
        typer.Option("--despite-gates", metavar="WHY", help="submit though gates did not pass"),
    ] = "",
    role: Role = "",
    accounts: Accounts = None,
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Put a registered version before two reviewers, bound to the bytes it is made of.

    Any change of model, study, data, report, audit, code or lock voids it. Exit code 30: refused.
    """
    from riskstrat.pipeline.signoff import open_in_pack
    from riskstrat.pipeline.signoff import submit as submit_version

    actor = _actor(by, role, accounts)
    name = _name(study)
    view = submit_version(name, version, store, actor, despite_gates=despite_gates)
    pack, still = open_in_pack(store, view)
    told = {**view.as_dict(), "pack": str(pack / "index.html"), "open_in_pack": list(still)}
    show(told, as_json=as_json, text=sentence(view))
    if not as_json:
        warn_of_open(pack, len(still), view.run_id)
        suggest(review=f"riskstrat review {name} {version} --by NAME{where(store)}")


def review(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="a registered model; without one, all")
    ] = "",
    version: Annotated[int, typer.Argument(metavar="VERSION", help="its version")] = 0,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="open it as a reviewer, which is logged")
    ] = "",
    answer: Answers = None,
    role: Role = "",
    accounts: Accounts = None,
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Show what would be signed, and the questions no figure answers; or list what awaits whom.

    With `--by` the review is opened, without which there is no vote, and answers are kept for it.
    """
    from riskstrat.pipeline import signoff

    if not study:
        draw_overview(signoff.overview(store, today=date.today()), as_json)
        return
    if not version:
        raise UsageError("no version is named", fix=f"riskstrat review {study} VERSION")
    if answer and not by:
        raise UsageError("answers without a name", fix="say whose they are with `--by NAME`")
    actor = _actor(by, role, accounts) if by else None
    told = signoff.review(
        _name(study), version, store, actor, answers=_answers(answer), today=date.today()
    )
    if as_json:
        show(told.as_dict(), as_json=True, text="")
        return
    RESULTS.print(sentence(told.view), markup=False, soft_wrap=True)
    if not answer:
        draw(told)
    ask(told, by, store)


def approve(
    study: Model,
    version: Version,
    by: By,
    reason: Reason,
    answer: Answers = None,
    role: Role = "",
    accounts: Accounts = None,
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Vote for a version that was reviewed; nobody sees the vote before both are in.

    When both of two reviewers approve, it is champion and may be scored with, for 12 months or as
    the study says. Exit code 30: refused.
    """
    _vote(study, version, store, _actor(by, role, accounts), True, reason, answer, as_json)


def reject(
    study: Model,
    version: Version,
    by: By,
    reason: Reason,
    role: Role = "",
    accounts: Accounts = None,
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Vote against a version that was reviewed; nobody sees the vote before both are in.

    One of two rejections is enough. Exit code 30: refused.
    """
    _vote(study, version, store, _actor(by, role, accounts), False, reason, None, as_json)


def withdraw(
    study: Model,
    version: Version,
    by: By,
    reason: Reason,
    role: Role = "",
    accounts: Accounts = None,
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Take a submission, or the approval that came of it, back: its author, or who voted on it."""
    from riskstrat.pipeline.signoff import withdraw as withdraw_version

    actor = _actor(by, role, accounts)
    tell(withdraw_version(_name(study), version, store, actor, reason=reason), as_json)


def _vote(
    study: str,
    version: int,
    store: Path,
    actor: Actor,
    approve: bool,
    reason: str,
    answer: list[str] | None,
    as_json: bool,
) -> None:
    from riskstrat.pipeline.signoff import vote

    view = vote(
        _name(study),
        version,
        store,
        actor,
        approve=approve,
        reason=reason,
        answers=_answers(answer),
    )
    tell(view, as_json)


# -- what was typed --------------------------------------------------------------------------------


def _actor(by: str, role: str, accounts: Path | None) -> Actor:
    from riskstrat.pipeline.desk import Actor

    return Actor(by, datetime.now(UTC), role=role, accounts=accounts)


def _name(study: str) -> str:
    """The model's name: as given, or as the study file says."""
    path = Path(study)
    if path.suffix not in {".yaml", ".yml"}:
        return study
    from riskstrat.study import load_study

    return load_study(path).name


def _answers(given: list[str] | None) -> dict[str, str]:
    found = {}
    for each in given or ():
        name, sign, text = each.partition("=")
        if not sign:
            raise UsageError(
                "an answer does not say to which question",
                fix="write `--answer QUESTION='TEXT'`; `riskstrat review` lists the questions",
                code="RS3332",
            )
        found[name.strip()] = text
    return found
