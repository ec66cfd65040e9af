"""Sections of the page about a model in use: findings, gates, extracts, features, scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.publish.monitor_charts import Axis, dots_chart, shares_chart
from riskstrat.publish.monitor_data import MonitorData
from riskstrat.publish.monitor_parts import (
    NOT_KNOWN,
    as_report,
    cells_shown,
    count,
    plain,
    points,
    share,
    short,
)
from riskstrat.publish.notices import notices
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.phrases import within
from riskstrat.publish.tables import Shown, records
from riskstrat.publish.verdict import gate_lines
from riskstrat.publish.wording import day, estimate, percent

MOST = 15
PERIODS = {
    "year": "happened in the year",
    "month": "arrived in the month",
    "day": "open on the day",
}
AS_GATES = frozenset({"RS3711", "RS3712"})
"""findings that the section on gates tells in full"""


def findings(data: MonitorData) -> Section:
    """What was noticed."""
    found = tuple(each for each in notices(as_report(data)) if each.code not in AS_GATES)
    lead = "What crossed a limit of the study with its whole interval, and what is good to know."
    nothing = "Nothing crossed a limit of the study."
    return Section("findings", "Findings", lead if found else nothing, notices=found)


def gates(data: MonitorData) -> Section:
    """Each gate of the approval, then and now."""
    title = "Gates of the approval"
    if data.gates is None:
        return Section("gates", title, NOT_KNOWN)
    before = {text: (then, carried) for text, then, carried in data.gates_then}
    rows = []
    for line in gate_lines(as_report(data)):
        then, carried = before[line.text]
        now = "as at approval" if carried else line.verdict
        rows.append((line.words, then.replace("_", " "), now, line.found, line.n, line.text))
    headers = (
        ("Gate", False), ("At approval", False), ("Now", False),
        ("Found now (95% interval)", False), ("People", True), ("As the study writes it", False),
    )  # fmt: skip
    lead = (
        "The conditions under which the version was approved, held against the outcomes of people "
        f"scored for {day(data.judged_on)}. A gate about the model alone keeps its verdict."
    )
    table = Shown(title, headers, tuple(rows), data.gates.note)
    return Section("gates", title, lead, tables=(table,))


def extracts(data: MonitorData) -> Section:
    """Rows and empty values by source."""
    lead = (
        "Whether each agency still sends what it sent: what could be seen of its records on the "
        "morning, against the same day of the years the model learnt from."
    )
    rows = [row for row in records(data.volumes) if row["value"] is not None]
    table, empty = _volumes(data), _empty_values(data)
    if not rows:
        return Section("extracts", "Extracts", lead, tables=(table,), after=(empty,))
    limit = float(data.limits["volume"])
    axis = Axis(
        "Rows of each source before the day, against training",
        "Times as many rows as on the same day of the training years",
        ((1.0, "as in training"), (1 - limit, ""), (1 + limit, "")),
        most=2.5,
    )
    drawn = [_dot(row, f"{row['title']}, {PERIODS[row['period']].split()[0]}") for row in rows]
    least = min(rows, key=lambda row: float(row["value"]))
    reading = (
        f"Fewest against training: {least['title']}, {estimate(least)} times the rows that "
        f"{PERIODS[least['period']]}. Broken lines at the sides are the study's limits."
    )
    drawing = Drawing(dots_chart(drawn, name="volumes", axis=axis), reading, table)
    return Section("extracts", "Extracts", lead, (drawing,), after=(empty,))


def _dot(row: Mapping[str, Any], label: str) -> dict[str, Any]:
    numbers = {name: row[name] for name in ("value", "low", "high")}
    return {"label": short(label), **numbers, "told": estimate(row)}


def _volumes(data: MonitorData) -> Shown:
    body = tuple(
        (
            str(row["title"]), str(row["agency"]), PERIODS[row["period"]],
            count(row["then"], data), count(row["now"], data), share(row["covered"]),
            estimate(row),
        )
        for row in records(data.volumes)
    )  # fmt: skip
    headers = (
        ("Source", False), ("Agency", False), ("Rows that", False), ("Mean of training", True),
        ("Now", True), ("Covered", True), ("Ratio (95% interval)", True),
    )  # fmt: skip
    return Shown("Rows before the day", headers, body, data.volumes.note)


def _empty_values(data: MonitorData) -> Shown:
    body = tuple(
        (
            f"{within(str(row['source']))}: {within(str(row['column']))}",
            share(row["then"]), share(row["now"]), points(row), count(row["n"], data),
        )
        for row in records(data.missing)
    )  # fmt: skip
    headers = (
        ("Column", False), ("Empty in training", True), ("Empty now", True),
        ("Change in points (95% interval)", True), ("Rows now", True),
    )  # fmt: skip
    return Shown("Empty values by column", headers, body, data.missing.note)


def features(data: MonitorData) -> Section:
    """What the features tell of the people."""
    lead = (
        "Whether the people to be scored are like those it learnt from. Drift is 0 where a "
        "measurement is spread as in training; what sampling alone would make is taken off."
    )
    rows = records(data.features)
    top = [row for row in rows if row["value"] is not None][:MOST]
    table = _drifts(data)
    cells = cells_shown("What drifted most, cell by cell", data.cells, named=True)
    if not top:
        return Section("features", "Features", lead, tables=(table,))
    limit = float(data.limits["feature_drift"])
    axis = Axis(
        "The features that drifted most", "Drift against training (PSI, 95% interval)",
        ((limit, "limit"),),
    )  # fmt: skip
    drawn = [_dot(row, str(row["meaning"])) for row in top]
    reading = (
        f"Most: {top[0]['meaning']}, {estimate(top[0])}. The {len(top)} that drifted most of "
        f"{len(rows)}."
    )
    drawing = Drawing(dots_chart(drawn, name="features", axis=axis), reading, table)
    return Section("features", "Features", lead, (drawing,), after=(cells,))


def _drifts(data: MonitorData) -> Shown:
    body = tuple(
        (
            str(row["meaning"]), str(row["agency"]), estimate(row), plain(row["plain"]),
            plain(row["since"]), count(row["n"], data),
        )
        for row in records(data.features)
    )  # fmt: skip
    headers = (
        ("Feature", False), ("Agency", False), ("PSI (95% interval)", True),
        ("As usually computed", True), ("Since the held-out dates", True), ("People", True),
    )  # fmt: skip
    return Shown("Drift of every feature", headers, body, data.features.note)


def scores(data: MonitorData) -> Section:
    """How the scores are spread, and who is above the cuts."""
    drift = next(iter(records(data.risk, metric="score_drift")))
    lead = f"Drift of the scores since the model was judged: {estimate(drift)} (PSI)."
    body = tuple(
        (
            percent(row["share"]), share(row["then"]), share(row["now"]),
            count(row["people_now"], data), estimate(row),
        )
        for row in records(data.cuts)
    )  # fmt: skip
    headers = (
        ("Capacity", False), ("Above its cut when judged", True), ("Now", True),
        ("People now", True), ("Ratio (95% interval)", True),
    )  # fmt: skip
    cuts = Shown("People above each cut of approval", headers, body, data.cuts.note)
    table = cells_shown("Scores, in tenths of the held-out dates", data.scores, named=False)
    svg = shares_chart(
        records(data.scores), name="scores", title="Scores when judged, and now",
        label="Scores when judged, from the lowest tenth to the highest",
    )  # fmt: skip
    reading = "Each pair is a tenth of the scores on the held-out dates, and who is in it now."
    drawings = (Drawing(svg, reading, table),) if svg else ()
    return Section("scores", "Scores", lead, drawings, tables=(cuts,))
