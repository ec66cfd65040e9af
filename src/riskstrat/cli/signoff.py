"""``riskstrat submit``, ``review``, ``approve``, ``reject``, ``withdraw``: who decides, on what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskstrat.cli.console import RESULTS, say, suggest, table
from riskstrat.cli.guard import command, show
from riskstrat.errors import UsageError

if TYPE_CHECKING:
    from riskstrat.pipeline.desk import Actor
    from riskstrat.pipeline.signoff import Review
    from riskstrat.signoff.view import View

STORE = Path("store")
SHORT = 16
"""hex digits of a digest that are shown; `--json` has them all"""

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
StoreDir = Annotated[Path, typer.Option("--store", help="where everything is kept")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object to stdout")]


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
    from riskstrat.pipeline.signoff import submit as submit_version

    actor = _actor(by, role, accounts)
    name = _name(study)
    view = submit_version(name, version, store, actor, despite_gates=despite_gates)
    _tell(view, as_json)
    if not as_json:
        suggest(review=f"riskstrat review {name} {version} --by NAME{_where(store)}")


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
        _overview(signoff.overview(store, today=date.today()), as_json)
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
    RESULTS.print(_sentence(told.view), markup=False, soft_wrap=True)
    if not answer:
        _draw(told)
    _ask(told, by, store)


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
    _tell(withdraw_version(_name(study), version, store, actor, reason=reason), as_json)


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
    _tell(view, as_json)


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


def _where(store: Path) -> str:
    return "" if store == STORE else f" --store {store}"


# -- what is shown ---------------------------------------------------------------------------------


def _tell(view: View, as_json: bool) -> None:
    show(view.as_dict(), as_json=as_json, text=_sentence(view))


def _sentence(view: View) -> str:
    """Where a version stands, on one line."""
    alias = "; champion" if view.state == "approved" else ""
    waits = f"; awaits {view.awaits}" if view.awaits != "nobody" else ""
    state = view.state.value.replace("_", " ")
    return f"{view.study} version {view.version}: {state}, {view.why}{alias}{waits}"


def _overview(views: tuple[View, ...], as_json: bool) -> None:
    if as_json:
        show([view.as_dict() for view in views], as_json=True, text="")
        return
    if not views:
        show(None, as_json=False, text="nothing was ever submitted")
        return
    columns = ("study", "version", "state", "since or why", "author", "awaits")
    rows = [
        (v.study, str(v.version), v.state.value.replace("_", " "), v.why, v.author, v.awaits)
        for v in views
    ]
    RESULTS.print(table("Sign-offs", columns, rows))


def _draw(told: Review) -> None:
    """What would be signed, or was."""
    view = told.view
    RESULTS.print(
        f"Submitted by {view.author} on {view.submitted}, made by run {view.run_id}.",
        markup=False,
        soft_wrap=True,
    )
    if view.despite_gates:
        RESULTS.print(f"Despite gates: {view.despite_gates}", markup=False, soft_wrap=True)
    RESULTS.print(table("What is signed", ("what", "digest", "now"), _bound(view)))
    for part in told.shown.get("tables", ()):
        RESULTS.print(table(part["title"], part["columns"], part["rows"]))
    if view.decisions:
        columns = ("by", "role", "on", "decision", "reason")
        rows = [tuple(each[name] for name in columns) for each in view.decisions]
        RESULTS.print(table("Decisions", columns, rows))
    if told.before:
        RESULTS.print(f"Changed {told.before}", markup=False, soft_wrap=True)


def _bound(view: View) -> list[tuple[str, str, str]]:
    from riskstrat.signoff.binding import THINGS

    changed = {each.thing: f"CHANGED: {each}" for each in view.changed}
    return [
        (said, view.bound[thing].digest[:SHORT], changed.get(thing, "as submitted"))
        for thing, said in THINGS.items()
    ]


def _ask(told: Review, by: str, store: Path) -> None:
    """The questions that are open, what to look at, and how to vote."""
    open_ = told.view.state in ("submitted", "one_vote")
    if told.questions and open_:
        RESULTS.print(table("Questions for people", ("answer", "to"), [*told.questions.items()]))
    say("")
    read = {"read": str(told.report)}
    if told.preview:
        read["lists"] = str(told.preview)
    suggest(**read)
    if told.view.state == "votes_in":
        suggest(open=f"riskstrat review {told.view.study} {told.view.version} --by NAME")
    if open_:
        name = f"{told.view.study} {told.view.version} --by {(by and repr(by)) or 'NAME'}"
        suggest(
            answer=f"riskstrat review {name} --answer QUESTION='TEXT' ...{_where(store)}",
            vote=f"riskstrat approve|reject {name} --reason WHY{_where(store)}",
        )
