"""What tables and lists tell of single counts: each as an interval, and what must stay open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Counted, Protected

Levels = tuple[str, ...]
Query = frozenset[tuple[str, Levels]]
"""Who is counted: dimension -> the levels of it, mostly one. An empty one counts everybody."""


@dataclass(frozen=True, slots=True)
class Place:
    """A cell of a table of this release, which could be hidden.

    Attributes:
        table, row: their numbers.
        column: its name.
        whole: whether it counts everybody of its row.
        shown: the count, if it is shown.
    """

    table: int
    row: int
    column: str
    whole: bool
    shown: int | None


@dataclass(frozen=True, slots=True)
class Fact:
    """What one cell tells.

    Attributes:
        population: whose members are counted.
        query: which of them.
        low, high: the least and the greatest count it can stand for (None: any).
        needs: counts that must all stay possible, if it is hidden.
        blurred: it is rounded, or hidden: two counts at least must stay possible.
        none_told: that it is none may be known all the same.
        at: where it is shown, if that is in this release.
    """

    population: str
    query: Query
    low: int
    high: int | None
    needs: tuple[int, int] | None = None
    blurred: bool = False
    none_told: bool = False
    at: Place | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """All facts of one table or list.

    Attributes:
        title: what it is called.
        levels: (dimension, all its levels that the table knows of).
    """

    title: str
    facts: tuple[Fact, ...]
    levels: tuple[tuple[str, Levels], ...]


def of_table(table: Protected, policy: Policy, number: int | None = None) -> Told | None:
    """What a table tells; None if nobody said whom it counts.

    Args:
        policy: under which it should have been made; a cell is taken for what that policy would
            make of it.
        number: of the table in this release; None: it left earlier, and cannot be changed.
    """
    if table.counted is None:
        return None
    reader = _Reader(table, table.counted, policy, number)
    body = range(len(table.rows) - table.has_total)
    facts = [fact for row in body for fact in reader.row(row)]
    if table.has_total:
        facts += reader.total()
    return Told(table.title, tuple(facts), tuple(sorted(reader.levels.items())))


@dataclass(frozen=True, slots=True)
class _Reader:
    table: Protected
    counted: Counted
    policy: Policy
    number: int | None

    @property
    def levels(self) -> dict[str, Levels]:
        found: dict[str, set[str]] = {name: set(each) for name, each in self.counted.levels}
        for _, dimension, levels in self.counted.parts:
            found.setdefault(dimension, set()).update(levels)
        body = self.table.rows[: len(self.table.rows) - self.table.has_total]
        for column, dimension in self.counted.dimensions:
            place = self.table.columns.index(column)
            found.setdefault(dimension, set()).update(str(row[place]) for row in body)
        return {dimension: tuple(sorted(each)) for dimension, each in found.items()}

    def row(self, row: int) -> Iterator[Fact]:
        cells = dict(zip(self.table.columns, self.table.rows[row], strict=True))
        group: set[tuple[str, Levels]] = {
            (dim, (str(cells[column]),)) for column, dim in self.counted.dimensions
        }
        everybody = cells[self.counted.whole]
        # Where everybody of a row is hidden its parts are not told at all, be they none.
        least = 0 if everybody is None else self.policy.least
        yield self._cell(frozenset(group), row, self.counted.whole, everybody, self.policy.least)
        for column, dimension, levels in self.counted.parts:
            part = frozenset({*group, (dimension, levels)})
            yield self._cell(part, row, column, cells[column], least)
        yield from self._rest(group, row)

    def _cell(self, query: Query, row: int, column: str, shown: int | None, least: int) -> Fact:
        policy = self.policy
        at = None
        if self.number is not None:
            whole = column == self.counted.whole
            at = Place(self.number, row, column, whole, shown)
        told = Fact(self.counted.population, query, 0, None, none_told=not policy.hides_zero, at=at)
        if shown is not None:
            low, high = policy.behind(shown)
            return replace(told, low=low, high=high, blurred=policy.base > 1 and low < high)
        if (row, column) in self.table.hidden:
            return replace(told, blurred=True)
        most = policy.threshold - 1
        least = 0 if (row, column) in self.table.unsure else least
        return replace(told, low=least, high=most, needs=(policy.least, most))

    def _rest(self, group: set[tuple[str, Levels]], row: int) -> Iterator[Fact]:
        """Those of a row who are in no part of it, where they are too few to be shown."""
        if row not in self.table.few_left:
            return
        least = 0 if self.policy.hides_all else self.policy.least
        for dimension, rest in self._left().items():
            query = frozenset({*group, (dimension, rest)})
            needs = (least, self.policy.threshold - 1)
            yield Fact(self.counted.population, query, 0, None, needs)

    def _left(self) -> dict[str, Levels]:
        named: dict[str, set[str]] = {}
        for _, dimension, levels in self.counted.parts:
            named.setdefault(dimension, set()).update(levels)
        left = {dim: sorted(set(self.levels[dim]) - each) for dim, each in named.items()}
        return {dimension: tuple(rest) for dimension, rest in left.items() if rest}

    def total(self) -> Iterator[Fact]:
        """A total of what is shown tells nothing new; any other is a count like all."""
        cells = dict(zip(self.table.columns, self.table.rows[-1], strict=True))
        wanted = {self.counted.whole: frozenset[tuple[str, Levels]]()}
        wanted |= {c: frozenset({(dim, levels)}) for c, dim, levels in self.counted.parts}
        for column, query in wanted.items():
            place = self.table.columns.index(column)
            shown = [row[place] for row in self.table.rows[:-1] if row[place] is not None]
            told = cells[column]
            if told is not None and told != self.policy.total(sum(shown)):
                half = max(self.policy.total_base, self.policy.base) // 2
                low, high = (told - half, told + half) if half else (told, told)
                yield Fact(self.counted.population, query, max(0, low), high)


def of_list(
    title: str,
    population: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[str]],
    withheld: str,
) -> Told:
    """What the rows of a list tell whoever counts them.

    Of the first column, which is never withheld, the rows are all there are. Of the others some
    are withheld, the last column first; so those shown are the least there can be.

    Args:
        columns: (column, dimension) of what it shows, in order.
        rows: the cells of each person.
    """
    sizes: Counter[tuple[str, ...]] = Counter()
    levels: dict[str, set[str]] = {dimension: set() for _, dimension in columns}
    for row in rows:
        shown = tuple(row[: next((i for i, c in enumerate(row) if c == withheld), len(row))])
        for width in range(1, len(shown) + 1):
            sizes[shown[:width]] += 1
            levels[columns[width - 1][1]].add(shown[width - 1])
    facts = []
    for shown, size in sorted(sizes.items()):
        query = frozenset(
            (dim, (cell,)) for (_, dim), cell in zip(columns, shown, strict=False)
        )  # a row tells of the columns that it shows
        facts.append(Fact(population, query, size, size if len(shown) == 1 else None))
    known = ((dimension, tuple(sorted(each))) for dimension, each in sorted(levels.items()))
    return Told(title, tuple(facts), tuple(known))


def size_of(levels: Mapping[str, Levels], signature: Iterable[str]) -> int:
    """How many groups the levels of some dimensions make."""
    return prod(len(levels[dimension]) for dimension in signature)
