"""The same questions for each group: who is selected, who is found, who is missed.

Point values come from Fairlearn, intervals from the clustered bootstrap of
``riskstrat.statistics`` (Fairlearn's own is about 2,000 times slower). Both see the same people
under the same cuts, so they agree; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.rates import Values, rates_by_level, scores_by_level, selection
from riskstrat.audit.spec import AuditSpec
from riskstrat.errors import StudyError
from riskstrat.risk_model import FeatureRows, sorted_by_key
from riskstrat.statistics.cuts import NOT_RECORDED, RANKING, RISK, Cut
from riskstrat.statistics.estimate import Estimate, FloatArray
from riskstrat.statistics.groups import GroupEvaluation, evaluate_groups

ENOUGH_OUTCOMES = 10
OK, NOT_ENOUGH = "ok", "not_enough_evidence"
EVERYONE = "everyone"
"""A group of one level, so that each table of groups also shows the whole."""
KEYS = ("unit_id", "as_of")
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
        groups: unit_id, as_of, and a column for each of ``spec.groups``.
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
        in rows, ``people`` and ``positives`` the size of the level, ``selected`` how many of it
        the cut takes (people tied at it in part). ``<metric>_ratio`` is level over
        ``reference``, ``<metric>_difference`` level minus it. No level vanishes: a missing one
        is ``not recorded``. ``verdict`` is ``not_enough_evidence`` when the level (or, for a
        comparison, the reference) has fewer than ``spec.min_group`` people or ten outcomes, or
        the value cannot be computed.

    Raises:
        StudyError: a group is not in ``groups``.
        NotEstimable: nobody, or everybody, had the outcome.
    """
    people = _people(predictions, groups, spec.groups, clusters)
    chosen = tuple(cuts) if cuts is not None else capacity_cuts(spec.capacity)
    probability = bool(((people.risk >= 0) & (people.risk <= 1)).all())
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
    )
    values = _values(people, chosen, probability)
    return _table(_rows(found, values, _evidence(people, spec)))


@dataclass(frozen=True, slots=True)
class _People:
    """The rows under audit, aligned; ``levels`` are texts."""

    unit: NDArray[Any]
    y: NDArray[np.bool_]
    risk: FloatArray
    ranking: FloatArray
    clusters: NDArray[Any]
    levels: Mapping[str, NDArray[np.str_]]

    def score(self, cut: Cut) -> FloatArray:
        return self.risk if cut.score == RISK else self.ranking


def _people(
    predictions: pa.Table,
    groups: pa.Table,
    wanted: Sequence[str],
    clusters: NDArray[Any] | None,
) -> _People:
    if absent := [name for name in wanted if name not in groups.column_names]:
        raise StudyError(
            f"the audit asks for {', '.join(absent)}, which the run has no column for",
            fix="list the group under `audit.groups` as the attribute is spelt, such as "
            "`demographics.ethnicity`",
        )
    unit = predictions["unit_id"].to_numpy(zero_copy_only=False)
    drawn = unit if clusters is None else np.asarray(clusters)
    known = predictions["outcome"].is_valid().to_numpy(zero_copy_only=False)
    y = predictions["outcome"].fill_null(False).to_numpy(zero_copy_only=False)
    aligned = align(predictions, groups, wanted)
    texts = {name: level_texts(aligned[name])[known] for name in wanted}
    return _People(
        unit=unit[known],
        y=y[known].astype(bool),
        risk=_floats(predictions["risk"])[known],
        ranking=_floats(predictions["raw_score"])[known],
        clusters=drawn[known],
        levels={EVERYONE: np.full(int(known.sum()), EVERYONE), **texts},
    )


def _floats(column: pa.ChunkedArray) -> FloatArray:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def align(rows: pa.Table, attributes: pa.Table, wanted: Sequence[str]) -> pa.Table:
    """The wanted columns of ``attributes`` for each of ``rows``, in their order; null if absent."""
    held = sorted_by_key(attributes.select(list(dict.fromkeys((*KEYS, *wanted)))))
    place = FeatureRows(held.schema, held.num_rows, table=held).find(rows)
    return held.select(list(wanted)).take(pa.array(place, mask=place < 0))


def level_texts(column: pa.ChunkedArray) -> NDArray[np.str_]:
    """Levels as text: 3.0 reads ``3``; null and blank read ``not recorded``."""
    return np.array([_level(value) for value in column.to_pylist()], dtype=str)


def _level(value: Any) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return NOT_RECORDED
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or NOT_RECORDED


def _values(
    people: _People, cuts: Sequence[Cut], probability: bool
) -> dict[tuple[str, str | None], Values]:
    """(group, cut) -> metric -> level -> value, from Fairlearn."""
    out: dict[tuple[str, str | None], Values] = {}
    chosen = {cut.name: selection(people.score(cut), cut) for cut in cuts}
    for group, level in people.levels.items():
        risk = people.risk if probability else None
        out[group, None] = scores_by_level(people.y, people.ranking, risk, level)
        for name, selected in chosen.items():
            out[group, name] = rates_by_level(people.y, selected, level)
    return out


def _evidence(people: _People, spec: AuditSpec) -> dict[tuple[str, str], tuple[int, bool]]:
    """(group, level) -> people in it, and whether they are enough to judge."""
    out = {}
    for group, level in people.levels.items():
        for name in np.unique(level):
            members = level == name
            count = len(np.unique(people.unit[members]))
            outcomes = int(people.y[members].sum())
            enough = count >= spec.min_group and outcomes >= ENOUGH_OUTCOMES
            out[group, str(name)] = count, enough
    return out


def _rows(
    found: GroupEvaluation,
    values: Mapping[tuple[str, str | None], Values],
    evidence: Mapping[tuple[str, str], tuple[int, bool]],
) -> Iterator[tuple[Any, ...]]:
    sizes = {(g.attribute, g.level, g.cut): (g.positives, g.selected) for g in found.groups}
    references = {d.attribute: d.reference for d in found.disparities}
    for attribute, level, cut, metric, estimate in found.long_rows():
        compared = metric.endswith(("_ratio", "_difference"))
        if compared and attribute == EVERYONE:
            continue
        reference = references[attribute]
        value = _value(values[attribute, cut], metric, level, reference, estimate)
        people, enough = evidence.get((attribute, level), (0, False))
        if compared:
            enough = enough and evidence.get((attribute, reference), (0, False))[1]
        positives, selected = sizes[attribute, level, cut]
        yield (
            *(attribute, level, metric, cut),
            *(_null(value), _null(estimate.low), _null(estimate.high)),
            *(estimate.n, people, positives, _null(selected)),
            *(reference, OK if enough and not isnan(value) else NOT_ENOUGH),
        )


def _value(values: Values, metric: str, level: str, reference: str, ours: Estimate) -> float:
    """Fairlearn's value; NaN where the denominator is empty, which Fairlearn calls 0."""
    if not ours.estimable:
        return nan
    base = metric.removesuffix("_ratio").removesuffix("_difference")
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
