"""Why one person's score is what it is, in plain words, each agency's records told once.

An agency may give the model forty features that say much the same. Ranked one by one they would
fill a person's whole list, or split what they say into parts too small to be told. So what they
add is added up first: over the windows of one measure, then over the agency's measures. Agencies
are ranked by their sums, and each tells the few facts that carry its own. (A sum of Shapley
values is what its features add together; it is not the value of a game among agencies, which
would share the joint effects of two agencies anew.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.explain import Contributions
from riskstrat.audit.wording import measure, reason_text, topic_text
from riskstrat.vocabulary import FeatureColumn

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Hidden = Sequence[Collection[str]]
NOTHING_HIDDEN: Hidden = ((),)
MOST_FACTS = 3
"""facts that an agency tells of a person at most"""
WORTH_TELLING = 0.05
"""an agency that adds less than this share of what all add is left out"""
CARRIES = 0.2
"""a further fact is told if it adds this share of what its agency adds in its direction"""


def reasons(found: Contributions, count: int = 5, hidden: Hidden = NOTHING_HIDDEN) -> pa.Table:
    """Plain words for each person: what raises the risk first, then what lowers it.

    Args:
        found: from ``explain.contributions``.
        count: how many a person gets at most, one an agency; of a model whose features come from
            one agency, one a source; of one source, one a measure.
        hidden: sets of features that some readers may not be told of. Each set has reasons of
            its own, made from what is not in it.

    Returns:
        unit_id, as_of, and for each of ``hidden`` two columns, named by :func:`columns_for`:
        reasons (list of texts) and coarse (list of texts), at most ``count`` each. ``coarse``
        names what raises the risk without value or date, for those who may not see them.
    """
    days = found.rows["as_of"].to_pylist()
    columns = {"unit_id": found.rows["unit_id"], "as_of": found.rows["as_of"]}
    words = _Words(found)
    for number, names in enumerate(hidden):
        seen = [i for i, feature in enumerate(found.features) if feature.name not in names]
        grouping = Grouping.of(found.features, seen)
        told = _chosen(found.values, grouping, count)
        texts = [
            [words.line(grouping, line, person, days[person]) for line in lines]
            for person, lines in enumerate(told)
        ]
        coarse = [
            list(dict.fromkeys(words.topic(line, person) for line in lines if line.raises))
            for person, lines in enumerate(told)
        ]
        for name, each in zip(columns_for(number), (texts, coarse), strict=True):
            columns[name] = pa.array(each, pa.list_(pa.string()))
    return pa.table(columns)


def columns_for(number: int) -> tuple[str, str]:
    """The names of the two columns of reasons for the n-th set of hidden features.

    Examples:
        >>> columns_for(0), columns_for(1)
        (('reasons', 'coarse'), ('reasons_1', 'coarse_1'))
    """
    ending = f"_{number}" if number else ""
    return f"reasons{ending}", f"coarse{ending}"


# -- what is added up ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which features count together.

    Attributes:
        names: of the groups, '' where a group needs no name.
        measures: for each group, its measures, each the positions of its features.
    """

    names: tuple[str, ...]
    measures: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def of(cls, features: Sequence[FeatureColumn], seen: Sequence[int]) -> Grouping:
        """By agency; by source where there is one agency; by measure where there is one source.

        Args:
            features: the model's.
            seen: positions of those that count.
        """
        ways: tuple[Callable[[FeatureColumn], str], ...] = (agency_of, source_of, measure)
        way = next((w for w in ways if len({w(features[i]) for i in seen}) > 1), measure)
        groups: dict[str, dict[str, list[int]]] = {}
        for i in seen:
            within = groups.setdefault(way(features[i]), {})
            within.setdefault(measure(features[i]), []).append(i)
        return cls(
            tuple(name if way is agency_of else "" for name in groups),
            tuple(tuple(map(tuple, within.values())) for within in groups.values()),
        )


