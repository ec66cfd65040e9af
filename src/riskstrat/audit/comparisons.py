"""How many comparisons between groups there are, and how many would look unequal by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.audit.checks import finding
from riskstrat.audit.fairness import OK
from riskstrat.audit.people import EVERYONE
from riskstrat.statistics.estimate import Estimate
from riskstrat.statistics.multiple import false_discovery, two_sided_p
from riskstrat.vocabulary import Finding, Severity

COMPARED = (
    "sensitivity",
    "ppv",
    "false_positive_rate",
    "selection_rate",
    "auroc",
    "calibration_in_the_large",
    "calibration_slope",
)
"""what is compared; measures that follow from these (missed = 1 - reached) are not counted again"""
FALSE = 0.05

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("reference", pa.string()),
        ("metric", pa.string()),
        ("at", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("people", pa.int64()),
        ("positives", pa.int64()),
        ("p", pa.float64()),
        ("adjusted", pa.float64()),
    ]
)


def comparisons(fairness: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Every difference between a level and its reference about which there is enough evidence.

    Args:
        fairness: rows of ``fairness.fairness``.

    Returns:
        The difference with its interval; ``p``, how often chance would make it as large if the
        groups were equal; ``adjusted``, the same after Benjamini and Hochberg over all rows.
    """
    rows = [_row(row) for row in fairness if _is_compared(row)]
    p = np.array([row["p"] for row in rows], dtype=np.float64)
    for row, adjusted in zip(rows, false_discovery(p), strict=True):
        row["adjusted"] = float(adjusted) if isfinite(adjusted) else None
        row["p"] = row["p"] if isfinite(row["p"]) else None
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _is_compared(row: Mapping[str, Any]) -> bool:
    base = row["metric"].removesuffix("_difference")
    return (
        base != row["metric"]
        and base in COMPARED
        and row["group"] != EVERYONE
        and row["level"] != row["reference"]
        and row["verdict"] == OK
        and None not in (row["value"], row["low"], row["high"])
    )


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in SCHEMA.names if name in row}
    kept["metric"] = row["metric"].removesuffix("_difference")
    return kept | {"p": two_sided_p(row["value"], row["low"], row["high"])}


def check_comparisons(table: pa.Table) -> Iterator[Finding]:
    """RS3501: how many differences there are, how many chance alone would give."""
    rows = [row for row in table.to_pylist() if row["p"] is not None]
    if not rows:
        return
    apart = sum(row["p"] < FALSE for row in rows)
    kept = sum(row["adjusted"] < FALSE for row in rows)
    message = (
        f"{len(rows)} differences between groups were looked at: chance alone would make about "
        f"{max(1, round(FALSE * len(rows)))} of them look unequal, {apart} do, and {kept} still do "
        "after allowing for having looked so often"
    )
    share = Estimate(kept / len(rows), nan, nan, len(rows))
    yield finding("RS3501", Severity.INFO, "groups", message, share)
