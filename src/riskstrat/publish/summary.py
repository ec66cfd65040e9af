"""The first page: the verdict, then a commissioner's and an IG board's questions in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstrat.publish.glassbox import glass_box_price
from riskstrat.publish.linkage_words import linkage_cost
from riskstrat.publish.model_privacy import remembered
from riskstrat.publish.phrases import within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.stewardship import STOP, objections, reuse
from riskstrat.publish.tables import EVERYONE, Record, records, same_share
from riskstrat.publish.verdict import VERDICTS
from riskstrat.publish.wording import BASELINES, day, estimate, learner, mark, percent, verdict
from riskstrat.vocabulary import in_words

_GROUP_GATE = re.compile(r"\(\s*(?!at\b)[a-z]")


def questions(data: ReportData) -> tuple[tuple[str, str], ...]:
    """Question and answer, in the order a board asks them."""
    asked = (
        (f"How many {data.units} does it speak of?", _how_many(data)),
        ("How sure are we?", _how_sure(data)),
        ("What does our capacity cover?", _capacity(data)),
        ("Who is missed?", _missed(data)),
        ("Is it fair between groups?", _fairness(data)),
        ("What does the model remember of single people?", remembered(data)),
        ("What could errors of linkage hide?", linkage_cost(data)),
        ("Would a model that can be read in full do as well?", glass_box_price(data)),
        ("What was known when?", " ".join(data.known_when)),
        ("Is it the least data that will do?", _least_data(data)),
        ("On what legal basis?", _legal_basis(data)),
        ("Are objections honoured?", objections(data)),
        ("Who can get back to a person?", " ".join(data.reidentification)),
        ("Can it be put to another use?", reuse(data)),
        ("Can it be stopped, and by whom?", STOP),
        *data.answers.items(),
    )
    return tuple((question, answer) for question, answer in asked if answer)


def at_capacity(data: ReportData, metric: str, learner_: str = "") -> Record:
    """The estimate of one metric at the summary's capacity, or an empty record."""
    who = learner_ or data.champion
    rows = records(data.at_capacity, split=data.split, learner=who, metric=metric)
    return next((row for row in rows if same_share(row["share"], data.capacity)), {})


def _how_many(data: ReportData) -> str:
    bands = [row for row in records(data.bands) if row["band"] in ("very_high", "high", "moderate")]
    if not bands:
        last = max(records(data.outcomes), key=lambda row: str(row["as_of"]), default=None)
        if last is None or last["n"] is None:
            return ""
        told = f"About {last['n']:,} {data.units} were in scope on {day(last['as_of'])}."
        return f"{told} No list was made."
    listed = ", ".join(
        f"{_people(row['people'], data)} {str(row['band']).replace('_', ' ')}" for row in bands
    )
    whole = [row["people"] for row in records(data.bands) if row["people"] is not None]
    when = f" on {day(data.as_of)}" if data.as_of else ""
    everybody = f"About {max(whole):,} {data.units} were in scope{when}. " if whole else ""
    known = [row for row in bands if row["people"] is not None and row["expected"] is not None]
    people, expected = (sum(row[name] for row in known) for name in ("people", "expected"))
    told = f" About {expected:,} of these {people:,} are expected to have the outcome."
    return f"{everybody}By risk: {listed}.{told if known else ''}"


def _how_sure(data: ReportData) -> str:
    ppv, auroc = at_capacity(data, "ppv"), _overall(data, "auroc")
    parts = []
    if ppv.get("value") is not None:
        ten = round(ppv["value"] * 10)
        said = f"about {ten} in 10" if ppv["value"] >= 0.095 else f"{percent(ppv['value'])}"
        parts.append(
            f"Of the {percent(data.capacity)} at highest risk, {said} had the outcome: "
            f"{estimate(ppv)}, on dates kept for testing."
        )
    if auroc.get("value") is not None:
        parts.append(
            f"Of one {_one(data)} with the outcome and one without, it puts the right one first "
            f"{round(auroc['value'] * 100)} times in 100 (chance: 50)."
        )
    parts.append(_true_on_average(data))
    return " ".join(part for part in parts if part)


