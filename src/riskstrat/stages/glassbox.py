"""The glass-box rival in its child process: fitted, calibrated and judged as the winner was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.effects import effects
from riskstrat.audit.explain import Contributions, largest_gap, sample
from riskstrat.audit.explain_checks import check_glass_box
from riskstrat.audit.stability import sizes
from riskstrat.audit.tested import Tested
from riskstrat.disk import write_json
from riskstrat.glassbox.fit import BAGS, fit_glass_box
from riskstrat.glassbox.model import GlassBox
from riskstrat.risk_model import KEY, Calibrator, FeatureRows, encode
from riskstrat.stages.engine import as_rows, making
from riskstrat.stages.explain import DRAWN
from riskstrat.stages.jobs import Job, amount
from riskstrat.stages.learn import ground_of, tested_rows, winner_of
from riskstrat.stages.lineage import GLASSBOX
from riskstrat.statistics.paired import Comparison, Scorer, compare
from riskstrat.store.worker import Progress
from riskstrat.study.planned import feature_plan
from riskstrat.training.boosting import smallest_leaf
from riskstrat.training.calibrate import Method, pooled_calibrator
from riskstrat.training.folds import Fold
from riskstrat.training.frame import Frame
from riskstrat.training.ground import Ground

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rival:
    """What came of all folds.

    Attributes:
        last: the glass box of the last fold, as the registered model is.
        rows: int, row numbers of the ground that were tested, rising.
        raw, risk: float, their scores.
    """

    last: GlassBox
    rows: IntArray
    raw: FloatArray
    risk: FloatArray


def glassbox_stage(job: Job, *, progress: Progress) -> None:
    """Fit an additive model on the winner's rows and features, and say what it would cost."""
    facts: dict[str, Any] = {}
    spec = job.study.spec
    columns = feature_plan(job.study).columns
    with making(job, GLASSBOX, facts) as folder:
        ground = ground_of(job, columns)
        frame = ground.frame(columns, memory=amount(job.memory))
        method = spec.training.calibrate
        rival = fit_rival(ground, frame, method, threads=job.threads, tell=progress)
        progress(0.9, "both on the same people")
        winner = winner_of(job)
        tested = tested_rows(job, winner)
        compared = _compared(job, ground, rival, tested)
        shown = _shown(job, tested, frame, rival.last)
        told = {
            "winner": winner,
            "rows": len(rival.rows),
            "learnt_from": len(ground.drawn.of(ground.plan.folds[-1].train)),
            "features": len(columns),
            "curves": len(rival.last.curves),
            "bags": BAGS,
            "metrics": {name: each.as_dict() for name, each in compared.metrics.items()},
            "at_capacity": [
                {"share": share, **{name: each.as_dict() for name, each in found.items()}}
                for share, found in compared.at_capacity.items()
            ],
        }
        write_json(folder / "glassbox.json", told)
        write_json(folder / "glassbox_model.json", rival.last.as_dict())
        write_json(folder / "glassbox_effects.json", effects(shown))
        write_json(folder / "glassbox_importance.json", _importance(shown))
        found = check_glass_box(winner, compared)
        write_json(folder / "glassbox_findings.json", as_rows(tuple(found)))
        facts |= {
            "rows_in": told["learnt_from"],
            "rows_out": len(rival.rows),
            "winner": winner,
            "price": compared.metrics["average_precision"].difference.as_dict(),
        }


def fit_rival(
    ground: Ground, frame: Frame, method: Method, *, threads: int, tell: Progress
) -> Rival:
    """Every fold as training did it: inner fits for the calibrator, one fit to be tested.

    Args:
        ground: rows and folds.
        frame: the features.
        method: the study's ``training.calibrate``.
        threads: for the fits.
        tell: told the share done.
    """
    fits = _Fits(ground, frame, threads, tell)
    raw = np.full(len(ground.rows), np.nan)
    risk = raw.copy()
    for fold in ground.plan.folds:
        calibrator = fits.calibrator(fold, method)
        last = fits.on(fold.train, "the rival fitted")
        raw[fold.test] = frame.raw_of(last, fold.test)
        risk[fold.test] = calibrator(raw[fold.test])
    rows = np.flatnonzero(~np.isnan(raw))
    return Rival(last, rows, raw[rows], risk[rows])


