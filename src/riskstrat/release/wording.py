"""Risks, changes and reasons in words that a clinician, a manager or a family understands."""

from __future__ import annotations

import re
from math import floor

_ONE_IN = (12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
_AMOUNT = re.compile(r"^\s*(?:no\s+|[-+£]*\d[\d,.]*%?\s+)")
_TRAILING = re.compile(r"\s+[-+£]*\d[\d,.]*%?$")
_VALUES = re.compile(r"\s*[:=(;].*$|\s*\d{4}-\d{2}-\d{2}.*$")


RAISES = " (raises the risk)"


def plain_reason(text: str) -> str:
    """A reason as a list shows it: that it raises the risk goes without saying.

    Examples:
        >>> plain_reason("age 83 (raises the risk)"), plain_reason("age 20 (lowers the risk)")
        ('age 83', 'age 20 (lowers the risk)')
    """
    return text.removesuffix(RAISES)


def risk_in_words(risk: float, outcome: str, people: str = "people") -> str:
    """A natural frequency: `about 3 in 10 people like this: emergency admission`.

    Args:
        risk: calibrated probability, 0 to 1.
        outcome: the outcome's title.
        people: what the units are called.

    Examples:
        >>> risk_in_words(0.31, "Emergency admission within 12 months")
        'about 3 in 10 people like this: emergency admission within 12 months'
        >>> risk_in_words(0.041, "eviction", "households")
        'about 1 in 25 households like this: eviction'
    """
    return f"{_frequency(risk)} {people} like this: {_as_continuation(outcome)}"


def _frequency(risk: float) -> str:
    if risk >= 0.95:
        return "more than 9 in 10"
    if risk >= 0.095:
        return f"about {max(1, floor(risk * 10 + 0.5))} in 10"
    if risk < 1 / 1000:
        return "fewer than 1 in 1,000"
    nearest = min(_ONE_IN, key=lambda n: abs(1 / n - risk) * n)
    return f"about 1 in {nearest:,}"


def _as_continuation(title: str) -> str:
    first = title.split(" ", 1)[0]
    # An abbreviation at the start (A&E, GLD) keeps its capitals.
    return (
        title if first[1:] != first[1:].lower() or len(first) < 2 else title[0].lower() + title[1:]
    )


STEP = 5
"""points of risk that a list tells apart at most"""


def risk_step(risk: float) -> int:
    """Which step of five points a risk is in, 0 to 19."""
    return min(100 // STEP - 1, floor(risk * 100 / STEP + 1e-9))


def risk_range(first: int, last: int) -> str:
    """Steps of risk from the first to the last, in words.

    Examples:
        >>> risk_range(4, 4), risk_range(9, 11), risk_range(0, 1)
        ('20-25%', '45-60%', 'under 10%')
    """
    high = (last + 1) * STEP
    return f"{first * STEP}-{high}%" if first else f"under {high}%"


def risk_band(risk: float) -> str:
    """The risk within five points.

    Examples:
        >>> risk_band(0.234), risk_band(0.01), risk_band(1.0)
        ('20-25%', 'under 5%', '95-100%')
    """
    step = risk_step(risk)
    return risk_range(step, step)


def change_in_words(rank: int, before: int | None) -> str:
    """How the rank moved since the last list: `new`, `same`, `up 12` or `down 3`."""
    if before is None:
        return "new"
    if rank == before:
        return "same"
    return f"up {before - rank:,}" if rank < before else f"down {rank - before:,}"


def coarse_reason(text: str) -> str:
    """A reason without its value and without dates: what is named, not how much or when.

    A reason that lowers the risk says nothing of why somebody is listed: it becomes ''.

    Examples:
        >>> coarse_reason("4 A&E attendances in the last year (raises the risk)")
        'A&E attendances in the last year'
        >>> coarse_reason("smoking status: current (raises the risk)"), coarse_reason("age 83")
        ('smoking status', 'age')
        >>> coarse_reason("no admissions in the last 90 days (lowers the risk)")
        ''
    """
    if text.endswith("(lowers the risk)"):
        return ""
    named = _AMOUNT.sub("", _VALUES.sub("", text))
    return _TRAILING.sub("", named).strip()
