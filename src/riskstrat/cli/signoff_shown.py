"""How sign-offs are drawn: where a version stands, what would be signed, what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from riskstrat.cli.arguments import STORE
from riskstrat.cli.console import RESULTS, say, suggest, table
from riskstrat.cli.guard import show
from riskstrat.release.standing import one_login_in_words

if TYPE_CHECKING:
    from riskstrat.pipeline.signoff import Review
    from riskstrat.signoff.view import View

EARLIER = ("submitted", "author", "state", "why", "reasons")
SHORT = 16
"""hex digits of a digest that are shown; `--json` has them all"""


def tell(view: View, as_json: bool) -> None:
    """Where a version stands, on one line or as JSON."""
    show(view.as_dict(), as_json=as_json, text=sentence(view))


def sentence(view: View) -> str:
    """Where a version stands, on one line."""
    alias = "; champion" if view.state == "approved" else ""
    waits = f"; awaits {view.awaits}" if view.awaits != "nobody" else ""
    state = view.state.value.replace("_", " ")
    return f"{view.study} version {view.version}: {state}, {view.why}{alias}{waits}"


def warn_of_open(pack: Path, many: int, run: str) -> None:
    """How many questions of the pack nobody has answered: the board decides what that means."""
    if not many:
        return
    one = many == 1
    say(
        f"  {many} question{'' if one else 's'} of the pack still need{'s' if one else ''} a "
        f"person's answer: {pack / 'answers-to-give.yaml'}",
        style="yellow",
    )
    say(
        "  answers change what is signed: withdraw, give them with "
        f"`riskstrat pack {run} --answers FILE`, and submit again",
        style="yellow",
    )


def draw_overview(views: tuple[View, ...], as_json: bool) -> None:
    """Every version that was ever submitted, and whose turn it is."""
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


def draw(told: Review) -> None:
    """What would be signed, or was."""
    view = told.view
    RESULTS.print(
        f"Submitted by {view.author} on {view.submitted}, made by run {view.run_id}.",
        markup=False,
        soft_wrap=True,
    )
    if view.one_login:
        RESULTS.print(one_login_in_words(view.one_login), markup=False, soft_wrap=True)
    if view.earlier:
        RESULTS.print(table("Submitted before", EARLIER, _before(view)))
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


def _before(view: View) -> list[tuple[str, ...]]:
    return [
        (*(str(each[name]) for name in EARLIER[:-1]), "; ".join(each["reasons"]))
        for each in view.earlier
    ]


def _bound(view: View) -> list[tuple[str, str, str]]:
    from riskstrat.signoff.binding import THINGS

    changed = {each.thing: f"CHANGED: {each}" for each in view.changed}
    return [
        (said, view.bound[thing].digest[:SHORT], changed.get(thing, "as submitted"))
        for thing, said in THINGS.items()
    ]


def ask(told: Review, by: str, store: Path) -> None:
    """The questions that are open, what to look at, and how to vote."""
    open_ = told.view.state in ("submitted", "one_vote")
    if open_:
        warn_of_open(told.pack.parent, len(told.open_in_pack), told.view.run_id)
    if told.questions and open_:
        RESULTS.print(table("Questions for people", ("answer", "to"), [*told.questions.items()]))
    say("")
    read = {"read": str(told.report), "pack": str(told.pack)}
    if told.preview:
        read["lists"] = str(told.preview)
    suggest(**read)
    if told.view.state == "votes_in":
        suggest(open=f"riskstrat review {told.view.study} {told.view.version} --by NAME")
    if open_:
        name = f"{told.view.study} {told.view.version} --by {(by and repr(by)) or 'NAME'}"
        suggest(
            answer=f"riskstrat review {name} --answer QUESTION='TEXT' ...{where(store)}",
            vote=f"riskstrat approve|reject {name} --reason WHY{where(store)}",
        )


def where(store: Path) -> str:
    """The option that names the store, where it is not the usual one."""
    return "" if store == STORE else f" --store {store}"
