"""The same questions for each group: who is selected, who is found, who is missed.

Point values come from Fairlearn, intervals from the clustered bootstrap of
``riskstrat.statistics`` (Fairlearn's own is about 2,000 times slower). Both see the same people
under the same cuts, so they agree; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan, nan
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.people import (
    EVERYONE,
    Counted,
    People,
    align,
    count_people,
    level_texts,
    people_of,
)
from riskstrat.audit.rates import Values, rates_by_level, scores_by_level, selection
from riskstrat.audit.spec import AuditSpec
from riskstrat.statistics.cuts import RANKING, Cut
from riskstrat.statistics.estimate import Estimate
from riskstrat.statistics.groups import GroupEvaluation, evaluate_groups
from riskstrat.vocabulary import base_of, compares

__all__ = [
    "EVERYONE",
    "NOT_ENOUGH",
    "OK",
    "SCHEMA",
    "align",
    "capacity_cuts",
    "fairness",
    "fairness_of",
    "level_texts",
    "share_text",
]

OK, NOT_ENOUGH = "ok", "not_enough_evidence"
SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("level", pa.string()),
        ("metric", pa.string()),
        ("at", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int64()),
        ("people", pa.int64()),
        ("positives", pa.int64()),
        ("selected", pa.float64()),
        ("reference", pa.string()),
        ("verdict", pa.string()),
        ("with_outcome", pa.int64()),
        ("without_outcome", pa.int64()),
        ("rows_each", pa.int64()),
    ]
)


def share_text(share: float) -> str:
    """How the column ``at`` spells a capacity: ``0.05``."""
    return f"{share:g}"


def capacity_cuts(shares: Sequence[float], positive_at: float | None = None) -> tuple[Cut, ...]:
    """The cuts of an audit: each capacity, and the published decision of an existing score."""
    cuts = [Cut.top(share, name=share_text(share)) for share in shares]
    if positive_at is not None:
        text = f"score >= {positive_at:g}"
        cuts.append(Cut.at_least(positive_at, score=RANKING, name=text))
    return tuple(cuts)


def fairness(
    predictions: pa.Table,
    groups: pa.Table,
    spec: AuditSpec,
    *,
    cuts: Sequence[Cut] | None = None,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    seed: int = 0,
    levels: Mapping[str, Sequence[str]] | None = None,
) -> pa.Table:
    """Every group's rates, accuracy and disparities, with 95% intervals.

    Args:
        predictions: one learner on one split: unit_id, as_of, outcome, risk, raw_score. Rows
            whose outcome is not known are left out.
        groups: unit_id, as_of, and a column for each of ``spec.groups``; intersections are made
            of them.
        spec: the groups, their references, the capacities and what is enough evidence.
        cuts: decision rules; default ``capacity_cuts(spec.capacity)``.
        clusters: (n,) labels in the order of ``predictions`` of what is resampled whole;
            default ``unit_id``.
        replicates: resamples.
        seed: of the resampling.
        levels: group -> levels that are listed even when nobody tested is in them.

    Returns:
        One row per group, level, metric and cut. ``at`` names the cut (``0.05``,
        ``score >= 5``) and is null where none is needed; ``n`` is the denominator of ``value``
        in rows, ``people`` the units of the level, ``positives`` its rows with the outcome and
        ``selected`` how many rows of it the cut takes (those tied at it in part). A unit has a
        row for each date: ``with_outcome`` and ``without_outcome`` are the units with such a
        row, ``rows_each`` the most rows that one unit has. ``<metric>_ratio`` is level over
        ``reference``, ``<metric>_difference`` level minus it. No level vanishes: a missing one
        is ``not recorded``. ``verdict`` is ``not_enough_evidence`` when the level (or, for a
        comparison, the reference) has fewer than ``spec.min_group`` people, of whom fewer than
        ``spec.min_outcomes`` had the outcome, or the value cannot be computed.

    Raises:
        StudyError: a group is not in ``groups``.
        NotEstimable: nobody, or everybody, had the outcome.
    """
    people = people_of(predictions, groups, spec, clusters)
    return fairness_of(people, spec, cuts=cuts, replicates=replicates, seed=seed, levels=levels)


def fairness_of(
    people: People,
    spec: AuditSpec,
    *,
    cuts: Sequence[Cut] | None = None,
    replicates: int = 1000,
    seed: int = 0,
    levels: Mapping[str, Sequence[str]] | None = None,
) -> pa.Table:
    """The same of rows that are aligned already."""
    chosen = tuple(cuts) if cuts is not None else capacity_cuts(spec.capacity)
    probability = people.is_probability
    found = evaluate_groups(
        people.y,
        people.risk if probability else people.ranking,
        people.levels,
        chosen,
        ranking=people.ranking,
        clusters=people.clusters,
        replicates=replicates,
        rng=np.random.default_rng(seed),
        score_is_probability=probability,
        levels=levels,
        references={a: r for a, r in spec.references.items() if a in people.levels},
        lists=people.lists,
    )
    values = _values(people, chosen, probability)
    behind = {
        (group, name): who
        for group, level in people.levels.items()
        for name, who in count_people(level, people.unit, people.y).items()
    }
    return _table(_rows(found, values, behind, spec))


def _values(
    people: People, cuts: Sequence[Cut], probability: bool
) -> dict[tuple[str, str | None], Values]:
    """(group, cut) -> metric -> level -> value, from Fairlearn."""
    out: dict[tuple[str, str | None], Values] = {}
    chosen = {cut.name: selection(people.score(cut), cut, people.lists) for cut in cuts}
    for group, level in people.levels.items():
        risk = people.risk if probability else None
        out[group, None] = scores_by_level(people.y, people.ranking, risk, level)
        for name, selected in chosen.items():
            out[group, name] = rates_by_level(people.y, selected, level)
    return out


def _rows(
    found: GroupEvaluation,
    values: Mapping[tuple[str, str | None], Values],
    behind: Mapping[tuple[str, str], Counted],
    spec: AuditSpec,
) -> Iterator[tuple[Any, ...]]:
    sizes = {(g.attribute, g.level, g.cut): (g.positives, g.selected) for g in found.groups}
    references = {d.attribute: d.reference for d in found.disparities}
    for attribute, level, cut, metric, estimate in found.long_rows():
        compared = compares(metric)
        if compared and attribute == EVERYONE:
            continue
        reference = references[attribute]
        value = _value(values[attribute, cut], metric, level, reference, estimate)
        who = behind.get((attribute, level), Counted())
        enough = who.enough(spec)
        if compared:
            enough = enough and behind.get((attribute, reference), Counted()).enough(spec)
        positives, selected = sizes[attribute, level, cut]
        yield (
            *(attribute, level, metric, cut),
            *(_null(value), _null(estimate.low), _null(estimate.high)),
            *(estimate.n, who.people, positives, _null(selected)),
            *(reference, OK if enough and not isnan(value) else NOT_ENOUGH),
            *(who.with_outcome, who.without_outcome, who.rows_each),
        )


def _value(values: Values, metric: str, level: str, reference: str, ours: Estimate) -> float:
    """Fairlearn's value; NaN where the denominator is empty, which Fairlearn calls 0."""
    if not ours.estimable:
        return nan
    base = base_of(metric)
    value = values.get(base, {}).get(level, nan)
    if metric == base:
        return value
    other = values.get(base, {}).get(reference, nan)
    return value / other if metric.endswith("_ratio") else value - other


def _null(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _table(rows: Iterator[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)
