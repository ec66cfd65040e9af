"""The page about a model in use: what changed since it was judged, and what that means."""

from __future__ import annotations

from collections.abc import Callable

from riskstrat.publish.glossary import GLOSSARY
from riskstrat.publish.monitor_data import MonitorData
from riskstrat.publish.monitor_parts import as_report
from riskstrat.publish.monitor_results import about, churned, groups, outcomes
from riskstrat.publish.monitor_sections import extracts, features, findings, gates, scores
from riskstrat.publish.parts import Section
from riskstrat.publish.report import environment
from riskstrat.publish.tables import records
from riskstrat.publish.verdict import gate_lines
from riskstrat.publish.wording import day, estimate, learner

SECTIONS: tuple[Callable[[MonitorData], Section], ...] = (
    findings, gates, extracts, features, scores, outcomes, groups, churned, about,
)  # fmt: skip
WORDS = (
    (
        "Drift (PSI)",
        "How far the spread of a measurement has moved since training: 0 is not at all; by custom "
        "0.1 is worth a look and 0.25 is much.",
    ),
    (
        "Held-out dates",
        "The dates on which the model was judged before it was approved; it had not learnt from "
        "them.",
    ),
)


def render_monitor(data: MonitorData) -> str:
    """One self-contained HTML page, without script; the same bytes for the same data."""
    said, kind = verdict(data)
    report = as_report(data)
    glossary = tuple(sorted((*GLOSSARY, *WORDS), key=lambda entry: entry[0].lower()))
    return (
        environment()
        .get_template("monitor.html.j2")
        .render(
            data=data,
            verdict=said,
            verdict_class=kind,
            facts=_facts(data),
            gates=gate_lines(report) if data.gates else (),
            answers=answers(data),
            sections=tuple(make(data) for make in SECTIONS),
            glossary=glossary,
        )
    )


def verdict(data: MonitorData) -> tuple[str, str]:
    """What follows, in one line, and its class (pass, fail, unsure)."""
    failed = records(data.gates, verdict="fail")
    worrying = [row for row in records(data.findings) if row["severity"] != "info"]
    tail = " The version is suspended by the study's own rule." if data.suspends else ""
    if failed:
        many = len(records(data.gates))
        return (
            f"{len(failed)} of {many} gates would fail now: the board must decide whether the "
            f"model may still be used.{tail}",
            "fail",
        )
    if worrying:
        said = f"{len(worrying)} finding{'' if len(worrying) == 1 else 's'} to look at."
        if data.gates is None:
            said += " Whether the risks are still right is not known yet."
        return said + tail, "fail" if data.suspends else "unsure"
    if data.gates is None:
        return (
            "Nothing stands out; whether the risks are still right is not known yet.",
            "unsure",
        )
    return "Nothing stands out, and every gate of the approval would pass now.", "pass"


def _facts(data: MonitorData) -> list[tuple[str, str]]:
    return [
        ("Watched", day(data.as_of)),
        ("Model", f"{data.model}, version {data.version} ({data.standing})"),
        ("Learner", learner(data.learner)),
        ("Learnt from", _span(data.trained)),
        ("Judged on", _span(data.tested)),
        ("Disclosure policy", data.policy),
    ]


def _span(days: tuple[str, ...]) -> str:
    first, last = days
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def answers(data: MonitorData) -> list[tuple[str, str]]:
    """The board's questions, each with a sentence."""
    return [
        ("Do the agencies still send what they sent?", _extracts(data)),
        ("Are the people still like those it learnt from?", _people(data)),
        ("Would the list be as long at the same risk?", _cut(data)),
        ("Are the risks still right?", _risks(data)),
        ("For everybody?", _groups(data)),
        ("Who left the list?", _list(data)),
    ]


def _coded(data: MonitorData, *codes: str) -> list[str]:
    rows = records(data.findings)
    return [str(row["where"]) for row in rows if row["code"] in codes and row["severity"] != "info"]


def _extracts(data: MonitorData) -> str:
    found = sorted({name.split(".")[0] for name in _coded(data, "RS3701", "RS3702", "RS3703")})
    if found:
        return f"No: {', '.join(found).replace('_', ' ')}. See “Extracts”."
    sources = {row["source"] for row in records(data.volumes)}
    return f"Yes, as far as rows and empty values tell: {len(sources)} sources compared."


def _people(data: MonitorData) -> str:
    found = _coded(data, "RS3704")
    total = len(records(data.features))
    limit = data.limits["feature_drift"]
    if found:
        many = "feature has" if len(found) == 1 else "features have"
        return f"{len(found)} of {total} {many} drifted beyond a PSI of {limit:g}. See “Features”."
    if old := records(data.findings, code="RS3704"):
        return (
            f"Yes, and like those it was judged on: {len(old)} of {total} features differ from the "
            f"years it learnt from by more than a PSI of {limit:g}, and did so when it was judged."
        )
    top = next((row for row in records(data.features) if row["value"] is not None), None)
    most = f"; the most, {top['meaning']}, by {estimate(top)}" if top else ""
    return f"Yes: none of {total} features has drifted beyond a PSI of {limit:g}{most}."


def _cut(data: MonitorData) -> str:
    if found := _coded(data, "RS3706"):
        return f"No: {', '.join(found)}. See “Scores”."
    risk = {row["when"]: row for row in records(data.risk, metric="mean_risk")}
    return (
        f"Yes. The model expects the outcome for {_percent(risk['now'])} of everybody, when it was "
        f"judged for {_percent(risk['approval'])}."
    )


def _percent(row: dict[str, object]) -> str:
    value = row["value"]
    return "n/a" if not isinstance(value, float) else f"{value:.1%}"


def _risks(data: MonitorData) -> str:
    if data.performance is None:
        later = f" They can be from {day(data.known_from)} on." if data.known_from else ""
        return f"Not known yet: {data.not_known}.{later}" if data.not_known else "Not known."
    rows = {
        row["when"]: row
        for row in records(data.performance, metric="calibration_in_the_large", at=None)
    }
    said = "No" if _coded(data, "RS3707") else "Yes, within the study's limits"
    when = "" if data.judged_on == data.as_of else f", for {day(data.judged_on)}"
    return (
        f"{said}{when}: observed over expected outcomes {estimate(rows['now'])}; when judged "
        f"{estimate(rows['approval'])}."
    )


def _groups(data: MonitorData) -> str:
    if data.groups_now is None:
        return "Not known yet."
    if found := sorted(set(_coded(data, "RS3709"))):
        return f"No: worse than when judged for a level of {', '.join(found)}. See “Groups”."
    return "No group that can be judged is served worse than when the model was judged."


def _list(data: MonitorData) -> str:
    rows = records(data.churn)
    if not rows:
        return "There was no release before this day."
    row = rows[0]
    if row["before"] is None or row["stayed"] is None:
        return f"Too few people are listed to say. The last list was for {day(data.since)}."
    return (
        f"Of {row['before']:,} people listed highest for {day(data.since)}, {row['stayed']:,} "
        "still are. See “The list”."
    )