def _true_on_average(data: ReportData) -> str:
    """Whether stated risks come true as often as they say, in words."""
    ratio = _overall(data, "calibration_in_the_large")
    if ratio.get("value") is None or ratio.get("low") is None:
        return ""
    low, high = ratio["low"], ratio["high"]
    if low <= 1 <= high:
        said = "on average they come true as often as they say"
    else:
        said = f"on average they are too {'low' if low > 1 else 'high'}"
    return f"Stated risks: {said} (seen over expected {estimate(ratio)}; 1 is right)."


def _capacity(data: ReportData) -> str:
    found, ppv = at_capacity(data, "sensitivity"), at_capacity(data, "ppv")
    if not found:
        return ""
    selected = _people(ppv.get("selected"), data)
    if found.get("value") is None:
        return (
            f"How many outcomes are reached when the {percent(data.capacity)} at highest risk are "
            f"seen ({selected} of those tested) cannot be shown: they are too few."
        )
    said = (
        f"Seeing the {percent(data.capacity)} at highest risk ({selected} of those tested) "
        f"would reach {estimate(found)} of all who went on to have the outcome."
    )
    rule = _best_rule(data)
    return f"{said} {rule}" if rule else said


def _best_rule(data: ReportData) -> str:
    rules = [(at_capacity(data, "sensitivity", name), name) for name in BASELINES]
    told = [(row, name) for row, name in rules if row.get("value") is not None]
    if not told:
        return ""
    row, name = max(told, key=lambda pair: pair[0]["value"])
    rule = learner(name).removesuffix(" (rule of thumb)").lower()
    return f"The best rule of thumb ({rule}) would reach {estimate(row)}."


def _missed(data: ReportData) -> str:
    found = at_capacity(data, "sensitivity")
    if found.get("value") is None:
        return "It cannot be shown who is missed: too few of those tested had the outcome."
    said = (
        f"About {round((1 - found['value']) * 100)} in 100 of those who go on to have the outcome "
        f"are not among the {percent(data.capacity)}: no list of that length reaches everybody."
    )
    levels = [
        row
        for row in records(data.fairness, metric="sensitivity")
        if same_share(row["at"], data.capacity)
        and row["value"] is not None
        and row["group"] != EVERYONE
    ]
    if not levels:
        return said
    worst = min(levels, key=lambda row: row["value"])
    return f"{said} Least reached, of the groups that can be shown: {_level(worst)}."


def _fairness(data: ReportData) -> str:
    rows = tuple(row for row in records(data.fairness) if row["group"] != EVERYONE)
    if not rows:
        return "Not assessed: the study names no groups."
    groups = ", ".join(dict.fromkeys(within(str(row["group"])) for row in rows))
    reached = [r for r in rows if r["metric"] == "sensitivity"]
    thin = [r for r in reached if same_share(r["at"], data.capacity) and r["status"] == "withheld"]
    said = [f"Compared by {groups}.", _widest_gap(data, rows), _group_gates(data)]
    if thin:
        named = ", ".join(
            f"{within(str(r['group']))} “{in_words(str(r['level']))}”" for r in thin[:4]
        )
        more = f" and {len(thin) - 4} more" if len(thin) > 4 else ""
        said.append(
            f"Reach is not shown for {named}{more}: too few were reached there, or in a group "
            "whose number would follow."
        )
    return " ".join(part for part in said if part)


