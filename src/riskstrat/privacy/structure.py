"""What the model's own text gives away: leaves, coefficients and categories of few people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.privacy.held import Held, Saying, used_features
from riskstrat.privacy.leaves import Leaves, SmallestLeaf
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.statistics.estimate import IntArray
from riskstrat.training.again import Procedure
from riskstrat.training.frame import Frame
from riskstrat.vocabulary import FeatureKind

FEW = 10
"""with fewer people a leaf, a coefficient or a reason may be about somebody"""
STEP = 5
"""people are told in steps, rounded down"""
AT_ONCE = 8_192
_EXTREMES = re.compile(r"^feature_infos=.*\[", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Structure:
    """What can be read from the model's text beside the rows it was learnt from.

    Numbers of people are lower bounds, rounded down to multiples of ``STEP``.

    Attributes:
        people: the model was learnt from.
        smallest_leaf_people: of boosting the fewest people in a leaf; of a linear model the fewest
            of whom a category or absence holds that has a coefficient; None where there is none.
        leaves: how many leaves, or how many such coefficients.
        degrees_of_freedom: people less coefficients; None for boosting.
        rarest_reason_people: the fewest people of whom something that the score depends on is
            true; None where nothing is.
        rare_reasons: feature -> how many of the reasons it can give hold for fewer than ``FEW``.
        rare_levels: feature -> how many of its categories fewer than ``FEW`` people hold.
        learnt_levels: those of ``rare_levels`` whose categories no contract declares: they stand
            in the model because somebody has them.
        extremes: whether the text holds the least and largest value of a feature.
    """

    people: int
    smallest_leaf_people: int | None
    leaves: int
    degrees_of_freedom: int | None
    rarest_reason_people: int | None
    rare_reasons: dict[str, int]
    rare_levels: dict[str, int]
    learnt_levels: tuple[str, ...]
    extremes: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def examine_structure(procedure: Procedure, frame: Frame) -> Structure:
    """Read the model's text beside its training rows, in two passes over them.

    Args:
        procedure: how the model was learnt.
        frame: of its features; rows that it does not hold are read where they lie.

    Raises:
        StorageError: RS3420, when the model was not learnt from these rows.
    """
    model = procedure.model
    units, sizes = np.unique(procedure.ground.rows.unit[procedure.learnt], return_counts=True)
    each = int(sizes.max(initial=1))
    leaves = Leaves(model.booster, each) if model.kind == LIGHTGBM else None
    held = Held(model, each)
    used = used_features(model)
    for matrix, _ in _pieces(procedure, frame):
        held.holders.count(held.of(matrix))
        if leaves and leaves.any:
            leaves.holders.count(leaves.of(matrix))
    own = _own_coefficients(model, held)
    doubtful = held.holders.at_least < FEW
    if len(own):
        doubtful[own] |= held.holders.at_least[own] < held.holders.rows[own].min()
    held.holders.ask(doubtful & (held.holders.rows > 0))
    if leaves and leaves.any:
        leaves.ask()
    for matrix, unit in _pieces(procedure, frame):
        held.holders.collect(held.of(matrix), unit)
        if leaves and leaves.any:
            leaves.holders.collect(leaves.of(matrix), unit)
    smallest = leaves.smallest() if leaves and leaves.any else None
    return _structure(model, len(units), held, used, own, smallest)


def _pieces(procedure: Procedure, frame: Frame) -> Iterator[tuple[NDArray[Any], IntArray]]:
    """The rows the model was learnt from, some at a time, and whose they are."""
    unit = procedure.ground.rows.unit
    for where, block in frame.blocks(procedure.learnt):
        at = procedure.learnt[where]
        for start in range(0, len(at), AT_ONCE):
            yield block[start : start + AT_ONCE], unit[at[start : start + AT_ONCE]]


def _own_coefficients(model: RiskModel, held: Held) -> IntArray:
    """Places of the categories and absences that have a coefficient of a linear model."""
    place = {saying: at for at, saying in enumerate(held.sayings)}
    found = set()
    for term in model.linear.terms if model.linear else ():
        for factor in term.factors if term.coefficient else ():
            if factor.form == "level":
                found.add(place[Saying(factor.feature, "level", factor.level)])
            elif factor.form == "missing":
                found.add(place[Saying(factor.feature, "missing")])
    return np.array(sorted(found), dtype=np.int64)


def _structure(
    model: RiskModel,
    people: int,
    held: Held,
    used: tuple[int, ...],
    own: IntArray,
    smallest: SmallestLeaf | None,
) -> Structure:
    counted = held.holders.people()
    least = np.where(counted >= 0, counted, held.holders.at_least)
    reasons = held.places(("something", "level"), used)
    reasons = reasons[held.holders.rows[reasons] > 0]
    categories = [i for i, f in enumerate(model.features) if f.kind is FeatureKind.CATEGORY]
    levels = held.places(("level",), categories)
    undeclared = {f.name for f in model.features if not f.levels}
    # A declared level that nobody has tells of nobody; one that was learnt tells of somebody.
    kept = [
        held.holders.rows[place] > 0
        or model.features[held.sayings[place].feature].name in undeclared
        for place in levels.tolist()
    ]
    rare_levels = _rare(model, held, levels[np.array(kept, dtype=np.bool_)], least)
    linear = model.linear is not None
    fewest = int(least[own].min()) if linear and len(own) else None
    coefficients = sum(1 for term in model.linear.terms if term.coefficient) if model.linear else 0
    return Structure(
        people=people,
        smallest_leaf_people=_told(smallest.people if smallest else fewest),
        leaves=smallest.leaves if smallest else len(own),
        degrees_of_freedom=_told(people - coefficients - 1) if linear else None,
        rarest_reason_people=_told(int(least[reasons].min())) if len(reasons) else None,
        rare_reasons=_rare(model, held, reasons, least),
        rare_levels=rare_levels,
        learnt_levels=tuple(name for name in rare_levels if name in undeclared),
        extremes=bool(_EXTREMES.search(model.booster)),
    )


def _told(people: int | None) -> int | None:
    return None if people is None else max(people, 0) // STEP * STEP


def _rare(model: RiskModel, held: Held, places: IntArray, least: IntArray) -> dict[str, int]:
    """Feature -> how many of the sayings at some places fewer than ``FEW`` people hold."""
    found: dict[str, int] = {}
    for place in places[least[places] < FEW].tolist():
        name = model.features[held.sayings[place].feature].name
        found[name] = found.get(name, 0) + 1
    return found
