"""Estimates laid out as grids, and what a chart says in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import Record, Shown, records, same_share
from riskstrat.publish.wording import BASELINES, estimate, learner, metric, percent


def ordered(rows: Sequence[Record], champion: str) -> list[Record]:
    """The champion, then other learners, then rules of thumb."""
    return sorted(rows, key=lambda r: (r["learner"] in BASELINES, r["learner"] != champion))


def grid(
    rows: Sequence[Record], metrics: Sequence[str], caption: str = "", note: str = ""
) -> Shown:
    """Learners down, metrics across, each cell an estimate."""
    present = [name for name in metrics if any(row["metric"] == name for row in rows)]
    who = list(dict.fromkeys(row["learner"] for row in rows))
    found = {(row["learner"], row["metric"]): estimate(row) for row in rows}
    body = tuple((learner(name), *(found.get((name, m), "n/a") for m in present)) for name in who)
    headers = (("Model", False), *((metric(name), True) for name in present))
    title = caption or f"{metric(metrics[0])}: value (95% interval)"
    return Shown(title, headers, body, note)


def by_capacity(data: ReportData, rows: Sequence[Record]) -> Shown:
    """The champion: capacities down, metrics across."""
    named = list(dict.fromkeys(row["metric"] for row in rows))
    shares = sorted({row["share"] for row in rows})
    found = {(row["share"], row["metric"]): row for row in rows}
    body = []
    for share in shares:
        mine = [found[share, name] for name in named if (share, name) in found]
        selected = next((r["selected"] for r in mine if r["selected"] is not None), None)
        body.append(
            (
                percent(share),
                "withheld" if selected is None else f"{selected:,}",
                *(estimate(found[share, n]) if (share, n) in found else "n/a" for n in named),
            )
        )
    headers = (("Capacity", False), ("Listed", True), *((metric(name), True) for name in named))
    note = data.at_capacity.note if data.at_capacity else ""
    return Shown(f"{learner(data.champion)} at each capacity", headers, tuple(body), note)


def everyone_at_capacity(data: ReportData) -> Shown:
    """Every learner at the summary's capacity."""
    rows = [
        row
        for row in records(data.at_capacity, split=data.split)
        if same_share(row["share"], data.capacity)
    ]
    caption = f"Every model when {percent(data.capacity)} are seen: value (95% interval)"
    return grid(ordered(rows, data.champion), ("ppv", "sensitivity", "lift"), caption)


def compared(rows: Sequence[Record], champion: str) -> str:
    """The champion against the best rule of thumb, in words."""
    best = next((row for row in rows if row["learner"] == champion), None)
    rules = [row for row in rows if row["learner"] in BASELINES and row["value"] is not None]
    if best is None or best["value"] is None:
        return "The model's own value could not be estimated."
    said = f"{learner(champion)}: {estimate(best)}"
    if not rules:
        return f"{said}. There is no rule of thumb to set it against."
    rule = max(rules, key=lambda row: row["value"])
    apart = (
        "the intervals do not overlap"
        if (best["low"] or 0) > (rule["high"] or 1)
        else "the intervals overlap"
    )
    return f"{said}; the best rule of thumb, {learner(rule['learner'])}: {estimate(rule)}; {apart}."


def at_each_capacity(marks: Sequence[Record], what: str) -> str:
    """One metric at each capacity, in words."""
    told = [f"{percent(row['share'])}: {estimate(row)}" for row in marks]
    return f"{what} at each capacity: {'; '.join(told)}." if told else f"{what} by capacity."


def most_telling(rows: Sequence[Record], label: str) -> str:
    """The most important row, in words."""
    usable = [row for row in rows if row.get("importance") is not None]
    top = max(usable, key=lambda row: row["importance"])
    whole = sum(row["importance"] for row in usable) or 1.0
    return (
        f"Most telling: {top[label]}, {percent(round(top['importance'] / whole, 3))} of the whole."
    )


def spread(rows: Sequence[Record]) -> str:
    """From the lowest level to the highest, in words, and how many are withheld."""
    known = sorted((r for r in rows if r["value"] is not None), key=lambda r: r["value"])
    hidden = len(rows) - len(known)
    tail = f" {hidden} too small to show." if hidden else ""
    low, high = known[0], known[-1]
    return f"From {low['level']}, {estimate(low)}, to {high['level']}, {estimate(high)}.{tail}"
