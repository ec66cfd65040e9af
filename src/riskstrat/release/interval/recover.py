"""Which counts can be worked out: exactly, or more nearly than their policy lets them be known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from riskstrat.errors import ReleaseRefused
from riskstrat.release.interval.bounds import Bounds, Part, parts_of, tightened
from riskstrat.release.interval.moves import Moves
from riskstrat.release.interval.published import Fact, Told
from riskstrat.release.interval.system import Floats, System, build

ENOUGH = 25
"""counts that are reported, or hidden more for, at a time"""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recovered:
    """A count that is known too well.

    Attributes:
        variable: which.
        side: whether its least or greatest possible count is too near, or it is known exactly.
        bound: that count.
        why: the sum that says so; -1 where several together do.
    """

    variable: int
    side: Literal["low", "high", "exact"]
    bound: int
    why: int = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """What can be recovered, and the system it was recovered from.

    Attributes:
        found: none, and nothing can be; otherwise the first there are, not all.
    """

    system: System
    bounds: Bounds
    found: tuple[Recovered, ...]


@lru_cache(maxsize=8)
def recoverable(told: tuple[Told, ...]) -> Answer:
    """What everything that was told gives away. The same question again costs nothing.

    First each sum bounds its members, which finds most of what there is to find. Then, for all
    counts that seem safe, possible worlds are looked for in which they take their least and their
    greatest count: linear programmes over whole numbers, solved with HiGHS. A world is taken for
    possible only if every sum is right to the unit.

    Raises:
        ReleaseRefused: RS3033, it cannot be told in time, or what was told contradicts itself.
    """
    system = build(told)
    bounds = tightened(system)
    found = list(_by_sums(system, bounds))
    if not found:
        for part in parts_of(system, bounds):
            if _asks(part, system) and not _is_tree(part):
                found += _Search(part, system).recovered()
    return Answer(system, bounds, tuple(found))


def loosened(told: Sequence[Told], lists: Sequence[Told]) -> tuple[Told, ...]:
    """The same, asking only that no hidden count is known exactly.

    This is what is asked where somebody also holds a list of people: its rows can be counted, so
    how many people a band holds is no secret for them, and hidden parts of it are less so. What
    follows from the lists alone is theirs to know: there it is not asked at all.
    """
    system = build((*_untold(told), *lists))
    bounds = tightened(system)
    open_counts = {int(place) for place in np.flatnonzero(bounds.low == bounds.high)}
    variable = iter(system.facts)
    return tuple(
        replace(
            each, facts=tuple(_loosened(fact, next(variable), open_counts) for fact in each.facts)
        )
        for each in told
    )


def _loosened(fact: Fact, variable: int, open_counts: set[int]) -> Fact:
    asked = fact.needs is not None and variable not in open_counts
    return replace(fact, needs=None, blurred=asked)


def _untold(told: Sequence[Told]) -> Iterator[Told]:
    """The same cells, of which nothing is told."""
    for each in told:
        blank = (replace(f, low=0, high=None, needs=None, blurred=False) for f in each.facts)
        yield replace(each, facts=tuple(blank))


def _by_sums(system: System, bounds: Bounds) -> Iterator[Recovered]:
    with np.errstate(invalid="ignore"):
        above, below = bounds.low > system.need_low, bounds.high < system.need_high
    for place in np.flatnonzero(above):
        yield Recovered(int(place), "low", int(bounds.low[place]), int(bounds.why_low[place]))
    for place in np.flatnonzero(below):
        yield Recovered(int(place), "high", int(bounds.high[place]), int(bounds.why_high[place]))
    harmless = system.none_told & (bounds.high == 0)
    for place in np.flatnonzero(system.blurred & (bounds.low == bounds.high) & ~harmless):
        why = max(int(bounds.why_low[place]), int(bounds.why_high[place]))
        yield Recovered(int(place), "exact", int(bounds.low[place]), why)


def _asks(part: Part, system: System) -> bool:
    """Whether something must stay possible of any of its counts."""
    needs = ~np.isnan(system.need_low) | system.blurred
    return bool(needs[part.members].any())


def _is_tree(part: Part) -> bool:
    """Whether its sums form no cycle: then bounds sum by sum are exact already."""
    sums, members = part.matrix.shape
    return bool(part.matrix.nnz == sums + members - 1)


class _Search:
    """Possible worlds of one part, looked for until every need is met or cannot be."""

    def __init__(self, part: Part, system: System) -> None:
        self.part = part
        self.need_low = system.need_low[part.members]
        self.need_high = system.need_high[part.members]
        self.blurred = system.blurred[part.members]
        self.none_told = system.none_told[part.members]
        self.low = np.full(len(part.members), np.inf)
        self.high = np.full(len(part.members), -np.inf)
        self.moves = Moves.of(part)
        self.base = self._noted(part.world(np.zeros(len(part.members))))

    def recovered(self) -> list[Recovered]:
        """Counts that no world lets be as low or as high, or as different, as they must."""
        found = [*self._side("high"), *self._side("low")]
        return found or list(self._exact())

    def _wants_more(self) -> Mask:
        with np.errstate(invalid="ignore"):
            return np.asarray(self.high < self.need_high)

    def _wants_less(self) -> Mask:
        with np.errstate(invalid="ignore"):
            return np.asarray(self.low > self.need_low)

    def _side(self, side: Literal["low", "high"]) -> Iterator[Recovered]:
        wants, sign = (self._wants_more, -1.0) if side == "high" else (self._wants_less, 1.0)
        given_up = np.zeros(len(self.low), dtype=np.bool_)
        while (pending := wants() & ~given_up).any():
            self._look(pending, sign)
            if (wants() & ~given_up).sum() < pending.sum():
                continue
            one = int(np.flatnonzero(pending)[0])
            counts = self._look(np.arange(len(pending)) == one, sign)
            if wants()[one]:
                given_up[one] = True
                yield Recovered(int(self.part.members[one]), side, int(counts[one]))
                if given_up.sum() >= ENOUGH:
                    return

    def _exact(self) -> Iterator[Recovered]:
        """Blurred counts of which all worlds say the same."""
        before = -1
        while before != (pending := self._same()).sum() and pending.any():
            before = pending.sum()
            self._look(pending, -1.0)
            self._look(self._same(), 1.0)
        for number, one in enumerate(np.flatnonzero(self._same())):
            for sign in (-1.0, 1.0):
                counts = self._look(np.arange(len(self.low)) == one, sign)
            if self._same()[one] and not (self.none_told[one] and counts[one] == 0):
                yield Recovered(int(self.part.members[one]), "exact", int(counts[one]))
                if number + 1 >= ENOUGH:
                    return

    def _same(self) -> Mask:
        return np.asarray(self.blurred & (self.low >= self.high))

    def _look(self, pending: Mask, sign: float) -> Floats:
        """A world in which what is pending is as large (-1) or as small (1) as can be."""
        most = self.part.high
        if sign < 0:
            # No more of each than is needed, so that there is enough for the others; but never
            # less than in a world that is known to be possible.
            enough = np.where(np.isnan(self.need_high), self.base + 1, self.need_high)
            most = np.where(pending, np.minimum(most, np.maximum(enough, self.base)), most)
        part = replace(self.part, high=most)
        # Weights that differ: with equal ones the solver may spread what there is over many
        # counts, and none of them is as large as it must be able to be.
        weights = np.linspace(1.0, 2.0, len(pending))
        return self._noted(part.world(np.where(pending, sign * weights, 0.0)))

    def _noted(self, counts: Floats | None) -> Floats:
        if counts is None:
            raise ReleaseRefused(
                "it could not be worked out in time whether a hidden count follows from the tables "
                "of this release",
                fix="release fewer tables at once, or with fewer dimensions",
                code="RS3033",
            )
        low, high = self.moves.reach(self.part, counts)
        np.minimum(self.low, low, out=self.low)
        np.maximum(self.high, high, out=self.high)
        return counts
