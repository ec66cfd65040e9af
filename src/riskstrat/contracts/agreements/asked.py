"""What a study asks of the agreements, as plain data: what it reads, makes and hands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from riskstrat.contracts.agreements.spec import Rows
from riskstrat.contracts.spec import Source
from riskstrat.vocabulary import Unit

Origins = Mapping[str, frozenset[str]]
"""source -> its columns"""
NOWHERE: Origins = MappingProxyType({})
THE_ROWS = "(rows)"
"""in place of a column: the list itself, that is who is on it, and in which order"""


def together(*origins: Origins) -> Origins:
    """All columns of several origins, sources by name."""
    found: dict[str, set[str]] = {}
    for each in origins:
        for source, columns in each.items():
            found.setdefault(source, set()).update(columns)
    return MappingProxyType({name: frozenset(found[name]) for name in sorted(found)})


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """Where a feature or a released column comes from.

    Attributes:
        shows: columns that can be read off it, wholly or in part: ``age`` shows the date of
            birth, a count of visits shows when there were any.
        rests_on: columns that went into it and cannot be read off it: keys, the day a record
            was known, the relation it was found through, all that a score was made from.
    """

    shows: Origins = field(default_factory=lambda: NOWHERE)
    rests_on: Origins = field(default_factory=lambda: NOWHERE)

    @property
    def all(self) -> Origins:
        """Both together."""
        return together(self.shows, self.rests_on)


def joined(parts: Iterable[MadeFrom]) -> MadeFrom:
    """Where something comes from that is made of several."""
    each = tuple(parts)
    return MadeFrom(
        together(*(part.shows for part in each)), together(*(part.rests_on for part in each))
    )


@dataclass(frozen=True, slots=True)
class Derived:
    """A feature: its name, the source it measures, how (an aggregate, or ``attribute``)."""

    name: str
    source: str
    how: str
    made_from: MadeFrom = field(default_factory=MadeFrom)


@dataclass(frozen=True, slots=True)
class Handed:
    """One column that one recipient would be handed, in rows of one kind."""

    recipient: str
    rows: Rows
    column: str
    made_from: MadeFrom


@dataclass(frozen=True, slots=True)
class Asked:
    """What a study asks.

    Attributes:
        purpose: what it is for.
        unit: what it is about.
        sources: the sources it reads, the lists of opt-outs included.
        columns: source -> the columns of it that the study reads.
        derived: the features it makes.
        handed: the columns it hands out; recipients in the order of the study.
        days: the latest as-of date, and the days it scores for.
    """

    purpose: str
    unit: Unit
    sources: tuple[Source, ...]
    columns: Origins
    derived: tuple[Derived, ...] = ()
    handed: tuple[Handed, ...] = ()
    days: tuple[date, ...] = ()

    @property
    def by_name(self) -> Mapping[str, Source]:
        """The sources by name."""
        return {source.source: source for source in self.sources}

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who would be handed something, each once."""
        return tuple(dict.fromkeys(each.recipient for each in self.handed))
