"""Who is called what: names of a block of people, within families, over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstrat.synthetic.frames import (
    END,
    FAR,
    YEAR,
    BoolArray,
    FloatArray,
    IntArray,
    choose,
    day,
    year_of,
)
from riskstrat.synthetic.names import BY_ETHNICITY, CULTURES, NameBook, Words, name_book
from riskstrat.synthetic.population import Population

NONE = -1
# Starting values, from memory: how families in England name themselves.
MARRIED = (0.96, 0.90, 0.80, 0.70, 0.55, 0.40)  # of couples, by the woman's era of birth
KEEPS, HYPHENATES = 0.08, 0.05  # of married women; the others take their husband's name
KEEPS_ELSEWHERE = 0.6  # where cultures do not expect a change of name
LONE_FATHERS_NAME = 0.45  # of lone parents' families, children with an absent father's name
CHILDREN_HYPHENATED = 0.04
NAME_GIVEN_UP = 0.10  # of women on their own, back to their own name after a divorce
WOMENS_SURNAME = 0.40  # of Muslim women of South Asia: Begum, Bibi ..., not the family's name
SINGH_KAUR = 0.6  # of Sikh families: no other surname
FEMININE = 0.7  # of women of Eastern Europe: Kowalska, not Kowalski
SON_OF_ONE_NAME = 0.03  # of sons, called as their father
HAS_MIDDLE_NAME = 0.65
HAS_NICKNAME = 0.45  # of those whose name has one
TWINS = 0.035  # of pairs of children next to each other in age
FIRST_OF_JANUARY = 0.02  # of adults born abroad: the day in their papers, not their birthday


@dataclass(frozen=True, slots=True)
class Names:
    """What each person is truly called. Forenames are codes of the book's forenames.

    `before` is the surname until the day `changed` (FAR: never), `after` the one from then on.
    """

    forename: IntArray
    middle: IntArray  # NONE without one
    nickname: Words  # what friends and schools say; '' for people who go by their forename
    before: Words
    after: Words
    changed: IntArray

    def surname(self, person: IntArray, when: IntArray) -> Words:
        """The surname of each person on a day."""
        return np.where(when < self.changed[person], self.before[person], self.after[person])


@dataclass(frozen=True, slots=True)
class Parents:
    """Which persons of a block head its families."""

    second: IntArray  # by family: the other adult, NONE without one
    child: BoolArray  # by person: neither of the two


def parents(population: Population) -> Parents:
    """Who is who in each family: the first adults come first, then their partners.

    That is the order in which `population` lists people: person f is the first adult of family f.
    """
    paired = np.flatnonzero(np.isin(population.families.kind, (1, 3, 4, 6)))
    count = len(population.families.kind)
    second = np.full(count, NONE)
    second[paired] = count + np.arange(len(paired))
    child = np.arange(len(population.persons)) >= count + len(paired)
    return Parents(second, child)


def make_names(population: Population, rng: np.random.Generator) -> Names:
    """Draw everybody's names: each depends on culture, sex and year of birth, and on the family."""
    book, heads = name_book(), parents(population)
    families, people = population.families, population.persons
    culture = np.zeros(len(families.kind), np.int64)
    for ethnicity, weights in enumerate(BY_ETHNICITY):
        here = families.ethnicity == ethnicity
        culture[here] = choose(rng, list(weights), int(here.sum()))
    forename = _forenames(book, population, culture[people.family], rng)
    _like_father(forename, population, heads, rng)
    middle = _drawn(book, population, culture[people.family], rng)
    middle[rng.random(len(people)) >= HAS_MIDDLE_NAME] = NONE
    before, after, changed = _surnames(book, population, heads, culture, rng)
    return Names(forename, middle, _nicknames(book, forename, rng), before, after, changed)


