"""The linear system behind what was told: a variable for each group, a sum for each margin.

Two tables over the same people agree on every margin they share, whether it was shown or not. The
system therefore has, for each set of dimensions that some table tells of and for each intersection
of two of them, a variable for every group; and each group is the sum of the groups it is divided
into. Where the sets of dimensions form no cycle this is all that follows from the tables: then
margins that agree belong to people that there can be. For those of a cycle, such as age by sex, sex
by area and age by area, the groups of all their dimensions together are variables as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from riskstrat.errors import ReleaseRefused
from riskstrat.release.interval.published import Fact, Levels, Query, Told, size_of

Signature = tuple[str, ...]
"""dimensions, sorted"""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST_GROUPS = 300_000
"""groups that one release may be about; with more an audit would take too long"""


@dataclass(frozen=True, slots=True)
class System:
    """Whole counts within bounds, of which some are sums of others.

    Attributes:
        low, high: float (n,), what was told of each variable; inf where nothing was.
        owner, member, sign: int (m,), the entries of the sums: in sum ``owner`` variable
            ``member`` counts 1, or -1 where it is the whole. Each sum is 0.
        facts: the variable of each fact, in order.
        need_low, need_high: float (n,), counts that must stay possible; nan where none must.
        blurred: bool (n,), whether a variable must not be known exactly.
        none_told: bool (n,), whether it may be known that it is none.
    """

    low: Floats
    high: Floats
    owner: Ints
    member: Ints
    sign: Ints
    facts: tuple[int, ...]
    need_low: Floats
    need_high: Floats
    blurred: NDArray[np.bool_]
    none_told: NDArray[np.bool_]


def build(told: Sequence[Told]) -> System:
    """The system of everything that was told.

    Raises:
        ReleaseRefused: RS3033, it is too large.
    """
    spaces: dict[str, _Space] = {}
    size = 0
    for population in sorted({fact.population for each in told for fact in each.facts}):
        spaces[population] = _Space.of(told, population, size)
        size = spaces[population].end
    if size > MOST_GROUPS:
        raise ReleaseRefused(
            f"the tables of this release are about {size:,} groups of people, more than "
            f"{MOST_GROUPS:,}: what follows from them together cannot be worked out in time",
            fix="release fewer tables at once, or with fewer dimensions",
            code="RS3033",
        )
    facts = [fact for each in told for fact in each.facts]
    at = tuple(spaces[fact.population].at(fact.query) for fact in facts)
    entries = [entry for space in spaces.values() for entry in space.sums()]
    return _system(size, facts, at, entries)


Entries = tuple[Ints, Ints]
"""of one block of sums: for each part its whole, and the part itself"""


def _system(
    size: int, facts: Sequence[Fact], at: tuple[int, ...], blocks: Sequence[Entries]
) -> System:
    low, high = np.zeros(size), np.full(size, np.inf)
    need_low, need_high = np.full(size, np.nan), np.full(size, np.nan)
    blurred, none_told = np.zeros(size, dtype=np.bool_), np.ones(size, dtype=np.bool_)
    for fact, place in zip(facts, at, strict=True):
        low[place] = max(low[place], fact.low)
        if fact.high is not None:
            high[place] = min(high[place], fact.high)
        if fact.needs:
            need_low[place] = np.fmin(need_low[place], fact.needs[0])
            need_high[place] = np.fmax(need_high[place], fact.needs[1])
        blurred[place] |= fact.blurred
        none_told[place] &= fact.none_told or not fact.blurred
    owner, member, sign = [], [], []
    sums = 0
    for whole, part in blocks:
        each, number = np.unique(whole, return_inverse=True)
        owner += [sums + number, sums + np.arange(len(each))]
        member += [part, each]
        sign += [np.ones(len(part), np.int64), np.full(len(each), -1, np.int64)]
        sums += len(each)
    return System(
        low, high, _joined(owner), _joined(member), _joined(sign), at, need_low, need_high,
        blurred, none_told,
    )  # fmt: skip


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Space:
    """The groups of one population, numbered from ``start``."""

    levels: dict[str, Levels]
    starts: dict[Signature, int]
    unions: dict[Query, int]
    end: int

    @classmethod
    def of(cls, told: Sequence[Told], population: str, start: int) -> _Space:
        levels: dict[str, set[str]] = {}
        signatures: set[Signature] = set()
        unions: dict[Query, int] = {}
        for each in told:
            queries = [fact.query for fact in each.facts if fact.population == population]
            for query in queries:
                signatures.add(tuple(sorted(dimension for dimension, _ in query)))
                unions |= {query: 0} if any(len(known) > 1 for _, known in query) else {}
            for dimension, known in each.levels if queries else ():
                levels.setdefault(dimension, set()).update(known)
        sorted_levels = {dimension: tuple(sorted(known)) for dimension, known in levels.items()}
        starts = {}
        for signature in sorted(closure(signatures)):
            starts[signature] = start
            start += size_of(sorted_levels, signature)
        for query in sorted(unions, key=sorted):
            unions[query] = start
            start += 1
        return cls(sorted_levels, starts, unions, start)

    def at(self, query: Query) -> int:
        """The variable of a group."""
        return self.unions[query] if query in self.unions else self._single(dict(query))

    def _single(self, levels: dict[str, Levels]) -> int:
        place = 0
        signature = tuple(sorted(levels))
        for dimension in signature:
            known = self.levels[dimension]
            place = place * len(known) + known.index(levels[dimension][0])
        return self.starts[signature] + place

    def sums(self) -> Iterator[Entries]:
        """Each group as the sum of those it is divided into."""
        for whole, parts in covers(self.starts):
            yield self._margin(whole, parts)
        for query, place in self.unions.items():
            parts_of = [self._single(each) for each in _singles(dict(query))]
            yield np.full(len(parts_of), place, np.int64), np.array(parts_of, np.int64)

    def _margin(self, whole: Signature, parts: Signature) -> Entries:
        shape = [len(self.levels[dimension]) for dimension in parts]
        part = np.arange(int(np.prod(shape)), dtype=np.int64)
        each = dict(zip(parts, np.unravel_index(part, shape), strict=True)) if parts else {}
        place = np.zeros(len(part), np.int64)
        for dimension in whole:
            place = place * len(self.levels[dimension]) + each[dimension]
        return self.starts[whole] + place, self.starts[parts] + part


def _singles(levels: dict[str, Levels]) -> Iterator[dict[str, Levels]]:
    """A group of several levels as the groups of one each."""
    found: list[dict[str, Levels]] = [{}]
    for dimension, known in levels.items():
        found = [{**each, dimension: (level,)} for each in found for level in known]
    return iter(found)


# -- which sets of dimensions there are ----------------------------------------------------------


def closure(signatures: Iterable[Signature]) -> set[Signature]:
    """All signatures, their intersections, and what their cycles have together.

    Examples:
        >>> sorted(closure({("age", "band"), ("band", "sex")}))
        [('age', 'band'), ('band',), ('band', 'sex')]
        >>> ("age", "area", "sex") in closure({("age", "sex"), ("area", "sex"), ("age", "area")})
        True
    """
    found = set(signatures)
    if core := _cycle(found):
        found.add(core)
    new = set(found)
    while new:
        pairs = {_common(one, other) for one in new for other in found}
        new = pairs - found
        found |= new
    return found


def _common(one: Signature, other: Signature) -> Signature:
    return tuple(sorted(set(one) & set(other)))


def _cycle(signatures: Iterable[Signature]) -> Signature:
    """The dimensions that remain when whatever hangs on by one end is taken away (Graham 1979)."""
    edges = [set(each) for each in signatures]
    while True:
        before = [len(edges), sum(map(len, edges))]
        for edge in edges:
            others = [each for each in edges if each is not edge]
            edge -= {dim for dim in edge if not any(dim in each for each in others)}
        kept: list[set[str]] = []
        for edge in sorted(edges, key=len, reverse=True):
            if edge and not any(edge <= each for each in kept):
                kept.append(edge)
        edges = kept
        if before == [len(edges), sum(map(len, edges))]:
            return tuple(sorted(set().union(*edges)))


def covers(signatures: Iterable[Signature]) -> Iterator[tuple[Signature, Signature]]:
    """(whole, parts): each signature with those that divide it further, and no other between."""
    known = sorted(signatures, key=lambda each: (len(each), each))
    for whole, parts in combinations(known, 2):
        between = (set(whole) < set(each) < set(parts) for each in known)
        if set(whole) < set(parts) and not any(between):
            yield whole, parts
