"""What has left before: how a release is written down, and what of it the next one must mind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from riskstrat.release.disclosure import restored
from riskstrat.release.interval.differences import Earlier
from riskstrat.release.interval.published import Fact, Levels, Told, of_table
from riskstrat.release.keeping import kept
from riskstrat.release.policies import policy_named
from riskstrat.vocabulary import Protected


@dataclass(frozen=True, slots=True)
class Leaving:
    """All counts that leave for one day of a study.

    Attributes:
        tables: each protected table once, with those who receive it.
        lists: of each list whose rows can be counted: who receives it, and what it tells.
        places: the kinds of place that any of them tells of.
    """

    tables: tuple[tuple[Protected, tuple[str, ...]], ...] = ()
    lists: tuple[tuple[str, Told], ...] = ()
    places: tuple[str, ...] = ()

    def as_dict(self, study: str, day: date) -> dict[str, Any]:
        """For the ledger of releases: cells as shown, dimensions, day, recipients."""
        return {
            "study": study,
            "day": day.isoformat(),
            "places": sorted(self.places),
            "tables": [{"recipients": list(to), **kept(table)} for table, to in self.tables],
            "lists": [{"recipient": to, **_told(each)} for to, each in self.lists],
        }


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier releases told, as far as the next one of a study and day must mind it."""

    earlier: tuple[Earlier, ...] = ()
    places: tuple[str, ...] = field(default=())


def before(releases: Iterable[Mapping[str, Any]], study: str, day: date) -> Before:
    """Read what `Leaving` wrote down.

    Releases of other studies are kept too: where they count the very same people, tables of both
    can be added and subtracted.
    """
    earlier: list[Earlier] = []
    places: set[str] = set()
    for told in releases:
        own, same = told["study"] == study, told["day"] == day.isoformat()
        if own and same:
            places |= set(told["places"])
        for each in told["tables"]:
            table = restored(each, trusted=True)
            facts = of_table(table, policy_named(table.policy))
            earlier += [Earlier(facts, own, same)] if facts else []
        earlier += [Earlier(_read(each), own, same, is_list=True) for each in told["lists"]]
    return Before(tuple(earlier), tuple(sorted(places)))


def _told(told: Told) -> dict[str, Any]:
    return {
        "title": told.title,
        "levels": [[dimension, list(levels)] for dimension, levels in told.levels],
        "facts": [
            {
                "population": fact.population,
                "query": sorted([dimension, list(levels)] for dimension, levels in fact.query),
                "low": fact.low,
                "high": fact.high,
            }
            for fact in told.facts
        ],
    }


def _read(told: Mapping[str, Any]) -> Told:
    facts = (
        Fact(each["population"], frozenset(map(_part, each["query"])), each["low"], each["high"])
        for each in told["facts"]
    )
    return Told(told["title"], tuple(facts), tuple(map(_part, told["levels"])))


def _part(part: Sequence[Any]) -> tuple[str, Levels]:
    return part[0], tuple(part[1])
