"""Singling out: rows, cells and groups that tell of fewer people than they may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from time import perf_counter

from riskstrat.intruder.counts import Between, CountTable, count_table, is_count, true_count
from riskstrat.intruder.findings import Attack, not_tried
from riskstrat.intruder.releases import AGGREGATE, PSEUDONYMISED, Release
from riskstrat.release.policies import Policy

ALONE, ALIKE, HIDDEN = "RS3103", "RS3104", "RS3105"
TITLES = {
    ALONE: "Singling out by attributes",
    ALIKE: "Groups that are all alike",
    HIDDEN: "Hidden counts worked out",
}


def single_out(releases: Sequence[Release]) -> list[Attack]:
    """Look for rows and cells below the threshold, groups that are all alike, and hidden counts.

    Lists of own patients are not among them: they name people to those who care for them, and say
    so. What leaves these hands is attacked as rows that link (`matching`).
    """
    tables = [each for each in releases if each.kind == AGGREGATE]
    lists = [each for each in releases if each.kind == PSEUDONYMISED]
    if not tables and not lists:
        why = "there is no pseudonymised list and no table of counts"
        return [not_tried(code, title, why) for code, title in TITLES.items()]
    return [
        *([_small_rows(lists)] if lists else []),
        *([_small_cells(tables)] if tables else []),
        _all_alike(tables, lists),
        _worked_out(tables),
    ]


def _small_rows(lists: Sequence[Release]) -> Attack:
    """Rows that too few share by what an outsider may know."""
    started = perf_counter()
    tried, found, where = 0, 0, []
    for each in lists:
        sizes = groups_of(each)
        small = sum(size for size in sizes.values() if size < each.policy.threshold)
        tried, found = tried + len(each.rows), found + small
        where += [f"{each.name}: {small:,} rows"] if small else []
    return Attack(
        ALONE,
        TITLES[ALONE],
        f"{len(lists)} pseudonymised lists",
        "rows",
        tried,
        found,
        found,
        "rows that share every attribute an outsider may know (all but the score's own columns) "
        "are counted; fewer than the policy's threshold are too few",
        perf_counter() - started,
        notes=tuple(where),
    )


def groups_of(release: Release) -> Counter[tuple[str, ...]]:
    """How many rows share each combination of attributes."""
    return Counter(tuple(row[name] for name in release.attributes) for row in release.rows)


def _small_cells(tables: Sequence[Release]) -> Attack:
    """Counts that the policy of the table should have hidden."""
    started = perf_counter()
    tried, found, where = 0, 0, []
    for each in tables:
        cells = [int(cell) for _, _, cell in count_table(each).each() if is_count(cell)]
        small = sum(not each.policy.shows(count) for count in cells)
        tried, found = tried + len(cells), found + small
        where += [f"{each.name}: {small:,} cells"] if small else []
    return Attack(
        ALONE,
        TITLES[ALONE],
        f"{len(tables)} tables of counts",
        "cells",
        tried,
        found,
        found,
        "every count that is shown is held against the threshold of the table's policy",
        perf_counter() - started,
        notes=tuple(where),
    )


# -- groups that are all alike -------------------------------------------------------------------


def _all_alike(tables: Sequence[Release], lists: Sequence[Release]) -> Attack:
    started = perf_counter()
    tried, claimed, sure, where = 0, 0, 0, []
    for each in tables:
        for people, inside in _shares(each):
            tried += 1
            alike = inside.high >= people.low and people.high > 0
            certain = inside.low >= people.high and people.high > 0
            claimed, sure = claimed + alike, sure + certain
            where += [f"{each.name}: everybody of a group"] if certain else []
    for here, there in ((a, b) for a in lists for b in tables if _same_groups(a, b)):
        for listed, people in _listed_of_all(here, there):
            tried += 1
            claimed += listed >= people.low
            sure += listed >= people.high
            where += [f"{here.name} with {there.name}"] if listed >= people.high else []
    return Attack(
        ALIKE,
        TITLES[ALIKE],
        f"{len(tables)} tables of counts, {len(lists)} pseudonymised lists beside them",
        "groups",
        tried,
        claimed,
        sure,
        "for each group: can all its people be in one band, or on the list? Confirmed if the "
        "rounding leaves no other possibility",
        perf_counter() - started,
        notes=tuple(dict.fromkeys(where)),
    )


def _shares(release: Release) -> Iterator[tuple[Between, Between]]:
    """(people of a group, those in one band), and (people, those in any band)."""
    table, policy = count_table(release), release.policy
    people, *bands = table.counts or ("",)
    for row in table.cells.values() if bands else ():
        if not is_count(row[people]):
            continue
        whole = true_count(row[people], policy) or Between(0, 0)
        found = [true_count(row[band], policy) or Between(0, 0) for band in bands]
        shown = [each for each, band in zip(found, bands, strict=True) if is_count(row[band])]
        yield from ((whole, each) for each in shown)
        yield whole, Between(sum(e.low for e in found), sum(e.high for e in shown))


def _same_groups(listed: Release, table: Release) -> bool:
    same = (listed.study, listed.as_of) == (table.study, table.as_of)
    return same and set(count_table(table).groups) <= set(listed.attributes)


def _listed_of_all(listed: Release, table: Release) -> Iterator[tuple[int, Between]]:
    """How many rows of a list are of a group, beside all its people."""
    counted = count_table(table)
    rows = Counter(tuple(row[name] for name in counted.groups) for row in listed.rows)
    people = counted.counts[0] if counted.counts else ""
    for group, row in counted.cells.items():
        if people and is_count(row[people]) and rows[group]:
            yield rows[group], true_count(row[people], table.policy) or Between(0, 0)


# -- hidden counts -------------------------------------------------------------------------------


def _worked_out(tables: Sequence[Release]) -> Attack:
    started = perf_counter()
    tried, found, where = 0, 0, []
    for each in tables:
        for between in _bounds(count_table(each), each.policy):
            tried += 1
            if between.certain and 0 < between.low < each.policy.threshold:
                found += 1
                where.append(f"{each.name}: a hidden cell follows from the total")
    for one, other in combinations(tables, 2):
        for between in _differences(one, other):
            tried += 1
            if between.certain and 0 < between.low < _threshold(one, other):
                found += 1
                where.append(f"{one.name} less {other.name}")
    return Attack(
        HIDDEN,
        TITLES[HIDDEN],
        f"{len(tables)} tables of counts, each with each",
        "cells",
        tried,
        found,
        found,
        "what a hidden cell can be is bounded by the total of its column, and cells of the same "
        "group are subtracted between releases; confirmed if one count is possible and it is small",
        perf_counter() - started,
        notes=tuple(f"{name}: {n:,}" for name, n in sorted(Counter(where).items())),
    )


def _bounds(table: CountTable, policy: Policy) -> Iterator[Between]:
    """What the only hidden cell of a column can be, from the total and the others."""
    for column in table.counts:
        cells = [row[column] for row in table.cells.values()]
        shown = table.total.get(column, "")
        total = true_count(shown, policy)
        if total is None or not is_count(shown) or cells.count(policy.mark) != 1:
            continue
        others = [true_count(cell, policy) or Between(0, 0) for cell in cells if is_count(cell)]
        yield Between(
            max(0, total.low - sum(each.high for each in others)),
            total.high - sum(each.low for each in others),
        )


def _differences(one: Release, other: Release) -> Iterator[Between]:
    """By how much the same cell of two releases can differ."""
    here, there = count_table(one), count_table(other)
    if here.groups != there.groups or one.study != other.study:
        return
    for group, column, cell in here.each():
        twin = there.cells.get(group, {}).get(column, "")
        if is_count(cell) and is_count(twin):
            a, b = _known(cell, one), _known(twin, other)
            low, high = a.low - b.high, a.high - b.low
            least = 0 if low <= 0 <= high else min(abs(low), abs(high))
            yield Between(least, max(abs(low), abs(high)))


def _known(cell: str, release: Release) -> Between:
    return true_count(cell, release.policy) or Between(0, 0)


def _threshold(*releases: Release) -> int:
    return max(each.policy.threshold for each in releases)
