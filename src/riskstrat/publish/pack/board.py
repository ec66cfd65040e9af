"""The board's two pages, what changed since the last approval, and what is watched afterwards."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from riskstrat.publish import summary
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import IG, OWNER, TEAM, Group, Item, Page
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import PlainTable, records, shown
from riskstrat.publish.verdict import gate_lines
from riskstrat.publish.wording import estimate, learner, metric

MOST_LINES = 80
"""lines of a changed study that are shown"""


def board_summary(facts: Facts) -> Page:
    """Two pages: the verdict, the questions a board asks, and what it is asked to decide."""
    asked = tuple(
        Item(f"board.{number}", question, answer)
        for number, (question, answer) in enumerate(summary.questions(facts.data), 1)
    )
    people = Item(
        "board.identified",
        "Has anybody got back to a person so far, and was each case justified?",
        "Each request for a name, granted or refused, is in the linker's log, which a run does not "
        "see.",
        who=IG,
    )
    return Page(
        "summary",
        "Summary for the board",
        "Two pages for whoever decides; every number stands in the full report as well.",
        (Group("What a board asks", (*asked, people, _changed(facts))),),
        board=True,
    )


def _changed(facts: Facts) -> Item:
    return Item("board.changed", "What changed since the last approval?", _said(facts))


def _said(facts: Facts) -> str:
    before, now = facts.before, facts.data
    if not facts.approved:
        return "Nothing was approved before: this is the first version that is put to the board."
    told = " ".join(map(str, facts.approved))
    if before is None:
        other = not all(each.own for each in facts.approved)
        return (
            f"{told} Its run is no longer in the store: nothing compares them." if other else told
        )
    parts = [
        "the study" * (before.study_text != now.study_text),
        "the data" * (_digest(before, "data") != _digest(now, "data")),
        "the learner" * (before.champion != now.champion),
    ]
    changed = [part for part in parts if part]
    said = f"Changed: {', '.join(changed)}." if changed else "Study, data and learner are the same."
    return f"{told} Against version {before.version}: {said} The page of changes lists each."


def changes(facts: Facts) -> Page:
    """The study, data, gates and results against the last approved version."""
    before = facts.before
    if before is None:
        groups: tuple[Group, ...] = (_nothing_to_compare(facts),)
    else:
        groups = (
            Group("In short", (Item("changes.short", "What changed?", _said(facts)),)),
            Group("What it was made from", tables=(shown(_made_from(before, facts.data)),)),
            Group("What was measured", tables=(shown(_results(before, facts.data)),)),
            Group("Features", (Item("changes.features", "Which came and went?",
                                    _features(before, facts.data)),)),
            Group("The study file", (Item("changes.study", "Which lines changed?",
                                          _lines(before, facts.data)),)),
        )  # fmt: skip
    return Page(
        "changes",
        "Changes since the last approved version",
        "What an approval of the earlier version does not cover.",
        groups,
    )


def _nothing_to_compare(facts: Facts) -> Group:
    if facts.approved:
        return Group("Approved before", lead=_said(facts))
    lead = "No version of this model has been approved before, so there is nothing to compare."
    return Group("First version", lead=lead)


def _digest(data: ReportData, name: str) -> Any:
    return data.provenance.get(f"{name} digest")


def _made_from(before: ReportData, now: ReportData) -> PlainTable:
    names = list(dict.fromkeys((*before.provenance, *now.provenance)))
    rows = [
        {
            "what": name,
            "before": _short(before.provenance.get(name)),
            "now": _short(now.provenance.get(name)),
            "changed": "changed" if before.provenance.get(name) != now.provenance.get(name)
            else "same",
        }
        for name in names
    ]  # fmt: skip
    return PlainTable.of("Digests, seed and software", ("what", "before", "now", "changed"), rows)


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:16]}…" if len(text) == 64 else text


def _results(before: ReportData, now: ReportData) -> PlainTable:
    rows = []
    for name in ("auroc", "average_precision", "brier", "calibration_slope"):
        old, new = (_one(each, name) for each in (before, now))
        rows.append({"what": metric(name), "before": old, "now": new})
    for name in ("ppv", "sensitivity"):
        old, new = (estimate(summary.at_capacity(each, name)) for each in (before, now))
        rows.append({"what": metric(name), "before": old, "now": new})
    ended = {line.text: line.verdict for line in gate_lines(before)}
    for line in gate_lines(now):
        told = ended.get(line.text, "not set")
        rows.append({"what": f"gate: {line.words}", "before": told, "now": line.verdict})
    rows.append({"what": "learner", "before": learner(before.champion),
                 "now": learner(now.champion)})  # fmt: skip
    return PlainTable.of("Held-out results and gates", ("what", "before", "now"), rows)


def _one(data: ReportData, name: str) -> str:
    found = records(data.performance, split=data.split, learner=data.champion, metric=name)
    return estimate(found[0]) if found else "not measured"


def _features(before: ReportData, now: ReportData) -> str:
    old, new = ({row["name"]: row for row in records(each.dictionary)} for each in (before, now))
    came, went = sorted(set(new) - set(old)), sorted(set(old) - set(new))
    if not came and not went:
        return f"The same {len(new)} features."
    told = []
    for what, names, book in (("New", came, new), ("Gone", went, old)):
        if names:
            listed = "; ".join(str(book[name]["meaning"]) for name in names[:20])
            more = f" and {len(names) - 20} more" if len(names) > 20 else ""
            told.append(f"{what}: {listed}{more}.")
    return " ".join(told)


def _lines(before: ReportData, now: ReportData) -> str:
    found = [
        line
        for line in unified_diff(
            before.study_text.splitlines(), now.study_text.splitlines(), lineterm="", n=0
        )
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    if not found:
        return "None."
    more = f"\n… and {len(found) - MOST_LINES} more lines" if len(found) > MOST_LINES else ""
    return "\n".join(found[:MOST_LINES]) + more


def monitoring_plan(facts: Facts) -> Page:
    """What is watched once lists are in use, by whom, and what stops them."""
    study = facts.data.study
    told = (
        Item(
            "monitoring.what",
            "What is compared with training, and how?",
            f"`riskstrat monitor {study} --as-of DATE` compares a new period with training: rows "
            "and missing values of every source, drift of every feature and of the score, how many "
            "pass each capacity's cut, who enters and leaves the list; calibration and fairness "
            "once the outcomes of that period are complete; and whether the gates of the last "
            "approval would still pass.",
        ),
        Item(
            "monitoring.gates",
            "Which limits count?",
            f"Those the study set before the run: {facts.gates}",
        ),
        Item(
            "monitoring.schedule",
            "How often is it done, and for how long?",
            "A list may be used until the day in its manifest; each new list is a new period.",
            who=OWNER,
        ),
        Item("monitoring.owner", "Who looks at the findings, and who stands in?", who=OWNER),
        Item(
            "monitoring.stop",
            "What stops the lists, and who may do it?",
            f"`riskstrat suspend {study} VERSION --by NAME --reason WHY` stops it at once: "
            "anybody who may submit or review can; only a reviewer lifts it. Monitoring does so by "
            "itself where the study names findings that suspend. `riskstrat withdraw` takes the "
            "approval back. An approval ends after its term; any change of model, study, "
            "agreements, contracts, code, report or pack voids it. New extracts do not.",
            who=IG,
        ),
        Item(
            "monitoring.effect",
            "How is it told whether the help that follows a list does good?",
            "Help changes the outcome that the model predicts, so a falling calibration may mean "
            "that the service works. Without a record of who was helped this cannot be told apart.",
            who=OWNER,
        ),
        Item("monitoring.incidents", "Where are mistakes and complaints recorded?", who=IG),
        Item("monitoring.update", "When is the model trained again?", who=TEAM),
    )
    return Page(
        "monitoring-plan",
        "Monitoring plan",
        "What is watched after approval, by whom, and what stops the lists.",
        (Group("Plan", told),),
    )
