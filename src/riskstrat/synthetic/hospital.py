"""Extracts of the hospitals: emergency department attendances and admissions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic import rates
from riskstrat.synthetic.frames import (
    FAR,
    LAST_RECORD,
    START,
    BoolArray,
    FloatArray,
    IntArray,
    choose,
    dates,
    day,
    recorded,
    words,
)
from riskstrat.synthetic.world import PERSON, RECORD, World

ED_DROPOUT = (day("2022-11-01"), day("2022-12-01"))
"""The month the hospital's supplier sent no emergency department records."""


def ed_attendances(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Attendances: most emergency admissions begin with one; the drop-out month was never sent."""
    panel, emergencies = world.history.panel, world.history.emergencies
    row, on = panel.scatter(_ed_rate(world), rng)
    came = rng.random(len(emergencies.person)) < 0.68
    person = np.concatenate([panel.person[row], emergencies.person[came]])
    on = np.concatenate([on, emergencies.day[came]])
    admitted = np.arange(len(person)) >= len(row)
    sent = (on < ED_DROPOUT[0]) | (on >= ED_DROPOUT[1])
    person, on, admitted = person[sent], on[sent], admitted[sent]
    count = len(person)
    acuity = np.where(
        admitted, choose(rng, (5, 30, 50, 13, 2), count), choose(rng, (1, 9, 34, 42, 14), count)
    )
    ambulance = rng.random(count) < np.array([0.85, 0.62, 0.34, 0.12, 0.03])[acuity]
    other = ~ambulance & (rng.random(count) < 0.06)
    minor = ~ambulance & ~admitted & (rng.random(count) < 0.42)
    return {
        PERSON: person,
        RECORD: "ED",
        "arrived_on": dates(on),
        "recorded_on": dates(recorded(rng, on, 1, 10)),
        "acuity": words("12345", acuity),
        "arrival_mode": words(("walk_in", "ambulance", "other"), ambulance + 2 * other),
        "department_type": words(("01", "03"), minor),
    }


def _ed_rate(world: World) -> FloatArray:
    panel, people = world.history.panel, world.population.persons
    person = panel.person
    ages = (0, 1, 4, 10, 20, 30, 50, 65, 80, 95)
    shape = (0.9, 0.9, 0.35, -0.15, 0.3, 0.15, -0.25, -0.35, -0.05, 0.1)
    rate = np.exp(
        rates.ED_BASE
        + np.interp(panel.age, ages, shape)
        + 0.058 * (5.5 - panel.decile)
        + 0.10 * panel.conditions
        + 0.55 * panel.frailty / 0.2
        + 0.16 * np.minimum(panel.prior, 3)
        + 0.42 * people.need[person]
        + 0.5 * world.history.traits.has(person, "smi", panel.begins)
        + 0.6 * world.history.traits.has(person, "substance_misuse", panel.begins)
        + rates.ED_PERSON_SPREAD * world.history.traits.care_use[person]
    )
    return np.asarray(rate, np.float64)


EMERGENCY_METHODS = ("21", "22", "23", "24", "25", "2A", "2D")
EMERGENCY_METHOD_SHARES = (0.68, 0.12, 0.005, 0.06, 0.005, 0.05, 0.08)
OTHER_METHODS = ("11", "12", "13", "31", "81", "2B", "2C")
CODE_SET_SWITCH = day("2017-04-01")
"""Before this day the hospital sent '28' where it now sends '2A' and '2D' (domain facts B3)."""
DIAGNOSES = (
    "J18", "R07", "N39", "R10", "J22", "A41", "S72", "S09", "R55", "K52", "L03", "B34",
    "J06", "F10", "T50", "O26", "K80", "I10", "F32", "E11", "J45", "N18", "C34", "I20",
    "I48", "J44", "I63", "I50", "F20", "F03", "G40", "F19", "H26", "K40", "M17", "Z51",
    "O80", "K35", "I21", "K59",
)  # fmt: skip
CONDITION_DIAGNOSES = (
    "I10", "F32", "E11", "J45", "N18", "C34", "I20", "I48", "J44", "I63", "I50", "F20",
    "F03", "G40", "F19",
)  # fmt: skip
"""One for each of rates.CONDITIONS, in their order."""


def admissions(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Hospital spells: every emergency, planned care, and births and transfers as others."""
    person, on, out, method, diagnosis = (
        np.concatenate(part)
        for part in zip(_emergency_spells(world, rng), _planned_spells(world, rng), strict=True)
    )
    out = np.minimum(out, LAST_RECORD - 46)
    out = np.maximum(out, on)
    bed_days = out - on
    planned = method < len(OTHER_METHODS)
    cost = np.where(planned, 900.0, 750.0) + bed_days * 345.0
    cost = np.round(cost * rng.lognormal(0, 0.35, len(on)), 2)
    return {
        PERSON: person,
        RECORD: "AD",
        "admitted_on": dates(on),
        "discharged_on": dates(out),
        "recorded_on": dates(recorded(rng, out, 20, 45)),
        "admission_method": words((*OTHER_METHODS, *EMERGENCY_METHODS, "28"), method),
        "primary_diagnosis": words(DIAGNOSES, diagnosis),
        "bed_days": pa.array(bed_days),
        "cost": pa.array(np.minimum(cost, 190_000)),
    }


Spells = tuple[IntArray, IntArray, IntArray, IntArray, IntArray]


def _emergency_spells(world: World, rng: np.random.Generator) -> Spells:
    emergencies, traits = world.history.emergencies, world.history.traits
    person, on = emergencies.person, emergencies.day
    method = len(OTHER_METHODS) + choose(rng, EMERGENCY_METHOD_SHARES, len(on))
    old_code = (method >= len(OTHER_METHODS) + 5) & (on < CODE_SET_SWITCH)
    method = np.where(old_code, len(OTHER_METHODS) + len(EMERGENCY_METHODS), method)
    age = (on - world.population.persons.born[person]) / 365.25
    adult = choose(rng, (8, 9, 5, 8, 4, 4, 1, 4, 3, 4, 4, 1, 1, 4, 4, 2, 3), len(on))
    child = choose(rng, (3, 1, 2, 5, 9, 1, 0, 6, 1, 7, 2, 12, 12), len(on))
    older = choose(rng, (13, 6, 11, 3, 7, 7, 8, 4, 7, 3, 4), len(on))
    diagnosis = np.where(age < 18, child, np.where(age >= 67, older, adult))
    # For those with conditions, two in five admissions are for one of them.
    order = np.argsort(rng.random((len(on), len(rates.CODES))), axis=1)
    ill = np.take_along_axis(traits.onset[person] < on[:, None], order, axis=1)
    pick = order[np.arange(len(on)), ill.argmax(1)]
    own = np.array([DIAGNOSES.index(code) for code in CONDITION_DIAGNOSES])[pick]
    related = ill.any(1) & (rng.random(len(on)) < 0.4)
    return person, on, emergencies.out, method, np.where(related, own, diagnosis)


def _planned_spells(world: World, rng: np.random.Generator) -> Spells:
    panel, people = world.history.panel, world.population.persons
    age = np.interp(panel.age, (0, 5, 18, 40, 65, 80, 95), (-1, -1, -0.8, 0, 0.8, 0.9, 0.2))
    rate = 0.075 * np.exp(age + 0.15 * panel.conditions + 0.1 * people.need[panel.person])
    row, on = panel.scatter(rate, rng)
    person = panel.person[row]
    stay = np.where(rng.random(len(on)) < 0.72, 0, rng.geometric(0.35, len(on)))
    mothers = ~people.male[person] & (panel.age[row] > 18) & (panel.age[row] < 43)
    birth = mothers & (rng.random(len(on)) < 0.45)
    method = choose(rng, (52, 26, 18, 0, 2.5, 0.6, 0), len(on))
    method = np.where(birth, np.where(rng.random(len(on)) < 0.02, 6, 3), method)
    names = ("H26", "K40", "M17", "Z51", "K80", "R10")
    planned = np.array([DIAGNOSES.index(name) for name in names])
    diagnosis = planned[choose(rng, (20, 14, 15, 26, 12, 13), len(on))]
    diagnosis = np.where(birth, DIAGNOSES.index("O80"), diagnosis)
    out = np.minimum(on + stay, world.history.gone[person] - 1)
    clear = ~_in_hospital(world, person, on, out)
    return person[clear], on[clear], out[clear], method[clear], diagnosis[clear]


def _in_hospital(world: World, person: IntArray, on: IntArray, out: IntArray) -> BoolArray:
    """Whether an emergency spell overlaps a planned one."""
    emergencies = world.history.emergencies
    starts = emergencies.person * 100_000 + emergencies.day
    at = np.searchsorted(starts, person * 100_000 + out, side="right") - 1
    back = np.maximum(at, 0)
    same = (at >= 0) & (emergencies.person[back] == person)
    return np.asarray(same & (np.minimum(emergencies.out[back], FAR) >= on) & (on >= START))