def birthdays(population: Population, rng: np.random.Generator) -> IntArray:
    """The date of birth that papers show: everybody's own but for twins and unknown days.

    The simulation knows no twins. Some brothers and sisters who are near in age become twins to
    all who ask for a date of birth, and to nobody else: the younger takes the elder's. Their
    records of care and school stay as they were.
    """
    people, heads = population.persons, parents(population)
    born = people.born.copy()
    abroad = (population.families.ethnicity[people.family] > 0) & (year_of(born) < 1995)
    papers = abroad & ~heads.child & (rng.random(len(born)) < FIRST_OF_JANUARY)
    new_year = born.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]")
    born[papers] = new_year.astype(np.int64)[papers]
    child = np.flatnonzero(heads.child)
    child = child[np.lexsort((people.born[child], people.family[child]))]
    elder, younger = child[:-1], child[1:]
    near = (people.family[elder] == people.family[younger]) & (
        people.born[younger] - people.born[elder] < 3 * YEAR
    )
    twins = near & (rng.random(len(near)) < TWINS)
    twins[1:] &= ~twins[:-1]
    born[younger[twins]] = born[elder[twins]]
    return born


def _drawn(
    book: NameBook, population: Population, culture: IntArray, rng: np.random.Generator
) -> IntArray:
    """A forename for everybody, whoever else in the family may have it."""
    people = population.persons
    era = np.searchsorted(book.eras, year_of(people.born), side="right")
    fashions = np.isin(culture, [CULTURES.index("british"), CULTURES.index("caribbean")])
    cell = (culture * 2 + people.male) * 10 + np.where(fashions, era, 0)
    drawn = np.empty(len(people), np.int64)
    for each in np.unique(cell):
        here = cell == each
        bag = book.given[CULTURES[each // 20], bool(each // 10 % 2), int(each % 10)]
        drawn[here] = bag.draw(rng, int(here.sum()))
    return drawn


def _forenames(
    book: NameBook, population: Population, culture: IntArray, rng: np.random.Generator
) -> IntArray:
    """Forenames that differ within a family."""
    people = population.persons
    drawn = _drawn(book, population, culture, rng)
    for _ in range(5):
        key = people.family * len(book.forenames) + drawn
        order = np.argsort(key, kind="stable")
        again = order[1:][key[order[1:]] == key[order[:-1]]]
        if not len(again):
            break
        drawn[again] = _drawn(book, population, culture, rng)[again]
    return drawn


def _like_father(
    forename: IntArray, population: Population, heads: Parents, rng: np.random.Generator
) -> None:
    """Give some sons, one in a family at most, their father's forename."""
    people = population.persons
    sons = np.flatnonzero(heads.child & people.male & (rng.random(len(people)) < SON_OF_ONE_NAME))
    _, first = np.unique(people.family[sons], return_index=True)
    sons = sons[first]
    father = heads.second[people.family[sons]]
    sons, father = sons[father != NONE], father[father != NONE]
    named = people.male[father]
    forename[sons[named]] = forename[father[named]]


def _nicknames(book: NameBook, forename: IntArray, rng: np.random.Generator) -> Words:
    """The nickname of those who go by one; one in ten is a name cut short, in no table."""
    chosen = np.full(len(forename), "", dtype=object)
    has = np.array([word in book.nicknames for word in book.forenames])[forename]
    for person in np.flatnonzero(has & (rng.random(len(forename)) < HAS_NICKNAME)):
        word = book.forenames[forename[person]]
        told = book.nicknames[word]
        chosen[person] = word[:4] if rng.random() < 0.1 else told[int(rng.integers(len(told)))]
    return chosen


def _surnames(
    book: NameBook,
    population: Population,
    heads: Parents,
    culture: IntArray,
    rng: np.random.Generator,
) -> tuple[Words, Words, IntArray]:
    """Surnames before and after the day they change."""
    families, people = population.families, population.persons
    count, family = len(families.kind), people.family
    own, others = (_family_names(book, culture, rng) for _ in range(2))
    second = heads.second
    paired = second != NONE
    lone_father = (families.kind == 5) & (rng.random(count) < LONE_FATHERS_NAME)
    children = np.where(paired | lone_father, others, own)
    both = paired & (rng.random(count) < CHILDREN_HYPHENATED)
    children[both] = [f"{a}-{b}" for a, b in zip(own[both], others[both], strict=True)]
    before = children[family]
    before[:count] = own
    before[second[paired]] = others[paired]
    after, changed = before.copy(), np.full(len(people), FAR)
    wives, taken, on = _marriages(population, heads, culture, own, others, rng)
    after[wives], changed[wives] = taken, on
    women = np.flatnonzero(~people.male[:count] & ~paired & np.isin(families.kind, (2, 5)))
    women = women[rng.random(len(women)) < NAME_GIVEN_UP]
    before[women] = others[women]
    changed[women] = rng.integers(day("2012-01-01"), END, len(women))
    share = rng.random(count)[family]  # all of a family write themselves alike
    for names in (before, after):
        _in_their_form(names, people.male, culture[family], share)
    _womens_names(book, before, after, changed, population, culture, rng)
    return before, after, changed


def _family_names(book: NameBook, culture: IntArray, rng: np.random.Generator) -> Words:
    drawn = np.empty(len(culture), dtype=object)
    for each, name in enumerate(CULTURES):
        here = culture == each
        drawn[here] = book.surnames[book.family[name].draw(rng, int(here.sum()))]
    return drawn


def _marriages(
    population: Population,
    heads: Parents,
    culture: IntArray,
    own: Words,
    others: Words,
    rng: np.random.Generator,
) -> tuple[IntArray, list[str], IntArray]:
    """Wives who change their name, the name, and the day."""
    people = population.persons
    wife = np.flatnonzero(heads.second != NONE)  # person f is the first adult of family f
    era = np.searchsorted(name_book().eras, year_of(people.born[wife]), side="right")
    married = rng.random(len(wife)) < np.array(MARRIED)[era]
    age = np.clip(rng.normal(28, 6, len(wife)), 18, 60)
    elsewhere = np.isin(CULTURES, ("muslim", "sikh", "chinese", "arabic"))[culture[wife]]
    keeps = rng.random(len(wife)) < np.where(elsewhere, KEEPS_ELSEWHERE, KEEPS)
    hyphen = rng.random(len(wife)) < HYPHENATES
    changes = married & ~keeps & (own[wife] != others[wife])
    wife, hyphen, age = wife[changes], hyphen[changes], age[changes]
    names = [
        f"{maiden}-{husbands}" if both else husbands
        for maiden, husbands, both in zip(own[wife], others[wife], hyphen, strict=True)
    ]
    return wife, names, people.born[wife] + (age * YEAR).astype(np.int64)


def _in_their_form(names: Words, male: BoolArray, culture: IntArray, share: FloatArray) -> None:
    """Singh and Kaur, Kowalski and Kowalska: names that differ between men and women."""
    khalsa = (culture == CULTURES.index("sikh")) & (share < SINGH_KAUR)
    names[khalsa] = np.where(male[khalsa], "Singh", "Kaur")
    feminine = (culture == CULTURES.index("eastern")) & ~male & (share < FEMININE)
    for person in np.flatnonzero(feminine):
        name = names[person]
        if name.endswith(("ski", "cki")):
            names[person] = f"{name[:-1]}a"
        elif name.endswith(("ov", "ev")):
            names[person] = f"{name}a"


def _womens_names(
    book: NameBook,
    before: Words,
    after: Words,
    changed: IntArray,
    population: Population,
    culture: IntArray,
    rng: np.random.Generator,
) -> None:
    people = population.persons
    muslim = culture[people.family] == CULTURES.index("muslim")
    women = np.flatnonzero(muslim & ~people.male & (rng.random(len(people)) < WOMENS_SURNAME))
    before[women] = book.surnames[book.family["muslim_women"].draw(rng, len(women))]
    after[women], changed[women] = before[women], FAR
