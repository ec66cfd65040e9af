"""The sections on how well the model does, for whom, and what it looks at."""

from __future__ import annotations

from riskstrat.publish import charts, curves
from riskstrat.publish.parts import ABSENT, Drawing, Section
from riskstrat.publish.readings import (
    at_each_capacity,
    by_capacity,
    compared,
    everyone_at_capacity,
    fit_by_group,
    grid,
    net_benefit_grid,
    ordered,
    reach_by_group,
    spread,
)
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.summary import at_capacity
from riskstrat.publish.tables import EVERYONE, Record, records, same_share, shown
from riskstrat.publish.wording import METRICS, SPLITS, learner, metric, percent
from riskstrat.vocabulary import in_words

GOOD_NUMBERS = (
    "AUROC: 0.5 is chance and 1 perfect. What counts is the distance to the best rule of thumb: a "
    "model that is no better than age and past use is not worth its data.",
    "Average precision: to be set against the share who have the outcome, which is what the "
    "average rate reaches.",
    "Brier score and log loss: lower is better; above those of the average rate the model does "
    "harm.",
    "Calibration slope and observed over expected: 1 is right. Expected calibration error: 0 is.",
)
"""How to read the numbers; there is no bar that holds for every outcome."""


def performance(data: ReportData) -> Section:
    """Discrimination and error, against rules of thumb."""
    if data.performance is None:
        return Section("performance", "Performance", ABSENT)
    drawings = []
    for name in ("auroc", "average_precision"):
        rows = ordered(records(data.performance, split=data.split, metric=name), data.champion)
        svg = (
            charts.performance_chart(rows, name=f"perf-{name}", champion=data.champion)
            if rows
            else ""
        )
        if svg:
            drawings.append(Drawing(svg, compared(rows, data.champion), grid(rows, (name,))))
    splits = list(dict.fromkeys(row["split"] for row in records(data.performance)))
    splits.sort(key=lambda split: split != data.split)
    grids = tuple(
        grid(
            ordered(records(data.performance, split=split), data.champion),
            tuple(METRICS),
            f"{SPLITS.get(split, split)}: value (95% interval)",
        )
        for split in splits
    )
    lead = (
        f"{learner(data.champion)} is the model whose scores are used. Every number has its 95% "
        "interval, and every model is set against rules of thumb that need no model."
    )
    return Section(
        "performance", "Performance", lead, tuple(drawings), grids[:1], GOOD_NUMBERS,
        after=grids[1:],
    )  # fmt: skip


def calibration(data: ReportData) -> Section:
    """Is a risk of 30% 3 in 10?"""
    rows = records(data.calibration, learner=data.champion) or records(data.calibration)
    if data.calibration is None or not rows:
        return Section("calibration", "Calibration", ABSENT)
    drawing = Drawing(
        charts.calibration_chart(rows, name="calibration"),
        "Each dot is a tenth of the people, from the lowest risk to the highest (neighbours are "
        "joined where too few had the outcome). On the dashed line a predicted risk of 30% comes "
        "true for 3 in 10. Dots above it: the model is too low; below it: too high.",
        shown(data.calibration),
    )
    return Section(
        "calibration",
        "Calibration",
        "Does a stated risk come true as often as it says?",
        (drawing,),
    )


def capacity(data: ReportData) -> Section:
    """What each capacity buys."""
    if data.at_capacity is None:
        return Section("capacity", "What capacity covers", ABSENT)
    rows = records(data.at_capacity, split=data.split, learner=data.champion)
    marks = {name: [r for r in rows if r["metric"] == name] for name in ("sensitivity", "ppv")}
    curve = records(data.gains)
    drawings = []
    for draw, name in ((curves.gains_chart, "sensitivity"), (curves.precision_chart, "ppv")):
        svg = draw(curve, marks[name], name=f"curve-{name}", champion=data.champion)
        if svg:
            drawings.append(Drawing(svg, at_each_capacity(marks[name], metric(name))))
    if data.decision is not None:
        svg = curves.decision_chart(records(data.decision), name="decision", champion=data.champion)
        reading = (
            "How sure must one be of the outcome before one would act? At each answer (across), "
            "the highest line is the best policy: use the model, act for everybody, or for nobody."
        )
        drawings.append(
            Drawing(svg, reading, net_benefit_grid(data)) if svg else Drawing("", reading)
        )
    tables = [by_capacity(data, rows), everyone_at_capacity(data)]
    if data.bands is not None:
        tables.insert(0, shown(data.bands, caption="The list by band"))
    lead = (
        "If so many people can be seen, how many of them will have the outcome, and how many of "
        "all outcomes are reached?"
    )
    made = tuple(d for d in drawings if d.svg)
    return Section(
        "capacity", "What capacity covers", lead, made, tuple(t for t in tables if t.rows)
    )


def risk(data: ReportData) -> Section:
    """How risk is spread."""
    if data.risk is None:
        return Section("risk", "How risk is spread", ABSENT)
    svg = charts.risk_chart(records(data.risk), name="risk")
    reading = (
        f"Most {data.units} have a low risk; the bands cut the upper end. The scale is "
        "logarithmic, so that the few at high risk can be seen."
    )
    lead = f"The risks of all {data.units} tested, in the bands that the study would put them in."
    drawings = (Drawing(svg, reading, shown(data.risk)),) if svg else ()
    return Section("risk", "How risk is spread", lead, drawings)


def fairness(data: ReportData) -> Section:
    """Every metric by every group."""
    rows = records(data.fairness)
    if data.fairness is None or not rows:
        return Section("fairness", "Fairness between groups", "The study names no groups.")
    drawings = []
    for group in dict.fromkeys(row["group"] for row in rows if row["group"] != EVERYONE):
        mine = [
            r
            for r in rows
            if r["group"] == group and _here(r, data) and r["metric"] == "sensitivity"
        ]
        overall = at_capacity(data, "sensitivity")
        anchor = f"fair-{_slug(str(group))}"
        svg = charts.fairness_chart(mine, name=anchor, overall=overall) if mine else ""
        if svg:
            drawings.append(Drawing(svg, f"{in_words(str(group))}. {spread(mine)}"))
    lead = (
        f"Of those who go on to have the outcome, the share that is reached when "
        f"{percent(data.capacity)} are seen. Further measures are in the tables. A model can be "
        "right on average in every group and still reach them unequally, where risks differ."
    )
    tables = tuple(table for table in (reach_by_group(data), fit_by_group(data)) if table.rows)
    return Section("fairness", "Fairness between groups", lead, tuple(drawings), after=tables)


def _here(row: Record, data: ReportData) -> bool:
    return same_share(row["at"], data.capacity)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
