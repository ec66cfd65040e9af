"""A new period held against training: extracts, features, scores, lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.disk import read_json
from riskstrat.monitoring import drift
from riskstrat.monitoring.extracts import (
    Missing,
    Volume,
    look,
    looked_at,
    missingness,
    same_days,
    volumes,
)
from riskstrat.monitoring.lists import AboveCut, Churn, above_cuts, churn, mean_risk
from riskstrat.release.bands import places
from riskstrat.risk_model import FeatureRows
from riskstrat.stages.engine import accepted_views, engine
from riskstrat.stages.jobs import Job
from riskstrat.stages.learn import columns_of
from riskstrat.stages.score import band_shares
from riskstrat.stages.watching.ripe import release_memory, released_days
from riskstrat.stages.watching.watched import Judged, Rows, cluster_texts, rows_of, whole_texts
from riskstrat.statistics import Estimate
from riskstrat.statistics.estimate import FloatArray, IntArray
from riskstrat.store.worker import Progress
from riskstrat.vocabulary import FeatureColumn, FeatureKind

# -- extracts ------------------------------------------------------------------------------------


def compare_extracts(
    job: Job, judged: Judged, progress: Progress
) -> tuple[list[Volume], list[Missing]]:
    """Rows and empty values of each source before the day, against the training years."""
    sources = job.study.records
    earlier = same_days(job.day, *judged.trained)
    rows: list[Volume] = []
    empty: list[Missing] = []
    with engine(job, "scores", apart="volumes") as con:
        accepted_views(con, job, sources)
        for number, source in enumerate(sources):
            progress(0.15 * number / len(sources), f"rows of {source.source}")
            columns = looked_at(source, job.study.used_columns)
            seen = look(con, source, columns, [job.day, *earlier])
            rows += volumes(source, job.day, earlier, seen)
            empty += missingness(source, job.day, earlier, seen)
    return rows, empty


def rows_at_training(judged: Judged) -> dict[str, int]:
    """Source -> rows accepted when the version was trained."""
    told = read_json(judged.folder / "report.json")["sources"]
    return {row["source"]: int(row["accepted"]) for row in told}


# -- features and scores -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature has moved.

    Attributes:
        feature: which.
        cells: fixed from training.
        found: against training.
        since: against the held-out dates; None where there are none apart.
    """

    feature: FeatureColumn
    cells: drift.Cells
    found: drift.Drift
    since: drift.Drift | None


@dataclass(frozen=True, slots=True)
class Samples:
    """The rows compared, each with its pack, and how often each pack is drawn."""

    training: Rows
    held_out: Rows | None
    day: Rows
    packs: tuple[IntArray, ...]
    """of training, of the held-out scores, of the day, of the held-out features"""
    weights: FloatArray


def draw_samples(job: Job, judged: Judged) -> Samples:
    """Deal everybody's cluster to a pack, the same one in every period."""
    spec = job.study.spec
    cluster = spec.training.cluster
    training = rows_of(judged.folder, cluster, *judged.trained)
    held_out = rows_of(judged.folder, cluster, *judged.tested) if judged.tested_apart else None
    day = rows_of(job.folder("features"), cluster, job.day, job.day)
    wanted = [] if cluster == "unit" else [cluster]
    groups = columns_of(judged.folder / "groups.parquet", wanted, since=judged.tested[0])
    place = FeatureRows(groups.schema, groups.num_rows, table=groups).find(judged.scores)
    scored = cluster_texts(groups.take(pa.array(place)), cluster)
    labels = [training.cluster, scored, day.cluster]
    labels += [held_out.cluster] if held_out else []
    keys = [training.keys, judged.scores, day.keys, *([held_out.keys] if held_out else [])]
    rng = np.random.default_rng([spec.seed, 37])
    packs = drift.deal_packs(whole_texts(labels, keys), rng)
    weights = drift.pack_weights(packs, spec.monitor.replicates, rng)
    return Samples(training, held_out, day, tuple(packs), weights)


