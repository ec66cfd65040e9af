"""The counts that the rates of a level tell: who had the outcome, who was listed, and both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from riskstrat.release.arithmetic import events_of
from riskstrat.vocabulary import base_of

Row = Mapping[str, Any]
PEOPLE, POSITIVES, NEGATIVES, SELECTED, REACHED, WRONG = (
    "people", "positives", "negatives", "selected", "reached", "wrong",
)  # fmt: skip
FAMILIES = ((PEOPLE,), (POSITIVES, NEGATIVES), (SELECTED, REACHED, WRONG))
"""counts whose rates are withheld together"""
COUNT_OF_N = {
    "ppv": SELECTED, "sensitivity": POSITIVES, "false_negative_rate": POSITIVES,
    "specificity": NEGATIVES, "false_positive_rate": NEGATIVES,
}  # fmt: skip
"""metric -> what its ``n`` counts; of any other, everybody"""
OF_EVERYBODY = frozenset({"prevalence", "selection_rate"})
"""metrics whose ``n`` are all rows of a level"""


def counts_behind(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """level -> the counts that its rates tell: of rows, where people have several."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = found.setdefault(str(row["level"]), {})
        metric, value, n = str(row["metric"]), row.get("value"), row.get("n")
        several = int(row.get("rows_each") or 1) > 1  # then `people` are fewer than their rows
        for name in (POSITIVES,) if several else (PEOPLE, POSITIVES):
            if row.get(name) is not None:
                counts.setdefault(name, int(row[name]))
        if several and n is not None and metric in OF_EVERYBODY:
            counts.setdefault(PEOPLE, int(n))
        if n is None or metric != base_of(metric):
            continue
        if metric in COUNT_OF_N:
            counts[COUNT_OF_N[metric]] = int(n)
        if value is not None and value == value:
            events = events_of(value, n)
            if told := {"sensitivity": REACHED, "selection_rate": SELECTED}.get(metric):
                counts[told] = events
            elif metric in ("ppv", "false_negative_rate"):
                counts.setdefault(REACHED, events if metric == "ppv" else int(n) - events)
    return {level: _finished(counts) for level, counts in found.items()}


def _finished(counts: dict[str, int]) -> dict[str, int]:
    """With what follows: those without the outcome, and those listed without it.

    Where chance decides between equal scores a count is an expected one. Rounded to people, it is
    kept from being more than what it is a part of.
    """
    if PEOPLE in counts and POSITIVES in counts:
        counts[NEGATIVES] = max(0, counts[PEOPLE] - counts[POSITIVES])
        counts[PEOPLE] = counts[POSITIVES] + counts[NEGATIVES]
    if not counts.get(POSITIVES):
        counts.setdefault(REACHED, 0)
    if REACHED in counts and POSITIVES in counts:
        counts[REACHED] = min(counts[REACHED], counts[POSITIVES])
    if SELECTED in counts and REACHED in counts:
        counts[WRONG] = max(0, counts[SELECTED] - counts[REACHED])
        counts[WRONG] = min(counts[WRONG], counts.get(NEGATIVES, counts[WRONG]))
        counts[SELECTED] = counts[REACHED] + counts[WRONG]
    return counts
