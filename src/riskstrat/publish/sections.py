"""The body of a report: what each section says, draws and tabulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from riskstrat.publish import charts, diagrams
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.summary import EVERYONE, at_capacity, gate_lines
from riskstrat.publish.tables import Record, Shown, Table, records, same_share, shown
from riskstrat.publish.wording import (
    BASELINES,
    METRICS,
    SPLITS,
    day,
    estimate,
    learner,
    metric,
    percent,
    verdict,
)

ABSENT = "This run did not produce this part."


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its reading and, folded away, the same numbers as a table."""

    svg: str
    reading: str
    table: Shown | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page, in reading order: words, drawings, tables, points."""

    anchor: str
    title: str
    lead: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Shown, ...] = ()
    points: tuple[str, ...] = ()
    folded: bool = False
    """long tables are folded away"""
    text: str = ""
    """preformatted text, folded away"""


def sections(data: ReportData) -> tuple[Section, ...]:
    """Every section of the report, in order."""
    return tuple(make(data) for make in SECTIONS)


def question(data: ReportData) -> Section:
    """What is asked, of whom, and when."""
    facts = [
        f"Outcome: {data.outcome}, within {data.horizon}.",
        f"Purpose: {data.purpose.replace('_', ' ')}.",
        f"The list is for {day(data.as_of)}." if data.as_of else "",
        f"The data tell of days up to {day(data.data_as_at)}." if data.data_as_at else "",
    ]
    return Section(
        "question", "The question", data.question, points=tuple(fact for fact in facts if fact)
    )


def data_used(data: ReportData) -> Section:
    """Sources and what was accepted of them."""
    return _tabled(
        "data", "Data used", data.sources,
        "Each agency's extract was checked against its contract, row by row, before use.",
    )  # fmt: skip


def agreements(data: ReportData) -> Section:
    """The legal basis of each source."""
    return _tabled(
        "agreements", "Agreements and legal basis", data.agreements,
        "A source is used only for a purpose that its sharing agreement grants, until it ends.",
    )  # fmt: skip


def cohort(data: ReportData) -> Section:
    """How the cohort came about."""
    rows = records(data.flow)
    if data.flow is None or not rows:
        return Section("cohort", "The cohort", ABSENT)
    # With few dates each has its own flow; the latest is drawn. Otherwise all dates together.
    last = max((str(row["as_of"]) for row in rows if row["as_of"]), default="")
    steps = [row for row in rows if str(row["as_of"] or "") == last]
    when = f"on {day(last)}" if last else "over all dates"
    drawing = Drawing(
        diagrams.flow_chart(steps, name="flow", policy=data.flow.policy),
        f"From everybody in the population source to the cohort {when}.",
        shown(data.flow),
    )
    lead = "Who was in scope on each date, from what was known before that day."
    return Section("cohort", "The cohort", lead, (drawing,))


def outcome(data: ReportData) -> Section:
    """Yes, no, and not yet known."""
    return _tabled(
        "outcome", "The outcome", data.outcomes,
        "An outcome is yes, no, or not yet known. Not yet known never counts as no.",
    )  # fmt: skip


def folds(data: ReportData) -> Section:
    """Which dates taught and which tested."""
    if data.folds is None:
        return Section("folds", "Learning and testing in time", ABSENT)
    svg = diagrams.folds_chart(records(data.folds), name="folds")
    reading = (
        "The upright mark is the (last) day of decision; the bar ends when its outcome was known. "
        "A date teaches only if its outcome was known before the next evaluated date."
    )
    drawing = Drawing(svg, reading, shown(data.folds))
    lead = "The model is judged on people and dates that it had not learnt from."
    return Section("folds", "Learning and testing in time", lead, (drawing,))


def performance(data: ReportData) -> Section:
    """Discrimination and error, against rules of thumb."""
    if data.performance is None:
        return Section("performance", "Performance", ABSENT)
    drawings = []
    for name in ("auroc", "average_precision"):
        rows = _ordered(records(data.performance, split=data.split, metric=name), data.champion)
        svg = (
            charts.performance_chart(rows, name=f"perf-{name}", champion=data.champion)
            if rows
            else ""
        )
        if svg:
            drawings.append(Drawing(svg, _compare(rows, data.champion), _grid(rows, (name,))))
    splits = list(dict.fromkeys(row["split"] for row in records(data.performance)))
    splits.sort(key=lambda split: split != data.split)
    grids = tuple(
        _grid(
            _ordered(records(data.performance, split=split), data.champion),
            tuple(METRICS),
            f"{SPLITS.get(split, split)}: value (95% interval)",
            data.performance.note,
        )
        for split in splits
    )
    lead = (
        f"{learner(data.champion)} is the model whose scores are used. Every number has its 95% "
        "interval, and every model is set against rules of thumb that need no model."
    )
    return Section("performance", "Performance", lead, tuple(drawings), grids)


def calibration(data: ReportData) -> Section:
    """Is a risk of 30% 3 in 10?"""
    rows = records(data.calibration, learner=data.champion) or records(data.calibration)
    if data.calibration is None or not rows:
        return Section("calibration", "Calibration", ABSENT)
    drawing = Drawing(
        charts.calibration_chart(rows, name="calibration"),
        "On the dashed line a predicted risk of 30% comes true for 3 in 10. Dots above it: the "
        "model is too low; below it: too high.",
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
    for draw, name in ((charts.gains_chart, "sensitivity"), (charts.precision_chart, "ppv")):
        svg = draw(curve, marks[name], name=f"curve-{name}", champion=data.champion)
        if svg:
            drawings.append(Drawing(svg, _at(marks[name], metric(name))))
    if data.decision is not None:
        svg = charts.decision_chart(records(data.decision), name="decision", champion=data.champion)
        reading = "A model is worth using where its line is the highest one."
        drawings.append(
            Drawing(svg, reading, shown(data.decision)) if svg else Drawing("", reading)
        )
    tables = [_by_capacity(data, rows), _baselines_at(data)]
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
    reading = "Most people have a low risk; the bands cut the upper end."
    lead = "The calibrated risks of everybody on the day of the list."
    drawings = (Drawing(svg, reading, shown(data.risk)),) if svg else ()
    return Section("risk", "How risk is spread", lead, drawings)


def importance(data: ReportData) -> Section:
    """What the model looks at."""
    drawings = []
    for table, label, title in (
        (data.importance, "meaning", "Which features the scores rest on"),
        (data.importance_by_agency, "agency", "Which agencies' data the scores rest on"),
    ):
        name = f"importance-{label}"
        svg = charts.importance_chart(records(table), name=name, label=label, title=title)
        if svg and table is not None:
            drawings.append(Drawing(svg, _first(records(table), label), shown(table)))
    if not drawings:
        return Section("importance", "What the scores rest on", ABSENT)
    lead = "Importance says what the model uses, not what causes the outcome."
    return Section("importance", "What the scores rest on", lead, tuple(drawings))


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
            drawings.append(Drawing(svg, _spread(mine)))
    lead = (
        f"Of those who go on to have the outcome, the share that is reached when "
        f"{percent(data.capacity)} are seen, and further measures in the table. A model can be "
        "well calibrated in every group and still reach them unequally."
    )
    tables = (shown(data.fairness, caption="All measures by group", leave_out=("status",)),)
    return Section(
        "fairness", "Fairness between groups", lead, tuple(drawings), tables, folded=True
    )


def gates(data: ReportData) -> Section:
    """Each gate with its number and its limit."""
    lines = gate_lines(data)
    if not lines:
        return Section("gates", "Gates", "The study sets no gates.")
    table = Shown(
        "Gates",
        (
            ("Gate", False),
            ("Found (95% interval)", False),
            ("People", True),
            ("Verdict", False),
            ("Why", False),
            ("Code", False),
        ),
        tuple((x.text, x.found, x.n, _sign(x.verdict), x.explanation, x.code) for x in lines),
        data.gates.note if data.gates else "",
    )
    lead = (
        "Limits that were set before the run. A gate passes, fails, or lacks the evidence to say."
    )
    return Section("gates", "Gates", lead, tables=(table,))


def findings(data: ReportData) -> Section:
    """What the checks noticed."""
    if data.findings is None or not data.findings.rows:
        return Section("findings", "Findings", "The checks noticed nothing that needs attention.")
    hidden = [name for name in ("status", "name", "group", "low", "high", "n", "value")]
    table = shown(data.findings, leave_out=hidden)
    return Section("findings", "Findings", "What the checks noticed on the way.", tables=(table,))


def dictionary(data: ReportData) -> Section:
    """Every feature in plain English."""
    made = _tabled(
        "dictionary", "Feature dictionary", data.dictionary,
        "Every feature, what it means, where it comes from and how often it is missing.",
    )  # fmt: skip
    return Section(made.anchor, made.title, made.lead, tables=made.tables, folded=True)


LIMITS = (
    "Decision support only. Nobody is given or refused anything because of a score; a person who "
    "knows the case decides, and records why.",
    "Not a medical device: it is not intended to diagnose, treat or monitor an individual.",
    "Scores alone do not reduce admissions. In the PRISMATIC trial (230,099 people, 32 practices) "
    "emergency admissions rose by 1% after GPs were given scores. Evaluate what is done with the "
    "list.",
    "A high risk does not say that help would change the outcome.",
    "Not being on the list does not mean not being in need.",
)
"""What holds for every report, before the study's own limits."""


