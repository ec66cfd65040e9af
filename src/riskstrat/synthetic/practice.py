"""The extract of general practice: consultations, diagnoses, reviews and smoking status."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstrat.synthetic import rates
from riskstrat.synthetic.frames import (
    END,
    IntArray,
    dates,
    recorded,
    words,
)
from riskstrat.synthetic.world import PERSON, RECORD, World

GP_TYPES = ("consultation", "diagnosis", "review", "smoking_status")
SMOKING = ("smoker", "ex_smoker", "never_smoked")
GP_CODES = (*rates.CODES, *rates.DEFICITS, *SMOKING, None)


def gp_events(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Consultations, diagnoses (also from before 2015), monthly reviews, smoking status."""
    parts = [_consultations(world, rng), _diagnoses(world, rng), _deficits(world, rng),
             _reviews(world, rng), _smoking(world, rng)]  # fmt: skip
    person, on, kind, code = (np.concatenate(column) for column in zip(*parts, strict=True))
    people = world.population.persons
    keep = (on >= people.born[person]) & (on < world.history.gone[person]) & (on <= END)
    person, on, kind, code = person[keep], on[keep], kind[keep], code[keep]
    # A newcomer's older history arrives with the registration.
    known = recorded(rng, np.maximum(on, people.enters[person]), 0, 7)
    return {
        PERSON: person,
        RECORD: "GP",
        "event_date": dates(on),
        "recorded_on": dates(known),
        "event_type": words(GP_TYPES, kind),
        "code": words(GP_CODES, code),
    }


Rows = tuple[IntArray, IntArray, IntArray, IntArray]


def _rows(person: IntArray, on: IntArray, kind: int, code: IntArray | int) -> Rows:
    return person, on, np.full(len(person), kind), np.broadcast_to(code, len(person))


def _consultations(world: World, rng: np.random.Generator) -> Rows:
    panel, people = world.history.panel, world.population.persons
    person = panel.person
    rate = np.exp(
        rates.GP_BASE
        + np.interp(
            panel.age, (0, 3, 10, 20, 45, 65, 80, 95), (0.7, 0.2, -0.6, -0.2, 0, 0.3, 0.5, 0.4)
        )
        + 0.20 * ~people.male[person]
        + 0.16 * panel.conditions
        + 0.85 * panel.frailty / 0.2
        + 0.28 * people.need[person]
        + 0.25 * world.history.traits.has(person, "depression", panel.begins)
    )
    row, on = panel.scatter(np.minimum(rate, 24), rng)
    return _rows(person[row], on, 0, len(GP_CODES) - 1)


def _diagnoses(world: World, rng: np.random.Generator) -> Rows:
    onset = world.history.traits.onset
    person, code = np.nonzero(np.isfinite(onset) & (onset <= END))
    on = onset[person, code].astype(np.int64)
    coded = rng.random(len(person)) < 0.95
    return _rows(person[coded], on[coded], 1, code[coded])


def _deficits(world: World, rng: np.random.Generator) -> Rows:
    """Signs of frailty, each noted in the year after the index rose, if at all."""
    panel = world.history.panel
    order = np.lexsort((panel.year, panel.person))
    person, begins = panel.person[order], panel.begins[order]
    score = np.where(panel.age[order] >= 65, np.floor(panel.frailty[order] * 36), 0).astype(
        np.int64
    )
    score = np.clip(score - 1, 0, len(rates.DEFICITS))
    first = np.append(True, person[1:] != person[:-1])
    before = np.where(first, 0, np.append(0, score[:-1]))
    # The index grows with age; a condition resolved never lowers it within these years.
    count = np.maximum(score - before, 0)
    each = np.repeat(np.arange(len(person)), count)
    nth = np.arange(len(each)) - np.repeat(np.cumsum(count) - count, count) + before[each]
    code = len(rates.CODES) + (nth * 7 + person[each] * 3) % len(rates.DEFICITS)
    ago = -1 - (rng.random(len(each)) * 1500).astype(np.int64)
    # New signs are dated after the index rose, whoever lives to see them: were they dated before,
    # having one would tell that a person survived until the next 1 April.
    on = begins[each] + np.where(first[each], ago, rng.integers(0, 365, len(each)))
    noted = rng.random(len(each)) < 0.85
    return _rows(person[each][noted], on[noted], 1, code[noted])


def _reviews(world: World, rng: np.random.Generator) -> Rows:
    panel, onset = world.history.panel, world.history.traits.onset
    has = onset[panel.person] < panel.begins[:, None]
    row, code = np.nonzero(has)
    attends = rng.random(len(row)) < np.clip(0.78 - 0.04 * (5.5 - panel.decile[row]) / 4.5, 0, 1)
    row, code = row[attends], code[attends]
    on = panel.begins[row] + rng.integers(0, 365, len(row))
    return _rows(panel.person[row], on, 2, code)


def _smoking(world: World, rng: np.random.Generator) -> Rows:
    panel, people = world.history.panel, world.population.persons
    row, on = panel.scatter(np.where(panel.age >= 16, 0.30, 0.0), rng)
    person = panel.person[row]
    status = np.where(people.smoker[person], 0, np.where(people.ex_smoker[person], 1, 2))
    return _rows(person, on, 3, len(rates.CODES) + len(rates.DEFICITS) + status)
