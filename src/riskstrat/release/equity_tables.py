"""What the audit says of fairness beyond rates, as `Protected` tables.

A row about a level that the table of groups withholds is withheld here too: most of what is told
here could be worked back to the rates there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.policies import Policy
from riskstrat.release.report_tables import Rows, take
from riskstrat.vocabulary import Protected

Row = Mapping[str, Any]
RATES = ("prevalence", "ppv", "sensitivity", "false_positive_rate")


def hidden_levels(fairness: Protected) -> frozenset[tuple[str, str]]:
    """(group, level) of which a rate without a capacity, or its number, is withheld."""
    return frozenset(
        (row["group"], row["level"])
        for row in fairness.records()
        if row["status"] == "withheld" and row["metric"] in ("prevalence", "brier")
    )


def tradeoff_table(rows: Rows, policy: Policy, fairness: Protected, at: float) -> Protected:
    """group, level, reference, rate (low, high), value (low, high), of_reference, n, status.

    Args:
        rows: of the audit's ``tradeoffs``.
        fairness: rates that are withheld at the capacity ``at`` withhold the row.
    """
    columns = (
        "group", "level", "reference", "at", "rate", "rate_low", "rate_high", "rate_reference",
        "apart", "value", "low", "high", "of_reference", "n", "people", "positives",
    )  # fmt: skip
    told = [{**row, "at": float(row["at"])} for row in rows]
    hidden = _hidden_rates(fairness, at)
    return protect_estimates(
        "What equal treatment would take", columns, take(told, columns), policy=policy,
        estimates=("value", "low", "high", "rate", "rate_low", "rate_high", "rate_reference",
                   "of_reference"),
        counts=("people", "positives"),
        withhold=[
            (row["group"], row["level"]) in hidden or (row["group"], row["reference"]) in hidden
            for row in told
        ],
    )  # fmt: skip


def _hidden_rates(fairness: Protected, at: float) -> frozenset[tuple[str, str]]:
    return frozenset(
        (row["group"], row["level"])
        for row in fairness.records()
        if row["status"] == "withheld" and row["metric"] in RATES and row["at"] in (None, at)
    )


def curve_table_by_group(rows: Rows, policy: Policy, hidden: Collection[Any]) -> Protected:
    """group, level, risk, observed, low, high, n, positives, status: flexible calibration curves.

    A level with too few for a curve keeps one row without numbers.
    """
    columns = ("group", "level", "risk", "observed", "low", "high", "n", "positives")
    told = list(rows)
    return protect_estimates(
        "Calibration curves", columns, take(told, columns), policy=policy,
        estimates=("observed", "risk", "low", "high"), counts=("positives",),
        withhold=[_few(row, policy) or (row["group"], row["level"]) in hidden for row in told],
    )  # fmt: skip


def need_table(rows: Rows, policy: Policy, hidden: Collection[Any]) -> Protected:
    """group, level, reference, marker, value, low, high, n, people, positives, status."""
    columns = (
        "group", "level", "reference", "marker", "value", "low", "high", "n", "people",
        "positives",
    )  # fmt: skip
    told = list(rows)
    return protect_estimates(
        "Need at the same risk", columns, take(told, columns), policy=policy,
        counts=("people", "positives"), withhold=_withheld(told, policy, hidden),
    )  # fmt: skip


def proxy_table(rows: Rows, policy: Policy, hidden: Collection[Any]) -> Protected:
    """group, level, value, low, high, n, people, set_aside, features, model_share, status.

    One row a level; ``features`` names those that do most, ``model_share`` is what they carry of
    the model together.
    """
    columns = (
        "group", "level", "value", "low", "high", "n", "people", "set_aside", "features",
        "model_share",
    )  # fmt: skip
    told = list(_by_level(rows))
    return protect_estimates(
        "How well the features tell who belongs to a group", columns, take(told, columns),
        policy=policy, estimates=("value", "low", "high"), counts=("people",),
        not_people=("model_share",), withhold=_withheld(told, policy, hidden),
    )  # fmt: skip


def _by_level(rows: Iterable[Row]) -> Iterable[dict[str, Any]]:
    levels: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        levels.setdefault((row["group"], row["level"]), []).append(row)
    for own in levels.values():
        ranked = [row for row in own if row["rank"] and row["share"]]
        yield {
            **own[0],
            "features": "; ".join(str(row["meaning"]) for row in ranked[:3]),
            "model_share": float(sum(row["model_share"] for row in ranked[:3])),
        }


def benefit_table(rows: Rows, policy: Policy, hidden: Collection[Any]) -> Protected:
    """group, level, policy, threshold, value, low, high, n, positives, selected, status."""
    columns = (
        "group", "level", "policy", "threshold", "value", "low", "high", "n", "positives",
        "selected",
    )  # fmt: skip
    told = list(rows)
    return protect_estimates(
        "Net benefit", columns, take(told, columns), policy=policy, not_people=("threshold",),
        counts=("positives", "selected"),
        withhold=[
            _few(row, policy)
            or not policy.shows(int(row["selected"] or 0))
            or (row["group"], row["level"]) in hidden
            for row in told
        ],
    )  # fmt: skip


def _withheld(rows: Iterable[Row], policy: Policy, hidden: Collection[Any]) -> list[bool]:
    return [_few(row, policy) or (row["group"], row["level"]) in hidden for row in rows]


def _few(row: Row, policy: Policy) -> bool:
    """Whether a count behind a row is too small to be shown."""
    n, people, positives = row.get("n"), row.get("people"), row.get("positives")
    behind = [n, people, positives]
    if n is not None and positives is not None:
        behind.append(n - positives)
    return any(count is not None and not policy.shows(int(count)) for count in behind)