def limits(data: ReportData) -> Section:
    """What the numbers cannot say."""
    return Section(
        "limits", "Limits", "What these numbers cannot say.", points=(*LIMITS, *data.limits)
    )


def provenance(data: ReportData) -> Section:
    """What it was made from."""
    facts = {"Run": data.run_id, "Model": f"{data.model} {data.version}".strip(), **data.provenance}
    rows = tuple((str(k), str(v)) for k, v in facts.items() if v not in (None, ""))
    tables = [Shown("What this run was made from", (("Item", False), ("Value", False)), rows)]
    if data.stages is not None:
        tables.append(shown(data.stages))
    lead = "The same study, data, seed and version give the same bytes."
    return Section("provenance", "Provenance", lead, tables=tuple(tables), text=data.study_text)


SECTIONS: tuple[Callable[[ReportData], Section], ...] = (
    question, data_used, agreements, cohort, outcome, folds, performance, calibration, capacity,
    risk, importance, fairness, gates, findings, limits, dictionary, provenance,
)  # fmt: skip


def _tabled(anchor: str, title: str, table: Table | None, lead: str) -> Section:
    if table is None or not table.rows:
        return Section(anchor, title, ABSENT)
    return Section(anchor, title, lead, tables=(shown(table, leave_out=("status",)),))


