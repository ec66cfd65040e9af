"""From a finished run's tables to the rows that remedies are tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.audit.audit import clusters_of
from riskstrat.audit.people import align, count_people, level_texts
from riskstrat.audit.spec import AuditSpec, last_part
from riskstrat.errors import StudyError, TooThinError
from riskstrat.mitigation.trial import BoolArray, IntArray, Part, Trial, adjustable
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.risk_model.encode import encode
from riskstrat.statistics.probability import odds

MOST_TRAIN = 40_000
"""rows learnt from: whole units are drawn where there are more"""
HELD_OUT = 0.25
"""units that are judged on where the study has no later dates to judge on"""
PROXY_SHARE = 0.08
"""a feature that does this much of the telling of some level is a proxy"""


@dataclass(frozen=True, slots=True)
class Tables:
    """What a finished run holds.

    Attributes:
        cohort: unit_id, as_of, outcome.
        predictions: of the winner, of all splits.
        features, groups: of the cohort's rows.
        proxies: of the audit.
        model: the winner.
        spec: the study's ``audit``.
        cluster: of its training.
        grouped: whether it was judged on units held out, not on later dates.
        thresholds: capacity -> the risk at which the winner's list ends.
        seed: of the study.
        by_date: whether each as-of date has a list of its own.
    """

    cohort: pa.Table
    predictions: pa.Table
    features: FeatureRows
    groups: pa.Table
    proxies: pa.Table
    model: RiskModel
    spec: AuditSpec
    cluster: str
    grouped: bool
    thresholds: Mapping[float, float | None]
    seed: int
    by_date: bool = False


def gather(tables: Tables, group: str, at: float) -> Trial:
    """Make the trial of one group at one capacity.

    Raises:
        StudyError: RS3511, the study has no such group or capacity.
        TooThinError: RS3512, fewer than two levels can be judged on the test rows.
    """
    name = _named(tables.spec, group)
    if at not in tables.thresholds:
        known = ", ".join(f"{share:g}" for share in tables.thresholds)
        raise StudyError(
            f"{at:g} is not a capacity of this run ({known})",
            fix="name one of `audit.capacity` with `--at`",
            code="RS3511",
        )
    test, adjust = (_scored(tables, split) for split in ("test", "validation"))
    if tables.grouped:
        held = _held_out(tables, test)
        test, adjust = test.filter(pa.array(held)), _elsewhere(adjust, test, held)
    train = _train(tables, test)
    judged, too_few = _levels(tables, name, test)
    if len(judged) < 2:
        raise TooThinError(
            f"{name}: {len(judged)} of {len(judged) + len(too_few)} levels have "
            f"{tables.spec.min_group} people and {tables.spec.min_outcomes} outcomes among those "
            "tested, and two are needed to be treated alike",
            fix="name another group with `--group`, or merge levels",
            code="RS3512",
        )
    itself, proxies = _proxies(tables, name)
    threshold = tables.thresholds[at]
    prevalence = float(np.mean(test["outcome"].to_numpy(zero_copy_only=False)))
    return Trial(
        group=name,
        at=at,
        price=odds(prevalence if threshold is None else threshold),
        train=_part(tables, train, name, read=True),
        adjust=_part(tables, adjust, name, read=False),
        test=_part(tables, test, name, read=True),
        features=tables.model.features,
        nominal=tuple(i for i, feature in enumerate(tables.model.features) if feature.nominal),
        judged=judged,
        too_few=too_few,
        proxies=proxies,
        itself=itself,
        seed=tables.seed,
    )


def _named(spec: AuditSpec, group: str) -> str:
    for name in spec.groups:
        if group in (name, last_part(name)):
            return name
    raise StudyError(
        f"`{group}` is not one of the study's groups ({', '.join(spec.groups) or 'none'})",
        fix="name one of `audit.groups` with `--group`",
        code="RS3511",
    )


def _scored(tables: Tables, split: str) -> pa.Table:
    rows = tables.predictions.filter(pc.equal(tables.predictions["split"], split))
    return rows.filter(pc.is_valid(rows["outcome"])).combine_chunks()


def _held_out(tables: Tables, test: pa.Table) -> BoolArray:
    """Whether a row is judged on: whole clusters, drawn by the study's seed."""
    codes = clusters_of(test, tables.groups, tables.cluster)
    rng = np.random.default_rng([tables.seed, 37])
    return np.asarray((rng.random(int(codes.max(initial=0)) + 1) < HELD_OUT)[codes])


