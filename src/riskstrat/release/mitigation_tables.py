"""What remedies gain and cost, as `Protected` tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.policies import Policy
from riskstrat.release.report_tables import take
from riskstrat.vocabulary import Protected

COLUMNS = (
    "group", "remedy", "metric", "level", "value", "low", "high", "n", "change", "change_low",
    "change_high",
)  # fmt: skip
FIXED = ("change", "change_low", "change_high")


def mitigation_table(found: Sequence[Mapping[str, Any]], policy: Policy) -> Protected:
    """group, remedy, metric, level, value, low, high, n, change (low, high), status.

    The levels judged have enough people and outcomes for a verdict; those of which too few are
    reached, or too few are not, to be shown are withheld, and with two levels the other too: the
    gap between them would give it back.

    Args:
        found: the groups of `mitigation.json`.
    """
    rows, withhold = [], []
    for one in found:
        few = _few(one["measures"], policy)
        alone = bool(few) and len(one["judged"]) < 3
        for row in one["measures"]:
            rows.append({**row, "group": one["group"]})
            gap = str(row["metric"]).endswith("_gap")
            withhold.append((row["level"] is not None and (alone or row["level"] in few))
                            or (gap and alone))  # fmt: skip
    return protect_estimates(
        "What each remedy gains and costs", COLUMNS, take(rows, COLUMNS), policy=policy,
        estimates=("value", "low", "high", *FIXED), withhold=withhold,
    )  # fmt: skip


def _few(measures: Sequence[Mapping[str, Any]], policy: Policy) -> frozenset[str]:
    """Levels of which, under some remedy, too few are reached or missed to be shown."""
    found = set()
    for row in measures:
        if row["level"] is None or row["value"] is None:
            continue
        reached = round(row["value"] * row["n"])
        if not (policy.shows(reached) and policy.shows(row["n"] - reached)):
            found.add(row["level"])
    return frozenset(found)
