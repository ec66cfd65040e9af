"""Extract of opt-outs: who objected to what, from when, and who took it back."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstrat.synthetic.frames import (
    FAR,
    LAST_RECORD,
    YEAR,
    FloatArray,
    IntArray,
    dates,
    day,
    recorded,
    words,
)
from riskstrat.synthetic.world import PERSON, World

KINDS = ("type_1", "national", "risk_stratification")
SHARES = (0.040, 0.0497, 0.002)
"""of people, in force on the last day: domain facts B4 (dissent is rare)"""
BEGAN = (day("2015-04-01"), day("2018-05-25"), day("2018-05-25"))
"""the county's first day; and the day on which the national opt-out began"""
WAVE = (day("2021-05-10"), day("2021-08-20"))
"""when a plan to collect practices' records was in the news, many opted out"""
IN_WAVE = (0.45, 0.40, 0.10)
TAKEN_BACK = 0.05
WOMEN, MEN = 5.53 / 4.97, 4.41 / 4.97
AGES = ((0, 0.72), (18, 0.98), (40, 6.04 / 4.97), (50, 1.14), (70, 0.97))
"""lowest age, and how often people opt out beside the average: most often in their forties"""


def opt_outs(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """One row per objection; nobody objects before birth, or after death or leaving the county."""
    people, gone = world.population.persons, world.history.gone
    parts: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
    for kind in range(len(KINDS)):
        # Some take it back, so that as many more objected once.
        chance = SHARES[kind] / (1 - TAKEN_BACK) * _inclined(world)
        person = np.flatnonzero(rng.random(len(people)) < chance)
        starts = _starts(kind, len(person), rng)
        # For a child born later it is the parents who object, in its first months.
        starts = np.maximum(starts, people.born[person] + rng.integers(1, 120, len(person)))
        back = rng.random(len(person)) < TAKEN_BACK
        ends = np.where(back, starts + rng.integers(30, 720, len(person)), FAR)
        ends = np.where(ends > LAST_RECORD, FAR, ends)
        there = (starts < gone[person]) & (starts <= LAST_RECORD)
        parts.append((person[there], np.full(int(there.sum()), kind), starts[there], ends[there]))
    person, kinds, starts, ends = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {
        PERSON: person,
        "kind": words(KINDS, kinds),
        "starts_on": dates(starts),
        "ends_on": dates(ends, ends == FAR),
        "recorded_on": dates(recorded(rng, starts, 1, 14, late=0.01)),
    }


def _inclined(world: World) -> FloatArray:
    """How often each person opts out beside the average, by sex and by age in June 2021."""
    people = world.population.persons
    age = (day("2021-06-01") - people.born) / YEAR
    by_age = np.full(len(people), AGES[0][1])
    for lowest, factor in AGES[1:]:
        by_age = np.where(age >= lowest, factor, by_age)
    inclined = by_age * np.where(people.male, MEN, WOMEN)
    return np.asarray(inclined / inclined.mean(), np.float64)


def _starts(kind: int, count: int, rng: np.random.Generator) -> IntArray:
    """The day of each objection: any day since it became possible, or in the wave of 2021."""
    usual = rng.integers(BEGAN[kind], LAST_RECORD, count)
    wave = rng.integers(*WAVE, count)
    return np.asarray(np.where(rng.random(count) < IN_WAVE[kind], wave, usual), np.int64)
