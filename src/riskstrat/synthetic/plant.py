"""Faults planted on purpose, so that an audit can be held to finding them by name.

Without one nothing changes: the same people and seed give the same bytes. What was planted is
told in the sealed truth alone.

- ``under_recorded:ethnicity=asian:0.4``: of the group's records in general practice, emergency
  departments and hospital, four in ten were never written. Medicines are, since somebody paid.
- ``leak:prescriptions.drug_class=dementia:0.5``: for half of the emergency admissions a record of
  this value is made because of the stay, and dated to the fortnight before the year in which it
  was paid for (1 April), as bills are: every list made on 1 April sees it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.areas import QUINTILES
from riskstrat.synthetic.frames import BoolArray, IntArray, dates, day, stream
from riskstrat.synthetic.population import ETHNICITIES
from riskstrat.synthetic.world import PERSON, World

UNDER_RECORDED: Literal["under_recorded"] = "under_recorded"
LEAK: Literal["leak"] = "leak"
THINNED = ("gp_events", "ed_attendances", "admissions")
"""the extracts that under-recording thins"""
LEAKING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"prescriptions": ("issued_on", "drug_class")}
)
"""extracts that a leak may be planted in: the day a record happened, and the column of its value"""
BEFORE = 14
"""days before the year within which a leaking record is dated"""
_PLANT = re.compile(
    r"^(?:(?P<kind>under_recorded):(?P<group>sex|ethnicity|imd_quintile)=(?P<level>[a-z0-9_]+)"
    r"|(?P<leak>leak):(?P<source>[a-z_]+)\.(?P<column>[a-z_]+)=(?P<value>[a-z_]+))"
    r":(?P<share>0?\.\d+|1(?:\.0+)?)$"
)


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted fault.

    Attributes:
        text: as it was asked for.
        kind: ``under_recorded`` or ``leak``.
        name, value: group and level, or extract and value.
        share: of the group's records that are lost, or of the admissions that leak.
    """

    text: str
    kind: Literal["under_recorded", "leak"]
    name: str
    value: str
    share: float


def read_plant(text: str) -> Plant:
    """Read a planted fault.

    Raises:
        ValueError: it is none, or names what the county has not.

    Examples:
        >>> read_plant("under_recorded:ethnicity=asian:0.4").share
        0.4
    """
    found = _PLANT.match(text)
    if not found:
        raise ValueError(
            f"a planted fault looks like `under_recorded:ethnicity=asian:0.4` or "
            f"`leak:prescriptions.drug_class=dementia:0.5`, not `{text}`"
        )
    share = float(found["share"])
    if found["leak"]:
        if LEAKING.get(found["source"], ("", ""))[1] != found["column"]:
            known = ", ".join(f"{name}.{column}" for name, (_, column) in LEAKING.items())
            raise ValueError(f"a leak is planted in {known}, not in `{found['source']}`")
        return Plant(text, LEAK, found["source"], found["value"], share)
    if found["level"] not in LEVELS[found["group"]]:
        known = ", ".join(LEVELS[found["group"]])
        raise ValueError(f"`{found['group']}` has the levels {known}, not `{found['level']}`")
    return Plant(text, UNDER_RECORDED, found["group"], found["level"], share)


LEVELS: Mapping[str, Sequence[str]] = MappingProxyType(
    {"sex": ("female", "male"), "ethnicity": ETHNICITIES, "imd_quintile": QUINTILES}
)


def planted(
    plants: Sequence[Plant], name: str, table: pa.Table, world: World, seed: int, block: int
) -> pa.Table:
    """One extract of one block with the faults planted in it; the rest of it is untouched.

    Args:
        plants: all of the county's.
        name: of the extract.
        table: as its agency wrote it, with stand-ins for people.
        world, seed, block: whose it is.
    """
    for plant in plants:
        rng = stream(seed, block, f"{plant.text} {name}")
        if plant.kind == UNDER_RECORDED and name in THINNED:
            person = np.asarray(table.column(PERSON).combine_chunks())
            lost = _members(world, plant)[person] & (rng.random(len(person)) < plant.share)
            table = table.filter(pa.array(~lost))
        if plant.kind == LEAK and name == plant.name:
            table = pa.concat_tables([table, _leaking(plant, table, world, rng)])
    return table


def _members(world: World, plant: Plant) -> BoolArray:
    """Whether each person belongs to the group; by area, that of their first home."""
    people, homes = world.population.persons, world.population.homes
    level = list(LEVELS[plant.name]).index(plant.value)
    if plant.name == "sex":
        return np.asarray(people.male == bool(level))
    if plant.name == "ethnicity":
        return np.asarray(people.ethnicity == level)
    first = np.searchsorted(homes.family, people.family, side="left")
    decile = world.population.areas.decile[homes.area[first]]
    return np.asarray((decile - 1) // 2 == level)


def _leaking(plant: Plant, table: pa.Table, world: World, rng: np.random.Generator) -> pa.Table:
    """Records made because of an admission, dated before the year in which it happened."""
    emergencies = world.history.emergencies
    chosen = rng.random(len(emergencies.person)) < plant.share
    person, on = emergencies.person[chosen], emergencies.day[chosen]
    when = _year_begins(on) - 1 - rng.integers(0, BEFORE, len(on))
    there = when >= world.population.persons.enters[person]
    person, when = person[there], when[there]
    like = np.zeros(len(person), dtype=np.int64)
    happened, column = LEAKING[plant.name]
    made: dict[str, Any] = {each: table.column(each).take(like) for each in table.column_names}
    made |= {PERSON: pa.array(person), happened: dates(when), "recorded_on": dates(when)}
    made[column] = pa.array([plant.value]).take(pa.array(like))
    rows = pa.table(made).select(table.column_names)
    return rows.cast(table.schema)


def _year_begins(on: IntArray) -> IntArray:
    """The 1 April on or before each day."""
    firsts = np.array([day(f"{year}-04-01") for year in range(2013, 2028)])
    return np.asarray(firsts[np.searchsorted(firsts, on, side="right") - 1])


def told(plants: Sequence[Plant]) -> list[dict[str, Any]]:
    """For the sealed truth."""
    return [
        {"fault": p.text, "kind": p.kind, "name": p.name, "value": p.value, "share": p.share}
        for p in plants
    ]
