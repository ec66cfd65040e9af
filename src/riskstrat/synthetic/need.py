"""Latent need, conditions, frailty, and what came of them: the true monthly risk and its outcome.

Each 1 April the true probability of the composite (an emergency admission or death within 365
days) is computed for everybody registered, and the outcome is drawn with exactly that
probability. Domain facts B5 give the shape, B4 the rates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from riskstrat.synthetic import rates
from riskstrat.synthetic.frames import (
    END,
    EPOCHS,
    FAR,
    YEAR,
    BoolArray,
    FloatArray,
    IntArray,
    day,
    sigmoid,
)
from riskstrat.synthetic.population import Population


@dataclass(frozen=True, slots=True)
class Traits:
    """What stays with a person: when each condition begins, and a tendency to frailty."""

    onset: FloatArray  # (people, conditions) days since 1970, infinite if never
    frailty: FloatArray  # standard normal
    care_use: FloatArray  # standard normal: how readily this person uses emergency departments

    def has(self, person: IntArray, code: str, when: IntArray | int) -> BoolArray:
        """Whether each person has the condition on a day."""
        return np.asarray(self.onset[person, rates.CODES.index(code)] < when)


@dataclass(frozen=True, slots=True)
class Panel:
    """One row per person and simulated year in the county: state on 1 April (or on arrival)."""

    person: IntArray
    year: IntArray
    begins: IntArray
    ends: IntArray  # half-open; after death or leaving, nothing more
    age: FloatArray
    decile: IntArray
    conditions: IntArray  # major ones
    frailty: FloatArray  # electronic frailty index
    band: IntArray  # frailty band 0..3
    prior: IntArray  # emergency admissions in the year before
    registered: BoolArray  # on 1 April itself
    risk: FloatArray
    happened: BoolArray

    def __len__(self) -> int:
        return len(self.person)

    def scatter(self, rate: FloatArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Poisson events at a monthly rate per row: the row and the day of each."""
        length = self.ends - self.begins
        counts = rng.poisson(np.clip(rate, 0, 40) * length / YEAR)
        row = np.repeat(np.arange(len(self)), counts)
        return row, self.begins[row] + (rng.random(len(row)) * length[row]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Emergencies:
    """Emergency admissions, in order of person and day; `out` is the day of discharge."""

    person: IntArray
    day: IntArray
    out: IntArray


@dataclass(frozen=True, slots=True)
class History:
    """All that happened to people's health, whether or not an agency recorded it."""

    traits: Traits
    panel: Panel
    emergencies: Emergencies
    died: IntArray  # FAR if alive at the end
    gone: IntArray  # first day no longer in the county: after death or leaving


def make_history(population: Population, rng: np.random.Generator) -> History:
    """Live through the years 2014 (to warm up) to 2025."""
    traits = _traits(population, rng)
    died = np.full(len(population.persons), FAR)
    prior = np.zeros(len(died), np.int64)
    panels: list[Panel] = []
    person, when = [], []
    for year in (EPOCHS[0] - 1, *EPOCHS):
        warm_up = year < EPOCHS[0]
        panel = _state(population, traits, died, prior, year, rng)
        who, days, deaths = _outcomes(panel, rng)
        prior = np.bincount(who, minlength=len(died))
        if not warm_up:
            dead = deaths < FAR
            died[panel.person[dead]] = deaths[dead]
            panels.append(panel)
            person.append(who)
            when.append(days)
    leaves = population.persons.leaves
    died = np.where((died < leaves) & (died <= END), died, FAR)
    gone = np.minimum(leaves, np.where(died < FAR, died + 1, FAR))
    emergencies = _emergencies(population, np.concatenate(person), np.concatenate(when), died, rng)
    return History(traits, _within(panels, gone), emergencies, died, gone)


def age_band(age: FloatArray) -> IntArray:
    """Row of the NEW Devon table for an age."""
    return np.searchsorted(rates.AGE_BANDS, age, side="right")


def true_risk(
    panel: Panel, population: Population, traits: Traits, alone: BoolArray, when: int
) -> FloatArray:
    """The sealed probability: domain facts B5, clinical terms scaled."""
    person, people = panel.person, population.persons
    clinical = (
        np.array(rates.PRIOR_ADMISSIONS)[np.minimum(panel.prior, 3)]
        + rates.PER_CONDITION * np.minimum(panel.conditions, rates.CONDITION_CAP)
        + np.array(rates.FRAILTY)[panel.band]
        + rates.SMOKER * (people.smoker[person] & (panel.age >= 16))
        + rates.LIVES_ALONE * (alone & (panel.age >= 65))
        + rates.SEVERE_MENTAL_ILLNESS * traits.has(person, "smi", when)
        + rates.SUBSTANCE * traits.has(person, "substance_misuse", when)
        + rates.PERSON_NEED * people.need[person]
        + rates.HOUSEHOLD_NEED * population.families.need[people.family[person]]
    )
    shape = np.interp(panel.age, rates.AGE_KNOTS, rates.AGE_SHAPE)
    shape += people.male[person] * np.interp(panel.age, rates.AGE_KNOTS, rates.MALE_SHAPE)
    intercept = rates.INTERCEPTS[age_band(panel.age), (panel.decile - 1) // 2]
    return sigmoid(intercept + shape + rates.CLINICAL_SCALE * clinical)


def _traits(population: Population, rng: np.random.Generator) -> Traits:
    people = population.persons
    count = len(people)
    first = np.searchsorted(population.homes.family, people.family, side="left")
    deprived = 5.5 - population.homes.decile[first]
    onset = np.empty((count, len(rates.CONDITIONS)))
    for column, condition in enumerate(rates.CONDITIONS):
        lift = 0.30 * people.need + condition.deprivation * deprived - 0.045
        if condition.code == "copd":
            lift = lift + np.where(people.smoker, 0.9, np.where(people.ex_smoker, 0.2, -0.6))
        ceiling = np.minimum(condition.ceiling * np.exp(lift), 0.97)
        rank = rng.random(count) / ceiling
        with np.errstate(divide="ignore", invalid="ignore"):
            age = condition.midpoint + condition.spread * np.log(rank / (1 - rank))
        onset[:, column] = np.where(rank < 1, people.born + np.maximum(age, 0.3) * YEAR, np.inf)
    return Traits(onset, rng.standard_normal(count), rng.standard_normal(count))


def _state(
    population: Population,
    traits: Traits,
    died: IntArray,
    prior: IntArray,
    year: int,
    rng: np.random.Generator,
) -> Panel:
    people = population.persons
    opens, closes = day(f"{year}-04-01"), day(f"{year + 1}-04-01")
    here = (people.enters < closes) & (people.leaves > opens) & (died >= opens)
    if year < EPOCHS[0]:
        here = (people.born < opens) & (people.enters < closes)
    person = np.flatnonzero(here & (people.enters <= END))
    begins = np.maximum(people.enters[person], opens)
    age = np.maximum(begins - people.born[person], 0) / YEAR
    home = population.homes.at(people.family[person], begins)
    major = np.array([condition.major for condition in rates.CONDITIONS])
    conditions = (traits.onset[person][:, major] < begins[:, None]).sum(1)
    index = _frailty_index(population, traits, person, age, conditions)
    empty = np.zeros(len(person))
    panel = Panel(
        person=person,
        year=np.full(len(person), year),
        begins=begins,
        ends=np.full(len(person), closes),
        age=age,
        decile=population.homes.decile[home],
        conditions=conditions,
        frailty=np.clip(index, 0, 0.7),
        band=np.searchsorted(rates.FRAILTY_CUTS, index, side="left"),
        prior=prior[person],
        registered=begins == opens,
        risk=empty,
        happened=empty > 0,
    )
    family = people.family[person]
    alone = np.bincount(family, minlength=len(population.families.kind))[family] == 1
    panel.risk[:] = true_risk(panel, population, traits, alone, opens)
    share = np.where(panel.registered, 1.0, (closes - begins) / 365.0)
    panel.happened[:] = rng.random(len(person)) < 1 - (1 - panel.risk) ** share
    return panel


def _frailty_index(
    population: Population,
    traits: Traits,
    person: IntArray,
    age: FloatArray,
    conditions: IntArray,
) -> FloatArray:
    """Share of the 36 deficits present, for people of 65 and over; spread to give B4's bands."""
    index = (
        0.115
        + 0.0085 * (age - 75)
        + 0.012 * conditions
        + 0.035 * population.persons.need[person]
        + 0.075 * traits.frailty[person]
    )
    return np.where(age >= 65, index, 0.0)


def _outcomes(panel: Panel, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray]:
    """Person and day of each admission, and each row's day of death (FAR for none).

    All fall within 365 days of the row's beginning, so a leap year's last day carries none.
    """
    row = np.flatnonzero(panel.happened)
    length = np.where(panel.registered[row], 365, panel.ends[row] - panel.begins[row])
    length = np.minimum(length, 365)
    share = np.interp(panel.age[row], rates.DEATH_KNOTS, rates.DEATH_SHARE)
    share = np.minimum(share * np.exp(0.2 * panel.band[row]), 0.75)
    dies = rng.random(len(row)) < share
    without = dies & (rng.random(len(row)) < rates.DEATH_WITHOUT_ADMISSION)
    deaths = np.full(len(panel), FAR)
    last = np.where(dies, (rng.random(len(row)) * length).astype(np.int64), length - 1)
    deaths[row[dies]] = (panel.begins[row] + last)[dies]
    high = rng.random(len(row)) < np.minimum(panel.risk[row] / 0.45, 1.0)
    counts = np.where(
        high,
        _admission_counts(rates.ADMISSION_COUNTS_HIGH_RISK, len(row), rng),
        _admission_counts(rates.ADMISSION_COUNTS_LOW_RISK, len(row), rng),
    )
    each = np.repeat(np.arange(len(row)), np.where(without, 0, counts))
    offset = (rng.random(len(each)) * (last[each] + 1)).astype(np.int64)
    soon = dies[each] & (rng.random(len(each)) < 0.5)
    offset = np.where(soon, np.maximum(last[each] - rng.integers(0, 25, len(each)), 0), offset)
    key = np.unique(panel.person[row[each]] * 100_000 + panel.begins[row[each]] + offset)
    return key // 100_000, key % 100_000, deaths


def _admission_counts(weights: tuple[float, ...], count: int, rng: np.random.Generator) -> IntArray:
    total = np.cumsum(weights) / np.sum(weights)
    counts = 1 + np.searchsorted(total, rng.random(count), side="right")
    return np.minimum(counts + np.where(counts >= 5, rng.geometric(0.5, count) - 1, 0), 14)


def _emergencies(
    population: Population,
    person: IntArray,
    when: IntArray,
    died: IntArray,
    rng: np.random.Generator,
) -> Emergencies:
    order = np.lexsort((when, person))
    person, when = person[order], when[order]
    age = (when - population.persons.born[person]) / YEAR
    typical = np.interp(age, (0, 18, 40, 65, 80, 95), (0.7, 0.9, 1.6, 3.5, 5.5, 6.5))
    stay = np.minimum((typical * rng.lognormal(0.0, 1.0, len(person))).astype(np.int64), 150)
    until = np.where(np.append(person[1:] == person[:-1], False), np.append(when[1:], 0) - 1, FAR)
    out = np.minimum(np.minimum(when + stay, np.maximum(until, when)), died[person])
    # A stay beyond the day the county's data end is still open when the extract is drawn.
    seen = (when <= END) & (when < population.persons.leaves[person])
    return Emergencies(person[seen], when[seen], out[seen])


def _within(panels: list[Panel], gone: IntArray) -> Panel:
    """All years as one panel, each row ending when its person is gone or the data end."""
    columns = {
        field.name: np.concatenate([getattr(panel, field.name) for panel in panels])
        for field in fields(Panel)
    }
    columns["ends"] = np.minimum(np.minimum(columns["ends"], END + 1), gone[columns["person"]])
    return Panel(**columns)
