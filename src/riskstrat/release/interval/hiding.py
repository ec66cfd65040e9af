"""Which further counts to hide, so that no hidden one follows from those shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from riskstrat.release.interval.bounds import parts_of
from riskstrat.release.interval.published import Fact, Place, Told
from riskstrat.release.interval.recover import Answer, Recovered, recoverable
from riskstrat.release.interval.system import System

Shown = Mapping[int, tuple[Place, ...]]
"""variable -> the cells that show it and could be hidden"""


def to_hide(told: Sequence[Told], answer: Answer) -> frozenset[tuple[int, int, str]]:
    """(table, row, column) of cells to hide, one count for each that is known too well.

    What the marks alone tell, however much else is hidden, is mended first: a count that is not
    none leaves less for the others of a small sum. Then it is not told of them, and counts of none
    beside them are hidden too, so that a mark may be either.

    Else hidden is what the knowledge rests on: of the sum that tells it, or of all that the
    solver's bound leans on, the smallest count, and one that has no other counts as parts of it if
    there is one. The same count is hidden in every table that shows it.

    Returns:
        Nothing, if nothing can be hidden that would help: the rest left earlier.
    """
    shown = _could_be_hidden(told, answer.system)
    # What follows even if all else were hidden cannot be helped, and all else shall not be hidden.
    by_marks = recoverable(opened(told))
    if unsure := _not_told_to_be_some(told, by_marks):
        return unsure
    hopeless = {each.variable for each in by_marks.found}
    found: set[tuple[int, int, str]] = set()
    for each in (each for each in answer.found if each.variable not in hopeless):
        wanted = _from_the_sum(answer, each, shown) or _from_the_bound(answer, each, shown)
        around = chain([wanted], _nearby(answer.system, each.variable, shown))
        nearest = next(filter(None, around), [])
        if nearest:
            least = min(nearest, key=lambda variable: _cost(shown[variable]))
            found |= {(cell.table, cell.row, cell.column) for cell in shown[least]}
    return frozenset(found)


def opened(told: Sequence[Told]) -> tuple[Told, ...]:
    """What would be told if every count that can be hidden were."""
    return tuple(
        replace(each, facts=tuple(map(_opened, each.facts)))
        for each in told
    )  # fmt: skip


def _opened(fact: Fact) -> Fact:
    large = fact.at is not None and fact.needs is None
    return replace(fact, low=0, high=None, blurred=False) if large else fact


def _not_told_to_be_some(told: Sequence[Told], by_marks: Answer) -> frozenset[tuple[int, int, str]]:
    """Small counts of which it shall not be told that they are not none, and nones beside them."""
    system = by_marks.system
    some = _where(told, system, lambda fact: fact.needs is not None and fact.low > 0)
    none = _nones(told, system)
    found: set[tuple[int, int, str]] = set()
    for each in by_marks.found:
        leans = _from_the_sum(by_marks, each, some) or _from_the_bound(by_marks, each, some)
        around = [] if leans else next(filter(None, _nearby(system, each.variable, some)), [])
        for place in {*leans, *around} - {each.variable}:
            nones = filter(None, (beside & none.keys() for beside in _beside(system, place)))
            fewest = min(nones, key=len, default=frozenset[int]())
            cells = chain(some[place], *(none[zero] for zero in fewest))
            found |= {(cell.table, cell.row, cell.column) for cell in cells}
    return frozenset(found)


def _beside(system: System, variable: int) -> list[set[int]]:
    """The members of each sum of which it is a part."""
    parts = (system.member == variable) & (system.sign > 0)
    return [
        set(system.member[system.owner == owner].tolist()) - {variable}
        for owner in system.owner[parts]
    ]


def _nones(told: Sequence[Told], system: System) -> Shown:
    """Counts that are shown to be none, but where nobody is of their row: there it is plain."""
    facts = [fact for each in told for fact in each.facts]
    empty = {
        (fact.at.table, fact.at.row) for fact in facts if fact.at and fact.at.whole
        if fact.at.shown == 0
    }  # fmt: skip
    return _where(
        told,
        system,
        lambda fact: (
            fact.at is not None
            and fact.at.shown == 0
            and (fact.at.whole or (fact.at.table, fact.at.row) not in empty)
        ),
    )


def _where(told: Sequence[Told], system: System, wanted: Callable[[Fact], bool]) -> Shown:
    """The cells of this release of which something is so, by variable."""
    found: dict[int, tuple[Place, ...]] = {}
    facts = (fact for each in told for fact in each.facts)
    for fact, variable in zip(facts, system.facts, strict=True):
        if fact.at is not None and wanted(fact):
            found[variable] = (*found.get(variable, ()), fact.at)
    return found


def _could_be_hidden(told: Sequence[Told], system: System) -> Shown:
    return _where(told, system, lambda fact: fact.at is not None and fact.at.shown is not None)


def _cost(cells: Sequence[Place]) -> tuple[bool, bool, int, int, int]:
    first = cells[0]
    count = first.shown or 0
    # A zero last: it is hidden only where nothing else helps.
    return count == 0, any(cell.whole for cell in cells), count, first.table, first.row


def _from_the_sum(answer: Answer, each: Recovered, shown: Shown) -> list[int]:
    """Members of the sum that gives the bound, and of the sums that these rest on."""
    seen: set[int] = set()
    sums = {each.why} - {-1}
    while sums:
        seen |= sums
        members = set(answer.system.member[np.isin(answer.system.owner, list(sums))].tolist())
        if here := sorted((members & shown.keys()) - {each.variable}):
            return here
        bounds = answer.bounds
        sums = {int(why[m]) for m in members for why in (bounds.why_low, bounds.why_high)}
        sums -= seen | {-1}
    return []


def _from_the_bound(answer: Answer, each: Recovered, shown: Shown) -> list[int]:
    """What the solver's bound leans on: counts that would move it if they were less certain."""
    from scipy.optimize import linprog

    if each.why >= 0:
        return []
    parts = parts_of(answer.system, answer.bounds)
    part = next((part for part in parts if each.variable in part.members), None)
    if part is None:
        return []  # what was told of it is exact
    weights = np.where(part.members == each.variable, -1.0 if each.side == "high" else 1.0, 0.0)
    solved = linprog(
        weights,
        A_eq=part.matrix,
        b_eq=part.right,
        bounds=np.column_stack([part.low, part.high]),
        method="highs",
    )
    if solved.status != 0:
        return []
    leans = (np.abs(solved.lower.marginals) > 1e-9) | (np.abs(solved.upper.marginals) > 1e-9)
    members = set(part.members[leans].tolist())
    return sorted((members & shown.keys()) - {each.variable})


def _nearby(system: System, variable: int, shown: Shown) -> Iterator[list[int]]:
    """Counts that share a sum with it, then those that share one with these, and so on."""
    here, reached = {variable}, {variable}
    while here:
        sums = np.unique(system.owner[np.isin(system.member, list(here))])
        members = set(system.member[np.isin(system.owner, sums)].tolist())
        here = members - reached
        reached |= members
        yield sorted(here & shown.keys())
