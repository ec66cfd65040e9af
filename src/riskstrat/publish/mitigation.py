"""What each remedy for unequal treatment gains and costs: a section of the report, and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.publish.axes import limits, percent_tick
from riskstrat.publish.drawing import BLUE, MUTED, ORANGE, canvas, svg_text
from riskstrat.publish.pages import environment
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.phrases import within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records
from riskstrat.publish.wording import estimate, number, percent
from riskstrat.vocabulary import in_words

ANCHOR, TITLE = "mitigation", "What it would cost to treat groups more alike"
NOT_TRIED = "No remedy has been tried on this run: `riskstrat mitigate` does that."
LEAD = (
    "Known remedies, tried on the people tested: what each does to the gaps between groups, and "
    "what it costs. Nothing here is used for a list; a board may choose a remedy with open eyes, "
    "and what it chooses is run, audited and signed off like any other model."
)
CURRENT = "current"
COSTS = (
    ("net_benefit", "Net benefit per person"),
    ("ppv", "Correct among those listed"),
    ("sensitivity", "Outcomes reached"),
    ("auroc", "AUROC"),
)
GAPS = (
    ("sensitivity_gap", "Gap in outcomes reached"),
    ("false_positive_rate_gap", "Gap in wrongly listed"),
    ("ppv_gap", "Gap in correct among those listed"),
    ("selection_rate_gap", "Gap in share listed"),
)
AS_PERCENT = ("ppv", "sensitivity")


def mitigation(data: ReportData) -> Section:
    """Every remedy tried, group by group."""
    if data.mitigation is None or not data.remedies:
        return Section(ANCHOR, TITLE, NOT_TRIED)
    drawings, tables, after, points = [], [], [], []
    for told in data.remedies:
        rows = [r for r in records(data.mitigation) if r["group"] == told["group"]]
        svg = _chart(rows, told)
        if svg:
            drawings.append(
                Drawing(svg, _reading(rows, told), _values(rows, told, COSTS, GAPS[:1]))
            )
        tables.append(_changes(rows, told))
        after += [_values(rows, told, COSTS, GAPS), _levels(rows, told)]
        points += _said(told)
    notes = list(dict.fromkeys(note for told in data.remedies for note in told["notes"]))
    return Section(
        ANCHOR,
        TITLE,
        LEAD,
        tuple(drawings),
        tuple(tables),
        (*notes, *points),
        after=tuple(table for table in after if table.rows),
    )


def _said(told: Mapping[str, Any]) -> list[str]:
    group = in_words(str(told["group"]))
    said = [f"{item['title']}: {item['says']}" for item in told["remedies"][1:]]
    if told["too_few"]:
        few = ", ".join(in_words(str(level)) for level in told["too_few"])
        said.append(f"{group}: too few to be compared: {few}.")
    for name, words in (("without_itself", "Left out as the attribute itself"),
                        ("without_proxies", "Left out with its proxies")):  # fmt: skip
        if told["dropped"].get(name):
            said.append(f"{words}: {', '.join(told['dropped'][name])}.")
    return said


def _titles(told: Mapping[str, Any]) -> dict[str, str]:
    return {item["remedy"]: item["title"] for item in told["remedies"]}


def _changes(rows: Sequence[Record], told: Mapping[str, Any]) -> Shown:
    """Remedies down; gaps and costs across, as changes against what each is set against."""
    titles = _titles(told)
    bases = {item["remedy"]: item["base"] for item in told["remedies"]}
    found = {(r["remedy"], r["metric"]): r for r in rows if r["level"] is None}
    asked = [(name, text) for name, text in (*GAPS[:2], *COSTS) if _told(found, titles, name)]
    body = []
    for name, title in titles.items():
        if name == bases[name]:
            continue
        cells = (_change(found.get((name, metric)), metric) for metric, _ in asked)
        body.append((title, titles[bases[name]], *cells))
    headers = (("Remedy", False), ("Set against", False), *((text, True) for _, text in asked))
    caption = (
        f"{in_words(str(told['group']))}: what each remedy changes, when {percent(told['at'])} are "
        "seen (95% interval)"
    )
    note = "A gap is the highest of a group's levels less the lowest; less is more alike."
    return Shown(caption, headers, tuple(body), note)


def _told(found: Mapping[Any, Record], titles: Mapping[str, str], metric: str) -> bool:
    return any((name, metric) in found for name in titles)


def _change(row: Record | None, metric: str) -> str:
    if row is None or row["change"] is None:
        return "n/a" if row is None else str(row["status"])
    low, high = row["change_low"], row["change_high"]
    if low is None or high is None:
        return _signed(row["change"], metric)
    return f"{_signed(row['change'], metric)} ({_signed(low, metric)} to {_signed(high, metric)})"


def _signed(value: float, metric: str) -> str:
    if metric in AS_PERCENT or metric.endswith("_gap"):
        return f"{100 * value:+.1f} points"
    return f"{value:+.3f}"


def _values(
    rows: Sequence[Record],
    told: Mapping[str, Any],
    costs: Sequence[tuple[str, str]],
    gaps: Sequence[tuple[str, str]],
) -> Shown:
    titles = _titles(told)
    found = {(r["remedy"], r["metric"]): r for r in rows if r["level"] is None}
    asked = [(name, text) for name, text in (*gaps, *costs) if _told(found, titles, name)]
    body = tuple(
        (title, *(_value(found.get((name, metric)), metric) for metric, _ in asked))
        for name, title in titles.items()
    )
    headers = (("Remedy", False), *((text, True) for _, text in asked))
    return Shown(f"{in_words(str(told['group']))}: values (95% interval)", headers, body)


def _value(row: Record | None, metric: str) -> str:
    if row is None:
        return "n/a"
    shown = "sensitivity" if metric in AS_PERCENT or metric.endswith("_gap") else "auroc"
    return estimate({**row, "metric": shown})


def _levels(rows: Sequence[Record], told: Mapping[str, Any]) -> Shown:
    """Outcomes reached in each level under each remedy."""
    titles = _titles(told)
    levels = list(dict.fromkeys(str(r["level"]) for r in rows if r["level"] is not None))
    found = {(r["remedy"], r["level"]): r for r in rows if r["level"] is not None}
    body = tuple(
        (title, *(_value(found.get((name, level)), "sensitivity") for level in levels))
        for name, title in titles.items()
    )
    headers = (("Remedy", False), *((in_words(level), True) for level in levels))
    return Shown(f"{in_words(str(told['group']))}: outcomes reached (95% interval)", headers, body)


def _points(rows: Sequence[Record], told: Mapping[str, Any]) -> list[tuple[str, Record, Record]]:
    """Title, net benefit and gap in reach of each remedy that can be drawn."""
    found = {(r["remedy"], r["metric"]): r for r in rows if r["level"] is None}
    drawn = []
    for name, title in _titles(told).items():
        worth, gap = found.get((name, "net_benefit")), found.get((name, "sensitivity_gap"))
        if worth and gap and worth["value"] is not None and gap["value"] is not None:
            drawn.append((title, worth, gap))
    return drawn


def _chart(rows: Sequence[Record], told: Mapping[str, Any]) -> str:
    """Net benefit against the gap in outcomes reached: up is worth more, left is more alike."""
    points = _points(rows, told)
    if len(points) < 2:
        return ""
    group = str(told["group"])
    with canvas(7.2, 3.9) as (figure, axes):
        for place, (title, worth, gap) in enumerate(points, start=1):
            x, y = gap["value"], worth["value"]
            colour = ORANGE if place == 1 else BLUE
            axes.plot(limits(gap, "value"), [y, y], color=colour, linewidth=0.9, alpha=0.45)
            axes.plot([x, x], limits(worth, "value"), color=colour, linewidth=0.9, alpha=0.45)
            axes.plot(
                x,
                y,
                "D" if place == 1 else "o",
                color=colour,
                markersize=6,
                label=f"{place} {title}",
            )
            axes.annotate(str(place), (x, y), xytext=(5, 5), textcoords="offset points", fontsize=9)
        axes.set(
            xlabel=f"Gap in outcomes reached between levels of {within(group)} (left: more alike)",
            ylabel="Net benefit per person (up: worth more)",
        )
        axes.xaxis.set_major_formatter(percent_tick)
        axes.set_xlim(0, None)
        axes.grid(True)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), labelcolor=MUTED)
        told_ = "; ".join(
            f"{title}: gap {percent(round(gap['value'], 3))}, net benefit {number(worth['value'])}"
            for title, worth, gap in points
        )
        title = f"Remedies by what they gain and cost, {within(group)}"
        return svg_text(figure, f"remedies-{_slug(group)}", title, told_)


def _reading(rows: Sequence[Record], told: Mapping[str, Any]) -> str:
    """The remedy that closes the gap most, and what it costs, in one sentence."""
    found = {(r["remedy"], r["metric"]): r for r in rows if r["level"] is None}
    titles, bases = _titles(told), {i["remedy"]: i["base"] for i in told["remedies"]}
    closing = [
        (name, row)
        for name in titles
        if bases[name] != name and (row := found.get((name, "sensitivity_gap"))) is not None
        and row["change"] is not None and row["change_high"] is not None and row["change_high"] < 0
    ]  # fmt: skip
    group = in_words(str(told["group"]))
    if not closing:
        return f"{group}: no remedy is shown to bring the levels closer together in reach."
    name, gap = min(closing, key=lambda pair: float(pair[1]["change"]))
    cost = found.get((name, "net_benefit"))
    price = "" if cost is None else f", and changes net benefit by {_change(cost, 'net_benefit')}"
    return (
        f"{group}: “{titles[name]}” closes the gap in outcomes reached most, by "
        f"{_change(gap, 'sensitivity_gap')}{price}."
    )


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())


def render_remedies(data: ReportData) -> str:
    """The page of remedies: HTML with inline CSS and SVG, no script and no request."""
    template = environment().get_template("mitigation.html.j2")
    return template.render(data=data, section=mitigation(data))
