"""Households, the homes they live in over time, and the people in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskstrat.synthetic.areas import Areas
from riskstrat.synthetic.frames import (
    END,
    EPOCHS,
    FAR,
    START,
    YEAR,
    BoolArray,
    FloatArray,
    IntArray,
    choose,
    day,
    sigmoid,
)

KINDS = ("single_old", "couple_old", "single", "couple", "couple_children", "lone_parent", "adults")
# Shares of households, and of households that move in: ONS-like shape chosen so that about a
# fifth of adults are 67 or over, which gives the overall rate of domain facts B4.
KIND_SHARES = (0.114, 0.093, 0.170, 0.198, 0.26, 0.075, 0.075)
INCOMING_SHARES = (0.05, 0.07, 0.28, 0.22, 0.28, 0.07, 0.03)
MOVE_IN, MOVE_OUT, MOVE_WITHIN = 0.023, 0.018, 0.06  # a year, of households
BIRTHS = 0.175  # a year, for a woman of 30 living with a partner
ETHNICITIES = ("white", "asian", "black", "mixed", "other")
OLD = 67


@dataclass(frozen=True, slots=True)
class Families:
    """People who move together. `need` is the latent household need, u_h."""

    kind: IntArray
    need: FloatArray
    enters: IntArray
    leaves: IntArray
    place: FloatArray  # latent position on the deprivation scale, high = deprived
    ethnicity: IntArray
    english: BoolArray
    practice: IntArray


@dataclass(frozen=True, slots=True)
class Homes:
    """Half-open spells of a family at an address, by (family, starts); each is one household."""

    family: IntArray
    starts: IntArray
    ends: IntArray
    area: IntArray
    decile: IntArray

    def at(self, family: IntArray, when: IntArray | int) -> IntArray:
        """The home of each family on a day at or after it came."""
        keys = self.family * 100_000 + self.starts + 50_000
        wanted = family * 100_000 + np.maximum(when, self.first(family)) + 50_000
        return np.searchsorted(keys, wanted, side="right") - 1

    def first(self, family: IntArray) -> IntArray:
        """The day each family came."""
        return self.starts[np.searchsorted(self.family, family, side="left")]


@dataclass(frozen=True, slots=True)
class Persons:
    """Everybody who is ever in the county. `need` is the latent personal need, u_p."""

    family: IntArray
    born: IntArray
    male: BoolArray
    ethnicity: IntArray
    need: FloatArray
    enters: IntArray
    leaves: IntArray
    smoker: BoolArray
    ex_smoker: BoolArray

    def __len__(self) -> int:
        return len(self.born)


@dataclass(frozen=True, slots=True)
class Population:
    """One block of the county before anything happens to anyone."""

    areas: Areas
    families: Families
    homes: Homes
    persons: Persons


def make_population(areas: Areas, people: int, rng: np.random.Generator) -> Population:
    """A block with about `people` people on 1 April 2015, and all who come later."""
    families, members = _families(areas, people, rng)
    homes = _homes(areas, families, rng)
    persons = _persons(families, homes, members, rng)
    return Population(areas, families, homes, persons)


@dataclass(frozen=True, slots=True)
class _Members:
    """Who makes up each family when it comes: age in years on that day."""

    family: IntArray
    age: FloatArray
    male: BoolArray


def _families(areas: Areas, people: int, rng: np.random.Generator) -> tuple[Families, _Members]:
    years = (END - START) / YEAR
    settled = max(8, round(people / 2.31))
    incoming = int(rng.poisson(settled * MOVE_IN * years))
    kind = np.concatenate(
        [choose(rng, KIND_SHARES, settled), choose(rng, INCOMING_SHARES, incoming)]
    )
    count = settled + incoming
    since = START - 1 - (rng.exponential(8.0, settled) * YEAR).astype(np.int64)
    comes = np.concatenate([since, rng.integers(START, END - 30, incoming)])
    need = rng.standard_normal(count)
    stays = np.maximum(comes, START) + (rng.exponential(1 / MOVE_OUT, count) * YEAR).astype(
        np.int64
    )
    place = 0.35 * need + np.sqrt(1 - 0.35**2) * rng.standard_normal(count)
    place = place - 0.25 * (kind <= 1) + 0.06
    minority = 0.055 + 0.10 * sigmoid(1.7 * place)
    ethnicity = np.where(rng.random(count) < minority, 1 + choose(rng, (40, 27, 18, 15), count), 0)
    english = rng.random(count) < np.array([0.95, 0.35, 0.55, 0.80, 0.30])[ethnicity]
    practice = (sigmoid(1.7 * place + 0.8 * rng.standard_normal(count)) * areas.practices).astype(
        np.int64
    )
    families = Families(
        kind, need, comes, np.where(stays > END, FAR, stays), place, ethnicity, english, practice
    )
    return families, _members(kind, rng)


def _members(kind: IntArray, rng: np.random.Generator) -> _Members:
    count = len(kind)
    everyone = np.arange(count)
    first_age = _first_adult_age(kind, rng)
    alone = np.isin(kind, (0, 2))
    lone_parent = kind == 5
    first_male = rng.random(count) < np.where(
        kind == 0, 0.36, np.where(lone_parent, 0.12, np.where(alone, 0.56, 0.0))
    )
    paired = np.isin(kind, (1, 3, 4, 6))
    second_age = np.clip(first_age + rng.normal(2, 4, count), 19, 99)
    families, ages = [everyone, everyone[paired]], [first_age, second_age[paired]]
    males = [first_male, rng.random(int(paired.sum())) < 0.985]
    for parents, low in ((np.isin(kind, (4, 5)), 0.0), (kind == 6, 18.0)):
        who = everyone[parents]
        age = low + rng.random(len(who)) * np.clip(
            first_age[who] - 19 - low, 0.3, 15 if low else 13
        )
        for more in (1.0, 0.62, 0.28):
            keep = (rng.random(len(who)) < more) & (age < (29 if low else 18))
            who, age = who[keep], age[keep]
            families.append(who)
            ages.append(age)
            males.append(rng.random(len(who)) < 0.512)
            age = age + rng.uniform(1.2, 4.5, len(who))
            keep = age < first_age[who] - 17
            who, age = who[keep], age[keep]
    return _Members(np.concatenate(families), np.concatenate(ages), np.concatenate(males))


def _first_adult_age(kind: IntArray, rng: np.random.Generator) -> FloatArray:
    count = len(kind)
    bell = rng.beta(2.2, 2.2, count)
    return np.choose(
        kind,
        [
            OLD + 31 * rng.beta(1.6, 2.0, count),
            OLD + 27 * rng.beta(1.0, 2.6, count),
            20 + 46 * rng.beta(1.2, 0.85, count),
            22 + 45 * rng.beta(1.6, 0.75, count),
            22 + 31 * bell,
            19 + 32 * bell,
            44 + 22 * bell,
        ],
    )


def _homes(areas: Areas, families: Families, rng: np.random.Generator) -> Homes:
    count = len(families.kind)
    begin = np.maximum(families.enters, START)
    until = np.minimum(families.leaves, END)
    years = np.maximum(until - begin, 0) / YEAR
    rate = MOVE_WITHIN * np.where(families.kind <= 1, 0.35, 1.25) * np.exp(0.25 * families.need)
    moves = np.minimum(rng.poisson(rate * years), 6)
    mover = np.repeat(np.arange(count), moves)
    when = begin[mover] + 30 + (rng.random(len(mover)) * (until - begin)[mover]).astype(np.int64)
    keep = when < until[mover] - 30
    family = np.concatenate([np.arange(count), mover[keep]])
    starts = np.concatenate([families.enters, when[keep]])
    key = np.unique(family * 100_000 + starts + 50_000)
    family = key // 100_000
    starts = key % 100_000 - 50_000
    last = np.append(family[1:] != family[:-1], True)
    ends = np.where(last, families.leaves[family], np.append(starts[1:], 0))
    first = np.append(True, family[1:] != family[:-1])
    drift = 0.8 * families.place[family] + 0.6 * rng.standard_normal(len(family))
    place = np.where(first, families.place[family], drift)
    rank = 1 - sigmoid(1.702 * place)
    area = np.minimum((rank * len(areas)).astype(np.int64), len(areas) - 1)
    return Homes(family, starts, ends, area, areas.decile[area])


def _persons(
    families: Families, homes: Homes, members: _Members, rng: np.random.Generator
) -> Persons:
    came = families.enters[members.family]
    # Families that were here before 2015 are described as they were on 1 April 2015.
    born = np.maximum(came, START) - 1 - (members.age * YEAR).astype(np.int64)
    babies_of, babies_born = _births(families, members, born, rng)
    family = np.concatenate([members.family, babies_of])
    born = np.concatenate([born, babies_born])
    male = np.concatenate([members.male, rng.random(len(babies_of)) < 0.512])
    count = len(born)
    need = 0.4 * families.need[family] + np.sqrt(1 - 0.4**2) * rng.standard_normal(count)
    mixed = rng.random(count) < 0.012
    ethnicity = np.where(mixed, 3, families.ethnicity[family])
    decile = homes.decile[np.searchsorted(homes.family, family, side="left")]
    smokes = sigmoid(-2.05 + 0.11 * (5.5 - decile) + 0.3 * need - 0.25 * ~male)
    chance = rng.random(count)
    return Persons(
        family, born, male, ethnicity, need,
        np.maximum(families.enters[family], born), families.leaves[family],
        chance < smokes, (chance >= smokes) & (chance < smokes + 0.25),
    )  # fmt: skip


def _births(
    families: Families, members: _Members, born: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Family and birthday of each child born in the county, at least 300 days apart."""
    women = np.flatnonzero(~members.male)
    kind = families.kind[members.family[women]]
    weight = np.where(np.isin(kind, (3, 4)), 1.0, np.where(kind == 6, 0.5, 0.45))
    mothers, days = [], []
    for year in EPOCHS:
        opens = day(f"{year}-04-01")
        age = (opens - born[women]) / YEAR
        chance = BIRTHS * weight * np.exp(-(((age - 30.5) / 6.5) ** 2) / 2)
        hit = rng.random(len(women)) < np.where((age > 17) & (age < 44), chance, 0)
        mothers.append(women[hit])
        days.append(opens + rng.integers(0, 365, int(hit.sum())))
    mother, when = np.concatenate(mothers), np.concatenate(days)
    order = np.lexsort((when, mother))
    mother, when = mother[order], when[order]
    close = np.append(False, (mother[1:] == mother[:-1]) & (np.diff(when) < 300))
    family = members.family[mother]
    here = (when > families.enters[family]) & (when < families.leaves[family]) & (when <= END)
    keep = here & ~close
    return family[keep], when[keep]
