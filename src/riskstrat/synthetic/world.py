"""One block of the county with all that happened in it; extracts are written from this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from riskstrat.synthetic.areas import Areas
from riskstrat.synthetic.children import Children, make_children
from riskstrat.synthetic.frames import stream
from riskstrat.synthetic.need import History, make_history
from riskstrat.synthetic.places import Places, make_places
from riskstrat.synthetic.population import Population, make_population

PERSON, HOME, RECORD = "_person", "_home", "_record"
"""Column names that stand for identifiers, until `identify` puts what each agency would hold."""


@dataclass(frozen=True, slots=True)
class World:
    """What truly happened to a block of people."""

    population: Population
    history: History
    places: Places
    children: Children


Extract: TypeAlias = Callable[[World, np.random.Generator], Mapping[str, Any]]
"""What one agency would send: columns of equal length, PERSON or HOME standing for whom."""


def make_world(areas: Areas, people: int, seed: int, block: int) -> World:
    """Simulate one block; its people depend on the seed and the block alone."""
    population = make_population(areas, people, stream(seed, block, "population"))
    history = make_history(population, stream(seed, block, "history"))
    places = make_places(population, history, stream(seed, block, "places"))
    children = make_children(population, history, places, stream(seed, block, "children"))
    return World(population, history, places, children)
