"""Extracts keyed by household: police, tenancies, rent arrears and benefits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.frames import (
    END,
    FAR,
    START,
    YEAR,
    IntArray,
    dates,
    ended,
    recorded,
    words,
)
from riskstrat.synthetic.places import INCIDENTS
from riskstrat.synthetic.world import HOME, RECORD, World

TENANCIES = ("secure", "introductory", "temporary")
BENEFITS = (
    "housing_benefit",
    "universal_credit",
    "council_tax_support",
    "pension_credit",
    "free_school_meals_entitlement",
)


def police_incidents(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Incidents attended at a household."""
    places = world.places
    return {
        HOME: places.incident_home,
        RECORD: "PI",
        "occurred_on": dates(places.incident_on),
        "recorded_on": dates(recorded(rng, places.incident_on, 0, 10)),
        "category": words(INCIDENTS, places.incident_kind),
    }


def tenancies(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Council tenancies: a year introductory, then secure; some are temporary throughout."""
    homes, places = world.population.homes, world.places
    lived = (places.ends > np.maximum(homes.starts, START)) & (homes.starts <= END)
    home = np.flatnonzero(places.council & lived)
    starts, ends = homes.starts[home], places.ends[home]
    temporary = (rng.random(len(home)) < 0.10) & (starts >= START)
    new = ~temporary & (rng.random(len(home)) < 0.9)
    year = round(YEAR)
    first_end = np.where(new, np.minimum(starts + year, ends), ends)
    second = new & (starts + year < ends) & (starts + year <= END)
    kind = np.where(temporary, 2, np.where(new, 1, 0))
    begins = np.concatenate([starts, starts[second] + year])
    until = np.concatenate([first_end, ends[second]])
    known = recorded(rng, begins, 1, 14)
    return {
        HOME: np.concatenate([home, home[second]]),
        RECORD: "TN",
        "tenancy_type": words(
            TENANCIES, np.concatenate([kind, np.zeros(int(second.sum()), np.int64)])
        ),
        "starts_on": dates(begins),
        **ended(rng, until, known, 1, 21),
        "recorded_on": dates(known),
    }


def rent_arrears(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Monthly statements of council tenants who owe rent."""
    places = world.places
    weekly = 88 + 14 * rng.random(len(places.council))
    weeks = np.round(places.arrears_weeks, 1)
    return {
        HOME: places.arrears_home,
        RECORD: "AR",
        "statement_on": dates(places.arrears_on),
        "recorded_on": dates(recorded(rng, places.arrears_on, 1, 9)),
        "balance": pa.array(np.round(weeks * weekly[places.arrears_home], 2)),
        "weeks_owed": pa.array(weeks),
    }


def benefits(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Claims of households on a low income; most who are entitled claim."""
    places, homes, families = world.places, world.population.homes, world.population.families
    kind = families.kind[homes.family]
    poor = (places.poor_from < FAR) & (places.poor_from <= END)
    old = kind <= 1
    entitled = (
        poor & (places.council | places.rents) & (old | (homes.family % 3 == 0)),
        poor & ~old,
        poor,
        poor & old,
        poor & np.isin(kind, (4, 5)),
    )
    claims: list[tuple[IntArray, IntArray]] = []
    for number, (who, take_up) in enumerate(
        zip(entitled, (0.85, 0.9, 0.65, 0.65, 0.9), strict=True)
    ):
        home = np.flatnonzero(who & (rng.random(len(who)) < take_up))
        claims.append((home, np.full(len(home), number)))
    home, benefit = (np.concatenate(part) for part in zip(*claims, strict=True))
    starts = np.maximum(places.poor_from[home] + rng.integers(0, 60, len(home)), homes.starts[home])
    ends = np.minimum(places.poor_until[home], places.ends[home])
    keep = (starts < ends) & (starts <= END)
    home, benefit, starts, ends = home[keep], benefit[keep], starts[keep], ends[keep]
    known = recorded(rng, starts, 3, 40)
    return {
        HOME: home,
        RECORD: "BN",
        "benefit": words(BENEFITS, benefit),
        "starts_on": dates(starts),
        **ended(rng, ends, known, 3, 40),
        "recorded_on": dates(known),
    }
