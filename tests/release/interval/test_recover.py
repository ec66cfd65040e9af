"""What follows from published tables, held against every world there can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.release.interval.published import Fact, Told
from riskstrat.release.interval.recover import recoverable

LEVELS = {"age": ("old", "young"), "sex": ("f", "m"), "area": ("north", "south")}
SETS = (("age", "sex"), ("age",), ("sex",), (), ("age", "area"), ("area", "sex"), ("area",))
MOST = 4
"""people of one kind, in a world"""


def query(signature: Sequence[str], levels: Sequence[str]):
    return frozenset((dim, (level,)) for dim, level in zip(signature, levels, strict=True))


def groups(signature: Sequence[str]) -> list[tuple[str, ...]]:
    return list(product(*(LEVELS[dim] for dim in signature)))


def worlds(dimensions: Sequence[str], most: int) -> np.ndarray:
    """Every way to fill the finest groups with 0 to ``most`` people: worlds by groups."""
    size = len(groups(dimensions))
    return np.array(np.meshgrid(*[range(most + 1)] * size)).reshape(size, -1).T


def counts(every: np.ndarray, dimensions: Sequence[str], asked: Fact) -> np.ndarray:
    """The count of a fact's group in each world."""
    wanted = dict(asked.query)
    kept = [
        place
        for place, group in enumerate(groups(dimensions))
        if all(
            level in wanted.get(dim, (level,)) for dim, level in zip(dimensions, group, strict=True)
        )
    ]
    return every[:, kept].sum(axis=1)


def told_too_much(facts: Sequence[Fact], dimensions: Sequence[str]) -> bool:
    """By looking at every world: whether some count is known too well."""
    every = worlds(dimensions, MOST)
    found = {fact: counts(every, dimensions, fact) for fact in facts}
    fits = np.ones(len(every), dtype=bool)
    for fact, values in found.items():
        fits &= (values >= fact.low) & (values <= (np.inf if fact.high is None else fact.high))
    assert fits.any()
    for fact, values in found.items():
        least, most = values[fits].min(), values[fits].max()
        if fact.needs and (least > fact.needs[0] or most < fact.needs[1]):
            return True
        if fact.blurred and least == most:
            return True
    return False


@st.composite
def published(draw: st.DrawFn) -> tuple[list[Fact], tuple[str, ...]]:
    """A world, and some tables of it: cells shown, rounded or hidden."""
    three = draw(st.booleans())
    dimensions = ("age", "area", "sex") if three else ("age", "sex")
    sizes = draw(
        st.lists(st.integers(0, 2 if three else MOST), min_size=2 ** len(dimensions), max_size=8)
    )[: 2 ** len(dimensions)]
    sets = [each for each in SETS if set(each) <= set(dimensions)]
    facts = []
    for signature in draw(st.lists(st.sampled_from(sets), min_size=1, max_size=4, unique=True)):
        for levels in groups(signature):
            fact = Fact("p", query(signature, levels), 0, None)
            true = int(counts(np.array([sizes]), dimensions, fact)[0])
            how = draw(st.sampled_from(["exact", "rounded", "hidden", "not told", "open"]))
            if how == "exact":
                facts.append(Fact("p", fact.query, true, true))
            elif how == "rounded":
                facts.append(Fact("p", fact.query, max(0, true - 1), true + 1, blurred=True))
            elif how == "hidden" and true <= 2:
                facts.append(Fact("p", fact.query, 0, 2, needs=(0, 2)))
            elif how == "open":
                facts.append(Fact("p", fact.query, 0, MOST * 8, blurred=True))
    # Nobody thinks that there are more people of a kind than the worlds below hold.
    finest = [query(dimensions, levels) for levels in groups(dimensions)]
    facts += [Fact("p", each, 0, MOST) for each in finest]
    return facts, dimensions


def ask(facts: Sequence[Fact]) -> bool:
    levels = tuple(sorted((dim, known) for dim, known in LEVELS.items()))
    return bool(recoverable((Told("t", tuple(facts), levels),)).found)


@settings(max_examples=60)
@given(published())
def test_what_is_recoverable_is_what_every_world_agrees_on(drawn):
    facts, dimensions = drawn
    assert ask(facts) == told_too_much(facts, dimensions)
