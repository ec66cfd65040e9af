"""The further sections of the page about a model in use: outcomes, groups, the list, identities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskstrat.publish.monitor_charts import Axis, calibration_then_and_now, dots_chart
from riskstrat.publish.monitor_data import MonitorData
from riskstrat.publish.monitor_parts import NOT_KNOWN, count, measured, short, told
from riskstrat.publish.parts import Drawing, Section
from riskstrat.publish.tables import EVERYONE, Shown, records, shown
from riskstrat.publish.wording import day, estimate, percent
from riskstrat.vocabulary import Protected, in_words

Key = tuple[str, str, str, float | None]
ACTED_ON = (
    "Where a list was acted on, people on it may be helped, and fewer outcomes than expected among "
    "them may be success. Compare with people who were not listed, or were held back, before the "
    "model is blamed."
)


def outcomes(data: MonitorData) -> Section:
    """Whether the risks are right, and how well the model ranks."""
    if data.performance is None:
        later = f" They can be from {day(data.known_from)} on." if data.known_from else ""
        said = f"{NOT_KNOWN} {data.not_known[:1].upper()}{data.not_known[1:]}.{later}"
        return Section("outcomes", "Outcomes", said)
    rows = records(data.performance)
    found = {(row["when"], row["metric"], row["at"]): row for row in rows}
    body = tuple(
        (measured(name, at), *(told(found.get((when, name, at))) for when in ("approval", "now")))
        for name, at in dict.fromkeys((row["metric"], row["at"]) for row in rows)
    )
    headers = (
        ("Measure", False), ("When judged (95% interval)", True), ("Now (95% interval)", True),
    )  # fmt: skip
    table = Shown("What the model achieved", headers, body, data.performance.note)
    curves = {name: records(curve) for name, curve in data.calibration.items()}
    svg = calibration_then_and_now(curves["approval"], curves["now"], name="calibration")
    reading = (
        "On the dotted line what happened is what was predicted. Calibration slope now "
        f"{told(found.get(('now', 'calibration_slope', None)))}; 1 is right."
    )
    lead = f"What came of the people scored for {day(data.judged_on)}, beside the held-out dates."
    drawings = (Drawing(svg, reading, shown(data.calibration["now"])),) if svg else ()
    return Section("outcomes", "Outcomes", lead, drawings, tables=(table,), points=(ACTED_ON,))


def groups(data: MonitorData) -> Section:
    """For whom, then and now."""
    if data.groups_now is None or data.groups_then is None:
        return Section("groups", "Groups", NOT_KNOWN)
    now, then = _by_key(data.groups_now), _by_key(data.groups_then)
    shares = sorted({at for _, _, _, at in now if isinstance(at, float)})
    at = shares[len(shares) // 2] if shares else None
    wanted = (("sensitivity", at), ("calibration_in_the_large", None), ("auroc", None))
    levels = list(dict.fromkeys((group, level) for group, level, _, _ in now))
    titles = [measured(name, cut) for name, cut in wanted]
    headers = [("Group", False)]
    for title in titles:
        headers += [(f"{title}, when judged", True), (f"{title}, now", True)]
    body = []
    for group, level in levels:
        keys = [(group, level, name, cut) for name, cut in wanted]
        cells = [told(table.get(key)) for key in keys for table in (then, now)]
        body.append((_named(group, level), *cells))
    table = Shown("By group, then and now", tuple(headers), tuple(body), data.groups_now.note)
    drawn = [_dot(now, then, (group, level, "sensitivity", at)) for group, level in levels]
    axis = Axis(titles[0], f"{titles[0]} (95% interval)", shares=True)
    svg = dots_chart(drawn, name="groups", axis=axis)
    reading = (
        "Of those who went on to have the outcome, the share that the list reached in each group; "
        "hollow diamonds are of when the model was judged."
    )
    lead = "Whether the model serves each group as it did. What has too few people is withheld."
    drawings = (Drawing(svg, reading, table),) if svg else ()
    return Section("groups", "Groups", lead, drawings, tables=() if svg else (table,))


def _by_key(table: Protected) -> dict[Key, Mapping[str, Any]]:
    return {(r["group"], r["level"], r["metric"], r["at"]): r for r in records(table)}


def _named(group: str, level: str) -> str:
    return "Everybody" if group == EVERYONE else f"{in_words(group)}: {in_words(level)}"


def _dot(
    now: Mapping[Key, Mapping[str, Any]], then: Mapping[Key, Mapping[str, Any]], key: Key
) -> dict[str, Any]:
    row: Mapping[str, Any] = now.get(key, {"status": "not measured"})
    was: Mapping[str, Any] = then.get(key, {})
    return {
        "label": short("Everybody" if key[0] == EVERYONE else in_words(key[1]), 30),
        **{name: row.get(name) for name in ("value", "low", "high")},
        "told": estimate(row),
        "then": was.get("value"),
        "then_low": was.get("low"),
        "then_high": was.get("high"),
    }


def churned(data: MonitorData) -> Section:
    """Who left the list and who came."""
    if data.churn is None:
        return Section("list", "The list", "There was no release before this day to compare with.")
    names = ("before", "now", "stayed", "below", "gone", "risen", "entered")
    body = tuple(
        (f"Top {percent(row['share'])}", *(count(row[name], data) for name in names))
        for row in records(data.churn)
    )
    headers = (
        ("List", False), ("Listed then", True), ("Listed now", True), ("On both", True),
        ("Fell below the cut", True), ("Left the cohort", True), ("Rose above the cut", True),
        ("New in the cohort", True),
    )  # fmt: skip
    lead = (
        f"Who would be listed now, against the release for {day(data.since)}. Much churn means "
        "that care is begun and dropped; none, that the list tells nothing new."
    )
    table = Shown("The list since the last release", headers, body, data.churn.note)
    return Section("list", "The list", lead, tables=(table,))


def about(data: MonitorData) -> Section:
    """The limits, and what was compared."""
    rows = [
        (in_words(name), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in data.limits.items()
    ]
    rows += [(f"Digest of the {name}", value[:12]) for name, value in data.identities.items()]
    body = tuple((name, value or "none") for name, value in rows)
    table = Shown("Limits and identities", (("Name", False), ("Value", False)), body)
    lead = (
        "A limit is crossed only where the whole 95% interval lies beyond it. Nothing was fitted "
        "again; the version scored the day as it is."
    )
    return Section("about", "Limits and identities", lead, tables=(table,))
