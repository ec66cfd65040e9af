"""Score a day with a registered model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.explain import contributions, reasons
from riskstrat.derivation import digest
from riskstrat.errors import StudyError
from riskstrat.release.bands import REST, band_scores
from riskstrat.risk_model import KEY, FeatureRows, RiskModel, plain
from riskstrat.stages.engine import making
from riskstrat.stages.features import feature_plan
from riskstrat.stages.jobs import Job
from riskstrat.store.registry import Registry
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.study.spec import StudySpec

EXPLAINED_AT_ONCE = 8_192
"""A person explained takes about 10 kB: contributions, and the words for each feature."""


def scores_stage(job: Job, version: Mapping[str, Any], *, progress: Progress) -> None:
    """Score everyone in scope on the day; band them, and give reasons to those on a list."""
    spec = job.study.spec
    facts: dict[str, Any] = {}
    with making(job, "scores", facts) as folder:
        model = model_folder(job, version)
        _same_features(job.study, model, version)
        features = FeatureRows.of_file(job.folder("features") / "features.parquet")
        scores = score_rows(model, features, progress)
        banded = band_scores(scores, band_shares(spec), key=digest(spec.study, spec.seed))
        pq.write_table(banded, folder / "scores.parquet", compression="zstd")
        listed = banded.filter(pc.not_equal(banded["band"], REST)).select(list(KEY))
        given = reasons_of(model, features, listed, spec.audit.reasons, progress)
        pq.write_table(given, folder / "reasons.parquet", compression="zstd")
        facts |= {"rows_in": features.num_rows, "rows_out": banded.num_rows}
        facts |= {"listed": listed.num_rows}


def score_batch(model: RiskModel, rows: pa.Table) -> pa.Table:
    """Score some rows, which need know nothing of the others.

    Args:
        model: any.
        rows: unit_id, as_of and the model's features (n).

    Returns:
        unit_id, as_of, raw_score, risk (n), in the order of ``rows``; the same bits whatever
        rows are scored together.

    Raises:
        StudyError: RS1261 or RS1262, when the rows lack a feature or its type is wrong.
    """
    raw = model.raw_scores(rows)
    return pa.table(
        {
            "unit_id": rows["unit_id"].cast(pa.string()),
            "as_of": rows["as_of"],
            "raw_score": pa.array(raw, pa.float64()),
            "risk": pa.array(model.calibrate(raw), pa.float64()),
        }
    )


def score_rows(model: RiskModel, features: FeatureRows, progress: Progress) -> pa.Table:
    """``score_batch`` of everyone, a piece of the features in memory at a time."""
    names = [*KEY, *(feature.name for feature in model.features)]
    parts = [score_batch(model, features.take(names, np.empty(0, np.int64)))]
    for first, piece in features.pieces(names):
        progress(0.5 * first / features.num_rows, f"scoring {features.num_rows:,} units")
        parts.append(score_batch(model, piece))
    return pa.concat_tables(parts).combine_chunks()


def reasons_of(
    model: RiskModel, features: FeatureRows, listed: pa.Table, count: int, progress: Progress
) -> pa.Table:
    """Reasons for the listed pairs, in their order, in a second pass over the features.

    Args:
        model: whose contributions count.
        features: of at least the listed.
        listed: unit_id, as_of (n).
        count: reasons a unit gets at most.
    """
    place = features.find(listed)
    order = np.sort(place)
    names = [*KEY, *(feature.name for feature in model.features)]
    nobody = features.take(names, order[:0])
    parts = [reasons(contributions(model, nobody), count)]
    for piece, at, where in features.chosen(names, order):
        progress(0.5 + 0.5 * where.start / len(order), f"reasons for {len(order):,} listed units")
        for start in range(0, len(at), EXPLAINED_AT_ONCE):
            some = plain(piece.take(pa.array(at[start : start + EXPLAINED_AT_ONCE])))
            parts.append(reasons(contributions(model, some), count))
    found = pa.concat_tables(parts)
    return found.take(pa.array(np.searchsorted(order, place))).combine_chunks()


def model_folder(job: Job, version: Mapping[str, Any]) -> RiskModel:
    """A registered model, through our own loader, its bytes verified."""
    registry = Registry.of_store(job.store.root)
    return registry.load(registry.find_version(version["name"], version["version"]))


def band_shares(spec: StudySpec) -> dict[str, float]:
    """Each band's cumulative share of the cohort."""
    return {str(name): share for name, share in spec.release.bands.items()}


def _same_features(study: Study, model: RiskModel, version: Mapping[str, Any]) -> None:
    """A model may only score features that mean what they meant when it was trained."""
    plan = {column.name: column.digest for column in feature_plan(study).columns}
    changed = [each.name for each in model.features if plan.get(each.name) != each.digest]
    if changed:
        raise StudyError(
            f"{study.path}: {len(changed)} of the {len(model.features)} features of "
            f"{version['name']} version {version['version']} mean something else now, "
            f"among them `{changed[0]}`",
            fix="score with the study file as it was when the model was trained, or run the "
            "study again",
            code="RS1290",
        )