class _Fits:
    """Fits of about equal weight, which are nearly all of the work."""

    def __init__(self, ground: Ground, frame: Frame, threads: int, tell: Progress) -> None:
        self._ground, self._frame, self._threads, self._tell = ground, frame, threads, tell
        self._steps = sum(len(fold.inner) + 1 for fold in ground.plan.folds)
        self._done = 0

    def on(self, train: IntArray, words: str) -> GlassBox:
        """The glass box of a training side."""
        ground = self._ground
        rows = ground.drawn.of(train)
        fitted = fit_glass_box(
            self._frame.matrix(rows),
            ground.rows.outcome[rows],
            ground.clusters[rows],
            self._frame.features,
            floor=smallest_leaf(ground.rows.unit[rows]).rows,
            seed=ground.seed,
            threads=self._threads,
            correction=ground.drawn.correction,
        )
        self._done += 1
        self._tell(0.9 * self._done / self._steps, words)
        return fitted

    def calibrator(self, fold: Fold, method: Method) -> Calibrator:
        """Fitted on the pooled inner validation, as every learner's is."""
        return pooled_calibrator(
            fold.inner,
            self._ground.rows.outcome,
            method,
            lambda split: self._frame.raw_of(
                self.on(split.train, "fitted for the calibrator"), split.evaluate
            ),
        )


# -- beside the winner -----------------------------------------------------------------------------


def _compared(job: Job, ground: Ground, rival: Rival, tested: pa.Table) -> Comparison:
    """Both on the rows tested, by the resamples of training's own."""
    rows, spec = ground.rows, job.study.spec
    _same_rows(ground, rival, tested)
    return compare(
        rows.outcome[rival.rows],
        Scorer(risk=tested["risk"].to_numpy(), raw=tested["raw_score"].to_numpy()),
        Scorer(risk=rival.risk, raw=rival.raw),
        clusters=ground.clusters[rival.rows],
        shares=spec.audit.capacity,
        replicates=spec.training.replicates,
        rng=np.random.default_rng([spec.seed, 0]),
        lists=rows.as_of[rival.rows] if spec.cohort.lists_by_date else None,
    )


def _same_rows(ground: Ground, rival: Rival, tested: pa.Table) -> None:
    """Nothing, or RuntimeError: both were sorted by date and unit when they were made."""
    ours = ground.rows.keys(rival.rows)
    if not tested.select(ours.column_names).cast(ours.schema).equals(ours):
        raise RuntimeError("the rows tested are not those of training")


def _shown(job: Job, tested: pa.Table, frame: Frame, model: GlassBox) -> Contributions:
    """What the curves add for some of the people tested, checked against the score."""
    features = FeatureRows.of_file(job.folder("features") / "features.parquet")
    names = tuple(column.name for column in model.features)
    whole = Tested(tested.select(list(KEY)), features, features.find(tested), names)
    rows = whole.of(sample(tested.num_rows, DRAWN, seed=job.study.spec.seed))
    matrix = encode(rows, model.features, frame.levels)
    values = model.contributions(matrix)
    gap = largest_gap(values, model.intercept, model.log_odds(matrix))
    return Contributions(rows, model.features, values, model.intercept, gap)


def _importance(shown: Contributions) -> list[dict[str, Any]]:
    """Each feature's share of how much the curves move the score, largest first."""
    size = sizes(shown.values, shown.features).features
    whole = float(size.sum()) or 1.0
    return [
        {
            "feature": shown.features[i].name,
            "meaning": shown.features[i].meaning,
            "agency": shown.features[i].agency,
            "share": float(size[i]) / whole,
        }
        for i in np.lexsort((np.arange(len(size)), -size))
    ]
