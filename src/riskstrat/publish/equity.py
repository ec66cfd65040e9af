"""The section on kinds of fairness: side by side, why not all can be had, proxies, need."""

from __future__ import annotations

from collections.abc import Sequence

from riskstrat.publish import curves
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.phrases import within
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import EVERYONE, Record, Shown, records, same_share
from riskstrat.publish.wording import cell_text, estimate, measure, metric, percent
from riskstrat.vocabulary import CROSSED, in_words

ANCHOR, TITLE = "equity", "Which fairness, and for whom"
LEAD = (
    "Three things are asked of a fair list: that it reach the same share of those in need in every "
    "group (equal opportunity), that a stated risk be right in every group (calibration), and that "
    "groups be listed alike. Where the outcome happens more often in one group than in another, "
    "they exclude each other; which of them matters is a decision, not a measurement."
)
SIDE_BY_SIDE = (
    ("prevalence", False),
    ("calibration_in_the_large", False),
    ("sensitivity", True),
    ("false_positive_rate", True),
    ("ppv", True),
    ("selection_rate", True),
)
"""what stands side by side, and whether it is taken at the capacity"""


def equity(data: ReportData) -> Section:
    """Kinds of fairness side by side, and what stands behind them."""
    if data.tradeoffs is None or data.fairness is None:
        return Section(ANCHOR, TITLE, "The study names no groups, or this run did not look.")
    tables = (side_by_side(data), _need(data), _proxies(data))
    return Section(
        ANCHOR,
        TITLE,
        LEAD,
        tuple(_curves(data)),
        tuple(table for table in tables if table.rows),
        tuple(text for text in (*_cannot_all(data), *data.compared, _bias(data)) if text),
        after=tuple(table for table in (_benefit(data),) if table.rows),
    )


def side_by_side(data: ReportData) -> Shown:
    """Groups down, kinds of fairness across, at the summary's capacity."""
    rows = records(data.fairness)
    found = {
        (r["group"], r["level"], r["metric"]): r
        for r in rows
        if r["at"] is None or same_share(r["at"], data.capacity)
    }
    body = []
    for group, level in dict.fromkeys((row["group"], row["level"]) for row in rows):
        if CROSSED in str(level):
            continue
        cells = [found.get((group, level, name)) for name, _ in SIDE_BY_SIDE]
        told = ("n/a" if cell is None else estimate(cell) for cell in cells)
        body.append((_of(str(group), str(level)), *told))
    headers = [("Group", False)] + [(metric(name), True) for name, _ in SIDE_BY_SIDE]
    caption = f"Kinds of fairness side by side, when {percent(data.capacity)} are seen"
    return Shown(caption, tuple(headers), tuple(body), data.fairness.note if data.fairness else "")


def _of(group: str, level: str) -> str:
    return "Everybody" if group == EVERYONE else f"{in_words(group)}: {in_words(level)}"


def _cannot_all(data: ReportData) -> list[str]:
    """One sentence a group, of the level whose rate differs most; none where none differs."""
    rows = [r for r in records(data.tradeoffs) if r["status"] == "shown" and r["apart"]]
    said = []
    for group in dict.fromkeys(str(row["group"]) for row in rows):
        mine = [row for row in rows if row["group"] == group and CROSSED not in str(row["level"])]
        if mine:
            row = max(mine, key=lambda r: abs(float(r["rate"]) - float(r["rate_reference"])))
            said.append(_tradeoff(row))
    if rows:
        return said
    same = "No group's rate of the outcome is shown to differ from its reference's, so equal reach"
    return [f"{same}, equal wrong listing and right risks do not exclude each other here."]


def _tradeoff(row: Record) -> str:
    level, reference = in_words(str(row["level"])), in_words(str(row["reference"]))

    def share(name: str) -> str:
        return measure(float(row[name]), "prevalence")

    return (
        f"{in_words(str(row['group']))}: {share('rate')} of “{level}” have the outcome, and "
        f"{share('rate_reference')} of “{reference}”. Were the list as often right and did it "
        f"reach as many of those in need in both, it would wrongly list {share('value')} "
        f"({share('low')} to {share('high')}) of the one and {share('of_reference')} of the "
        "other: equal reach, equal correctness and equal wrong listing cannot all be had."
    )


def _bias(data: ReportData) -> str:
    return f"Recorded rather than needed: {data.label_bias}" if data.label_bias else ""