def _ordered(rows: Sequence[Record], champion: str) -> list[Record]:
    """The champion, then other learners, then rules of thumb."""
    return sorted(rows, key=lambda r: (r["learner"] in BASELINES, r["learner"] != champion))


def _grid(
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


def _by_capacity(data: ReportData, rows: Sequence[Record]) -> Shown:
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


def _baselines_at(data: ReportData) -> Shown:
    """Every learner at the summary's capacity."""
    rows = [
        row
        for row in records(data.at_capacity, split=data.split)
        if same_share(row["share"], data.capacity)
    ]
    caption = f"Every model when {percent(data.capacity)} are seen: value (95% interval)"
    return _grid(_ordered(rows, data.champion), ("ppv", "sensitivity", "lift"), caption)


def _compare(rows: Sequence[Record], champion: str) -> str:
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


def _at(marks: Sequence[Record], what: str) -> str:
    told = [f"{percent(row['share'])}: {estimate(row)}" for row in marks]
    return f"{what} at each capacity: {'; '.join(told)}." if told else f"{what} by capacity."


def _first(rows: Sequence[Record], label: str) -> str:
    usable = [row for row in rows if row.get("importance") is not None]
    top = max(usable, key=lambda row: row["importance"])
    whole = sum(row["importance"] for row in usable) or 1.0
    return (
        f"Most telling: {top[label]}, {percent(round(top['importance'] / whole, 3))} of the whole."
    )


def _spread(rows: Sequence[Record]) -> str:
    known = sorted((r for r in rows if r["value"] is not None), key=lambda r: r["value"])
    hidden = len(rows) - len(known)
    tail = f" {hidden} too small to show." if hidden else ""
    low, high = known[0], known[-1]
    return f"From {low['level']}, {estimate(low)}, to {high['level']}, {estimate(high)}.{tail}"


def _here(row: Record, data: ReportData) -> bool:
    return same_share(row["at"], data.capacity)


def _sign(name: str) -> str:
    return {"pass": "✓ Passed", "fail": "✗ Failed"}.get(verdict(name), "? Not enough evidence")


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
