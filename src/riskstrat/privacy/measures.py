"""Everything measured about what a model remembers, under the names that gates use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.privacy.attack import Attacker, Told, measure, play
from riskstrat.privacy.structure import Structure
from riskstrat.privacy.twins import ENOUGH_PEOPLE, Round
from riskstrat.statistics.cuts import NOT_RECORDED
from riskstrat.statistics.estimate import BoolArray, Estimate
from riskstrat.vocabulary import PRIVACY_METRICS

ENOUGH_POSITIVES = 200
"""people with the outcome, below which nothing is said of them"""
ENOUGH_IN_LEVEL = 100
AUC, POSITIVES, TPR, LEAF, REASON, FREEDOM = PRIVACY_METRICS[:6]
INFORMED = "informed_"
ATTACKS: Mapping[str, tuple[Attacker, str]] = MappingProxyType(
    {"": ("plain", "whoever holds the model"), INFORMED: ("informed", "and everybody's records")}
)
NOT_LEARNT = "Nothing was learnt from people, or from too few of them to learn twins of the model."


@dataclass(frozen=True, slots=True)
class Measured:
    """One number with its interval, and whether it is enough to judge by.

    Attributes:
        number: value, interval, and how many people it is about.
        positives: how many of them had the outcome; None where it is about nobody else.
        too_few: why it decides nothing; '' where it does.
    """

    number: Estimate
    positives: int | None = None
    too_few: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON and for gates."""
        told = self.number.as_dict() | {"positives": self.positives}
        return told | ({"too_few": self.too_few} if self.too_few else {})


@dataclass(frozen=True, slots=True)
class Level:
    """How well the people of one level of a group can be told apart."""

    group: str
    level: str
    measured: Measured

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"group": self.group, "level": self.level, **self.measured.as_dict()}


def of_attacks(rounds: Sequence[Round], replicates: int, seed: int) -> dict[str, Measured]:
    """Both attackers on everybody and on those with the outcome.

    Args:
        rounds: from ``learn_twins``.
        replicates, seed: of the resampling.

    Returns:
        Name -> what was measured; the informed attacker's under the same names with ``informed_``
        before them.
    """
    found: dict[str, Measured] = {}
    everyone = sum(len(np.unique(each.unit)) for each in rounds)
    positives = sum(len(np.unique(each.unit[each.outcome])) for each in rounds)
    short = _too_few(everyone, "people", ENOUGH_PEOPLE)
    few = short or _too_few(positives, "people with the outcome", ENOUGH_POSITIVES)
    of_outcome = [each.outcome for each in rounds]
    for prefix, (attacker, _) in ATTACKS.items():
        everybody = _measured(play(rounds, attacker), everyone, replicates, seed)
        some = _measured(play(rounds, attacker, of_outcome), positives, replicates, seed)
        found[f"{prefix}{AUC}"] = Measured(everybody.auc, positives, short)
        found[f"{prefix}{POSITIVES}"] = Measured(some.auc, None, few)
        found[f"{prefix}{TPR}"] = Measured(everybody.tpr, positives, short)
    return found


def of_structure(found: Structure) -> dict[str, Measured]:
    """The counts that can be read from the model; exact, so their interval is a point."""
    numbers = {
        LEAF: found.smallest_leaf_people,
        REASON: found.rarest_reason_people,
        FREEDOM: found.degrees_of_freedom,
    }
    return {
        name: Measured(Estimate(float(number), float(number), float(number), found.people))
        for name, number in numbers.items()
        if number is not None
    }


def not_measured(people: int) -> dict[str, Measured]:
    """The attacks' names, each with the reason why there is no number."""
    unknown = Measured(Estimate(nan, nan, nan, people), None, NOT_LEARNT)
    return {f"{prefix}{name}": unknown for prefix in ATTACKS for name in (AUC, POSITIVES, TPR)}


def by_level(
    rounds: Sequence[Round], groups: pa.Table, names: Sequence[str], replicates: int, seed: int
) -> tuple[Level, ...]:
    """The plain attack on the people of every level of every group, on everybody at once.

    A person is of the level of their latest row. Levels of fewer than ``ENOUGH_IN_LEVEL`` people
    are listed without a number.

    Args:
        rounds: from ``learn_twins``.
        groups: the attributes of all rows, by row number.
        names: which of its columns.
        replicates, seed: of the resampling.
    """
    found = []
    for name in names:
        labels = [_latest(each, groups[name]) for each in rounds]
        for level in sorted({str(one) for each in labels for one in np.unique(each)}):
            chosen = [each == level for each in labels]
            found.append(Level(name, level, _of_level(rounds, chosen, replicates, seed)))
    return tuple(found)


def _of_level(
    rounds: Sequence[Round], chosen: Sequence[BoolArray], replicates: int, seed: int
) -> Measured:
    """One level's measurement."""
    pairs = list(zip(rounds, chosen, strict=True))
    people = sum(len(np.unique(each.unit[rows])) for each, rows in pairs)
    positives = sum(len(np.unique(each.unit[rows & each.outcome])) for each, rows in pairs)
    short = _too_few(people, "people", ENOUGH_IN_LEVEL)
    if short:
        return Measured(Estimate.unknown(people), positives, short)
    told = _measured(play(rounds, "plain", chosen), people, replicates, seed)
    return Measured(told.auc, positives)


def _latest(each: Round, column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Text (m,): for every row the label of its person's latest row."""
    labels = np.array(
        [
            NOT_RECORDED if x is None else str(x)
            for x in column.take(pa.array(each.rows)).to_pylist()
        ]
    )
    _, person = np.unique(each.unit, return_inverse=True)
    last = np.zeros(person.max() + 1, dtype=np.int64)
    np.maximum.at(last, person, np.arange(len(person)))  # rows rise by date
    return labels[last][person]


def _measured(trials: Any, people: int, replicates: int, seed: int) -> Told:
    return measure(trials, people, replicates, np.random.default_rng([seed, 3403]))


def _too_few(count: int, what: str, enough: int) -> str:
    if count >= enough:
        return ""
    return f"{count:,} {what} are too few to judge by; {enough:,} are needed."