def compare_features(samples: Samples, judged: Judged, progress: Progress) -> list[FeatureDrift]:
    """Each of the model's features, on the day against training; in the model's order."""
    found = []
    features = judged.model.features
    levels = judged.model.levels
    for number, (feature, known) in enumerate(zip(features, levels, strict=True)):
        progress(0.15 + 0.4 * number / len(features), "features")
        values = samples.training.column(feature.name)
        category = feature.kind is FeatureKind.CATEGORY
        cells = drift.category_cells(values, known) if category else drift.number_cells(values)
        then = _counts(samples, cells, values, 0)
        now = _counts(samples, cells, samples.day.column(feature.name), 2)
        since = None
        if samples.held_out is not None:
            held = _counts(samples, cells, samples.held_out.column(feature.name), 3)
            since = drift.drift(held, now, samples.weights)
        found.append(FeatureDrift(feature, cells, drift.drift(then, now, samples.weights), since))
    return found


def _counts(
    samples: Samples, cells: drift.Cells, values: pa.ChunkedArray, period: int
) -> FloatArray:
    packs = samples.weights.shape[1]
    cell = cells.of(values)
    return drift.counts_by_pack(cell, samples.packs[period], len(cells.labels), packs)


@dataclass(frozen=True, slots=True)
class ScoreDrift:
    """How far the scores have moved since the model was judged.

    Attributes:
        cells, found: tenths of the held-out scores, and the day's people in them.
        cuts: people above each capacity's cut.
        risk_then, risk_now: mean risk.
    """

    cells: drift.Cells
    found: drift.Drift
    cuts: list[AboveCut]
    risk_then: Estimate
    risk_now: Estimate


def compare_scores(job: Job, samples: Samples, judged: Judged) -> ScoreDrift:
    """The day's scores against those of the held-out rows, which the model had not learnt from."""
    then = numbers(judged.scores, "raw_score"), samples.packs[1]
    scored = in_order(pq.read_table(job.folder("scores") / "scores.parquet"))
    now = numbers(scored, "raw_score"), samples.packs[2]
    cells = drift.number_cells(then[0])
    packs = samples.weights.shape[1]
    counts = [
        drift.counts_by_pack(cells.of(pa.array(score)), pack, len(cells.labels), packs)
        for score, pack in (then, now)
    ]
    cuts = {at["share"]: at["threshold"] for at in judged.metrics["at_capacity"]}
    return ScoreDrift(
        cells=cells,
        found=drift.drift(counts[0], counts[1], samples.weights),
        cuts=above_cuts(cuts, then, now, samples.weights),
        risk_then=mean_risk(numbers(judged.scores, "risk"), then[1], samples.weights),
        risk_now=mean_risk(numbers(scored, "risk"), now[1], samples.weights),
    )


def in_order(scores: pa.Table) -> pa.Table:
    """Scores in the order of the features of their day."""
    return scores.sort_by([("as_of", "ascending"), ("unit_id", "ascending")])


def numbers(table: pa.Table, name: str) -> FloatArray:
    """A column of numbers."""
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


# -- the list ------------------------------------------------------------------------------------


def compare_lists(job: Job) -> tuple[str, list[Churn]] | None:
    """Who left the list since the last release, and its day; None where there was none."""
    before = last_release(job)
    if before is None:
        return None
    day, table = before
    now = pq.read_table(job.folder("scores") / "scores.parquet")
    shares = band_shares(job.study.spec)
    bands = {
        band: (share, places(share, table.num_rows), places(share, now.num_rows))
        for band, share in shares.items()
    }
    return day, churn(_ranked(table), _ranked(now), bands)


def _ranked(table: pa.Table) -> tuple[Any, IntArray]:
    units = table["unit_id"].to_numpy(zero_copy_only=False)
    return units, np.asarray(table["rank"].to_numpy(), dtype=np.int64)


def last_release(job: Job) -> tuple[str, pa.Table] | None:
    """The day and scores of the last release before this day, if they are still there."""
    for day in reversed(released_days(job.store.root, job.study.name)):
        if day >= job.day.isoformat():
            continue
        memory = release_memory(job.store.root, job.study.name, day)
        found = job.store.artefact("scores", read_json(memory)["scores"])
        if found:
            return day, pq.read_table(found / "scores.parquet", columns=["unit_id", "rank"])
    return None
