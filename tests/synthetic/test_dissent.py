"""People of the made-up county opt out about as often, and as unevenly, as people do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from riskstrat.synthetic.areas import make_areas
from riskstrat.synthetic.dissent import KINDS, opt_outs
from riskstrat.synthetic.frames import END, LAST_RECORD, YEAR, day, stream
from riskstrat.synthetic.world import PERSON, make_world

PEOPLE, SEED = 25_000, 5


@pytest.fixture(scope="module")
def world():
    return make_world(make_areas(PEOPLE, SEED), PEOPLE, SEED, 0)


@pytest.fixture(scope="module")
def told(world):
    return opt_outs(world, stream(SEED, 0, "opt_outs"))


def days(column):
    return np.asarray(column.cast("int32").fill_null(10**6))


def share(world, told, kind, chosen):
    """Of the people chosen who are there at the end, those with an opt-out in force."""
    there = chosen & (world.history.gone > END) & (world.population.persons.born <= END)
    holds = (np.asarray(told["kind"]) == kind) & (days(told["ends_on"]) > LAST_RECORD)
    objects = np.zeros(len(there), bool)
    objects[told[PERSON][holds]] = True
    return objects[there].mean()


def test_about_five_in_a_hundred_and_women_and_the_middle_aged_more_often(world, told):
    people = world.population.persons
    every = np.ones(len(people), bool)
    assert share(world, told, "national", every) == pytest.approx(0.0497, abs=0.006)
    assert 0.03 < share(world, told, "type_1", every) < 0.05
    assert 0 < share(world, told, "risk_stratification", every) < 0.004
    women, men = (share(world, told, "national", people.male == male) for male in (False, True))
    assert women / men == pytest.approx(5.53 / 4.41, abs=0.25)
    age = (day("2021-06-01") - people.born) / YEAR
    forties = share(world, told, "national", (age >= 40) & (age < 50))
    assert forties == pytest.approx(0.0604, abs=0.012)


def test_nobody_objects_before_birth_or_after_leaving_and_some_take_it_back(world, told):
    people, gone = world.population.persons, world.history.gone
    person, starts, ends = told[PERSON], days(told["starts_on"]), days(told["ends_on"])
    assert (starts > people.born[person]).all()
    assert (starts < gone[person]).all()
    assert (ends > starts).all() and starts.max() <= LAST_RECORD
    assert 0 < (ends <= LAST_RECORD).mean() < 0.06
    assert set(np.asarray(told["kind"])) == set(KINDS)


def test_the_same_seed_gives_the_same_objections(world, told):
    again = opt_outs(world, stream(SEED, 0, "opt_outs"))
    assert pa.table(told).equals(pa.table(again))
