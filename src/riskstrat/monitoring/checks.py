"""Findings about a model in use. A limit is crossed only where the whole interval lies beyond it.

Where few people or rows are behind a number the finding says what, and not how much: the number
stands in a table that was protected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any

from riskstrat.monitoring.codes import MONITORING_CODES
from riskstrat.monitoring.extracts import Missing, Volume
from riskstrat.monitoring.lists import AboveCut, Churn
from riskstrat.monitoring.spec import MonitorSpec
from riskstrat.statistics import Estimate
from riskstrat.vocabulary import Finding, Pages, Severity, in_words

finding = Pages(MONITORING_CODES).finding

FEW_PEOPLE = 1000
BY_GROUP = ("auroc", "sensitivity", "calibration_in_the_large")
PERIODS = {
    "year": "of the year before", "month": "that arrived in the month before", "day": "open on",
}  # fmt: skip


def check_volumes(
    found: Sequence[Volume], day: date, spec: MonitorSpec, least: int
) -> Iterator[Finding]:
    """RS3701 and RS3702: fewer rows, or none of the time before the day.

    Args:
        found: of every source.
        day: the morning that is watched.
        spec: how much is tolerated.
        least: of fewer rows no number is told.
    """
    told: set[str] = set()
    for each in found:
        if each.covered < 1 and each.period != "year":
            message = f"{each.source}: the extract is complete for {each.covered:.0%} of "
            message += f"the {'day' if each.period == 'day' else 'month'} before {day}"
            yield finding("RS3702", Severity.WARNING, each.source, message)
        if each.ratio.outside(1 - spec.volume, 1 + spec.volume) and each.source not in told:
            told.add(each.source)  # a year that differs says it once, whatever the month
            few = each.now < least
            times = "far fewer than" if few else f"{said(each.ratio)} times"
            message = f"{each.source}: rows {PERIODS[each.period]} {day} were {times} those of "
            message += "the same days of training"
            number = None if few else each.ratio
            yield finding("RS3701", Severity.WARNING, each.source, message, number)


def check_missing(found: Sequence[Missing], spec: MonitorSpec) -> Iterator[Finding]:
    """RS3703: a column is emptier, or fuller."""
    for each in found:
        if each.change.outside(-spec.missing, spec.missing):
            more = "more" if each.change.value > 0 else "less"
            message = f"{each.source}: {each.column} is empty {more} often than in training, by "
            message += f"{said(each.change, 100)} points"
            where = f"{each.source}.{each.column}"
            yield finding("RS3703", Severity.WARNING, where, message, each.change)


def check_rows(
    now: Mapping[str, int], then: Mapping[str, int], title: Mapping[str, str]
) -> Iterator[Finding]:
    """RS3714: fewer rows than the version was trained on.

    Args:
        now, then: source -> accepted rows.
        title: source -> what people call it.
    """
    for source in sorted(now.keys() & then.keys()):
        if now[source] < then[source]:
            message = f"{source}: {title[source]} now hold {now[source]:,} rows, in training "
            message += f"{then[source]:,} rows"
            yield finding("RS3714", Severity.WARNING, source, message)


def check_features(rows: Sequence[Mapping[str, Any]], spec: MonitorSpec) -> Iterator[Finding]:
    """RS3704: features that drifted.

    Args:
        rows: feature, ``drift`` (against training) and ``since`` (against the held-out dates;
            None where there are none apart) as Estimates.
    """
    for row in rows:
        number, since = row["drift"], row["since"]
        if not number.low > spec.feature_drift:
            continue
        old = since is not None and not since.low > spec.feature_drift
        message = f"{row['feature']} differs from training, PSI {said(number)}"
        if old:
            message += ", but not from the dates on which the model was judged"
        severity = Severity.INFO if old else Severity.WARNING
        yield finding("RS3704", severity, row["feature"], message, number)


def check_scores(
    number: Estimate, cuts: Sequence[AboveCut], spec: MonitorSpec, least: int
) -> Iterator[Finding]:
    """RS3705 and RS3706: the scores as a whole, and above each cut.

    Args:
        number: how far the scores have drifted.
        cuts: of each capacity.
        spec: how much is tolerated.
        least: of fewer people no number is told.
    """
    if number.low > spec.score_drift:
        message = f"scores differ from those of the held-out dates, PSI {said(number)}"
        yield finding("RS3705", Severity.WARNING, "scores", message, number)
    for cut in cuts:
        if cut.ratio.outside(1 - spec.listed, 1 + spec.listed):
            few = min(cut.people_now, cut.people_then) < least
            more = "more" if cut.ratio.value > 1 else "fewer"
            times = f"far {more} than" if few else f"{said(cut.ratio)} times"
            where = f"the cut of {percent(cut.share)}"
            message = f"above {where} there are {times} the people there were when the model was "
            message += "judged, as a share of everybody"
            yield finding("RS3706", Severity.WARNING, where, message, None if few else cut.ratio)


def check_outcomes(
    now: Mapping[str, Estimate], then: Mapping[str, Estimate], spec: MonitorSpec
) -> Iterator[Finding]:
    """RS3707 and RS3708: are the risks right, and does the model rank as it did.

    Args:
        now, then: metric -> estimate, on the day and when the model was judged.
    """
    number = now.get("calibration_in_the_large")
    if number and number.outside(*spec.calibration):
        message = f"observed over expected outcomes {said(number)}; 1 is right"
        yield finding("RS3707", Severity.WARNING, "everyone", message, number)
    for metric in ("auroc", "average_precision"):
        if metric in now and metric in then and worse(metric, now[metric], then[metric]):
            message = (
                f"{in_words(metric).lower()} {said(now[metric])}, when judged {said(then[metric])}"
            )
            yield finding("RS3708", Severity.WARNING, "everyone", message, now[metric])


Hidden = frozenset[tuple[str, str, str | None]]
"""(``group: level``, metric, capacity as text) of what a protected table withholds"""
TOO_FEW = "too few people are behind it to say more"


def check_groups(
    now: Sequence[Mapping[str, Any]], then: Sequence[Mapping[str, Any]], hidden: Hidden
) -> Iterator[Finding]:
    """RS3709: groups that are served worse, while they can be judged.

    Args:
        now, then: rows of the fairness table, on the day and when the model was judged.
        hidden: of what no number may be told.
    """
    known = {_key(row): row for row in then if row["verdict"] == "ok"}
    for row in now:
        before = known.get(_key(row))
        if before is None or row["verdict"] != "ok" or row["metric"] not in BY_GROUP:
            continue
        ours, theirs = Estimate.from_dict(row), Estimate.from_dict(before)
        if row["group"] == "everyone" or not worse(row["metric"], ours, theirs):
            continue
        cut = f" in the top {percent(float(row['at']))}" if row["at"] else ""
        group = f"{row['group']}: {row['level']}"
        few = (group, row["metric"], row["at"]) in hidden
        told = TOO_FEW if few else f"{said(ours)}, when judged {said(theirs)}"
        what = f"{in_words(row['metric']).lower()}{cut} of level {row['level']}"
        message = f"{row['group']}: {what} is worse: {told}"
        number = None if few else ours
        yield finding("RS3709", Severity.WARNING, row["group"], message, number, group)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("group", "level", "metric", "at"))


def check_churn(found: Sequence[Churn], since: str, spec: MonitorSpec) -> Iterator[Finding]:
    """RS3710: many of the last list's people are not on this one."""
    for each in found:
        if each.left.low > spec.churn:
            message = (
                f"more than {percent(spec.churn)} of the people who were the top "
                f"{percent(each.share)} for {since} are not listed so high now"
            )
            yield finding("RS3710", Severity.WARNING, each.band, message)


