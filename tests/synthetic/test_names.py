"""Families are called as families are."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from riskstrat.synthetic.areas import make_areas
from riskstrat.synthetic.frames import FAR, START, YEAR, year_of
from riskstrat.synthetic.names import BY_ETHNICITY, CULTURES, name_book
from riskstrat.synthetic.naming import NONE, Names, Parents, birthdays, make_names, parents
from riskstrat.synthetic.population import Population, make_population

NICKNAMES = Path(__file__).parents[2] / "configs" / "linkage" / "nicknames.csv"


@pytest.fixture(scope="module")
def population() -> Population:
    return make_population(make_areas(20_000, 3), 20_000, np.random.default_rng(3))


@pytest.fixture(scope="module")
def names(population: Population) -> Names:
    return make_names(population, np.random.default_rng(4))


@pytest.fixture(scope="module")
def heads(population: Population) -> Parents:
    return parents(population)


def white(population: Population) -> np.ndarray:
    return population.families.ethnicity[population.persons.family] == 0


def test_the_first_persons_of_a_block_head_its_families(population: Population, heads: Parents):
    people, count = population.persons, len(population.families.kind)
    assert (people.family[:count] == np.arange(count)).all()
    paired = heads.second != NONE
    assert (people.family[heads.second[paired]] == np.flatnonzero(paired)).all()
    assert not people.male[:count][paired].any()
    age = (np.maximum(population.families.enters, START) - people.born[:count]) / YEAR
    assert np.quantile(age, 0.01) > 15


def test_most_children_have_a_parents_surname(population: Population, names: Names, heads: Parents):
    child = np.flatnonzero(heads.child & white(population))
    family = population.persons.family[child]
    shared = np.zeros(len(child), np.bool_)
    for parent in (family, np.maximum(heads.second[family], 0)):
        shared |= names.before[child] == names.before[parent]
        shared |= np.array(
            [a in b for a, b in zip(names.before[parent], names.before[child], strict=True)]
        )
    # The others bear the name of a father who is elsewhere.
    assert 0.86 < shared.mean() < 0.97


def test_couples_share_a_surname_after_they_marry(names: Names, heads: Parents):
    wife = np.flatnonzero(heads.second != NONE)
    husband = heads.second[wife]
    after = names.surname(wife, np.full(len(wife), FAR)) == names.before[husband]
    before = names.before[wife] == names.before[husband]
    assert 0.6 < after.mean() < 0.9
    assert before.mean() < 0.08


def test_forenames_in_a_family_differ_but_for_fathers_and_sons(
    population: Population, names: Names, heads: Parents
):
    key = population.persons.family * 10_000 + names.forename
    _, counts = np.unique(key, return_counts=True)
    alike = counts > 1
    sons = (heads.child & population.persons.male).sum()
    assert 0.005 < alike.sum() / sons < 0.03


def test_names_are_of_their_time_and_culture(population: Population, names: Names):
    book, people = name_book(), population.persons
    forename, born = book.forenames[names.forename], year_of(people.born)
    assert born[forename == "Dorothy"].mean() < 1945
    assert born[(forename == "Amelia") & white(population)].mean() > 2005
    asian = population.families.ethnicity[people.family] == 1
    muhammads = np.isin(forename, ("Mohammed", "Muhammad"))
    assert muhammads[asian].mean() > 20 * muhammads[~asian].mean()
    assert BY_ETHNICITY.sum(1) == pytest.approx([100] * 5)
    assert BY_ETHNICITY.shape[1] == len(CULTURES)


def test_a_few_surnames_are_common_and_most_are_rare(names: Names):
    counts = Counter(names.before)
    total = sum(counts.values())
    top = sum(count for _, count in counts.most_common(10)) / total
    assert 0.05 < top < 0.16
    assert 0.008 < counts["Smith"] / total < 0.03
    assert len(counts) > 2000


def test_some_children_are_twins_to_all_who_ask_for_a_birthday(population: Population):
    people = population.persons
    born = birthdays(population, np.random.default_rng(5))
    key = people.family[people.born != born] * 100_000 + born[people.born != born] + 50_000
    twins = key[np.isin(key, people.family * 100_000 + people.born + 50_000)]
    child = parents(population).child
    assert 0.01 < 2 * len(twins) / child.sum() < 0.04
    # The younger takes the elder's birthday, so no record of either is from before birth.
    assert (born[child] <= people.born[child]).all()


def test_names_change_once_at_most_and_nicknames_belong_to_the_forename(names: Names):
    same = names.before == names.after
    assert (names.changed[~same] < FAR).all()
    book = name_book()
    used = np.flatnonzero(names.nickname != "")
    for person in used[:500]:
        forename = book.forenames[names.forename[person]]
        said = {*book.nicknames[forename], forename[:4]}
        assert names.nickname[person] in said


def test_the_linkers_nicknames_are_the_countys():
    with NICKNAMES.open(encoding="utf-8", newline="") as lines:
        listed = {(row["name"], row["nickname"]) for row in csv.DictReader(lines)}
    said = name_book().nicknames
    assert listed == {(name.lower(), nick.lower()) for name in said for nick in said[name]}
    assert len(listed) > 150
