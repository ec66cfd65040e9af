"""The sealed truth: what tests and audits may compare with, and no stage may read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic import rates
from riskstrat.synthetic.defects import DUPLICATES, MISDATED_SHARE
from riskstrat.synthetic.frames import START, IntArray, dates, day
from riskstrat.synthetic.hospital import ED_DROPOUT
from riskstrat.synthetic.world import World

FIRST_YEAR, LAST_YEAR = 2016, 2024

README = """# Sealed truth of a made-up county

No stage of riskstrat may read this folder: only tests and audits may, to compare what a model
found with what was true. It holds, by the same pseudonyms as the extracts:

- `emergency_admission_12m.parquet`: for everybody registered on each 1 April from 2016 to 2024,
  the true probability of an emergency admission or death within 365 days, and whether it happened.
  For those who left the county in the year, it happened whether or not the extracts show it.
- `school_not_ready.parquet`: for every child about to start reception, on 1 September, the true
  probability of not reaching a good level of development, and whether that happened.
- `people.parquet`: each person's latent needs.
- `planted.json`: the planted effects and defects, with counts.

A model that beats the true risk is leaking.
"""


def tables(world: World, ids: pa.Array) -> dict[str, pa.Table]:
    """The truth of one block."""
    panel, readiness, people = (
        world.history.panel,
        world.children.readiness,
        world.population.persons,
    )
    kept = panel.registered & (panel.year >= FIRST_YEAR) & (panel.year <= LAST_YEAR)
    needs = world.population.families.need[people.family]
    return {
        "emergency_admission_12m": _outcomes(
            ids, panel.person[kept], _days(panel.year[kept], "04-01"), panel.risk[kept],
            panel.happened[kept],
        ),
        "school_not_ready": _outcomes(
            ids, readiness.person, _days(readiness.year, "09-01"), readiness.risk,
            readiness.happened,
        ),
        "people": pa.table(
            {
                "person_id": ids,
                "person_need": pa.array(people.need),
                "household_need": pa.array(needs),
                "frailty_tendency": pa.array(world.history.traits.frailty),
                "emergency_department_tendency": pa.array(world.history.traits.care_use),
                "child_development_need": pa.array(world.children.development),
            }
        ).sort_by("person_id"),
    }  # fmt: skip


def count(world: World) -> dict[str, int]:
    """People, those registered on 1 April 2015, and households ever."""
    people = world.population.persons
    there = (people.enters <= START) & (world.history.gone > START)
    return {
        "people": len(people),
        "registered": int(there.sum()),
        "households": len(world.population.homes.family),
    }


def describe(
    folder: Path,
    people: int,
    seed: int,
    defects: Mapping[str, int],
    more: Mapping[str, Any] = MappingProxyType({}),
    readme: str = "",
) -> None:
    """Write `planted.json`, to which there may be more, and `README.md`, which may go on."""
    planted: dict[str, Any] = {
        "county": {"people": people, "seed": seed},
        "effects": {
            "emergency_admission_12m": {
                "scale": rates.CLINICAL_SCALE,
                "prior_admissions_0_1_2_3": rates.PRIOR_ADMISSIONS,
                "per_major_condition": rates.PER_CONDITION,
                "frailty_fit_mild_moderate_severe": rates.FRAILTY,
                "smoker": rates.SMOKER,
                "lives_alone_65_plus": rates.LIVES_ALONE,
                "severe_mental_illness": rates.SEVERE_MENTAL_ILLNESS,
                "substance_misuse": rates.SUBSTANCE,
                "person_need": rates.PERSON_NEED,
                "household_need": rates.HOUSEHOLD_NEED,
            },
            "school_not_ready": rates.NOT_READY,
        },
        "defects": {
            "rows": dict(defects),
            "duplicate_share": dict(DUPLICATES),
            "misdated_share_of_each_kind": MISDATED_SHARE,
            "ed_attendances_missing": [str(np.datetime64(each, "D")) for each in ED_DROPOUT],
            "late_share": 0.02,
        },
    }
    (folder / "planted.json").write_text(
        json.dumps({**planted, **more}, indent=2, sort_keys=True) + "\n"
    )
    (folder / "README.md").write_text(README + readme)


def _days(years: IntArray, date: str) -> IntArray:
    return np.array([day(f"{year}-{date}") for year in range(2014, 2027)])[years - 2014]


def _outcomes(
    ids: pa.Array, person: IntArray, as_of: IntArray, risk: Any, happened: Any
) -> pa.Table:
    columns = {
        "person_id": ids.take(pa.array(person)),
        "as_of": dates(as_of),
        "true_risk": pa.array(risk),
        "happened": pa.array(happened),
    }
    return pa.table(columns).sort_by([("as_of", "ascending"), ("person_id", "ascending")])