def _need(data: ReportData) -> Shown:
    rows = records(data.need)
    marker = str(rows[0]["marker"]) if rows else ""
    meaning = next(
        (str(r["meaning"]) for r in records(data.dictionary) if r["name"] == marker), marker
    )
    body = tuple(
        (
            _of(str(r["group"]), str(r["level"])),
            in_words(str(r["reference"])),
            estimate(r),
            _n(r, data),
        )
        for r in rows
        if CROSSED not in str(r["level"])
    )
    headers = (("Group", False), ("Against", False), ("Times as much (95% interval)", True),
               ("People", True))  # fmt: skip
    note = (
        "Above 1: people of the group show more need than others of the same stated risk, so that "
        "their need is recorded less."
    )
    return Shown(f"Sign of need at the same risk: {within(meaning)}", headers, body, note)


def _proxies(data: ReportData) -> Shown:
    rows = records(data.proxies)
    body = tuple(
        (
            _of(str(r["group"]), str(r["level"])),
            estimate(r),
            str(r["features"] or ""),
            percent(round(float(r["model_share"] or 0), 3)),
            str(r["set_aside"] or "none"),
        )
        for r in rows
        if r["status"] == "shown"
    )
    headers = (
        ("Group", False),
        ("AUROC (95% interval)", True),
        ("Told most by", False),
        ("Their share of the model", True),
        ("Set aside, as the group itself", False),
    )
    note = (
        "0.5: the features cannot tell who belongs to the group; 1: they always can. Leaving an "
        "attribute out of a model does not make it blind to what its other features tell."
    )
    return Shown("How well the features tell who belongs to a group", headers, body, note)


def _curves(data: ReportData) -> list[Drawing]:
    """Calibration curves of the levels of each group that have enough outcomes."""
    made = []
    groups: dict[str, list[Record]] = {}
    for row in records(data.curves):
        if row["group"] != EVERYONE and CROSSED not in str(row["level"]):
            groups.setdefault(str(row["group"]), []).append(row)
    for group, rows in groups.items():
        drawn = [row for row in rows if row["status"] == "shown"]
        levels = list(dict.fromkeys(str(row["level"]) for row in drawn))
        if len(levels) < 2:
            continue
        without = [
            in_words(level)
            for level in dict.fromkeys(str(row["level"]) for row in rows)
            if level not in levels
        ]
        svg = curves.group_calibration_chart(drawn, name=f"curve-{_slug(group)}", group=group)
        reading = (
            f"Stated and seen risk, by {within(group)}. On the dashed line a stated risk comes "
            "true as often as it says; a line above it: the risks of that group are too low."
        )
        if without:
            reading += f" Too few outcomes for a curve: {', '.join(without)}."
        made.append(Drawing(svg, reading, _curve_table(drawn, group)))
    return made


def _curve_table(rows: Sequence[Record], group: str) -> Shown:
    """At three risks of each level: low, middling and high."""
    body = []
    for level in dict.fromkeys(str(row["level"]) for row in rows):
        mine = [row for row in rows if row["level"] == level]
        for row in (mine[0], mine[len(mine) // 2], mine[-1]):
            seen = {**row, "value": row["observed"], "metric": "prevalence"}
            body.append((in_words(level), percent(round(float(row["risk"]), 3)), estimate(seen)))
    headers = (("Level", False), ("Stated risk", True), ("Seen (95% interval)", True))
    return Shown(f"Stated and seen risk, by {within(group)}", headers, tuple(body))


def _benefit(data: ReportData) -> Shown:
    """Net benefit of the model against acting for everybody, by group, at the capacities' risks."""
    rows = [r for r in records(data.benefit) if r["group"] != EVERYONE and r["status"] == "shown"]
    gained = [r for r in rows if str(r["policy"]).endswith("_gained")]
    own = {
        (r["group"], r["level"], r["threshold"]): r for r in rows if r["policy"] == data.champion
    }
    body = []
    for row in gained:
        model = own.get((row["group"], row["level"], row["threshold"]))
        if model is not None and CROSSED not in str(row["level"]):
            body.append(
                (
                    _of(str(row["group"]), str(row["level"])),
                    percent(round(float(row["threshold"]), 3)),
                    estimate(model),
                    estimate(row),
                )
            )
    headers = (("Group", False), ("Risk at which one would act", True), ("Net benefit", True),
               ("More than acting for everybody", True))  # fmt: skip
    note = "Per person: 0.01 is one more person in a hundred rightly helped, and nobody wrongly."
    return Shown("Net benefit by group", headers, tuple(body), note)


def _n(row: Record, data: ReportData) -> str:
    return cell_text("n", row, data.policy)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
