"""Why equal reach, equal wrong listing and risks that are right in each group cannot all be had.

Where groups differ in how often the outcome happens, a list that is as often right in both (equal
PPV) and reaches the same share of those in need (equal opportunity) must wrongly list more people
of the group with more outcomes (Chouldechova 2017, doi:10.1089/big.2016.0047), and risks that are
right within each group cannot have equal error rates (Kleinberg et al. 2017,
doi:10.4230/LIPIcs.ITCS.2017.43). How far apart they must be follows from the run's own rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from riskstrat.audit.checks import finding
from riskstrat.audit.fairness import OK, share_text
from riskstrat.audit.people import EVERYONE
from riskstrat.statistics.estimate import Estimate
from riskstrat.vocabulary import Finding, Severity

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("reference", pa.string()),
        ("at", pa.string()),
        ("rate", pa.float64()),
        ("rate_low", pa.float64()),
        ("rate_high", pa.float64()),
        ("rate_reference", pa.float64()),
        ("apart", pa.bool_()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("of_reference", pa.float64()),
        ("n", pa.int64()),
        ("people", pa.int64()),
        ("positives", pa.int64()),
    ]
)

Row = Mapping[str, Any]


def implied_false_positive_rate(rate: float, ppv: float, sensitivity: float) -> float:
    """The share wrongly listed that follows from a rate of outcomes, PPV and reach.

    FPR = p / (1 - p) * (1 - PPV) / PPV * TPR (Chouldechova 2017, equation 2.6).

    Examples:
        >>> round(implied_false_positive_rate(0.5, 0.75, 0.6), 10)
        0.2
    """
    return rate / (1 - rate) * (1 - ppv) / ppv * sensitivity


def tradeoffs(fairness: Sequence[Row], share: float) -> pa.Table:
    """For each level: its rate of outcomes, and the wrong listing that equal PPV and reach imply.

    Args:
        fairness: rows of ``fairness.fairness``.
        share: the capacity to speak of.

    Returns:
        A row per level with enough evidence, the reference apart. ``rate`` is the share with the
        outcome; ``apart`` whether its difference from the reference's is shown; ``value`` the
        share of those without the outcome who would be listed if PPV and reach were those of the
        reference, over the interval of ``rate``; ``of_reference`` the same share there.
    """
    at = share_text(share)
    found = {(r["group"], r["level"], r["metric"], r["at"]): r for r in fairness}
    rows = []
    for group, level in dict.fromkeys((r["group"], r["level"]) for r in fairness):
        own = found[group, level, "prevalence", None]
        reference = own["reference"]
        if group == EVERYONE or level == reference or own["verdict"] != OK:
            continue
        base = found.get((group, reference, "prevalence", None))
        gap = found.get((group, level, "prevalence_difference", None))
        there = _rates(found.get((group, reference, name, at)) for name in RATES)
        if base is not None and gap is not None and there is not None:
            rows.append(_row(own, base, gap, there, at))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


RATES = ("ppv", "sensitivity", "false_positive_rate")


def _rates(rows: Iterable[Row | None]) -> dict[str, float] | None:
    """The reference's rates, or None where one of them is not known or 0."""
    values = [float(row["value"]) for row in rows if row and row["verdict"] == OK and row["value"]]
    return dict(zip(RATES, values, strict=True)) if len(values) == len(RATES) else None


def _row(own: Row, base: Row, gap: Row, there: Mapping[str, float], at: str) -> dict[str, Any]:
    limits = (own["value"], own["low"], own["high"])
    value, low, high = (
        implied_false_positive_rate(rate, there["ppv"], there["sensitivity"])
        if rate is not None and rate < 1
        else None
        for rate in limits
    )
    apart = None not in (gap["low"], gap["high"]) and (gap["low"] > 0 or gap["high"] < 0)
    return {
        **{name: own[name] for name in ("group", "level", "reference", "people", "positives")},
        "at": at,
        "rate": own["value"],
        "rate_low": own["low"],
        "rate_high": own["high"],
        "rate_reference": base["value"],
        "apart": apart,
        "n": own["n"] - own["positives"],
        "value": value,
        "low": low,
        "high": high,
        "of_reference": there["false_positive_rate"],
    }


def check_tradeoffs(table: pa.Table) -> Iterator[Finding]:
    """RS3502: where rates of the outcome differ, for the level that differs most."""
    rows = [row for row in table.to_pylist() if row["apart"] and row["value"] is not None]
    for group in dict.fromkeys(row["group"] for row in rows):
        mine = [row for row in rows if row["group"] == group]
        row = max(mine, key=lambda r: abs(r["rate"] - r["rate_reference"]))
        message = f"{group}: {tradeoff_sentence(row)}"
        number = Estimate(row["value"], row["low"], row["high"], row["n"])
        yield finding("RS3502", Severity.INFO, group, message, number, f"{group}: {row['level']}")


def tradeoff_sentence(row: Row) -> str:
    """Why not all can be equal, in the run's own figures."""
    return (
        f"the outcome happens to {row['rate']:.1%} at level {row['level']} and to "
        f"{row['rate_reference']:.1%} at level {row['reference']}; were a list of the top "
        f"{100 * float(row['at']):g}% as often right and did it reach as many of those in need in "
        f"both, it would wrongly list {row['value']:.1%} of the one and "
        f"{row['of_reference']:.1%} of the other, so not all three can be equal"
    )