def agency_of(feature: FeatureColumn) -> str:
    """Whose records a feature is made from."""
    return feature.agency or feature.source


def source_of(feature: FeatureColumn) -> str:
    """Which extract a feature is made from."""
    return feature.source


def added_up(values: FloatArray, positions: Sequence[int]) -> FloatArray:
    """What some features add together: (people,).

    One after the other: the sum of a row is then the same bits whatever rows it stands among.
    """
    total = np.zeros(len(values))
    for position in positions:
        total += values[:, position]
    return total


# -- who is told what ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One reason of one person: a group, and the features whose values it tells."""

    group: int
    facts: tuple[int, ...]
    raises: bool


def _chosen(values: FloatArray, grouping: Grouping, count: int) -> list[tuple[Line, ...]]:
    """Each person's lines, those that raise first, the strongest before the others."""
    by_measure = [[added_up(values, m) for m in ms] for ms in grouping.measures]
    sums = np.zeros((len(values), len(grouping.names)))
    for group, parts in enumerate(by_measure):
        for part in parts:
            sums[:, group] += part
    stacked = [np.column_stack(parts) for parts in by_measure]
    whole = np.abs(sums).sum(axis=1)
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")
    found = []
    for person in range(len(values)):
        worth = max(WORTH_TELLING * whole[person], np.finfo(float).tiny)
        groups = [int(g) for g in order[person] if abs(sums[person, g]) >= worth]
        groups.sort(key=lambda g: sums[person, g] < 0)
        found.append(
            tuple(
                _line(values[person], stacked[g][person], grouping.measures[g], g, sums[person, g])
                for g in groups[:count]
            )
        )
    return found


def _line(
    values: FloatArray,
    measured: FloatArray,
    measures: Sequence[Sequence[int]],
    group: int,
    total: float,
) -> Line:
    """A group's facts of one person: the measures that carry it, each by its strongest window."""
    sign = 1.0 if total > 0 else -1.0
    toward = sign * measured
    carried = float(toward[toward > 0].sum())
    strongest = [int(m) for m in np.argsort(-toward, kind="stable")[:MOST_FACTS]]
    facts = []
    for place, m in enumerate(strongest):
        if place and toward[m] < CARRIES * carried:
            break
        facts.append(max(measures[m], key=lambda i: (sign * values[i], -i)))
    return Line(group, tuple(facts), total > 0)


# -- in words --------------------------------------------------------------------------------------


class _Words:
    """The words of each feature, each distinct value and day worded once."""

    def __init__(self, found: Contributions) -> None:
        self._found = found
        self._values: dict[int, list[Any]] = {}
        self._worded: dict[tuple[Any, ...], str] = {}

    def line(self, grouping: Grouping, line: Line, person: int, day: date) -> str:
        """``Hospitals: 4 stays in the last year, last stay on 2 May 2024 (raises the risk)``."""
        name = grouping.names[line.group]
        facts = [self._fact(i, person, day, bool(name)) for i in line.facts]
        said = ", ".join(dict.fromkeys(facts))
        way = "raises" if line.raises else "lowers"
        return f"{name}{': ' if name else ''}{said} ({way} the risk)"

    def topic(self, line: Line, person: int) -> str:
        """What the strongest fact is about."""
        position = line.facts[0]
        feature, value = self._found.features[position], self._value(position, person)
        key = (position, value)
        if key not in self._worded:
            self._worded[key] = topic_text(feature, value)
        return self._worded[key]

    def _fact(self, position: int, person: int, day: date, named: bool) -> str:
        feature, value = self._found.features[position], self._value(position, person)
        key = (position, value, day, named)
        if key not in self._worded:
            self._worded[key] = reason_text(feature, value, day, agency_named=named)
        return self._worded[key]

    def _value(self, position: int, person: int) -> Any:
        if position not in self._values:
            name = self._found.features[position].name
            self._values[position] = self._found.rows[name].to_pylist()
        return self._values[position][person]
