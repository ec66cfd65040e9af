"""Differences to what was released before of other people under the same name and day.

When a day is released again after somebody opted out, or a record came late, the same cell of both
tables tells of those few. And where counts are exact, so does the same cell of two days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from riskstrat.release.interval.published import Fact, Levels, Told
from riskstrat.release.policies import Policy

Named = frozenset[tuple[str, Levels]]
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

    Of the same day: the two counts cannot be equal, and they may differ by less than the
    threshold. Of another day: they differ by exactly so many, which is fewer than the threshold.
    """
    known: dict[Named, list[tuple[Fact, bool]]] = {}
    for each in (each for each in earlier if not each.is_list):
        for fact in filter(_shown, each.told.facts if each.same_study else ()):
            known.setdefault(_named(fact), []).append((fact, each.same_day))
    return frozenset(
        (fact.at.table, fact.at.row, fact.at.column)
        for each in told
        for fact in each.facts
        if fact.at is not None and _shown(fact)
        if any(_tells(fact, old, same, policy) for old, same in known.get(_named(fact), ()))
    )


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


def _named(fact: Fact) -> Named:
    return frozenset((dimension.split(IDENTITY)[0], levels) for dimension, levels in fact.query)


def _tells(new: Fact, old: Fact, same_day: bool, policy: Policy) -> bool:
    if (new.population, new.query) == (old.population, old.query):
        return False  # the very same count, told twice
    assert new.high is not None and old.high is not None  # noqa: S101 - both are shown
    least, most = new.low - old.high, new.high - old.low
    apart = 0 if least <= 0 <= most else min(abs(least), abs(most))
    small = 0 < apart < policy.threshold
    return small if same_day else small and least == most
