"""Amounts of people: sums, means, quantiles and coefficients, as far as they tell of nobody.

An amount needs more than enough people behind it: where one or two make up most of it, they can
read off each other's, and everybody else can come close. The rules are those that research data
centres apply (dominance, p%, residual degrees of freedom; see docs/disclosure.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

from riskstrat.errors import ReleaseRefused
from riskstrat.release.disclosure import protect, protect_estimates
from riskstrat.release.policies import Dominance, Policy
from riskstrat.vocabulary import Protected

Contributions = tuple[Sequence[str], Sequence[float]]
"""labels of a group, and the amount of each of its people"""


def is_dominated(amounts: Sequence[float], rule: Dominance) -> bool:
    """Whether a sum tells of those who make up most of it.

    N-K: the ``largest`` greatest amounts are together more than ``share`` of the sum. p%: the
    second greatest contributor, who knows his own amount, can tell the greatest to within
    ``estimate`` of it, since all others together are less than that.

    Examples:
        >>> rule = Dominance(largest=2, share=0.9, estimate=0.1)
        >>> is_dominated([100.0, 5.0, 3.0], rule), is_dominated([10.0] * 12, rule)
        (True, False)
    """
    sizes = sorted(map(abs, amounts), reverse=True)
    whole = sum(sizes)
    if not whole:
        return False
    rest = whole - sum(sizes[:2])
    return sum(sizes[: rule.largest]) > rule.share * whole or rest < rule.estimate * sizes[0]


def protect_amounts(
    title: str,
    labels: Sequence[str],
    groups: Sequence[Contributions],
    *,
    policy: Policy,
    note: str = "",
) -> Protected:
    """People, and the mean of an amount, of each group.

    No sum is given: whoever needs one multiplies what is shown. A mean is withheld where too few
    people stand behind it or few make up most of it, and is rounded to 3 significant digits.

    Args:
        labels: columns that say which group a row is.
        groups: the labels of each group and the amount of each of its people, none left out.

    Returns:
        The labels, ``people`` and ``mean``.
    """
    rows = []
    for cells, amounts in groups:
        few = policy.dominance is not None and is_dominated(amounts, policy.dominance)
        known = len(amounts) and policy.shows(len(amounts)) and not few
        mean = significant(sum(amounts) / len(amounts), 3) if known else None
        rows.append((*cells, len(amounts), mean))
    return protect(
        title, (*labels, "people", "mean"), rows, counts=("people",), not_people=("mean",),
        policy=policy, note=note,
    )  # fmt: skip


def protect_quantiles(
    title: str,
    labels: Sequence[str],
    groups: Sequence[Contributions],
    at: Sequence[float],
    *,
    policy: Policy,
    note: str = "",
) -> Protected:
    """People, and quantiles of an amount, of each group.

    A quantile is shown where at least ``policy.beside`` people are on each side of it, rounded to
    2 significant digits: it would otherwise be somebody's own.

    Args:
        at: shares above 0 and below 1; 0.5 is the median.

    Returns:
        The labels, ``people``, and ``quantile_<percent>`` for each share.

    Raises:
        ReleaseRefused: RS3022, a least or greatest value is asked for.
    """
    if extreme := [share for share in at if not 0 < share < 1]:
        raise ReleaseRefused(
            f"{title}: {len(extreme)} of the quantiles asked for are a least or greatest value",
            fix="ask for shares above 0 and below 1",
            code="RS3022",
        )
    columns = tuple(f"quantile_{100 * share:g}".replace(".", "_") for share in at)
    rows = [
        (*cells, len(amounts), *(_quantile(amounts, share, policy) for share in at))
        for cells, amounts in groups
    ]
    return protect(
        title, (*labels, "people", *columns), rows, counts=("people",), not_people=columns,
        policy=policy, note=note,
    )  # fmt: skip


def protect_coefficients(
    title: str,
    rows: Sequence[tuple[str, float, float, float]],
    *,
    people: int,
    policy: Policy,
    note: str = "",
) -> Protected:
    """The coefficients of a model with their intervals.

    Args:
        rows: name, value, low, high of every parameter, the constant too.
        people: how many it was fitted to.

    Returns:
        ``term``, ``value``, ``low``, ``high``, ``n``, ``status``.

    Raises:
        ReleaseRefused: RS3023, fewer residual degrees of freedom than the policy asks.
    """
    if (left := people - len(rows)) < policy.degrees:
        raise ReleaseRefused(
            f"{title}: {max(left, 0):,} degrees of freedom are left by {len(rows):,} parameters, "
            f"and policy {policy.name} asks for {policy.degrees}",
            fix="fit fewer parameters, or to more people",
            code="RS3023",
        )
    told = [(*row, people) for row in rows]
    return protect_estimates(
        title, ("term", "value", "low", "high", "n"), told, policy=policy, note=note
    )


def enough_beside(people: int, share: float, policy: Policy) -> bool:
    """Whether enough people are on either side of a quantile.

    Examples:
        >>> from riskstrat.release.policies import POLICIES
        >>> [enough_beside(n, 0.1, POLICIES["strict"]) for n in (17, 99, 100)]
        [False, False, True]
    """
    # A share such as 0.1 is not quite a tenth: 0.1 of 100 people are ten all the same.
    below = round(people * share, 9)
    return min(floor(below), people - ceil(below)) >= policy.beside


def significant(value: float, digits: int) -> float:
    """A number rounded to so many significant digits.

    Examples:
        >>> significant(123456.0, 3), significant(0.012345, 2), significant(0.0, 3)
        (123000.0, 0.012, 0.0)
    """
    if value == 0:
        return 0.0
    return round(value, digits - 1 - floor(log10(abs(value)))) + 0.0


def _quantile(amounts: Sequence[float], share: float, policy: Policy) -> Any:
    if not (enough_beside(len(amounts), share, policy) and policy.shows(len(amounts))):
        return None
    ordered = sorted(amounts)
    middle = (len(ordered) - 1) * share
    low, high = ordered[floor(middle)], ordered[ceil(middle)]
    return significant(low + (high - low) * (middle - floor(middle)), 2)
