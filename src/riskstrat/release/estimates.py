"""Estimates as they may be shown: withheld where few people stand behind them, else rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskstrat.release.arithmetic import digits, number
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
    proportions: Sequence[bool],
) -> list[tuple[Any, ...]]:
    """The rows with a last cell, the status; see `disclosure.protect_estimates`."""
    found = []
    for row, few, proportion in zip(rows, withhold, proportions, strict=True):
        cells = dict(zip(columns, row, strict=True))
        status = "withheld" if few else _status(cells, n, positives, estimates[0], policy)
        if status == "shown" and proportion:
            cells |= _of_rounded_counts(cells, n, estimates, policy)
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


def _of_rounded_counts(
    cells: Mapping[str, Any], n: str, estimates: Sequence[str], policy: Policy
) -> dict[str, Any]:
    """The rate of the rounded counts, its interval wide enough to hold it.

    An exact rate with its rounded denominator would give the exact numerator back.
    """
    people = cells[n]
    if not people or policy.base == 1:
        return {}
    events = int(cells[estimates[0]] * people + 0.5)
    over, under = policy.rounded(events), policy.rounded(people)
    if over is None or not under:
        return {}
    value = min(1.0, over / under)
    found = {estimates[0]: value}
    for name, wider in zip(estimates[1:], (min, max), strict=False):
        if number(cells[name], 3) is not None:
            found[name] = wider(cells[name], value)
    return found
