"""Findings on linkage error: what was missed, what that could hide, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor
from typing import Any

from riskstrat.audit.checks import finding
from riskstrat.audit.gates import holds
from riskstrat.audit.linkage import ALL, OF_PEOPLE, Row, Told
from riskstrat.audit.spec import Gate
from riskstrat.statistics.estimate import Estimate
from riskstrat.vocabulary import Finding, Severity

MATTERS = 0.01
"""A gap of less than one record in a hundred is told, and is no reason to worry."""
BASES = {"truth": "measured", "estimated": "estimated"}
AGAIN = ("auroc", "calibration_in_the_large", "calibration_slope")
AT = ("ppv", "sensitivity")
SAID = {
    "auroc": "area under the ROC curve",
    "calibration_in_the_large": "observed over expected",
    "calibration_slope": "calibration slope",
    "ppv": "correct among those listed",
    "sensitivity": "outcomes reached",
}
FEWER = {
    "recall": "find the right person",
    "on_register": "find somebody on the register",
    OF_PEOPLE: "are all surely linked",
}
"""measure -> what records of a group do less often"""


def check_hidden(told: Told, hidden: Mapping[str, Row]) -> Iterator[Finding]:
    """RS330: how many outcomes linkage missed.

    Args:
        told: of the outcome's records.
        hidden: see ``linkage.hidden_outcomes``.
    """
    missed, n = hidden["missed"], hidden["missed"]["n"]
    known = "known to be" if told.basis == "truth" else "estimated"
    # Each number has its noun, for that is how a report finds the counts that it must protect.
    message = (
        f"{told.agency}: about {round(missed['value']):,} of {n:,} outcomes are {known} missed by "
        f"linkage, at least {floor(missed['low']):,} outcomes and at most "
        f"{ceil(missed['high']):,} outcomes; recall {_share(told.recall)}, precision "
        f"{_share(told.precision)}, {BASES[told.basis]}"
    )
    # As shares of the outcomes seen: a count is in the sentence, where it can be protected.
    value, low, high = (missed[name] / max(n, 1) for name in ("value", "low", "high"))
    number = Estimate(value, low, high, n)
    yield finding("RS330", Severity.INFO, told.agency, message, number)


def check_bounds(
    told: Told, bounds: Sequence[Row], gates: Sequence[Gate] = ()
) -> Iterator[Finding]:
    """RS331: what linkage error could hide at each capacity, and whether that matters.

    Args:
        told: of the outcome's records.
        bounds: see ``linkage.capacity_bounds``.
        gates: of the study.
    """
    for row in bounds:
        crossed = [gate.text for gate in gates if _crosses(gate, row)]
        wide = _beyond_chance(row)
        why = (
            f"; that would turn the gate {crossed[0]}"
            if crossed
            else "; that is more than chance alone could hide"
            if wide
            else ""
        )
        message = (
            f"top {100 * row['at']:g}%, {SAID[row['metric']]}: {row['value']:.1%} as seen; with "
            f"links as {BASES[told.basis]} it may lie between {row['low']:.1%} and "
            f"{row['high']:.1%}{why}"
        )
        severity = Severity.WARNING if crossed or wide else Severity.INFO
        number = Estimate(row["value"], row["low"], row["high"], row["n"])
        yield finding("RS331", severity, told.agency, message, number)


def _crosses(gate: Gate, row: Row) -> bool:
    """Whether a gate on this very number holds as seen, and not at a bound; or the reverse."""
    if gate.group is not None or gate.metric != row["metric"] or gate.at is None:
        return False
    if abs(gate.at - row["at"]) > 1e-9:
        return False
    seen = row[{"value": "value", "low": "chance_low", "high": "chance_high"}[gate.bound]]
    return seen is not None and len({holds(gate, x) for x in (seen, row["low"], row["high"])}) > 1


def _beyond_chance(row: Row) -> bool:
    low, high = row["chance_low"], row["chance_high"]
    return (low is not None and row["low"] < low) or (high is not None and row["high"] > high)


def check_link_groups(rates: Sequence[Row], agency: str) -> Iterator[Finding]:
    """RS332: groups whose records are linked less well than those of the largest level.

    Args:
        rates: of links, and those of the study's own people.
        agency: whose records tell the outcome; beside them all agencies are looked at together.
    """
    seen: set[tuple[str, str, str]] = set()
    for whose in dict.fromkeys((agency, ALL)):
        for measure in FEWER:
            for group, levels in _by_group(rates, whose, measure).items():
                largest = max(levels, key=lambda row: row["n"])
                for row in levels:
                    key = (whose, group, str(row["level"]))
                    if key not in seen and row["high"] < largest["low"]:
                        seen.add(key)
                        yield _less(row, largest, whose, measure)


def _by_group(rates: Sequence[Row], whose: str, measure: str) -> dict[str, list[Row]]:
    """The levels of each group that can be told, on one basis."""
    mine = [
        row
        for row in rates
        if (row["agency"], row["measure"]) == (whose, measure)
        and row["group"] != ALL
        and row["basis"] != "estimated"
        and None not in (row["value"], row["low"], row["high"], row["n"])
    ]
    found: dict[str, list[Row]] = {}
    for row in mine:
        found.setdefault(str(row["group"]), []).append(row)
    return found


def _less(row: Row, largest: Row, whose: str, measure: str) -> Finding:
    records = "records" if measure != OF_PEOPLE else "people's records"
    of = "of all agencies" if whose == ALL else f"of {whose}"
    message = (
        f"{row['group']}: {records} {of} at level {row['level']} {FEWER[measure]} in "
        f"{_share(Estimate.from_dict(row))}, at level {largest['level']} in "
        f"{_share(Estimate.from_dict(largest))}"
    )
    group = f"{row['group']}: {row['level']}"
    where = whose if whose != ALL else str(row["group"])
    apart = largest["value"] - row["value"]
    severity = Severity.WARNING if apart >= MATTERS else Severity.INFO
    return finding("RS332", severity, where, message, Estimate.from_dict(row), group)


def check_again(again: Mapping[str, Any]) -> Iterator[Finding]:
    """RS333: the result on sure links only.

    Args:
        again: ``refused`` (a code), or ``before`` and ``after``: each an entry of
            ``metrics.json``; nothing where no record had to be left out.
    """
    if refused := again.get("refused"):
        message = f"the result on sure links only could not be made [{refused}]"
        yield finding("RS333", Severity.WARNING, "links", message)
    if "after" not in again:
        return
    for metric, at, before, after in _pairs(again["before"], again["after"]):
        if not before.estimable or not after.estimable:
            continue
        apart = after.high < before.low or after.low > before.high
        if apart or metric == "auroc":
            message = (
                f"{SAID[metric]}{at} on sure links only: {after.in_words()}; on all links: "
                f"{before.in_words()}"
            )
            severity = Severity.WARNING if apart else Severity.INFO
            yield finding("RS333", severity, metric, message, after)


def _pairs(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str, Estimate, Estimate]]:
    """Metric, capacity in words, and its value on all links and on sure ones."""
    for name in AGAIN:
        yield name, "", Estimate.from_dict(before[name]), Estimate.from_dict(after[name])
    for one, other in zip(before["at_capacity"], after["at_capacity"], strict=True):
        at = f" in the top {100 * one['share']:g}%"
        for name in AT:
            yield name, at, Estimate.from_dict(one[name]), Estimate.from_dict(other[name])


def _share(number: Estimate) -> str:
    return f"{number.value:.1%} (95% interval {number.low:.1%} to {number.high:.1%})"
