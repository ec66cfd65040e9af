"""The section on the rival that can be read in full, and what using it instead would cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskstrat.publish import effect_charts
from riskstrat.publish.explanations import drawn_effects
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.readings import grid, ordered
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records, same_share
from riskstrat.publish.wording import METRICS, estimate, learner, metric, percent

ANCHOR, TITLE = "glassbox", "A model that can be read in full"
NOT_RUN = (
    "This run was not held against a glass box. `riskstrat glassbox` fits one on the same rows and "
    "writes this section."
)
WHAT = (
    "An explainable boosting machine adds up one curve for each feature and nothing else, so all "
    "of it can be read. It learnt from the same rows and features as the model in use, was "
    "calibrated in the same way, and is judged on the same people."
)
HOW = (
    "Differences are the glass box less the model in use, both recomputed in every resample of "
    "whole households or people: an interval that reaches 0 shows no difference.",
    "Net benefit takes a false positive to cost both models the same.",
    "The curves were drawn from the people tested; each adds its value to the log-odds.",
)
CURVES = 4
DRAWN = ("auroc", "average_precision")
AT_CAPACITY = ("ppv", "sensitivity")


def glassbox(data: ReportData) -> Section:
    """The price of reading the model in full, and its leading curves."""
    if data.rival_differences is None:
        return Section(ANCHOR, TITLE, NOT_RUN)
    drawings = [*_price(data), *drawn_effects(data.rival_effects, "curve-of", CURVES)]
    return Section(
        ANCHOR,
        TITLE,
        f"{WHAT} {glass_box_price(data)}",
        tuple(drawings),
        (_beside(data), _seen(data)),
        HOW,
        after=(_importance(data),),
    )


def glass_box_price(data: ReportData) -> str:
    """What using the glass box would cost, in two sentences; '' where nobody asked."""
    overall = _difference(data, "average_precision", None)
    if not overall or overall["value"] is None:
        return ""
    said = f"Average precision would change by {_signed(overall)}"
    ppv = _difference(data, "ppv", data.capacity)
    if ppv and ppv["value"] is not None:
        said += (
            f", and of the {percent(data.capacity)} seen, the share that is right by {_signed(ppv)}"
        )
    free = overall["high"] is not None and overall["high"] >= 0
    end = "No price is shown." if free else "That is the price of reading the model in full."
    return f"{said}. {end}"


def _signed(row: Record) -> str:
    text = estimate(row)
    return f"+{text}" if row["value"] > 0 else text


def _difference(data: ReportData, name: str, share: float | None) -> Record:
    rows = records(data.rival_differences, metric=name)
    found = (row for row in rows if _same(row["share"], share))
    return next(found, {})


def _same(at: Any, share: float | None) -> bool:
    return at is None if share is None else same_share(at, share)


def _price(data: ReportData) -> list[Drawing]:
    rows = [_difference(data, name, None) for name in DRAWN]
    labels = [metric(name) for name in DRAWN]
    for at in sorted({r["share"] for r in records(data.rival_differences) if r["share"]}):
        for name in AT_CAPACITY:
            rows.append(_difference(data, name, at))
            labels.append(f"{metric(name)}, {percent(at)} seen")
    found = [(row, label) for row, label in zip(rows, labels, strict=True) if row]
    svg = effect_charts.price_chart(
        [row for row, _ in found], [label for _, label in found], name="price",
        title="What the glass box would cost",
    )  # fmt: skip
    return [Drawing(svg, glass_box_price(data), _differences(data))] if svg else []


def _differences(data: ReportData) -> Shown:
    body = tuple(
        (
            metric(str(row["metric"])),
            percent(row["share"]) if row["share"] else "",
            estimate(row),
        )
        for row in records(data.rival_differences)
    )
    headers = (("Measure", False), ("Capacity", True), ("Difference (95% interval)", True))
    note = data.rival_differences.note if data.rival_differences else ""
    return Shown("The glass box less the model in use", headers, body, note)


def _beside(data: ReportData) -> Shown:
    rows = ordered(records(data.rival_performance), data.champion)
    return grid(rows, tuple(METRICS), "Both models on the held-out people: value (95% interval)")


def _seen(data: ReportData) -> Shown:
    """Both models at each capacity."""
    rows = records(data.rival_at_capacity)
    named = list(dict.fromkeys(row["learner"] for row in rows))
    body = []
    for share in sorted({row["share"] for row in rows}):
        for who in named:
            cells = [_cell(rows, share, who, name) for name in (*AT_CAPACITY, "net_benefit")]
            body.append((percent(share), learner(who), *cells))
    headers = (
        ("Capacity", False),
        ("Model", False),
        *((metric(name), True) for name in (*AT_CAPACITY, "net_benefit")),
    )
    return Shown("Both models at each capacity: value (95% interval)", headers, tuple(body))


def _cell(rows: Sequence[Record], share: float, who: str, name: str) -> str:
    found = (
        row
        for row in rows
        if same_share(row["share"], share) and row["learner"] == who and row["metric"] == name
    )
    row = next(found, None)
    return "n/a" if row is None else estimate(row)


def _importance(data: ReportData) -> Shown:
    rows = records(data.rival_importance)[:20]
    body = tuple(
        (str(row["meaning"]), str(row["agency"]), percent(round(row["importance"], 3)))
        for row in rows
    )
    headers = (("Feature", False), ("Agency", False), ("Importance", True))
    return Shown("What the glass box rests on", headers, body)
