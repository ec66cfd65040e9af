"""The extract of medicines issued, by class and quarter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.frames import (
    BoolArray,
    IntArray,
    dates,
    day,
    recorded,
    sigmoid,
    words,
)
from riskstrat.synthetic.world import PERSON, RECORD, World

DRUGS: dict[str, tuple[tuple[str, ...], float]] = {
    "cardiovascular": (("hypertension", "chd", "af", "stroke", "heart_failure"), 0.86),
    "respiratory": (("asthma", "copd"), 0.85),
    "endocrine": (("diabetes",), 0.90),
    "antidepressant": (("depression",), 0.55),
    "antipsychotic": (("smi",), 0.75),
    "antiepileptic": (("epilepsy",), 0.90),
    "dementia": (("dementia",), 0.60),
    "anticoagulant": (("af",), 0.75),
    "malignancy": (("cancer",), 0.25),
    "substance_dependence": (("substance_misuse",), 0.50),
}
"""Drug classes given for a condition, and the share of people treated."""
OTHER_DRUGS = ("analgesic", "gastrointestinal", "nutrition", "infection")
DRUG_COST = (9, 24, 30, 8, 16, 22, 14, 70, 60, 28, 11, 7, 18, 6)


def prescriptions(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """One row per person, drug class and quarter in which it was issued."""
    panel = world.history.panel
    quarter = np.arange(4) * 91
    rows, classes, quarters = [], [], []
    for number, taken in enumerate(_taken(world, rng)):
        row = np.flatnonzero(taken)
        issued = rng.random((len(row), 4)) < 0.80
        at, nth = np.nonzero(issued)
        rows.append(row[at])
        quarters.append(quarter[nth])
        classes.append(np.full(len(at), number))
    row, kind, offset = (np.concatenate(part) for part in (rows, classes, quarters))
    on = _opens(panel.year)[row] + offset + rng.integers(0, 91, len(row))
    keep = (on >= panel.begins[row]) & (on < panel.ends[row])
    row, kind, on = row[keep], kind[keep], on[keep]
    items = 1 + rng.poisson(1.6 + 3.5 * panel.frailty[row] + 0.2 * panel.conditions[row])
    cost = np.round(items * np.array(DRUG_COST)[kind] * rng.lognormal(-0.1, 0.4, len(row)), 2)
    return {
        PERSON: panel.person[row],
        RECORD: "RX",
        "issued_on": dates(on),
        "recorded_on": dates(recorded(rng, on, 20, 50)),
        "drug_class": words((*DRUGS, *OTHER_DRUGS), kind),
        "items": pa.array(items.astype(np.int64)),
        "cost": pa.array(np.minimum(cost, 5000)),
    }


def _opens(year: IntArray) -> IntArray:
    return np.array([day(f"{each}-04-01") for each in range(2014, 2027)])[year - 2014]


def _taken(world: World, rng: np.random.Generator) -> list[BoolArray]:
    """For each drug class, whether the person of each panel row takes it that year."""
    panel, traits, people = world.history.panel, world.history.traits, world.population.persons
    person, when = panel.person, panel.begins
    need, taken = people.need[person], []
    for codes, treated in DRUGS.values():
        ill = np.any([traits.has(person, code, when) for code in codes], axis=0)
        habit = rng.random(len(people))[person]
        taken.append(ill & (habit < treated))
    lean = 0.45 * need + 1.5 * (panel.frailty / 0.2) + 0.02 * (panel.age - 45)
    for base in (-3.0, -3.1, -4.6, -3.3):
        habit = 0.8 * rng.standard_normal(len(people))[person]
        taken.append(rng.random(len(person)) < sigmoid(base + lean + habit))
    return taken
