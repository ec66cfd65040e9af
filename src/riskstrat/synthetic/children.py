"""Children: development, special needs, children's social care, and readiness for school."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstrat.synthetic import rates
from riskstrat.synthetic.frames import (
    END,
    FAR,
    START,
    YEAR,
    BoolArray,
    FloatArray,
    IntArray,
    day,
    sigmoid,
    year_of,
)
from riskstrat.synthetic.need import History
from riskstrat.synthetic.places import Places
from riskstrat.synthetic.population import Population

TERMS = ("autumn", "spring", "summer")
CASE_STEPS = ("referral", "assessment", "cin_plan", "cp_plan", "looked_after")
DOMAINS = ("communication", "gross_motor", "fine_motor", "problem_solving", "personal_social")
FIRST_COHORT, LAST_COHORT = 2015, 2024


@dataclass(frozen=True, slots=True)
class Readiness:
    """One row per child about to start reception, on 1 September."""

    person: IntArray
    year: IntArray
    risk: FloatArray  # of not reaching a good level of development
    happened: BoolArray


@dataclass(frozen=True, slots=True)
class Children:
    """Children's lives, recorded or not. Arrays `by person` cover everyone."""

    starts_school: IntArray  # by person: year of the September in which reception begins
    sen: IntArray  # by person: 0 none, 1 support, 2 education, health and care plan
    development: FloatArray  # by person: latent difficulty, u_c
    review_person: IntArray
    review_on: IntArray
    review_failed: BoolArray  # (reviews, domains)
    case_person: IntArray
    case_on: IntArray
    case_step: IntArray
    readiness: Readiness


def term_of_birth(born: IntArray) -> IntArray:
    """0 autumn (September to December), 1 spring, 2 summer (April to August)."""
    month = born.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.where(month >= 9, 0, np.where(month >= 4, 2, 1))


def reception_year(born: IntArray) -> IntArray:
    """The year in which a child is four on 1 September."""
    month = born.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    return year_of(born) + np.where(month >= 9, 5, 4)


def make_children(
    population: Population, history: History, places: Places, rng: np.random.Generator
) -> Children:
    """Development first, then reviews and cases, then what reception finds."""
    people = population.persons
    family_need = population.families.need[people.family]
    own = 0.35 * family_need + np.sqrt(1 - 0.35**2) * rng.standard_normal(len(people))
    lean = own + 0.25 * people.male - 0.12 + 0.7 * rng.standard_normal(len(people))
    sen = (lean > 1.48).astype(np.int64) + (lean > 2.5)  # about 12% at reception (B4)
    reviews = _reviews(population, history, own, rng)
    cases = _cases(population, history, rng)
    starts = reception_year(people.born)
    readiness = _readiness(population, history, places, (own, sen, starts), reviews, cases, rng)
    return Children(starts, sen, own, *reviews, *cases, readiness)


def _reviews(
    population: Population, history: History, own: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray, BoolArray]:
    """Health visitor reviews at 2 to 2.5: 85% seen, four in five pass all domains (B4)."""
    people = population.persons
    on = people.born + 735 + rng.integers(0, 170, len(people))
    home = population.homes.at(people.family, on)
    seen = rng.random(len(people)) < sigmoid(1.85 - 0.10 * (5.5 - population.homes.decile[home]))
    here = (on >= START) & (on <= END) & (on >= people.enters) & (on < history.gone)
    who = np.flatnonzero(here & seen)
    ease = np.array([-3.3, -3.85, -3.75, -3.65, -3.55])
    failed = rng.random((len(who), 5)) < sigmoid(
        ease + 1.05 * own[who, None] + 0.25 * people.male[who, None]
    )
    return who, on[who], failed


def _cases(
    population: Population, history: History, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Referrals, and the share of them that go each step further (330 / 42 / 70 per 10,000, B4)."""
    panel = history.panel
    need = population.families.need[population.persons.family[panel.person]]
    rate = 0.048 * np.exp(0.75 * need + 0.10 * (5.5 - panel.decile) - 0.28)
    row, on = panel.scatter(np.where(panel.age < 17.5, rate, 0.0), rng)
    person = panel.person[row]
    people, days, steps = [person], [on], [np.zeros(len(row), np.int64)]
    for step, (goes_on, gap) in enumerate(((0.78, 45), (0.62, 30), (0.16, 60), (0.30, 120)), 1):
        keep = rng.random(len(person)) < goes_on
        person, on = person[keep], on[keep] + rng.integers(5, gap, int(keep.sum()))
        keep = (on <= END) & (on < history.gone[person])
        person, on = person[keep], on[keep]
        people.append(person)
        days.append(on)
        steps.append(np.full(len(person), step))
    return np.concatenate(people), np.concatenate(days), np.concatenate(steps)


def _readiness(
    population: Population,
    history: History,
    places: Places,
    child: tuple[FloatArray, IntArray, IntArray],
    reviews: tuple[IntArray, IntArray, BoolArray],
    cases: tuple[IntArray, IntArray, IntArray],
    rng: np.random.Generator,
) -> Readiness:
    people, homes = population.persons, population.homes
    development, sen, starts = child
    opens = np.array([day(f"{year}-09-01") for year in range(1900, 2040)])[starts - 1900]
    eligible = (starts >= FIRST_COHORT) & (starts <= LAST_COHORT)
    who = np.flatnonzero(eligible & (people.enters <= opens) & (history.gone > opens))
    when, family = opens[who], people.family[who]
    home = homes.at(family, when)
    review_person, _, failed = reviews
    fails = np.bincount(review_person, failed.sum(1), len(people))[who]
    beta = rates.NOT_READY
    term = term_of_birth(people.born[who])
    score = (
        beta["intercept"]
        + beta["male"] * people.male[who]
        + beta["free_school_meals"] * places.poor(home, when)
        + beta["english_additional_language"] * ~population.families.english[family]
        + np.array([0.0, beta["spring"], beta["summer"]])[term]
        + np.array([0.0, beta["sen_support"], beta["ehcp"]])[sen[who]]
        + beta["child_in_need"] * _case_before(cases, 2, len(people), opens)[who]
        + beta["child_protection"] * _case_before(cases, 3, len(people), opens)[who]
        + beta["failed_domain"] * fails
        + beta["arrears"] * _recent(places.arrears_home, places.arrears_on, home, when)
        + beta["domestic_abuse"] * _abuse(places, home, when)
        + beta["household_need"] * population.families.need[family]
        + beta["child_need"] * development[who]
    )
    risk = sigmoid(score)
    return Readiness(who, starts[who], risk, rng.random(len(who)) < risk)


def _case_before(
    cases: tuple[IntArray, IntArray, IntArray], step: int, count: int, opens: IntArray
) -> BoolArray:
    """Whether each person had reached a step of a case before 1 September."""
    person, on, steps = cases
    first = np.full(count, FAR)
    chosen = steps == step
    np.minimum.at(first, person[chosen], on[chosen])
    return np.asarray(first < opens)


def _abuse(places: Places, home: IntArray, when: IntArray) -> BoolArray:
    chosen = places.incident_kind == 0
    return _recent(places.incident_home[chosen], places.incident_on[chosen], home, when)


def _recent(event_home: IntArray, event_on: IntArray, home: IntArray, when: IntArray) -> BoolArray:
    """Whether a home had an event in the three years before a day."""
    keys = np.sort(event_home * 100_000 + event_on)
    low = np.searchsorted(keys, home * 100_000 + when - round(3 * YEAR), side="left")
    high = np.searchsorted(keys, home * 100_000 + when, side="left")
    return np.asarray(high > low)
