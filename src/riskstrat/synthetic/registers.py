"""Extracts of who people are and where they live: registration, demographics, homes, deaths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.children import TERMS, term_of_birth
from riskstrat.synthetic.frames import FAR, dates, ended, recorded, words
from riskstrat.synthetic.population import ETHNICITIES
from riskstrat.synthetic.world import HOME, PERSON, World


def gp_registration(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """One spell a person: ends the day after death, or on leaving the county."""
    people, families = world.population.persons, world.population.families
    known = recorded(rng, people.enters, 0, 14, late=0.01)
    gone = world.history.gone
    return {
        PERSON: np.arange(len(people)),
        "practice_id": words(
            [f"Y{number + 1:05d}" for number in range(world.population.areas.practices)],
            families.practice[people.family],
        ),
        "starts_on": dates(people.enters),
        **ended(rng, gone, known, 2, 21),
        "recorded_on": dates(known),
    }


def demographics(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """One row a person; ethnicity is missing more often where need is high."""
    people, families = world.population.persons, world.population.families
    missing = rng.random(len(people)) < 0.045 * np.exp(0.25 * people.need + 0.25 * people.male)
    month = people.born.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]")
    return {
        PERSON: np.arange(len(people)),
        "birth_month": dates(month.astype(np.int64)),
        "sex": words(("female", "male"), people.male),
        "ethnicity": words(
            (*ETHNICITIES, "not_stated"), np.where(missing, len(ETHNICITIES), people.ethnicity)
        ),
        "term_of_birth": words(TERMS, term_of_birth(people.born)),
        "first_language_english": pa.array(families.english[people.family]),
        "valid_from": dates(people.enters),
        "recorded_on": dates(recorded(rng, people.enters, 0, 14, late=0.0)),
    }


def residence(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Where each person lived, as spells that neither overlap nor leave gaps."""
    people, homes, areas = world.population.persons, world.population.homes, world.population.areas
    first = np.searchsorted(homes.family, people.family, side="left")
    count = np.searchsorted(homes.family, people.family, side="right") - first
    person = np.repeat(np.arange(len(people)), count)
    nth = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    home = first[person] + nth
    gone = world.history.gone
    starts = np.maximum(homes.starts[home], people.enters[person])
    ends = np.minimum(homes.ends[home], gone[person])
    keep = starts < ends
    person, home, starts, ends = person[keep], home[keep], starts[keep], ends[keep]
    known = recorded(rng, starts, 0, 30)
    return {
        PERSON: person,
        HOME: home,
        "lsoa_code": areas.codes.take(pa.array(homes.area[home])),
        "starts_on": dates(starts),
        **ended(rng, ends, known, 2, 30),
        "recorded_on": dates(known),
    }


def deaths(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Deaths of people who still lived in the county."""
    person = np.flatnonzero(world.history.died < FAR)
    died = world.history.died[person]
    return {
        PERSON: person,
        "died_on": dates(died),
        "recorded_on": dates(recorded(rng, died, 3, 21)),
    }