def check_gates(rows: Sequence[Mapping[str, Any]], hidden: Hidden) -> Iterator[Finding]:
    """RS3711 and RS3712: gates of the approval that fail on the day, or lack the evidence.

    Args:
        rows: gates as ``GateResult.as_dict`` tells them, with ``then``, the verdict at approval.
        hidden: of what no number may be told.
    """
    for row in rows:
        if row["verdict"] == "pass":
            continue
        failed = row["verdict"] == "fail"
        at = None if row["at"] is None else f"{row['at']:g}"
        behind = (row["group"], row.get("against", ""))
        few = any((who, row["name"], at) in hidden for who in behind)
        number = None if few else Estimate.from_dict(row)
        told = f"worst for {row['group']}; {TOO_FEW}." if few else row["explanation"]
        message = f"gate `{row['text']}`: {told}"
        if row["then"] != "pass":
            message += f" It did not pass at approval either ({row['then'].replace('_', ' ')})."
        yield finding(
            "RS3711" if failed else "RS3712",
            Severity.ERROR if failed else Severity.WARNING,
            row["name"], message, number, row["group"],
        )  # fmt: skip


def check_lost(lost: Sequence[str], gates: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """RS3715: groups of the approval by which nobody can be judged any more.

    Args:
        lost: their names, as the study at approval spells them.
        gates: of the approval, with their ``group``.
    """
    for name in lost:
        mine = [row["text"] for row in gates if row["group"] in (name, name.rpartition(".")[2])]
        message = f"{name}: the model was approved with a look at these groups, and the data or "
        message += "the study of the day do not have them: whether it serves them cannot be said"
        if mine:
            message += "; the approval depends on " + ", ".join(f"`{text}`" for text in mine)
        yield finding("RS3715", Severity.WARNING, name, message)


def not_yet(day: date, known_from: date | None, why: str) -> Finding:
    """RS3713: outcomes are not known yet, and when they can be."""
    message = f"the outcomes of those scored on {day} are not known: {why}"
    if known_from:
        message += f"; they can be once the extracts cover the days before {known_from}"
    return finding("RS3713", Severity.INFO, "outcomes", message)


def worse(metric: str, now: Estimate, then: Estimate) -> bool:
    """Whether an interval lies wholly on the worse side of another."""
    if metric == "calibration_in_the_large":
        apart = now.low > then.high or now.high < then.low
        return apart and abs(now.value - 1) > abs(then.value - 1)
    return now.high < then.low


def said(number: Estimate, times: float = 1.0) -> str:
    """A number with its interval: from few people with two decimals, as tables show it."""
    decimals = 2 if number.n < FEW_PEOPLE or times != 1.0 else 3
    value, low, high = (
        f"{times * x:.{decimals}f}" for x in (number.value, number.low, number.high)
    )
    if isfinite(number.low) and isfinite(number.high):
        return f"{value} (95% interval {low} to {high})"
    return value


def percent(value: float) -> str:
    """A capacity: ``5%``, ``0.5%``."""
    return f"{100 * value:g}%"
