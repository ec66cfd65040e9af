"""Score a day with a registered model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.audit.explain import contributions
from riskstrat.audit.reasons import NOTHING_HIDDEN, Hidden, reasons
from riskstrat.derivation import digest
from riskstrat.disk import file_aside
from riskstrat.errors import StorageError, StudyError
from riskstrat.release.bands import REST, band_scores
from riskstrat.risk_model import KEY, PIECE_ROWS, FeatureRows, RiskModel, plain
from riskstrat.stages.engine import making
from riskstrat.stages.jobs import Job
from riskstrat.stages.spread import Rate, Told, spread
from riskstrat.store.registry import Registry
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.study.planned import feature_plan
from riskstrat.study.spec import StudySpec

SPAN_ROWS = 4 * PIECE_ROWS
"""rows that an executor scores in one task: the same on every cluster, so that any resumes"""
IntArray = NDArray[np.int64]
EXPLAINED_AT_ONCE = 8_192
"""A person explained takes about 10 kB: contributions, and the words for each feature."""


def scores_stage(job: Job, version: Mapping[str, Any], *, progress: Progress) -> None:
    """Score everyone in scope on the day; band them, and give reasons to those on a list."""
    spec = job.study.spec
    facts: dict[str, Any] = {}
    with making(job, "scores", facts) as folder:
        model = model_folder(job, version)
        same_features(job.study, model, version)
        features = FeatureRows.of_file(job.folder("features") / "features.parquet")
        hidden = StudyOrigins.of(job.study).hidden_features()
        score, explain = (
            (partial(scores_by_many, job), partial(reasons_by_many, job, hidden=hidden))
            if job.cluster
            else (score_rows, partial(reasons_in_order, hidden=hidden))
        )
        scores = score(model, features, progress)
        banded = band_scores(scores, band_shares(spec), key=digest(spec.study, spec.seed))
        pq.write_table(banded, folder / "scores.parquet", compression="zstd")
        listed = banded.filter(pc.not_equal(banded["band"], REST)).select(list(KEY))
        given = reasons_of(model, features, listed, spec.audit.reasons, progress, explain)
        pq.write_table(given, folder / "reasons.parquet", compression="zstd")
        facts |= {"rows_in": features.num_rows, "rows_out": banded.num_rows}
        facts |= {"listed": listed.num_rows}
    job.store.drop_scratch("scores")  # of other days, too: it holds pseudonyms and risks


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


def score_rows(
    model: RiskModel,
    features: FeatureRows,
    progress: Progress,
    start: int = 0,
    stop: int | None = None,
) -> pa.Table:
    """``score_batch`` of rows ``start`` to ``stop``, a piece of them in memory at a time."""
    names = _names(model)
    parts = [score_batch(model, features.take(names, np.empty(0, np.int64)))]
    for first, piece in features.pieces(names, start, stop):
        progress(0.5 * first / features.num_rows, f"scoring {features.num_rows:,} units")
        parts.append(score_batch(model, piece))
    return pa.concat_tables(parts).combine_chunks()


def reasons_in_order(
    model: RiskModel,
    features: FeatureRows,
    order: IntArray,
    count: int,
    progress: Progress,
    hidden: Hidden = NOTHING_HIDDEN,
) -> pa.Table:
    """Reasons for some rows, in a second pass over the features.

    Args:
        model: whose contributions count.
        features: the rows.
        order: rising numbers of rows (n).
        count: reasons a unit gets at most.
        hidden: sets of features that some recipients may not be told of.
    """
    names = _names(model)
    nobody = features.take(names, order[:0])
    parts = [reasons(contributions(model, nobody), count, hidden)]
    for piece, at, where in features.chosen(names, order):
        progress(0.5 + 0.5 * where.start / len(order), f"reasons for {len(order):,} listed units")
        for first in range(0, len(at), EXPLAINED_AT_ONCE):
            some = plain(piece.take(pa.array(at[first : first + EXPLAINED_AT_ONCE])))
            parts.append(reasons(contributions(model, some), count, hidden))
    return pa.concat_tables(parts)


def reasons_of(
    model: RiskModel,
    features: FeatureRows,
    listed: pa.Table,
    count: int,
    progress: Progress,
    explain: Callable[..., pa.Table] = reasons_in_order,
) -> pa.Table:
    """Reasons for the listed pairs, in their order.

    Args:
        model: whose contributions count.
        features: of at least the listed.
        listed: unit_id, as_of (n).
        count: reasons a unit gets at most.
        progress: told how far it is.
        explain: :func:`reasons_in_order`, or another that gives the same.
    """
    place = features.find(listed)
    order = np.sort(place)
    found = explain(model, features, order, count, progress)
    return found.take(pa.array(np.searchsorted(order, place))).combine_chunks()


def _names(model: RiskModel) -> list[str]:
    return [*KEY, *(feature.name for feature in model.features)]


# -- by many ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """Rows to score, from ``start`` to ``stop``; or some of them, to explain."""

    start: int
    stop: int
    explained: IntArray | None = None
    count: int = 0
    hidden: Hidden = NOTHING_HIDDEN


def scores_by_many(
    job: Job, model: RiskModel, features: FeatureRows, progress: Progress
) -> pa.Table:
    """``score_rows`` of everyone, each part of the rows on an executor."""
    return _by_many(job, model, features, _spans(features), "units scored", progress)


def reasons_by_many(
    job: Job,
    model: RiskModel,
    features: FeatureRows,
    order: IntArray,
    count: int,
    progress: Progress,
    hidden: Hidden = NOTHING_HIDDEN,
) -> pa.Table:
    """``reasons_in_order``, each part of the rows on an executor."""
    cuts = [(span, *np.searchsorted(order, [span.start, span.stop])) for span in _spans(features)]
    spans = [
        replace(span, explained=order[low:high], count=count, hidden=hidden)
        for span, low, high in cuts
        if high > low or span.start == 0  # the first also gives the columns, if nobody is listed
    ]
    return _by_many(job, model, features, spans, "units explained", progress)


def _spans(features: FeatureRows) -> list[_Span]:
    rows = features.num_rows
    return [
        _Span(first, min(first + SPAN_ROWS, rows)) for first in range(0, max(rows, 1), SPAN_ROWS)
    ]


def _by_many(
    job: Job,
    model: RiskModel,
    features: FeatureRows,
    spans: Sequence[_Span],
    what: str,
    progress: Progress,
) -> pa.Table:
    scratch = job.store.scratch("scores", job.lineage["scores"])
    model.save(scratch / "model")
    total = sum(span.stop - span.start for span in spans)
    spread(job, "score.work_on_span", spans, Rate(total, what, progress))
    tables = [_whole(_piece(scratch, span), span, features) for span in spans]
    return pa.concat_tables(tables).combine_chunks()


def _whole(piece: Path, span: _Span, features: FeatureRows) -> pa.Table:
    """A finished piece, which is about the rows it should be about, in their order.

    Raises:
        StorageError: it is not.
    """
    table = pq.read_table(piece)
    rows = np.arange(span.start, span.stop) if span.explained is None else span.explained
    keys = features.take(KEY, rows)
    if not table.select(list(KEY)).cast(keys.schema).equals(keys):
        raise StorageError(
            f"{piece}: {table.num_rows:,} rows are not about the {len(rows):,} units they should",
            fix=f"remove the folder {piece.parent} and run the same command again",
            code="RS7404",
        )
    return table


def _piece(scratch: Path, span: _Span) -> Path:
    """Where the outcome of a span is kept, under a name that nothing else has."""
    where = f"{span.start:012d}-{span.stop:012d}"
    if span.explained is None:
        return scratch / f"scores-{where}.parquet"
    asked = digest(span.explained.tobytes().hex(), span.count, span.hidden)
    return scratch / f"reasons-{where}-{asked[:16]}.parquet"


def work_on_span(job: Job, span: _Span, told: Told) -> int:
    """Score rows, or explain some, and write what comes of it; what is there is done."""
    scratch = job.store.scratch("scores", job.lineage["scores"])
    piece = _piece(scratch, span)
    if not piece.exists():
        model = RiskModel.load(scratch / "model")
        features = FeatureRows.of_file(job.folder("features") / "features.parquet")
        table = (
            score_rows(model, features, _quiet, span.start, span.stop)
            if span.explained is None
            else reasons_in_order(model, features, span.explained, span.count, _quiet, span.hidden)
        )
        with file_aside(piece) as aside:
            pq.write_table(table, aside)
    told(span.stop - span.start)
    return span.stop - span.start


def _quiet(share: float, words: str = "") -> None:
    """A span says how far it is when it is done."""


# -- the model -----------------------------------------------------------------------------------


def model_folder(job: Job, version: Mapping[str, Any]) -> RiskModel:
    """A registered model, through our own loader, its bytes verified."""
    registry = Registry.of_store(job.store.root)
    return registry.load(registry.find_version(version["name"], version["version"]))


def band_shares(spec: StudySpec) -> dict[str, float]:
    """Each band's cumulative share of the cohort."""
    return {str(name): share for name, share in spec.release.bands.items()}


def same_features(study: Study, model: RiskModel, version: Mapping[str, Any]) -> None:
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
