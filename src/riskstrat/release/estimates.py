"""Estimates as they may be shown: withheld where few people stand behind them, else rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from riskstrat.release.arithmetic import digits, events_of, number
from riskstrat.release.policies import Policy


def estimate_rows(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    policy: Policy,
    *,
    estimates: Sequence[str],
    n: str,
    positives: str | None,
    withhold: Sequence[bool],
    proportions: Sequence[int],
) -> list[tuple[Any, ...]]:
    """The rows with a last cell, the status; see `disclosure.protect_estimates`."""
    found = []
    for row, few, proportion in zip(rows, withhold, proportions, strict=True):
        cells = dict(zip(columns, row, strict=True))
        status = "withheld" if few else _status(cells, n, positives, estimates[0], policy)
        if status == "shown" and proportion:
            cells |= of_rounded_counts(cells, n, estimates, policy, rest=proportion < 0)
        for name in estimates:
            decimals = digits(cells[n], policy)
            cells[name] = number(cells[name], decimals) if status == "shown" else None
        found.append((*(cells[name] for name in columns), status))
    return found


def _status(
    cells: Mapping[str, Any], n: str, positives: str | None, value: str, policy: Policy
) -> str:
    people = cells[n]
    behind = [people]
    if positives and cells[positives] is not None and people is not None:
        behind += [cells[positives], people - cells[positives]]
    # A zero is told by the estimate itself (0% or 100%), so it counts as small where hidden.
    if any(count is not None and not policy.shows(count) for count in behind):
        return "withheld"
    return "shown" if number(cells[value], 3) is not None else "not estimable"


def of_rounded_counts(
    cells: Mapping[str, Any],
    n: str,
    estimates: Sequence[str],
    policy: Policy,
    *,
    rest: bool = False,
) -> dict[str, Any]:
    """The rate of the rounded counts, and its interval moved to it.

    An exact rate with its rounded denominator would give the exact numerator back, and so would an
    exact limit of which the formula is known. So the width of the interval is counted in people,
    on either side, and rounded up to the base; it hardly depends on any one of them.

    Args:
        rest: the rate is of those of ``n`` who are left by another one. They are not rounded by
            themselves: three counts, each rounded, tell more of each other than two.
    """
    people, value = cells[n], cells[estimates[0]]
    if not people or policy.base == 1:
        return {}
    under = policy.rounded(people)
    over = rounded_events(value, people, policy, rest=rest)
    if over is None or not under:
        return {}
    found: dict[str, Any] = {estimates[0]: over / under}
    for name, side in zip(estimates[1:], (-1, 1), strict=False):
        if number(cells[name], 3) is not None:
            apart = max(0.0, side * (cells[name] - value)) * people
            steps = ceil(round(apart / policy.base, 6)) * policy.base
            found[name] = min(1.0, max(0.0, (over + side * steps) / under))
    return found


def rounded_events(value: float, people: int, policy: Policy, *, rest: bool = False) -> int | None:
    """The count behind a proportion as it may be shown; never more than ``people`` are.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> strict = POLICIES["strict"]
        >>> rounded_events(0.25, 128, strict), rounded_events(0.75, 128, strict, rest=True)
        (30, 100)
    """
    under = policy.rounded(people)
    events = events_of(value, people)
    over = policy.rounded(people - events if rest else events)
    if over is None or under is None:
        return None
    over = min(over, under)
    return under - over if rest else over
