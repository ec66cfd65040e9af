"""Rates of counts, and what is worked out from rates, as they follow from the counts shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskstrat.release.estimates import rounded_events
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import base_of

Row = Mapping[str, Any]
PROPORTIONS = frozenset(
    {"ppv", "sensitivity", "specificity", "false_positive_rate", "false_negative_rate",
     "selection_rate", "prevalence"}
)  # fmt: skip
"""metrics that are a count over their ``n``: a small count on either side withholds them"""
OF_A_LIST = PROPORTIONS - {"prevalence"}
"""those of one list: they are withheld together, since two give the counts of a third"""
RESTS = frozenset({"specificity", "false_negative_rate"})
"""what another rate of the same people leaves: shown as the rest of it"""


def proportions(rows: Sequence[Row]) -> list[int]:
    """For `disclosure.protect_estimates`: which rows are a count of their ``n``, or its rest."""
    return [_kind(str(row.get("metric"))) for row in rows]


def _kind(metric: str) -> int:
    return 0 if metric not in PROPORTIONS else -1 if metric in RESTS else 1


def following(rows: Sequence[Row], policy: Policy, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rows, comparisons and what else is made of rates worked out from the rates shown.

    A ratio of exact rates beside two rounded ones would tell them more nearly. The interval is
    moved with the value; it comes from drawn samples, and nobody can work back from it.

    Args:
        keys: what two rows of the same people have in common.
    """
    policy = policy.alone
    if policy.base == 1:
        return [dict(row) for row in rows]
    shown = {
        (row["metric"], *(row.get(key) for key in keys)): _rate(
            row.get("value"), row.get("n"), policy, rest=row["metric"] in RESTS
        )
        for row in rows
        if row["metric"] in PROPORTIONS
    }

    def rate(row: Row, metric: str, **changed: Any) -> float | None:
        return shown.get((metric, *({**row, **changed}.get(key) for key in keys)))

    return [{**row, **_moved(row, _value(row, rate, policy))} for row in rows]


def _value(row: Row, rate: Callable[..., float | None], policy: Policy) -> float | None:
    """What follows from the rates shown; None for what does not rest on such."""
    metric, reference = str(row["metric"]), row.get("reference")
    base = base_of(metric)
    if base != metric and base in PROPORTIONS:
        own, other = rate(row, base), rate(row, base, level=reference)
        if own is None or other is None:
            return None
        return own - other if metric.endswith("_difference") else own / other if other else None
    ppv = rate(row, "ppv")
    if ppv and metric == "number_needed_to_review":
        return 1 / ppv
    if ppv and metric == "lift" and (known := row.get("prevalence")):
        value, people = known
        prevalence = _rate(value, people, policy)
        return ppv / prevalence if prevalence else None
    return None


def _rate(value: Any, n: Any, policy: Policy, *, rest: bool = False) -> float | None:
    if value is None or value != value or not n or not policy.rounded(int(n)):
        return None
    over = rounded_events(value, int(n), policy, rest=rest)
    return None if over is None else over / (policy.rounded(int(n)) or 1)


def _moved(row: Row, value: float | None) -> dict[str, Any]:
    """The value in its new place, and its limits as far from it as they were."""
    if value is None or row.get("value") is None or row["value"] != row["value"]:
        return {}
    found: dict[str, Any] = {"value": value}
    for name in ("low", "high"):
        if row.get(name) is not None:
            found[name] = _along(row, name, value)
    return found


def _along(row: Row, name: str, value: float) -> float:
    if str(row["metric"]).endswith("_difference") or not row["value"]:
        return float(row[name] + value - row["value"])
    return float(row[name] * value / row["value"])