def _widest_gap(data: ReportData, rows: Sequence[Record]) -> str:
    """The group whose levels are reached most unequally."""
    here = [r for r in rows if r["metric"] == "sensitivity" and same_share(r["at"], data.capacity)]
    spans = []
    for group in dict.fromkeys(row["group"] for row in here):
        known = [row for row in here if row["group"] == group and row["value"] is not None]
        if len(known) > 1:
            low, high = (pick(known, key=lambda r: r["value"]) for pick in (min, max))
            spans.append((high["value"] - low["value"], low, high))
    if not spans:
        return ""
    _, low, high = max(spans, key=lambda span: span[0])
    return (
        f"Widest gap in outcomes reached: {within(str(low['group']))}, from "
        f"“{in_words(str(low['level']))}” {estimate(low)} to “{in_words(str(high['level']))}” "
        f"{estimate(high)}."
    )


def _group_gates(data: ReportData) -> str:
    """How the gates that look at groups ended."""
    ended = [
        verdict(row["verdict"]) for row in records(data.gates) if _GROUP_GATE.search(row["text"])
    ]
    if not ended:
        return "No gate looks at groups."
    told = [
        f"{ended.count(name)} {said.lower()}" for name, said in VERDICTS.items() if name in ended
    ]
    return f"Gates on groups: {', '.join(told)}."


def _least_data(data: ReportData) -> str:
    features, sources = records(data.dictionary), records(data.sources)
    if not features:
        return ""
    agencies = {row["agency"] for row in sources}
    said = (
        f"{len(features)} measurements (features) from {len(sources)} sources of {len(agencies)} "
        f"{'agency' if len(agencies) == 1 else 'agencies'}."
    )
    by_agency = sorted(
        (row for row in records(data.importance_by_agency) if row.get("importance") is not None),
        key=lambda row: row["importance"],
    )
    whole = sum(row["importance"] for row in by_agency)
    if by_agency and whole:
        least = by_agency[0]
        share = percent(round(least["importance"] / whole, 3))
        said += (
            f" What {least['agency']} shares carries least: {share} of the model's weight. Ask "
            "whether it is needed."
        )
    return said


def _legal_basis(data: ReportData) -> str:
    rows = records(data.agreements)
    if not rows:
        return ""
    names = ", ".join(dict.fromkeys(str(row["agreement"]) for row in rows))
    ends = min(str(row["ends"]) for row in rows)
    return (
        f"Purpose: {data.purpose.replace('_', ' ')}, under {names}; the first to end does so on "
        f"{day(ends)}. The basis of every source is in the table “Legal basis”."
    )


def _overall(data: ReportData, name: str) -> Mapping[str, Any]:
    rows = records(data.performance, split=data.split, learner=data.champion, metric=name)
    return rows[0] if rows else {}


def _level(row: Record) -> str:
    return f"{within(str(row['group']))} “{in_words(str(row['level']))}”, {estimate(row)}"


def _people(n: int | None, data: ReportData) -> str:
    return mark(data.policy) if n is None else f"{n:,}"


def _one(data: ReportData) -> str:
    return "person" if data.units == "people" else data.units.removesuffix("s")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a reader should remember, and what it says."""

    value: str
    says: str


def key_figures(data: ReportData) -> tuple[Figure, ...]:
    """At most four numbers for the head of the page; each stands in a table further down."""
    found = []
    whole = [row["people"] for row in records(data.bands) if row["people"] is not None]
    if whole:
        found.append(Figure(f"{max(whole):,}", f"{data.units} in scope"))
    share = percent(data.capacity)
    ppv, reached = at_capacity(data, "ppv"), at_capacity(data, "sensitivity")
    if ppv.get("value") is not None:
        says = f"of the {share} at highest risk had the outcome"
        found.append(Figure(f"{ppv['value']:.0%}", says))
    if reached.get("value") is not None:
        says = f"of all outcomes are among that {share}"
        found.append(Figure(f"{reached['value']:.0%}", says))
    lift = at_capacity(data, "lift")
    if lift.get("value") is not None:
        says = "as many outcomes as in a list drawn at random"
        found.append(Figure(f"{lift['value']:.1f} times", says))
    return tuple(found)
