"""A table with its exact counts, on its way to be protected; and what becomes of each cell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from riskstrat.release.arithmetic import added_up, mean, ratio, weighted
from riskstrat.release.guards import (
    declared,
    no_extremes,
    only_counts,
    only_declared_numbers,
    rectangular,
)
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Counted

Cell = tuple[int, str]
"""row and column"""
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A table with its exact counts. It never leaves: `disclosure.protect_all` makes what may.

    Attributes:
        columns, rows: the table in display order, counts exact.
        counts: the columns that count people (or their records); None in a cell means unknown.
        rates: rate column -> (numerator column, denominator column). Whatever the rows hold
            there is replaced by the ratio of the shown counts, or None.
        means: mean column -> the counts of people it is a mean of (a modelled risk, say), the one
            it is weighted by first. Shown, rounded, where all of these are.
        not_people: whole-number columns that count no people (a year, a rank, days).
        total: add a last row with this label: sums of what is shown, so that a suppressed cell
            cannot be worked out by subtraction; its rates rest on the rows that show both
            counts. Without it no total is given.
        note: said under the table, before the policy's own sentence.
        counted: who is counted, for the audit of all tables of a release together.

    Raises:
        ReleaseRefused: if a count is negative or not whole, if a whole number stands in a column
            of which nothing is declared (it might count people), or a column tells an extreme.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    counts: Sequence[str]
    policy: Policy
    rates: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    means: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_people: Sequence[str] = ()
    total: str | None = None
    note: str = ""
    counted: Counted | None = None

    def __post_init__(self) -> None:
        behind = {count for pair in (*self.rates.values(), *self.means.values()) for count in pair}
        named = {*self.counts, *self.not_people, *self.means, *behind}
        if self.counted:
            named |= {self.counted.whole, *(column for column, *_ in self.counted.parts)}
            named |= {column for column, _ in self.counted.dimensions}
        declared(self.title, self.columns, named)
        rectangular(self.title, self.columns, self.rows)
        told = {*self.counts, *self.not_people, *self.rates, *self.means}
        only_declared_numbers(self.title, self.columns, self.rows, told)
        only_counts(self.title, self.columns, self.rows, self.counts)
        if self.policy.threshold > 1:
            no_extremes(self.title, self.columns)

    @property
    def rules(self) -> Policy:
        """What its counts are shown by: coarser where no audit holds them against others."""
        return self.policy if self.counted else self.policy.alone

    def exact(self) -> Iterator[dict[str, Any]]:
        """The rows by column."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Cells:
    """What becomes of a draft's cells.

    Attributes:
        rows: as they are shown, the total last if there is one.
        suppressed: how many counts are not.
        hidden: those that are hidden for the sake of others.
        unsure: small counts of which it is not told that they are not none.
        few_left: rows of which too few people are in none of the counted parts.
    """

    rows: tuple[tuple[Any, ...], ...]
    suppressed: int
    hidden: frozenset[Cell]
    unsure: frozenset[Cell]
    few_left: frozenset[int]


def shown_cells(draft: Draft, also: Collection[Cell] = ()) -> Cells:
    """Suppress and round each count, hide some more, and work out rates, means and the total.

    Args:
        also: (row, column) of counts to hide though they are large enough; of small ones it is
            no longer told that they are not none.
    """
    policy = draft.rules
    hidden: set[Cell] = set()
    unsure: set[Cell] = set()
    few_left: set[int] = set()
    rows: list[dict[str, Any]] = []
    suppressed = 0
    for number, cells in enumerate(draft.exact()):
        hidden_here = {column for row, column in also if row == number}
        if draft.counted and policy.threshold > 1:
            hidden_here |= _with_its_row(draft.counted, cells, policy)
            if _few_left(draft.counted, cells, policy):
                few_left.add(number)
        row = dict(cells)
        for column in draft.counts:
            if cells[column] is None:
                continue
            row[column] = policy.rounded(cells[column])
            if row[column] is None and (number, column) in also:
                unsure.add((number, column))
            if row[column] is not None and column in hidden_here:
                row[column] = None
                hidden.add((number, column))
            suppressed += row[column] is None
        rows.append(_finished(draft, row))
    if draft.total is not None:
        rows.append(_total(draft, rows))
    told = tuple(tuple(row[column] for column in draft.columns) for row in rows)
    return Cells(
        told, suppressed, frozenset(hidden), frozenset(unsure), frozenset(few_left)
    )  # fmt: skip


def _with_its_row(counted: Counted, cells: Mapping[str, Any], policy: Policy) -> set[str]:
    """Counts that would tell of everybody in their row, though each by itself may be shown."""
    whole = cells[counted.whole]
    parts = [column for column, *_ in counted.parts]
    if whole is None:
        return set()
    if not policy.shows(whole):
        return set(parts)  # what few people are made up of is not told at all, be it none
    if policy.hides_all and not policy.hides_zero:
        return {column for column in parts if cells[column] == whole > 0}
    return set()


def _few_left(counted: Counted, cells: Mapping[str, Any], policy: Policy) -> bool:
    """Whether too few people of a row are in none of its parts, or nobody is."""
    for dimension in {dimension for _, dimension, _ in counted.parts}:
        parts = {levels: cells[c] for c, dim, levels in counted.parts if dim == dimension}
        single = [count for levels, count in parts.items() if len(levels) == 1]
        if cells[counted.whole] is None or None in single:
            continue
        left = cells[counted.whole] - sum(single)
        nobody = left == 0 and policy.hides_all and cells[counted.whole] > 0
        if nobody or not policy.shows(left):
            return True
    return False


def _finished(draft: Draft, row: dict[str, Any]) -> dict[str, Any]:
    rates = {name: ratio(row, *pair, draft.rules.decimals) for name, pair in draft.rates.items()}
    means = {name: mean(row, name, pair, draft.rules) for name, pair in draft.means.items()}
    return row | rates | means


def _total(draft: Draft, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The last row: of what is shown; its rates over the rows that show both counts."""
    policy = draft.rules
    numbers = {*draft.counts, *draft.rates, *draft.means, *draft.not_people}
    labels = [column for column in draft.columns if column not in numbers]
    row: dict[str, Any] = dict.fromkeys(draft.columns) | dict.fromkeys(labels, ALL)
    row[labels[0]] = draft.total
    summed = rows if policy.adds_up_shown else tuple(draft.exact())
    for column in draft.counts:
        total = added_up(summed, column)
        row[column] = None if total is None else policy.total(total)
    for name, behind in draft.means.items():
        row[name] = weighted(rows, name, behind[0])
        row[name] = mean(row, name, behind, policy)
    for name, (over, under) in draft.rates.items():
        both = {over: added_up(rows, over, (under,)), under: added_up(rows, under, (over,))}
        row[name] = ratio(both, over, under, policy.decimals)
    return row
