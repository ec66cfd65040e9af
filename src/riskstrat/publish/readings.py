"""Estimates laid out as grids, and what a chart says in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from riskstrat.publish.report_data import ReportData
from riskstrat.publish.tables import EVERYONE, Record, Shown, records, same_share
from riskstrat.publish.wording import (
    BASELINES,
    cell_text,
    estimate,
    learner,
    metric,
    percent,
)
from riskstrat.vocabulary import compares, in_words

AT_CAPACITY = (
    "ppv", "sensitivity", "lift", "number_needed_to_review", "specificity", "net_benefit",
)  # fmt: skip
"""what is told of each capacity, in this order"""


BASE_RATE = "base_rate"


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
    # A constant has no slope; what the estimate finds is the difference between two rates.
    found[BASE_RATE, "calibration_slope"] = "n/a"
    body = tuple((learner(name), *(found.get((name, m), "n/a") for m in present)) for name in who)
    headers = (("Model", False), *((metric(name), True) for name in present))
    title = caption or f"{metric(metrics[0])}: value (95% interval)"
    return Shown(title, headers, body, note)


def net_benefit_grid(data: ReportData) -> Shown:
    """Risks at which one would act down, policies across, each cell the net benefit."""
    rows = records(data.decision)
    order = (data.champion, *BASELINES)
    who = sorted(
        dict.fromkeys(str(row["learner"]) for row in rows),
        key=lambda name: order.index(name) if name in order else len(order),
    )
    found = {(row["probability_threshold"], row["learner"]): row for row in rows}
    body = tuple(
        (
            percent(at),
            *(
                cell_text("net_benefit", found[at, name], data.policy)
                if (at, name) in found
                else "n/a"
                for name in who
            ),
        )
        for at in sorted({row["probability_threshold"] for row in rows})
    )
    headers = (("One would act from a risk of", True), *((_policy(name), True) for name in who))
    note = data.decision.note if data.decision else ""
    return Shown("Net benefit per person, by policy", headers, body, note)


def _policy(name: str) -> str:
    """A line of the decision curve for people: a model's name, or what is done without one."""
    return {"everybody": "Act for everybody", "nobody": "Act for nobody"}.get(name, learner(name))


def by_capacity(data: ReportData, rows: Sequence[Record]) -> Shown:
    """The champion: capacities down, metrics across."""
    present = {row["metric"] for row in rows}
    named = [name for name in AT_CAPACITY if name in present]
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
    listed = (f"{data.units.capitalize()} tested", True)
    headers = (("Capacity", False), listed, *((metric(name), True) for name in named))
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
    low, high = (in_words(str(row["level"])) for row in (known[0], known[-1]))
    if len(known) == 1:
        return f"Only “{low}” can be shown: {estimate(known[0])}.{tail}"
    return f"From “{low}”, {estimate(known[0])}, to “{high}”, {estimate(known[-1])}.{tail}"


def reach_by_group(data: ReportData) -> Shown:
    """Who is reached at each capacity, and how right and how long the list is, by group."""
    rows = records(data.fairness)
    shares = sorted({r["at"] for r in rows if isinstance(r["at"], float)})
    columns = [("sensitivity", at, f"Reached when {percent(at)} are seen") for at in shares]
    columns += [
        ("sensitivity_ratio", data.capacity, "Against the reference group"),
        ("ppv", data.capacity, "Correct among those listed"),
        ("selection_rate", data.capacity, "Share listed"),
    ]
    seen = f"last three columns: {percent(data.capacity)} seen"
    return _by_group(data, f"Who is reached, by group ({seen})", columns)


def fit_by_group(data: ReportData) -> Shown:
    """How well the model ranks and how true its risks are, by group."""
    named = ("auroc", "average_precision", "calibration_in_the_large", "calibration_slope", "brier")
    columns = [(name, None, metric(name)) for name in named]
    return _by_group(data, "How well the model fits, by group", columns)


def _by_group(
    data: ReportData, caption: str, columns: Sequence[tuple[str, float | None, str]]
) -> Shown:
    """Groups and levels down, measures across, each cell an estimate."""
    rows = records(data.fairness)
    found = {(r["group"], r["level"], r["metric"], r["at"]): r for r in rows}
    present = {(r["metric"], r["at"]) for r in rows}
    kept = [column for column in columns if column[:2] in present]
    body = []
    for group, level in dict.fromkeys((row["group"], row["level"]) for row in rows):
        cells = [found.get((group, level, name, at)) for name, at, _ in kept]
        first = next((cell for cell in cells if cell is not None), {})
        named = (
            "Everybody" if group == EVERYONE else f"{in_words(str(group))}: {in_words(str(level))}"
        )
        counts = (cell_text(name, first, data.policy) for name in ("people", "positives"))
        estimates = ("n/a" if cell is None else _beside(cell) for cell in cells)
        body.append((named, *counts, *estimates))
    headers = (("Group", False), ("People", True), ("With the outcome", True))
    note = data.fairness.note if data.fairness else ""
    return Shown(caption, (*headers, *((text, True) for _, _, text in kept)), tuple(body), note)


def _beside(cell: Record) -> str:
    """An estimate; of a comparison with itself only that it is what others are compared with."""
    compared = compares(str(cell["metric"]))
    return "reference" if compared and cell["level"] == cell.get("reference") else estimate(cell)
