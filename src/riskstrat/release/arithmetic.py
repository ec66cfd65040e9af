"""Rates, means and totals of counts as they are shown, so that they tell no more than these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from riskstrat.release.policies import Policy

FEW_PEOPLE = 1000
"""below this many people an estimate is shown to 2 decimals, so that it cannot give back a count"""

Cells = Mapping[str, Any]


def digits(n: int | None, policy: Policy) -> int:
    """Decimals of an estimate from ``n`` people: too few to give a small count back."""
    return 2 if policy.base > 1 and (n or FEW_PEOPLE) < FEW_PEOPLE else 3


def number(value: Any, decimals: int) -> float | None:
    """A rounded number; None for what is none."""
    if value is None or not isfinite(value):
        return None
    return round(float(value), decimals) + 0.0


def ratio(row: Cells, over: str, under: str, decimals: int) -> float | None:
    """A rate of two shown counts; None where either is hidden, or nobody is counted."""
    if row.get(over) is None or not row.get(under):
        return None
    return round(float(row[over] / row[under]), decimals)


def mean(row: Cells, name: str, behind: Sequence[str], policy: Policy) -> float | None:
    """A mean, rounded, where every count behind it is shown."""
    if any(row.get(count) is None for count in behind):
        return None
    return number(row.get(name), digits(row[behind[0]], policy))


def weighted(rows: Sequence[Cells], name: str, people: str) -> float | None:
    """The mean over several rows, by the counts they show."""
    known = [row for row in rows if row[name] is not None and row[people]]
    weight = sum(row[people] for row in known)
    return sum(row[name] * row[people] for row in known) / weight if weight else None


def added_up(rows: Sequence[Cells], column: str, beside: Sequence[str] = ()) -> int | None:
    """The sum of a column over the rows that show it, and all columns ``beside`` it."""
    shown = [row[column] for row in rows if all(row[c] is not None for c in (column, *beside))]
    return sum(shown) if shown else None


def events_of(share: float, people: int) -> int:
    """The whole number of people that a share of them is of, halves up.

    Examples:
        >>> events_of(2 / 7, 7), events_of(0.5, 5)
        (2, 3)
    """
    return int(share * people + 0.5)
