"""The one place where a table becomes `Protected`: what is small is suppressed, the rest rounded.

Every count of people that leaves passes here, in a report, a chart, a summary or a list. Later
steps (secondary suppression, an audit of all tables of a release together) join `_STEPS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Any

from riskstrat.release.guards import (
    declared,
    only_counts,
    only_declared_numbers,
    rectangular,
)
from riskstrat.release.policies import POLICIES, Policy, policy_named, strictest
from riskstrat.vocabulary import Protected

__all__ = [
    "POLICIES",
    "Policy",
    "policy_named",
    "protect",
    "protect_estimates",
    "protect_text",
    "strictest",
]

FEW_PEOPLE = 1000
"""below this many people an estimate is shown to 2 decimals, so that it cannot give back a count"""
STATUS = ("shown", "withheld", "not estimable")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A table on its way through the steps; a suppressed cell is None."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    counts: tuple[str, ...]
    suppressed: int


Step = Callable[[_Draft, Policy], _Draft]


def protect(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    counts: Sequence[str],
    policy: Policy,
    rates: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    means: Mapping[str, str] = MappingProxyType({}),
    not_people: Sequence[str] = (),
    total: str | None = None,
    note: str = "",
) -> Protected:
    """Suppress and round a table of counts.

    Args:
        columns, rows: the table in display order, counts exact.
        counts: the columns that count people (or their records); None in a cell means unknown.
        rates: rate column -> (numerator column, denominator column). Whatever the rows hold
            there is replaced by the ratio of the shown counts, or None.
        means: mean column -> the count of people it is a mean of (a modelled risk, say). Shown,
            rounded, where that count is; the total is weighted by the shown counts.
        not_people: whole-number columns that count no people (a year, a rank, days).
        total: add a last row with this label: sums of what is shown, so that a suppressed cell
            cannot be worked out by subtraction; its rates rest on the rows that show both
            counts. Without it no total is given.
        note: said under the table, before the policy's own sentence.

    Raises:
        ReleaseRefused: if a count is negative or not whole, or a whole number stands in a column
            of which nothing is declared: it might count people.
    """
    declared(
        title,
        columns,
        {
            *counts,
            *not_people,
            *means,
            *means.values(),
            *(c for pair in rates.values() for c in pair),
        },
    )
    rectangular(title, columns, rows)
    only_declared_numbers(title, columns, rows, {*counts, *not_people, *rates, *means})
    only_counts(title, columns, rows, counts)
    draft = _Draft(tuple(columns), tuple(tuple(row) for row in rows), tuple(counts), 0)
    for step in _STEPS:
        draft = step(draft, policy)
    shown = [_with_means(dict(zip(columns, r, strict=True)), means, policy) for r in draft.rows]
    if total is not None:
        label = next(name for name in columns if name not in {*counts, *rates, *means, *not_people})
        sums = {c: _total(shown, (c,), c) for c in counts}
        weighed = {mean: _weighted(shown, mean, people) for mean, people in means.items()}
        shown.append(_with_means({label: total} | sums | weighed, means, policy))
    finished = [
        tuple(_ratio(row, *rates[c]) if c in rates else row.get(c) for c in columns)
        for row in shown
    ]
    if total is not None:
        finished[-1] = _with_total_rates(columns, finished[-1], shown[:-1], rates)
    said = " ".join(part for part in (note, policy.sentence) if part)
    return Protected(title, tuple(columns), tuple(finished), policy.name, draft.suppressed, said)


def protect_estimates(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    policy: Policy,
    estimates: Sequence[str] = ("value", "low", "high"),
    n: str = "n",
    positives: str | None = None,
    counts: Sequence[str] = (),
    not_people: Sequence[str] = (),
    withhold: Sequence[bool] = (),
    note: str = "",
) -> Protected:
    """Suppress and round a table of estimates with their denominators.

    An estimate is withheld where its people, its positives, or its negatives are too few to be
    shown: an exact rate with its denominator would give the count back. Shown estimates are
    rounded to 3 decimals, or 2 where fewer than 1,000 people stand behind them.

    Args:
        n: the denominator. None means that no people stand behind the row (a fixed value).
        positives: the column that counts those with the outcome, if there is one.
        counts: further columns that count people.
        withhold: per row, whether something else behind it is too small to be shown.

    Returns:
        The columns plus ``status``: `shown`, `withheld` or `not estimable`.

    Raises:
        ReleaseRefused: as `protect`.
    """
    counted = tuple(dict.fromkeys((n, *([positives] if positives else []), *counts)))
    declared(title, columns, {*counted, *estimates, *not_people})
    rectangular(title, columns, rows)
    protected: list[Row] = []
    for row, too_small in zip(rows, withhold or (False,) * len(rows), strict=True):
        cells = dict(zip(columns, row, strict=True))
        status = "withheld" if too_small else _status(cells, n, positives, estimates[0], policy)
        for name in estimates:
            digits = _digits(cells[n], policy)
            cells[name] = _number(cells[name], digits) if status == "shown" else None
        protected.append((*(cells[name] for name in columns), status))
    plain = (*not_people, *estimates)
    return protect(
        title, (*columns, "status"), protected,
        counts=counted, policy=policy, not_people=plain, note=note,
    )  # fmt: skip


def protect_text(text: str, policy: Policy) -> str:
    """A sentence whose counts of people or records are suppressed and rounded like any other.

    A percentage beside a count would give the exact count back: it goes, unless counts are exact.

    Examples:
        >>> protect_text("3 of 4,512 people have no date; 365 days", policy_named("strict"))
        'fewer than 10 of 4,510 people have no date; 365 days'
        >>> protect_text("3 of 4,512 rows (0.066%, 2% tolerated) repeat", policy_named("hes"))
        '* of 4,510 rows (2% tolerated) repeat'
        >>> protect_text("0.1% of 4,512 rows are empty", policy_named("hes"))
        'fewer than 8 of 4,510 rows are empty'
    """
    text = _COUNTED.sub(lambda found: _protect_counted(found, policy), text)
    return _SHARE_OF.sub(lambda found: _protect_share(found, policy), text)


def _protect_counted(found: re.Match[str], policy: Policy) -> str:
    phrase = _protect_numerals(found["counts"], policy)
    if not found["share"] or policy.threshold <= 1:
        return phrase + (found["share"] or "")
    return f"{phrase} ({found['rest']})" if found["rest"] else phrase


def _protect_share(found: re.Match[str], policy: Policy) -> str:
    """A percentage of a count, in words where what it is a percentage of is too few or too many."""
    people = int(found["of"].replace(",", ""))
    count = int(float(found["share"]) / 100 * people + 0.5)
    if not policy.shows(count):
        return f"{policy.small} of {found['of']}"
    return f"almost all of {found['of']}" if not policy.shows(people - count) else found[0]


def _protect_numerals(phrase: str, policy: Policy) -> str:
    def shown(found: re.Match[str]) -> str:
        count = policy.rounded(int(found[0].replace(",", "")))
        return policy.mark if count is None else f"{count:,}"

    return _NUMERAL.sub(shown, phrase)


_NUMERAL = re.compile(r"\d[\d,]*")
_NOUNS = (
    r"(?:\w+ )?(?:people|persons?|rows?|records?|units?|households?|children|child|patients?|"
    r"outcomes?|events?|places|properties|pairs)\b"
)
_COUNTED = re.compile(
    rf"(?P<counts>(?<![\w.])\d[\d,]*(?: of (?:the )?\d[\d,]*)? {_NOUNS})"
    r"(?P<share> \(\d[\d.]*%(?:, (?P<rest>[^()]*))?\))?"
)
_SHARE_OF = re.compile(rf"(?<![\w.])(?P<share>\d[\d.]*)% of (?P<of>\d[\d,]*)(?= {_NOUNS})")


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
    return "shown" if _number(cells[value], 3) is not None else "not estimable"


def _number(value: Any, decimals: int) -> float | None:
    if value is None or not isfinite(value):
        return None
    return round(float(value), decimals) + 0.0


def _suppress_and_round(draft: _Draft, policy: Policy) -> _Draft:
    """Primary suppression and rounding, cell by cell."""
    places = {draft.columns.index(name) for name in draft.counts}
    suppressed = 0
    rows: list[Row] = []
    for row in draft.rows:
        cells = list(row)
        for place in places:
            if cells[place] is not None:
                cells[place] = policy.rounded(int(cells[place]))
                suppressed += cells[place] is None
        rows.append(tuple(cells))
    return _Draft(draft.columns, tuple(rows), draft.counts, draft.suppressed + suppressed)


_STEPS: tuple[Step, ...] = (_suppress_and_round,)
"""What happens to the counts, in order. Secondary suppression takes its place after the first."""


def _total(rows: Sequence[Mapping[str, Any]], pair: Sequence[str], column: str) -> int | None:
    """The sum of a column over the rows that show every column of ``pair``."""
    shown = [row[column] for row in rows if all(row[name] is not None for name in pair)]
    return sum(shown) if shown else None


def _with_means(row: dict[str, Any], means: Mapping[str, str], policy: Policy) -> dict[str, Any]:
    """The row with its means rounded, or left out where their people are not shown."""
    rounded = {
        mean: None
        if row.get(people) is None
        else _number(row.get(mean), _digits(row[people], policy))
        for mean, people in means.items()
    }
    return row | rounded


def _weighted(rows: Sequence[Mapping[str, Any]], mean: str, people: str) -> float | None:
    known = [row for row in rows if row[mean] is not None and row[people]]
    weight = sum(row[people] for row in known)
    return sum(row[mean] * row[people] for row in known) / weight if weight else None


def _digits(n: int | None, policy: Policy) -> int:
    """Decimals of an estimate from ``n`` people: too few to give a small count back."""
    return 2 if policy.base > 1 and (n or FEW_PEOPLE) < FEW_PEOPLE else 3


def _with_total_rates(
    columns: Sequence[str],
    row: Row,
    rows: Sequence[Mapping[str, Any]],
    rates: Mapping[str, tuple[str, str]],
) -> Row:
    """The last row's rates, over the rows that show both counts: else the rate would be too low."""
    sums = {
        rate: _ratio({name: _total(rows, pair, name) for name in pair}, *pair)
        for rate, pair in rates.items()
    }
    return tuple(sums.get(name, cell) for name, cell in zip(columns, row, strict=True))


def _ratio(row: Mapping[str, Any], numerator: str, denominator: str) -> float | None:
    over, under = row.get(numerator), row.get(denominator)
    return None if over is None or not under else round(over / under, 4)
