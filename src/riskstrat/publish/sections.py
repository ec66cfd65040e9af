"""The body of a report: what each section says, draws and tabulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from riskstrat.publish import diagrams
from riskstrat.publish.equity import equity
from riskstrat.publish.evidence import (
    calibration,
    capacity,
    fairness,
    performance,
    risk,
)
from riskstrat.publish.explanations import effects, importance
from riskstrat.publish.glassbox import glassbox
from riskstrat.publish.linkage import linkage
from riskstrat.publish.mitigation import mitigation
from riskstrat.publish.model_privacy import model_privacy
from riskstrat.publish.notices import notices
from riskstrat.publish.parts import ABSENT, Drawing, Section
from riskstrat.publish.phrases import is_plain, scope_in_words
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.robustness import robustness
from riskstrat.publish.tables import Record, Shown, Table, records, shown
from riskstrat.publish.verdict import gate_lines
from riskstrat.publish.wording import cell_text, day, verdict
from riskstrat.vocabulary import in_words


def sections(data: ReportData) -> tuple[Section, ...]:
    """Every section of the report, in order."""
    return tuple(make(data) for make in SECTIONS)


def question(data: ReportData) -> Section:
    """What is asked, of whom, and when."""
    within = "" if "within" in data.outcome else f", within {data.horizon}"
    facts = [
        f"Outcome: {data.outcome}{within}.",
        f"In scope: {scope_in_words(data.scope)}." if data.scope else "",
        f"Purpose: {data.purpose.replace('_', ' ')}; any other use is not allowed.",
        f"The list is for {day(data.as_of)}." if data.as_of else "",
        f"The data tell of days up to {day(data.data_as_at)}." if data.data_as_at else "",
    ]
    return Section(
        "question", "The question", data.question, points=tuple(fact for fact in facts if fact)
    )


def data_used(data: ReportData) -> Section:
    """Sources and what was accepted of them."""
    if data.sources is None or not data.sources.rows:
        return Section("data", "Data used", ABSENT)
    lead = "Each agency's extract was checked against its contract, row by row, before use."
    wanted = ("title", "agency", "rows_in", "accepted", "rejected", "covers", "findings")
    named = [name for name in wanted if name in data.sources.columns]
    if "title" not in named:
        named = ["source", *named]
    return Section("data", "Data used", lead, tables=(shown(data.sources, only=named),))


def agreements(data: ReportData) -> Section:
    """The legal basis of each source."""
    lead = "A source is used only for a purpose that its sharing agreement grants, until it ends."
    made = _tabled("agreements", "Agreements and legal basis", data.agreements, lead)
    if data.recipients is not None and data.recipients.rows:
        made = replace(made, tables=(*made.tables, shown(data.recipients)))
    if data.sharing is not None and data.sharing.rows:
        made = replace(made, after=(shown(data.sharing),))
    if data.data_flow is not None and data.data_flow.rows:
        svg = diagrams.data_flow_chart(records(data.data_flow), name="data-flow")
        reading = (
            "What each agency sends, what is made of it here, and what each recipient is given."
        )
        made = replace(made, drawings=(Drawing(svg, reading, shown(data.data_flow)),))
    return made


def cohort(data: ReportData) -> Section:
    """How the cohort came about."""
    rows = records(data.flow)
    if data.flow is None or not rows:
        return Section("cohort", "The cohort", ABSENT)
    # With few dates each has its own flow; the latest is drawn. Otherwise all dates together.
    last = max((str(row["as_of"]) for row in rows if row["as_of"]), default="")
    steps = [row for row in rows if str(row["as_of"] or "") == last]
    when = f"on {day(last)}" if last else "over all dates"
    steps = [{**row, "step": _step(str(row["step"]), data.units)} for row in _in_order(steps)]
    drawing = Drawing(
        diagrams.flow_chart(steps, name="flow", policy=data.flow.policy),
        f"From everybody in the population source to the cohort {when}.",
        _flow_table(data, data.flow),
    )
    lead = "Who was in scope on each date, from what was known before that day."
    return Section("cohort", "The cohort", lead, (drawing,))


OUTCOME_KNOWN = "outcome known"
"""not a step towards the cohort: of how many of it the outcome is known, before objections"""


def _in_order(rows: Sequence[Record]) -> list[Record]:
    """The steps of each date, with what is counted and takes nobody away as the last."""
    days = list(dict.fromkeys(row["as_of"] for row in rows))
    place = {day_: number for number, day_ in enumerate(days)}
    return sorted(rows, key=lambda row: (place[row["as_of"]], row["step"] == OUTCOME_KNOWN))


def _flow_table(data: ReportData, flow: Table) -> Shown:
    """The same for each date; all dates together count people more than once."""
    as_text = shown(flow)
    rows = tuple(
        (day(row["as_of"]) if row["as_of"] else "All dates", _step(str(row["step"]), data.units),
         cell_text("n", row, data.policy))
        for row in _in_order(records(flow))
    )  # fmt: skip
    return replace(as_text, rows=rows)


def _step(text: str, units: str) -> str:
    if text == OUTCOME_KNOWN:
        return "Of these, outcome known (counted before objections)"
    told = scope_in_words(text)
    told = f"{units} in {told[9:]}" if told.startswith("units in ") else told
    return told[:1].upper() + told[1:] if is_plain(told) else told


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
            ("Counted", True),
            ("Verdict", False),
            ("As the study writes it", False),
            ("Code", False),
        ),
        tuple(
            (
                " ".join((x.words, *(f"({said})" for said in x.caveats))),
                x.found,
                x.n,
                _sign(x.verdict),
                x.text,
                x.code,
            )
            for x in lines
        ),
        data.gates.note if data.gates else "",
    )
    lead = (
        "Limits that were set before the run. A gate passes, fails, or lacks the evidence to say. "
        "Counted are the people a number rests on: for outcomes reached, those with the outcome."
    )
    return Section("gates", "Gates", lead, tables=(table,))


def findings(data: ReportData) -> Section:
    """What the checks noticed."""
    found = notices(data)
    if not found:
        return Section("findings", "Findings", "The checks noticed nothing that needs attention.")
    lead = "What the checks of the data, the features and the model noticed, by kind."
    return Section("findings", "Findings", lead, notices=found)


def dictionary(data: ReportData) -> Section:
    """Every feature in plain English."""
    made = _tabled(
        "dictionary", "Feature dictionary", data.dictionary,
        "Every feature, what it means, where it comes from and how often it is missing.",
    )  # fmt: skip
    return replace(made, folded=True)


LIMITS = (
    "Decision support only. Nobody is given or refused anything because of a score; a person who "
    "knows the case decides, and records why.",
    "Not a medical device: it is not intended to diagnose, treat or monitor an individual. Whoever "
    "deploys it must assess its intended use.",
    "A high risk does not say that help would change the outcome. Scores alone do not: in the "
    "PRISMATIC trial (230,099 people, 32 practices) emergency admissions rose by 1% after GPs were "
    "given scores. Evaluate what is done with the list.",
    "Not being on the list does not mean not being in need. The score ranks need as the records "
    "show it: people whom services do not know, or know late, are ranked lower than they should.",
    "Performance is measured on a later date in the same places; it says nothing of other places.",
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
    rows = tuple((in_words(str(k)), str(v)) for k, v in facts.items() if v not in (None, ""))
    tables = [Shown("What this run was made from", (("Item", False), ("Value", False)), rows)]
    if data.stages is not None:
        tables.append(stage_costs(data.stages))
    lead = "The same study, data, seed and version give the same bytes."
    return Section(
        "provenance", "Provenance", lead, tables=tuple(tables), points=data.notes,
        text=data.study_text,
    )  # fmt: skip


def stage_costs(stages: Table) -> Shown:
    """Seconds and memory of each stage, and of them all."""
    rows = records(stages)
    body = [(in_words(str(r["stage"])), *_cost(r["seconds"], r.get("peak_mb"))) for r in rows]
    seconds = sum(row["seconds"] or 0 for row in rows)
    memory = max((row.get("peak_mb") or 0 for row in rows), default=0)
    body.append(("All stages", *_cost(seconds, memory or None)))
    headers = (("Stage", False), ("Seconds", True), ("Peak memory (MB)", True))
    return Shown("What each stage cost", headers, tuple(body))


def _cost(seconds: float | None, memory: float | None) -> tuple[str, str]:
    return (
        "n/a" if seconds is None else f"{seconds:,.1f}",
        "n/a" if memory is None else f"{memory:,.0f}",
    )


SECTIONS: tuple[Callable[[ReportData], Section], ...] = (
    question, data_used, agreements, cohort, outcome, folds, performance, calibration, capacity,
    risk, importance, effects, glassbox, fairness, equity, mitigation,
    model_privacy, robustness, linkage, gates,
    findings, limits, dictionary, provenance,
)  # fmt: skip


def _tabled(anchor: str, title: str, table: Table | None, lead: str) -> Section:
    if table is None or not table.rows:
        return Section(anchor, title, ABSENT)
    return Section(anchor, title, lead, tables=(shown(table, leave_out=("status",)),))


def _sign(name: str) -> str:
    return {"pass": "✓ Passed", "fail": "✗ Failed"}.get(verdict(name), "? Not enough evidence")
