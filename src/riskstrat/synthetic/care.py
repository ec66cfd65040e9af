"""Extracts of adult social care and of services for children and schools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.children import CASE_STEPS, DOMAINS, FIRST_COHORT, LAST_COHORT
from riskstrat.synthetic.frames import (
    END,
    START,
    IntArray,
    choose,
    dates,
    day,
    recorded,
    sigmoid,
    words,
)
from riskstrat.synthetic.world import PERSON, RECORD, World

CARE_STEPS = ("request", "assessment", "service", "review")
SERVICES = ("home_care", "residential_care", "nursing_care", "direct_payment", "reablement", None)
WEEKLY_COST = (260.0, 820.0, 1050.0, 310.0, 340.0, 0.0)


def adult_social_care(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Requests, and the share of them that lead to assessment, a service and its reviews."""
    panel, history = world.history.panel, world.history
    ill = history.traits.has(panel.person, "dementia", panel.begins) & (panel.age >= 65)
    rate = np.where(
        panel.age >= 65,
        0.022 * np.exp(5.5 * panel.frailty) * np.where(ill, 2.5, 1.0),
        np.where(
            panel.age >= 18, 0.006 + 0.05 * history.traits.has(panel.person, "smi", panel.begins), 0
        ),
    )
    row, on = panel.scatter(rate, rng)
    person = panel.person[row]
    service = np.where(
        panel.band[row] >= 2, choose(rng, (45, 20, 10, 8, 17), len(row)),
        choose(rng, (42, 5, 2, 24, 27), len(row)),
    )  # fmt: skip
    steps = [(person, on, np.zeros(len(row), np.int64), np.full(len(row), 5))]
    for step, (goes_on, gap) in enumerate(((0.68, 40), (0.62, 35), (0.70, 380)), 1):
        keep = rng.random(len(person)) < goes_on
        person, service = person[keep], service[keep]
        on = on[keep] + rng.integers(gap // 8, gap, len(person))
        keep = (on <= END) & (on < history.gone[person])
        person, on, service = person[keep], on[keep], service[keep]
        named = service if step >= 2 else np.full(len(on), 5)
        steps.append((person, on, np.full(len(on), step), named))
    person, on, steps_taken, service = (np.concatenate(part) for part in zip(*steps, strict=True))
    weekly = np.array(WEEKLY_COST)[service] * rng.lognormal(0, 0.3, len(on))
    return {
        PERSON: person,
        RECORD: "SC",
        "event_type": words(CARE_STEPS, steps_taken),
        "service_type": words(SERVICES, service),
        "started_on": dates(on),
        "recorded_on": dates(recorded(rng, on, 7, 60)),
        "weekly_cost": pa.array(np.round(weekly, 2), mask=service == 5),
    }


def children_social_care(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Referrals to children's services and the steps that followed."""
    children = world.children
    return {
        PERSON: children.case_person,
        RECORD: "CC",
        "event_type": words(CASE_STEPS, children.case_step),
        "started_on": dates(children.case_on),
        "recorded_on": dates(recorded(rng, children.case_on, 1, 21)),
    }


def health_visitor_reviews(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """Reviews at two to two and a half years, five domains each passed or failed."""
    children = world.children
    failed = children.review_failed
    results = {domain: words(("pass", "fail"), failed[:, at]) for at, domain in enumerate(DOMAINS)}
    return {
        PERSON: children.review_person,
        RECORD: "HV",
        "reviewed_on": dates(children.review_on),
        "recorded_on": dates(recorded(rng, children.review_on, 3, 40)),
        **results,
        "domains_failed": pa.array(failed.sum(1).astype(np.int64)),
    }


YEAR_GROUPS = ("N1", "R", *(str(number) for number in range(1, 12)))
SEN = ("none", "support", "ehcp")


def school_census(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """A row per pupil and term, from nursery class (six in ten) to year 11."""
    people, population = world.population.persons, world.population
    terms = [(y, m, d) for y in range(2015, 2026) for m, d in ((1, 19), (5, 18), (10, 5))]
    nursery = rng.random(len(people)) < 0.6
    person, on, group = [], [], []
    for year, month, date in terms:
        taken = day(f"{year}-{month:02d}-{date:02d}")
        class_of = year - (month < 9) - world.children.starts_school + 1
        here = (people.enters <= taken) & (taken < world.history.gone)
        pupil = here & (class_of >= 0) & (class_of <= 12) & ((class_of > 0) | nursery)
        if START <= taken <= END:
            who = np.flatnonzero(pupil)
            person.append(who)
            on.append(np.full(len(who), taken))
            group.append(class_of[who])
    who, when, classes = (np.concatenate(part) for part in (person, on, group))
    family = people.family[who]
    poor = world.places.poor(population.homes.at(family, when), when)
    absence = np.exp(
        -2.95 + 0.28 * population.families.need[family] + 0.25 * poor
        + 0.35 * rng.standard_normal(len(people))[who] + 0.35 * rng.standard_normal(len(who))
    )  # fmt: skip
    return {
        PERSON: who,
        RECORD: "CE",
        "census_date": dates(when),
        "recorded_on": dates(recorded(rng, when, 20, 60, late=0.01)),
        "school_id": _schools(world, rng)(who),
        "year_group": words(YEAR_GROUPS, classes),
        "free_school_meals": pa.array(poor),
        "sen_provision": words(SEN, _identified(world, rng, who, classes)),
        "english_additional_language": pa.array(~population.families.english[family]),
        "attendance": pa.array(np.round(np.clip(1 - absence, 0.2, 1), 3)),
    }


def _identified(
    world: World, rng: np.random.Generator, who: IntArray, classes: IntArray
) -> IntArray:
    """Special needs as the school knows them: some are found only in reception or later."""
    found_in = rng.choice(3, len(world.population.persons), p=(0.68, 0.22, 0.10))
    return np.where(classes >= found_in[who], world.children.sen[who], 0)


def _schools(world: World, rng: np.random.Generator) -> Any:
    population = world.population
    count = population.areas.schools
    near = 1 - sigmoid(1.7 * population.families.place)
    place = np.clip(near + 0.06 * rng.standard_normal(len(near)), 0, 0.9999)
    school = (place * count).astype(np.int64)
    # Codes in another order than deprivation.
    codes = [f"S{(number * 7919) % 9973 + 10000:05d}" for number in range(count)]
    return lambda who: words(codes, school[population.persons.family[who]])


def eyfs_profile(world: World, rng: np.random.Generator) -> dict[str, Any]:
    """What reception found in late June: 4% of children have no profile."""
    readiness, history = world.children.readiness, world.history
    late_june = np.array(
        [day(f"{year + 1}-06-24") for year in range(FIRST_COHORT, LAST_COHORT + 1)]
    )
    on = late_june[readiness.year - FIRST_COHORT] + rng.integers(0, 6, len(readiness.year))
    school = _schools(world, rng)
    has = (on < history.gone[readiness.person]) & (rng.random(len(on)) < 0.96)
    person, on = readiness.person[has], on[has]
    return {
        PERSON: person,
        RECORD: "EY",
        "assessed_on": dates(on),
        "recorded_on": dates(recorded(rng, on, 38, 60, late=0.0)),
        "school_id": school(person),
        "good_level_of_development": pa.array(~readiness.happened[has]),
    }
