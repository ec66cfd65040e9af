"""Who everybody of a block truly is, and where: what agencies' records are mistaken copies of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.addresses import Addresses, make_addresses
from riskstrat.synthetic.error_rates import AGES, Groups
from riskstrat.synthetic.frames import END, YEAR, IntArray, stream
from riskstrat.synthetic.naming import Names, birthdays, make_names
from riskstrat.synthetic.numbers import Counted, nhs_numbers, pupil_numbers
from riskstrat.synthetic.world import World


@dataclass(frozen=True, slots=True)
class Identities:
    """True identifiers by person, true addresses by home, and the groups people are counted in."""

    nhs_number: pa.Array
    upn: pa.Array
    """everybody has one, whether at school in these years or not"""
    names: Names
    born: IntArray
    last: IntArray
    """by person: the last day in the county, or of the data"""
    home: IntArray
    """by person: where on that day"""
    groups: Groups
    addresses: Addresses
    home_fifth: IntArray
    """by home: fifth of deprivation, 0 the most deprived"""


def make_identities(world: World, counted: Counted, seed: int, block: int) -> Identities:
    """Identities of a block; `counted` moves on."""
    population = world.population
    people, homes = population.persons, population.homes
    places = counted.persons + np.arange(len(people))
    counted.persons += len(people)
    last = np.minimum(world.history.gone - 1, END)
    home = homes.at(people.family, last)
    fifth = (homes.decile - 1) // 2
    age = np.maximum(last - people.born, 0) / YEAR
    band = np.searchsorted(AGES, age, side="right") - 1
    return Identities(
        nhs_numbers(places, counted.people, seed),
        pupil_numbers(places, world.children.starts_school, counted.people, seed),
        make_names(population, stream(seed, block, "names")),
        birthdays(population, stream(seed, block, "birthdays")),
        last,
        home,
        Groups(people.ethnicity, fifth[home], band),
        make_addresses(population, counted, seed, stream(seed, block, "addresses")),
        fifth,
    )
