"""Differences to what was released before of other people under the same name and day.

When a day is released again after somebody opted out, or a record came late, the same group in both
tables tells of those few, whether it is shown or a sum of what is. And where counts are exact, so
does the same group on two days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from riskstrat.release.interval.bounds import Bounds, tightened
from riskstrat.release.interval.published import Fact, Place, Told
from riskstrat.release.interval.system import System, build
from riskstrat.release.policies import Policy

IDENTITY = "@"
"""between the name of a dimension and the digest of who is of which level"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A table or list that has left.

    Attributes:
        told: its facts.
        same_study: whether it was of the study that is being released.
        same_day: whether it was for that day.
        is_list: whether it is a list, whose rows can be counted.
    """

    told: Told
    same_study: bool
    same_day: bool
    is_list: bool = False


def changed_cells(
    told: Sequence[Told], earlier: Iterable[Earlier], policy: Policy
) -> frozenset[tuple[int, int, str]]:
    """(table, row, column) of shown cells by which a few people more or fewer can be seen.

    Of the same day: two counts cannot be equal, and they may differ by less than the threshold. Of
    another day: they differ by exactly so many, which is fewer than the threshold. Counts are
    compared that either table shows, and sums of what one shows that the other shows or adds up
    to as well: sex by area, added up by area, against area alone.
    """
    found: set[tuple[int, int, str]] = set()
    for old in (each for each in earlier if each.same_study and not each.is_list):
        for new in told:
            found |= _changed(new, old, policy)
    return frozenset(found)


def _changed(new: Told, old: Earlier, policy: Policy) -> set[tuple[int, int, str]]:
    """Cells of one table by which a few of those in an earlier one can be seen to have gone."""
    if _same_people(new, old.told):
        return set()  # the very same counts, told twice: the audit has them in one system
    now, before = _named(new), _named(old.told)
    # Both systems have the groups of both tables, in the same order.
    system, here = _bounds((now, _blank(before)))
    _, there = _bounds((_blank(now), before))
    apart = np.maximum(here.low - there.high, there.low - here.high)
    small = (apart > 0) & (apart < policy.threshold)
    if not old.same_day:
        small &= (here.low == here.high) & (there.low == there.high)
    return _cells_of(new, now, system, np.flatnonzero(small))


@lru_cache(maxsize=512)
def _bounds(told: tuple[Told, ...]) -> tuple[System, Bounds]:
    """What follows, sum by sum; of what left before it is asked again and again."""
    system = build(told)
    return system, tightened(system)


def _cells_of(
    new: Told, now: Told, system: System, variables: NDArray[np.int64]
) -> set[tuple[int, int, str]]:
    """Shown cells that tell of a group: its own, or of those that it is the sum of the smallest."""
    cells: dict[int, Place] = {}
    for fact, variable in zip(new.facts, system.facts[: len(now.facts)], strict=True):
        if fact.at is not None and _shown(fact):
            cells[variable] = fact.at
    found: set[tuple[int, int, str]] = set()
    for variable in map(int, variables):
        near = _nearest(system, variable, cells)
        if near:
            found.add((near.table, near.row, near.column))
    return found


def _nearest(system: System, variable: int, cells: Mapping[int, Place]) -> Place | None:
    """The cell that shows a group; else the smallest of those that tell its sum."""
    here, reached = {variable}, {variable}
    while here:
        if known := [cells[each] for each in here if each in cells]:
            return min(known, key=lambda cell: (cell.shown or 0, cell.row, cell.column))
        sums = np.unique(system.owner[np.isin(system.member, list(here))])
        members = set(system.member[np.isin(system.owner, sums)].tolist())
        here = members - reached
        reached |= members
    return None


def _same_people(new: Told, old: Told) -> bool:
    return {fact.population for fact in new.facts} == {fact.population for fact in old.facts}


def _named(told: Told) -> Told:
    """The table as if its people, and who is of which level, were those of any other."""
    facts = (
        replace(
            _open_marks(fact),
            population="",
            query=frozenset((_plain(dimension), levels) for dimension, levels in fact.query),
        )
        for fact in told.facts
    )
    levels = tuple((_plain(dimension), known) for dimension, known in told.levels)
    return Told(told.title, tuple(facts), levels)


def _plain(dimension: str) -> str:
    return dimension.split(IDENTITY)[0]


def _open_marks(fact: Fact) -> Fact:
    """A mark is taken for any count: what it tells by itself it may tell."""
    if _shown(fact):
        return replace(fact, needs=None, blurred=False)
    return replace(fact, low=0, high=None, needs=None, blurred=False)


def _blank(told: Told) -> Told:
    """The groups of a table, of which nothing is told."""
    return replace(told, facts=tuple(Fact(f.population, f.query, 0, None) for f in told.facts))


def same_people(
    told: Sequence[Told], earlier: Iterable[Earlier], *, lists: bool
) -> tuple[Told, ...]:
    """The tables, or the lists, that were released before of the very same people."""
    here = {fact.population for each in told for fact in each.facts}
    return tuple(
        each.told
        for each in earlier
        if each.is_list == lists and any(fact.population in here for fact in each.told.facts)
    )


def _shown(fact: Fact) -> bool:
    return fact.high is not None and fact.needs is None
