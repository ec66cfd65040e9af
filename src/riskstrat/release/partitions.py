"""Which numbers of an audit by group would give another one back, and are withheld with it.

The levels of a group add up to everybody, and everybody's numbers are published. So the counts
behind the rates, of each level and capacity, are held against each other as the tables of a
release are: what is small is hidden, then whatever else must be, until every count that is hidden
may be anything that a mark stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from riskstrat.release.behind import is_small
from riskstrat.release.counts_behind import (
    COUNT_OF_N,
    FAMILIES,
    NEGATIVES,
    PEOPLE,
    POSITIVES,
    REACHED,
    SELECTED,
    WRONG,
    counts_behind,
)
from riskstrat.release.disclosure import Draft, protect, protect_all
from riskstrat.release.interval.differences import Earlier
from riskstrat.release.interval.published import of_table
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import CROSSED, Counted, Protected, base_of

Row = Mapping[str, Any]
Level = tuple[str, str]
"""group and level"""
OUTCOME, LISTED = "outcome", "listed"
Mark = tuple[tuple[str, ...], str]
"""the parts of a level, and which of its counts"""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Counts that are not shown, though some of them are large enough.

    Attributes:
        counts: group, level, capacity (None for what has none), and which count.
    """

    counts: frozenset[tuple[str, str, Any, str]]

    def count(self, row: Row, name: str) -> bool:
        """Whether a count of a row's level is hidden; people and outcomes are so everywhere."""
        at = row["at"] if name in (SELECTED, REACHED, WRONG) else None
        return (str(row["group"]), str(row["level"]), at, name) in self.counts

    def n(self, row: Row) -> bool:
        """Whether the denominator of a row is hidden."""
        return self.count(row, COUNT_OF_N.get(base_of(str(row["metric"])), PEOPLE))

    def row(self, row: Row) -> bool:
        """Whether an estimate is to be withheld: it, or one that goes with it, tells a count."""
        behind = [PEOPLE]
        if row["at"] is not None or base_of(str(row["metric"])) == "prevalence":
            behind += [POSITIVES, NEGATIVES]
        if row["at"] is not None:
            behind += [SELECTED, REACHED, WRONG]
        return any(self.count(row, name) for name in behind)


def withheld(rows: Sequence[Row], policy: Policy) -> Withheld:
    """What is hidden of the counts behind the rows of a table by group.

    Args:
        rows: group, level, metric, at, value, n, people and positives, of which some may be None.
        policy: of the table.
    """
    if policy.threshold <= 1:
        return Withheld(frozenset())
    policy = policy.alone
    found: set[tuple[str, str, Any, str]] = set()
    for group in dict.fromkeys(str(row["group"]) for row in rows):
        mine = [row for row in rows if str(row["group"]) == group]
        # What has no capacity first: what is hidden there is hidden at every capacity.
        for at in sorted(dict.fromkeys(row["at"] for row in mine), key=lambda at: at is not None):
            already = frozenset(
                (level, name) for of, level, where, name in found if of == group and where is None
            )
            these = [row for row in mine if row["at"] == at]
            told = counts_behind(these)
            # A level that nobody is of tells of nobody, and leaves the others as they are.
            counts = {level: each for level, each in told.items() if any(each.values())}
            few = {one for one in _of_few_people(these, policy) if one[0] in counts}
            for level, name in _hidden(group, counts, policy, already | few):
                where = at if name in (SELECTED, REACHED, WRONG) else None
                found.add((group, level, where, name))
    return Withheld(frozenset(found))


def _of_few_people(rows: Iterable[Row], policy: Policy) -> set[tuple[str, str]]:
    """(level, count) of rows that are enough, of several dates of people who are not."""
    found: set[tuple[str, str]] = set()
    for row in rows:
        if int(row.get("rows_each") or 1) > 1 and is_small(row, policy):
            own = {COUNT_OF_N.get(base_of(str(row["metric"])), PEOPLE)}
            own |= {SELECTED} if row["at"] is not None else set()
            together = (name for names in FAMILIES if own & set(names) for name in names)
            found |= {(str(row["level"]), name) for name in together}
    return found


def _hidden(
    group: str,
    counts: Mapping[str, Mapping[str, int]],
    policy: Policy,
    already: Collection[tuple[str, str]],
) -> set[tuple[str, str]]:
    """(level, count) of what is hidden of a group at one capacity, and ``already`` besides."""
    parts = {level: tuple(level.split(CROSSED)) for level in counts}
    width = max(map(len, parts.values()), default=1)
    if any(len(each) != width for each in parts.values()):
        parts, width = {level: (level,) for level in counts}, 1
    named = {parts[level]: dict(each) for level, each in counts.items()}
    levels = {place: tuple(sorted({each[place] for each in named})) for place in range(width)}
    fixed = [
        Earlier(told, same_study=False, same_day=False)
        for few in range(width)
        for kept in combinations(range(width), few)
        for draft in _drafts(group, _margin(named, kept), kept, levels, policy)
        if (told := of_table(_alone(draft), policy))
    ]
    drafts = list(_drafts(group, named, tuple(range(width)), levels, policy))
    names = {each: level for level, each in parts.items()}
    hidden = {(parts[level], name) for level, name in already if level in parts}
    for level, each in named.items():
        hidden |= {(level, name) for name in _with_small(each, policy)}
    while True:
        start = [
            frozenset((row, column) for row, column, *cell in _cells(draft, draft.rows, width)
                      if tuple(cell) in hidden)
            for draft in drafts
        ]  # fmt: skip
        marks = _marks(protect_all(drafts, earlier=fixed, hidden=start), width)
        more = _one_level(marks - hidden, named)
        if not more:
            return {(names[level], name) for level, name in marks | hidden}
        hidden |= more


