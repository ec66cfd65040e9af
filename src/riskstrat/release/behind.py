"""Who is behind an estimate: whether any count that it would give away is too small to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from riskstrat.release.arithmetic import events_of
from riskstrat.release.policies import Policy
from riskstrat.release.proportions import OF_A_LIST, PROPORTIONS
from riskstrat.vocabulary import base_of

TOGETHER = "of a list"
RESTS_ON = MappingProxyType(
    {"lift": "ppv", "number_needed_to_review": "ppv", "net_benefit": "ppv",
     "ppv_best": "ppv", "ppv_worst": "ppv", "sensitivity_best": "sensitivity",
     "sensitivity_worst": "sensitivity"}
)  # fmt: skip
"""metrics from which another could be worked out: they are withheld together"""


def is_small(row: Mapping[str, Any], policy: Policy) -> bool:
    """Whether any count behind an estimate is too small to be shown.

    Rows of several dates may be of the same people. Who had the outcome, and who did not, is
    counted; of whom a list took there are at least the rows over the most rows of one person.
    """
    value, n, metric = row.get("value"), row.get("n"), row.get("metric")
    people, positives = row.get("people"), row.get("positives")
    counted = row.get("without_outcome") is not None
    behind = [people, positives]
    if counted:
        behind.append(row["without_outcome"])
    elif people is not None and positives is not None:
        behind.append(people - positives)
    rows = [n] if not counted or metric == "ppv" else []
    if metric in PROPORTIONS and value is not None and value == value and n is not None:
        events = events_of(value, n)
        # Who had the outcome at all, and who had not, is counted above.
        rows += [events, n - events] if not counted or metric != "prevalence" else []
    each = int(row.get("rows_each") or 1)
    behind += [-(-int(some) // each) for some in rows if some is not None]
    return any(count is not None and not policy.shows(int(count)) for count in behind)


def had_outcome(row: Mapping[str, Any]) -> Any:
    """People with the outcome: rows where nobody counted people."""
    counted = row.get("with_outcome")
    return row.get("positives") if counted is None else counted


def going_together(
    rows: Sequence[Mapping[str, Any]], policy: Policy, keys: Sequence[str]
) -> list[bool]:
    """Which rows to withhold: those with a small count, and those that would give such a one back.

    One over ``number_needed_to_review`` is ``ppv``; a ratio times its reference is the level. Of
    ``ppv``, ``sensitivity`` and the share listed, two give the counts of the third.

    Args:
        keys: what two rows of the same people have in common.
    """

    def key(row: Mapping[str, Any], metric: str, **changed: Any) -> tuple[Any, ...]:
        metric = TOGETHER if metric in OF_A_LIST else metric
        return (metric, *({**row, **changed}.get(name) for name in keys))

    small = {key(row, str(row.get("metric"))) for row in rows if is_small(row, policy)}
    found = []
    for row in rows:
        metric = str(row.get("metric"))
        rests_on = [key(row, metric), key(row, RESTS_ON.get(metric, metric))]
        if (base := base_of(metric)) != metric:
            rests_on += [key(row, base), key(row, base, level=row.get("reference"))]
        found.append(any(one in small for one in rests_on))
    return found


def few_on_a_side(row: Mapping[str, Any], policy: Policy) -> bool:
    """Whether too few rows have the outcome, or too few have not."""
    n, positives = row.get("n"), row.get("positives")
    if n is None or positives is None:
        return False
    return any(not policy.shows(int(count)) for count in (positives, n - positives))


def rows_told(row: Mapping[str, Any], policy: Policy) -> Any:
    """The denominator as it is told: the people behind it where these are too few to be shown.

    Twelve rows of three people are three people, and are hidden as such.
    """
    n, people = row.get("n"), _people_behind(row)
    return n if n is None or people is None or policy.shows(people) else people


def _people_behind(row: Mapping[str, Any]) -> int | None:
    """Of how many people the rows of the denominator are, at least."""
    sides = {
        "sensitivity": "with_outcome", "false_negative_rate": "with_outcome",
        "specificity": "without_outcome", "false_positive_rate": "without_outcome",
    }  # fmt: skip
    base = base_of(str(row.get("metric")))
    counted = row.get(sides.get(base, "people"))
    if counted is not None and base != "ppv":
        return int(counted)
    return None if row.get("n") is None else -(-int(row["n"]) // int(row.get("rows_each") or 1))