def _elsewhere(adjust: pa.Table, test: pa.Table, held: BoolArray) -> pa.Table:
    """Rows adjusted on of whom nobody is judged on."""
    judged = test.filter(pa.array(held))["unit_id"].combine_chunks()
    return adjust.filter(pc.invert(pc.is_in(adjust["unit_id"], value_set=judged)))


def _train(tables: Tables, test: pa.Table) -> pa.Table:
    """Known outcomes of the dates that the model learnt from, or of units not judged on."""
    known = tables.cohort.filter(pc.is_valid(tables.cohort["outcome"]))
    if tables.grouped:
        judged = test["unit_id"].combine_chunks()
        known = known.filter(pc.invert(pc.is_in(known["unit_id"], value_set=judged)))
    else:
        last = pa.scalar(
            date.fromisoformat(str(tables.model.provenance["trained_to"])), pa.date32()
        )
        known = known.filter(pc.less_equal(known["as_of"], last))
    if known.num_rows <= MOST_TRAIN:
        return known.combine_chunks()
    units = known["unit_id"].combine_chunks().dictionary_encode()
    codes = np.asarray(units.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    rng = np.random.default_rng([tables.seed, 38])
    order = rng.permutation(len(units.dictionary))
    rows = np.cumsum(np.bincount(codes, minlength=len(order))[order])
    kept = np.zeros(len(order), dtype=bool)
    kept[order[: int(np.searchsorted(rows, MOST_TRAIN))]] = True
    return known.filter(pa.array(kept[codes])).combine_chunks()


def _levels(tables: Tables, group: str, test: pa.Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    levels = level_texts(align(test, tables.groups, [group])[group])
    y = test["outcome"].to_numpy(zero_copy_only=False).astype(bool)
    units = test["unit_id"].combine_chunks().dictionary_encode().indices
    numbers = np.asarray(units.to_numpy(zero_copy_only=False), dtype=np.int64)
    judged: list[str] = []
    too_few: list[str] = []
    for name, who in count_people(levels, numbers, y).items():
        (judged if who.enough(tables.spec) else too_few).append(name)
    return tuple(judged), tuple(too_few)


def _proxies(tables: Tables, group: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the attribute itself, and of it and its proxies, as the audit found them."""
    place = {feature.name: i for i, feature in enumerate(tables.model.features)}
    rows = [row for row in tables.proxies.to_pylist() if row["group"] == group and row["rank"]]
    aside = {name for row in rows for name in (row["set_aside"] or "").split(", ") if name}
    itself = {place[name] for name in aside if name in place}
    telling = {
        place[row["feature"]]
        for row in rows
        if row["share"] and row["share"] >= PROXY_SHARE and row["feature"] in place
    }
    return tuple(sorted(itself)), tuple(sorted(itself | telling))


def _part(tables: Tables, rows: pa.Table, group: str, *, read: bool) -> Part:
    level = level_texts(align(rows, tables.groups, [group])[group])
    score = (
        adjustable(rows["raw_score"].cast(pa.float64()).to_numpy(zero_copy_only=False))
        if "raw_score" in rows.column_names
        else np.zeros(0)
    )
    units = rows["unit_id"].combine_chunks().dictionary_encode()
    return Part(
        y=rows["outcome"].to_numpy(zero_copy_only=False).astype(bool),
        level=level,
        clusters=clusters_of(rows, tables.groups, tables.cluster),
        unit=np.asarray(units.indices.to_numpy(zero_copy_only=False), dtype=np.int64),
        score=score,
        matrix=_matrix(tables, rows) if read else np.zeros((0, 0), dtype=np.float32),
        lists=rows["as_of"].to_numpy() if tables.by_date else np.zeros(0),
    )


def _matrix(tables: Tables, rows: pa.Table) -> Any:
    """Features of the rows; a published score is kept to what single precision tells apart."""
    place: IntArray = tables.features.find(rows.select(["unit_id", "as_of"]))
    names: Sequence[str] = [feature.name for feature in tables.model.features]
    found = tables.features.take(names, place)
    return encode(found, tables.model.features, tables.model.levels)
