"""Flexible calibration curves: for everybody, and for each level with enough outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.audit.people import People
from riskstrat.statistics.estimate import BoolArray, NotEstimable
from riskstrat.statistics.smooth import smooth_calibration

ENOUGH_FOR_A_CURVE = 100
"""outcomes, and people without one, that a curve needs: half of what Van Calster et al. 2016 ask
for in a validation, since the curve has three terms only and shows its interval"""
DRAWN, TOO_FEW = "drawn", "too few for a curve"
POINTS = 20

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("risk", pa.float64()),
        ("observed", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("positives", pa.int64()),
        ("status", pa.string()),
    ]
)


def calibration_curves(people: People) -> pa.Table:
    """The curve of each level, ``POINTS`` rows each; a level with too few has one row saying so.

    Nothing is told where the risk is no probability.
    """
    if not people.is_probability:
        return SCHEMA.empty_table()
    rows: list[dict[str, Any]] = []
    for group, levels in people.levels.items():
        for level in np.unique(levels):
            rows += _curve(people, group, str(level), levels == level)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _curve(people: People, group: str, level: str, members: BoolArray) -> Iterator[dict[str, Any]]:
    y, risk = people.y[members], people.risk[members]
    positives = int(y.sum())
    named = {"group": group, "level": level, "n": len(y), "positives": positives}
    points = None
    if min(positives, len(y) - positives) >= ENOUGH_FOR_A_CURVE:
        try:
            points = smooth_calibration(y, risk, clusters=people.clusters[members], points=POINTS)
        except NotEstimable:
            points = None  # one risk for all, or risks that separate: there is no curve
    if points is None:
        yield named | {"status": TOO_FEW}
        return
    for point in points:
        yield named | {
            "risk": point.risk,
            "observed": point.observed,
            "low": point.low,
            "high": point.high,
            "status": DRAWN,
        }
