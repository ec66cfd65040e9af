"""The first page: the verdict, then a commissioner's and an IG board's questions in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, records, same_share
from riskstrat.publish.wording import BASELINES, day, estimate, learner, mark, percent, verdict

EVERYONE = "everyone"
"""the group of one level by which a table of groups also shows the whole"""

_GROUP_GATE = re.compile(r"\(\s*(?!at\b)[a-z]")
VERDICTS = {
    "pass": "Passed",
    "fail": "Failed",
    "not enough evidence": "Not enough evidence",
}


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate as it reads: what was asked, what was found, how it ended."""

    text: str
    found: str
    n: str
    verdict: str
    code: str
    explanation: str = ""


def gate_lines(data: ReportData) -> tuple[GateLine, ...]:
    """The gates, those not passed first."""
    order = list(VERDICTS)
    order = [order[1], order[2], order[0]]
    lines = [
        GateLine(
            str(row["text"]),
            estimate(row),
            "n/a" if row["n"] is None and row["status"] == "shown" else _people(row["n"], data),
            verdict(row["verdict"]),
            str(row["code"]),
            str(row.get("explanation") or ""),
        )
        for row in records(data.gates)
    ]
    return tuple(sorted(lines, key=lambda line: order.index(line.verdict)))


def headline(data: ReportData) -> tuple[str, str]:
    """The verdict in one line, and its class (pass, fail, unsure)."""
    lines = gate_lines(data)
    counts = {name: sum(line.verdict == name for line in lines) for name in VERDICTS}
    if not lines:
        return "No gates were set, so nothing was decided", "unsure"
    if counts["fail"]:
        many = f"{counts['fail']} of {len(lines)} gates failed"
        return f"{many}: the model is not promoted", "fail"
    if counts["not enough evidence"]:
        many = f"{counts['not enough evidence']} of {len(lines)} gates lack evidence"
        return f"{many}: the model is not promoted until they can be judged", "unsure"
    return f"All {len(lines)} gates passed: the model may be considered for use", "pass"


def questions(data: ReportData) -> tuple[tuple[str, str], ...]:
    """Question and answer, in the order a board asks them."""
    asked = (
        ("How many people does it speak of?", _how_many(data)),
        ("How sure are we?", _how_sure(data)),
        ("What does our capacity cover?", _capacity(data)),
        ("Who is missed?", _missed(data)),
        ("Is it fair between groups?", _fairness(data)),
        ("What was known when?", " ".join(data.known_when)),
        ("Is it the least data that will do?", _least_data(data)),
        ("On what legal basis?", _legal_basis(data)),
        ("Who can get back to a person?", " ".join(data.reidentification)),
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
        return ""
    listed = ", ".join(
        f"{_people(row['people'], data)} {str(row['band']).replace('_', ' ')}" for row in bands
    )
    whole = [row["people"] for row in records(data.bands) if row["people"] is not None]
    everybody = f"of about {max(whole):,} {data.units} in scope" if whole else ""
    when = f" on {day(data.as_of)}" if data.as_of else ""
    return f"The list{when}, {everybody}: {listed}.".replace(" , ", " ")


def _how_sure(data: ReportData) -> str:
    ppv, auroc = at_capacity(data, "ppv"), _overall(data, "auroc")
    parts = []
    if ppv.get("value") is not None:
        ten = round(ppv["value"] * 10)
        said = f"about {ten} in 10" if ppv["value"] >= 0.095 else f"{percent(ppv['value'])}"
        parts.append(
            f"Of the {percent(data.capacity)} at highest risk, {said} had the outcome "
            f"({estimate(ppv)})."
        )
    if auroc:
        parts.append(
            f"Shown one {_one(data)} with the outcome and one without, the model ranks the right "
            f"one higher with probability {estimate(auroc)} (AUROC)."
        )
    slope = _overall(data, "calibration_slope")
    if slope:
        parts.append(
            f"Calibration slope {estimate(slope)}; 1 means that risks are neither too bold nor "
            "too timid."
        )
    return " ".join(parts)


def _capacity(data: ReportData) -> str:
    found, ppv = at_capacity(data, "sensitivity"), at_capacity(data, "ppv")
    if not found:
        return ""
    selected = _people(ppv.get("selected"), data)
    said = (
        f"Seeing the {percent(data.capacity)} at highest risk ({selected} {data.units} in the "
        f"{data.split}) would reach {estimate(found)} of all who go on to have the outcome."
    )
    rule = _best_rule(data)
    return f"{said} {rule}" if rule else said


def _best_rule(data: ReportData) -> str:
    rules = [(at_capacity(data, "sensitivity", name), name) for name in BASELINES]
    told = [(row, name) for row, name in rules if row.get("value") is not None]
    if not told:
        return ""
    row, name = max(told, key=lambda pair: pair[0]["value"])
    plain = learner(name).removesuffix(" (rule of thumb)").lower()
    return f"The best rule of thumb ({plain}) would reach {estimate(row)}."


def _missed(data: ReportData) -> str:
    found = at_capacity(data, "sensitivity")
    if found.get("value") is None:
        return ""
    said = (
        f"About {round((1 - found['value']) * 100)} in 100 of those who go on to have the outcome "
        f"are not among the {percent(data.capacity)}."
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
    group = str(worst["group"]).replace("_", " ")
    return f"{said} Least reached: {group} “{worst['level']}”, {estimate(worst)}."


def _fairness(data: ReportData) -> str:
    rows = tuple(row for row in records(data.fairness) if row["group"] != EVERYONE)
    if not rows:
        return "Not assessed: the study names no groups."
    groups = ", ".join(dict.fromkeys(str(row["group"]).replace("_", " ") for row in rows))
    thin = len({(r["group"], r["level"]) for r in rows if r["status"] == "withheld"})
    said = [f"Compared by {groups}.", _widest_gap(data, rows), _group_gates(data)]
    if thin:
        said.append(
            f"{thin} groups are too small to show on at least one measure; they stay listed."
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
        f"Widest gap in outcomes reached: {str(low['group']).replace('_', ' ')}, from "
        f"“{low['level']}” {estimate(low)} to “{high['level']}” {estimate(high)}."
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
    said = f"{len(features)} features from {len(sources)} sources of {len(agencies)} agencies."
    by_agency = sorted(
        (row for row in records(data.importance_by_agency) if row.get("importance") is not None),
        key=lambda row: row["importance"],
    )
    whole = sum(row["importance"] for row in by_agency)
    if by_agency and whole:
        least = by_agency[0]
        share = percent(round(least["importance"] / whole, 3))
        said += f" The least telling agency is {least['agency']}, with {share} of the importance."
    return said


def _legal_basis(data: ReportData) -> str:
    rows = records(data.agreements)
    if not rows:
        return ""
    names = ", ".join(dict.fromkeys(str(row["agreement"]) for row in rows))
    ends = min(str(row["ends"]) for row in rows)
    return (
        f"Purpose {data.purpose.replace('_', ' ')}, under {names}; the first to end does so on "
        f"{day(ends)}. Every source's basis is listed under Agreements."
    )


def _overall(data: ReportData, name: str) -> Mapping[str, Any]:
    rows = records(data.performance, split=data.split, learner=data.champion, metric=name)
    return rows[0] if rows else {}


def _people(n: int | None, data: ReportData) -> str:
    return mark(data.policy) if n is None else f"{n:,}"


def _one(data: ReportData) -> str:
    return "person" if data.units == "people" else data.units.removesuffix("s")