def _one_level(
    marks: Collection[Mark], named: Mapping[tuple[str, ...], Mapping[str, int]]
) -> set[Mark]:
    """Of counts that must be hidden besides, all of the smallest level that are shown together.

    Each count by itself might be hidden at another level, until nothing is left of any.
    """
    for together in FAMILIES:
        levels = {level for level, name in marks if name in together}
        if levels:
            first = min(levels, key=lambda level: (sum(named[level].values()), level))
            return {(first, name) for name in together if name in named[first]}
    return set()


def _with_small(counts: Mapping[str, int], policy: Policy) -> set[str]:
    """Counts whose rates are not shown because of a small one: they go with it at once.

    The audit would else have to choose which of them to hide, and hide more of other levels.
    """
    found: set[str] = set()
    for together in FAMILIES:
        known = [counts[name] for name in together if name in counts]
        for whole, part in ((POSITIVES, REACHED), (NEGATIVES, WRONG)):
            if part in together and {whole, part} <= counts.keys():
                known.append(counts[whole] - counts[part])
        if any(not policy.shows(count) for count in known):
            found |= set(together)
    return found


def _margin(
    named: Mapping[tuple[str, ...], Mapping[str, int]], kept: tuple[int, ...]
) -> dict[tuple[str, ...], dict[str, int]]:
    """The sums over all other parts of the levels; a count that some level lacks is not told."""
    groups: dict[tuple[str, ...], list[Mapping[str, int]]] = {}
    for level, counts in named.items():
        groups.setdefault(tuple(level[place] for place in kept), []).append(counts)
    return {
        level: {name: sum(each[name] for each in many) for name in many[0]
                if all(name in each for each in many)}
        for level, many in groups.items()
    }  # fmt: skip


def _drafts(
    group: str,
    named: Mapping[tuple[str, ...], Mapping[str, int]],
    kept: tuple[int, ...],
    levels: Mapping[int, tuple[str, ...]],
    policy: Policy,
) -> Iterator[Draft]:
    """Who had the outcome and who was listed; and of those who had it or not, who was listed."""
    dimensions = [f"part {place}" for place in kept]
    have: set[str] = set.intersection(*(set(each) for each in named.values())) if named else set()
    known = [(f"part {place}", levels[place]) for place in kept]
    # A table each: of which of them the rest is too small to be shown is told by table.
    for name in (POSITIVES, SELECTED):
        columns = [PEOPLE, *([name] if name in have else [])]
        if PEOPLE in have:
            rows = [(*level, *(each[one] for one in columns)) for level, each in named.items()]
            yield _draft(group, dimensions, rows, columns, known, policy)
    pairs = [("yes", POSITIVES, REACHED), ("no", NEGATIVES, WRONG)]
    told = [(answer, whole, part) for answer, whole, part in pairs if {whole, part} <= have]
    if told:
        rows = [
            (*level, answer, each[whole], each[part])
            for level, each in named.items()
            for answer, whole, part in told
        ]
        yield _draft(group, [*dimensions, OUTCOME], rows, [PEOPLE, SELECTED], known, policy)


def _draft(
    group: str,
    dimensions: Sequence[str],
    rows: Sequence[Sequence[Any]],
    columns: Sequence[str],
    known: Sequence[tuple[str, tuple[str, ...]]],
    policy: Policy,
) -> Draft:
    answers = ("no", "yes")
    dims = {POSITIVES: OUTCOME, SELECTED: LISTED}
    parts = tuple((name, dims[name], ("yes",)) for name in columns[1:])
    counted = Counted(
        population=group,
        dimensions=tuple((name, name) for name in dimensions),
        whole=PEOPLE,
        parts=parts,
        levels=(*known, (OUTCOME, answers), (LISTED, answers)),
    )
    return Draft(
        title=group, columns=(*dimensions, *columns), rows=rows, counts=tuple(columns),
        policy=policy, counted=counted,
    )  # fmt: skip


def _alone(draft: Draft) -> Protected:
    """As it is published elsewhere, where nothing is hidden for the sake of this group."""
    return protect(
        draft.title, draft.columns, draft.rows, counts=draft.counts,
        policy=replace(draft.policy, hides_more=False), counted=draft.counted,
    )  # fmt: skip


def _marks(tables: Iterable[Protected], width: int) -> set[Mark]:
    """The cells that are hidden."""
    return {
        (level, name)
        for table in tables
        for row, column, level, name in _cells(table, table.rows, width)
        if table.rows[row][table.columns.index(column)] is None
    }


def _cells(
    table: Draft | Protected, rows: Sequence[Sequence[Any]], width: int
) -> Iterator[tuple[int, str, tuple[str, ...], str]]:
    """(row, column, level, count) of the cells that count people."""
    names = {
        "yes": {PEOPLE: POSITIVES, SELECTED: REACHED}, "no": {PEOPLE: NEGATIVES, SELECTED: WRONG}
    }  # fmt: skip
    for number, cells in enumerate(rows):
        row = dict(zip(table.columns, cells, strict=True))
        renamed = names[str(row[OUTCOME])] if OUTCOME in row else {}
        for name in table.counts:
            yield number, name, tuple(map(str, cells[:width])), renamed.get(name, name)
