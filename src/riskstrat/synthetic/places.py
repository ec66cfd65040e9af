"""What happens to households: income, tenancies, arrears and police incidents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstrat.synthetic.frames import (
    END,
    FAR,
    START,
    YEAR,
    BoolArray,
    FloatArray,
    IntArray,
    choose,
    sigmoid,
)
from riskstrat.synthetic.need import History
from riskstrat.synthetic.population import Population

INCIDENTS = (
    "domestic_abuse",
    "anti_social_behaviour",
    "violence",
    "burglary",
    "concern_for_welfare",
    "other",
)


@dataclass(frozen=True, slots=True)
class Places:
    """Each home's state over time; a home is one family at one address."""

    ends: IntArray  # of each home: the family has moved, left, or died out
    poor_from: IntArray  # low income, half-open; FAR when never
    poor_until: IntArray
    council: BoolArray
    rents: BoolArray  # from a private landlord
    arrears_home: IntArray
    arrears_on: IntArray  # first of a month
    arrears_weeks: FloatArray
    incident_home: IntArray
    incident_on: IntArray
    incident_kind: IntArray

    def poor(self, home: IntArray, when: IntArray) -> BoolArray:
        """Whether each home is on a low income that day."""
        return np.asarray((self.poor_from[home] <= when) & (when < self.poor_until[home]))


def make_places(population: Population, history: History, rng: np.random.Generator) -> Places:
    """Households' lives: each driven by deprivation and the latent household need u_h."""
    homes, families = population.homes, population.families
    need = np.asarray(families.need[homes.family], np.float64)
    deprived = np.asarray(5.5 - homes.decile, np.float64)
    last = np.full(len(families.kind), START - 20_000)
    np.maximum.at(last, population.persons.family, history.gone)
    ends = np.minimum(homes.ends, last[homes.family])
    begins, until = np.maximum(homes.starts, START), np.minimum(ends, END + 1)
    council = rng.random(len(need)) < sigmoid(-2.1 + 0.22 * deprived + 0.55 * need)
    rents = ~council & (rng.random(len(need)) < sigmoid(-1.3 + 0.06 * deprived + 0.1 * need))
    poor_from, poor_until = _low_income(population, need, deprived, council, begins, until, rng)
    arrears = _arrears(council, need, begins, until, rng)
    incidents = _incidents(population, need, deprived, begins, until, rng)
    return Places(ends, poor_from, poor_until, council, rents, *arrears, *incidents)


def _low_income(
    population: Population,
    need: FloatArray,
    deprived: FloatArray,
    council: BoolArray,
    begins: IntArray,
    until: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    kind = population.families.kind[population.homes.family]
    lift = np.where(kind == 5, 1.5, np.where(kind == 4, 0.05, 0.0))
    lasting = rng.random(len(need)) < sigmoid(
        -2.05 + lift + 0.17 * deprived + 0.55 * need + 0.9 * council
    )
    passing = ~lasting & (rng.random(len(need)) < sigmoid(-2.4 + 0.1 * deprived + 0.4 * need))
    length = np.maximum(until - begins, 0)
    onset = begins + (rng.random(len(need)) * length).astype(np.int64)
    spell = onset + 30 + (rng.exponential(1.5, len(need)) * YEAR).astype(np.int64)
    since = np.where(lasting, begins, np.where(passing, onset, FAR))
    open_end = np.where(until > END, FAR, until)
    stop = np.where(lasting, open_end, np.where(passing, np.minimum(spell, open_end), FAR))
    return np.where(length > 0, since, FAR), np.where(stop > END, FAR, stop)


def _arrears(
    council: BoolArray,
    need: FloatArray,
    begins: IntArray,
    until: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Runs of months owing rent: about one council household in six at a time, u_h decides who."""
    # Some were already in arrears when the data begin.
    opens = np.where(begins == START, START - 400, begins)
    length = np.where(until > begins, until - opens, 0)
    rate = np.where(council, 0.22 * np.exp(0.65 * need - 0.2), 0.0)
    runs = rng.poisson(np.minimum(rate, 1.5) * length / YEAR)
    home = np.repeat(np.arange(len(need)), runs)
    onset = opens[home] + (rng.random(len(home)) * length[home]).astype(np.int64)
    months = np.minimum(rng.geometric(1 / 6, len(home)), 36)
    pace = rng.lognormal(-0.3, 0.6, len(home))
    each = np.repeat(np.arange(len(home)), months)
    nth = np.arange(len(each)) - np.repeat(np.cumsum(months) - months, months)
    month = onset[each].astype("datetime64[D]").astype("datetime64[M]") + 1 + nth
    on = month.astype("datetime64[D]").astype(np.int64)
    peak = np.minimum(nth + 1, np.maximum(months[each] - nth, 1))
    weeks = np.maximum(pace[each] * peak * 1.4, 0.3)
    key = home[each] * 100_000 + on
    _, first = np.unique(key, return_index=True)
    first = first[(on[first] < until[home[each[first]]]) & (on[first] >= START)]
    return home[each[first]], on[first], weeks[first]


def _incidents(
    population: Population,
    need: FloatArray,
    deprived: FloatArray,
    begins: IntArray,
    until: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray, IntArray]:
    kind = population.families.kind[population.homes.family]
    base = np.array([0.035, 0.03, 0.10, 0.07, 0.085, 0.14, 0.11])[kind]
    rate = base * np.exp(0.8 * need + 0.08 * deprived - 0.2)
    length = np.maximum(until - begins, 0)
    counts = rng.poisson(np.minimum(rate, 4) * rng.gamma(0.8, 1 / 0.8, len(need)) * length / YEAR)
    home = np.repeat(np.arange(len(need)), counts)
    on = begins[home] + (rng.random(len(home)) * length[home]).astype(np.int64)
    old = kind[home] <= 1
    category = np.where(
        old,
        choose(rng, (6, 12, 6, 16, 42, 18), len(home)),
        choose(rng, (31, 18, 14, 9, 12, 16), len(home)),
    )
    return home, on, category
