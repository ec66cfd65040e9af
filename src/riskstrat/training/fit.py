"""Training as a whole: folds, learners, calibration, predictions and their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import lightgbm
import numpy as np
import optuna
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.risk_model import PIECE_ROWS, FeatureRows, RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.statistics import points
from riskstrat.training.calibrate import cross_fit, fit_calibrator, usable_method
from riskstrat.training.choice import choose
from riskstrat.training.entrants import Entrant, Read, make_entrants
from riskstrat.training.folds import Fold, Plan
from riskstrat.training.ground import lay_ground
from riskstrat.training.results import PREDICTIONS, Scored, as_table, judge
from riskstrat.training.rows import Rows, chain_note
from riskstrat.training.sampling import Drawn, check_room, sample_note
from riskstrat.training.spec import TrainingSpec
from riskstrat.training.task import Learnt, Task
from riskstrat.training.tune import Progress
from riskstrat.vocabulary import FeatureColumn

__all__ = ["PREDICTIONS", "TrainingResult", "fit"]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training leaves.

    Attributes:
        scored: predictions of each learner and baseline, by split and name.
        rows: the rows they are about.
        metrics: split to learner to metric; ``auroc``, ``average_precision`` and
            ``at_capacity`` are taken on ``raw_score``, all others on ``risk``.
        models: by learner and baseline; the one that was tested (rolling origin), or one
            fitted by the same procedure on all rows (grouped k-fold).
        winner: the simplest learner as good as the best on validation, never a baseline.
        tuning: one row per finished trial; no times.
        folds: one row per fold and role, for the picture of the folds.
        notes: what was done differently from the study file, in plain English.
        sample: the rule of ``sampling`` and its counts; None when all rows were learnt from.
    """

    scored: tuple[Scored, ...]
    rows: Rows
    metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]
    models: Mapping[str, RiskModel]
    winner: str
    tuning: list[dict[str, Any]]
    folds: list[dict[str, Any]]
    notes: tuple[str, ...]
    sample: dict[str, Any] | None = None

    @property
    def predictions(self) -> pa.Table:
        """``PREDICTIONS``, sorted by split, learner, as_of, unit_id; all at once in memory."""
        return pa.concat_tables(as_table(self.rows, one) for one in self.scored).combine_chunks()

    def write_predictions(self, out: Path) -> int:
        """Write ``predictions`` as Parquet, a learner's split at a time; gives their number."""
        with pq.ParquetWriter(out, PREDICTIONS, compression="zstd") as file:
            for one in self.scored:
                file.write_table(as_table(self.rows, one), row_group_size=PIECE_ROWS)
        return sum(len(one.rows) for one in self.scored)


def fit(
    cohort: pa.Table,
    features: pa.Table | FeatureRows,
    columns: Sequence[FeatureColumn],
    groups: pa.Table,
    spec: TrainingSpec,
    *,
    horizon_days: int,
    capacity: Sequence[float],
    prior: NDArray[Any] | str = "prior_use",
    seed: int,
    threads: int,
    scratch: Path,
    memory: int | None = None,
    progress: Progress | None = None,
    by_date: bool = False,
) -> TrainingResult:
    """Train, calibrate and judge every learner and baseline of a study.

    Args:
        cohort: unit_id, as_of, outcome; rows whose outcome is NULL are left out throughout.
        features: unit_id, as_of and a column per feature, for the same pairs; of a file only
            the rows learnt from are held.
        columns: what the features are; every other column is ignored.
        groups: unit_id, as_of and the attributes, for the same pairs in any order.
        spec: the study's ``training``.
        horizon_days: how long an outcome's window is.
        capacity: shares to report, such as 0.05.
        prior: the column of ``groups`` with the count of earlier use; or the counts, a row each
            in the order of ``groups``.
        seed: of folds, samples, search, learners and intervals.
        threads: for LightGBM; the answer does not depend on it.
        scratch: a folder for unfinished searches; a killed run goes on from there.
        memory: bytes the work may use; decides nothing but whether it is worth beginning.
        progress: told the share done and a sentence.
        by_date: whether each as-of date has a list of its own; capacities are cut within it then.

    Raises:
        OutOfMemoryError: RS1371, when learning is known to need more than ``memory``.
        TooThinError: RS1401 to RS1405, when the data cannot answer.
        StudyError: RS1261 to RS1266, when the study names what is not there.
    """
    if not isinstance(prior, str):
        groups = groups.append_column("prior_use", pa.array(prior, pa.float64()))
        prior = "prior_use"
    read_from = features if isinstance(features, FeatureRows) else FeatureRows.of_table(features)
    ground = lay_ground(
        cohort, read_from, groups, spec,
        columns=len(columns), horizon_days=horizon_days, seed=seed,
    )  # fmt: skip
    rows, plan, trained, drawn = ground.rows, ground.plan, ground.trained, ground.drawn
    held = ground.held
    check_room(len(rows), len(held), len(columns), memory)
    entrants = make_entrants(
        Read(rows, read_from, ground.place, held, trained), tuple(columns), spec, prior
    )
    sample = None if drawn.kept is None else drawn.describe(rows, trained)
    how = _How(rows, plan, drawn, sample, spec, seed, threads, scratch)
    told = _Told(progress, len(entrants) * (len(plan.folds) + 1))
    outcomes = [_train(entrant, how, told) for entrant in entrants]
    scored = sorted(
        (one for outcome in outcomes for one in outcome.scored), key=lambda s: (s.split, s.learner)
    )
    metrics = judge(
        scored, rows, spec, capacity, seed=seed, judged_one=told.judged, by_date=by_date
    )
    winner, why = choose(scored, metrics, rows, spec, seed=seed)
    noted = plan.notes + ((sample_note(sample),) if sample else ())
    if len(plan.folds) > 1 and len(spec.learners) > 1:
        noted += (CHOSEN_ON_ALL,)
    noted += chain_note(rows, spec.cluster)
    return TrainingResult(
        scored=tuple(scored),
        rows=rows,
        metrics=metrics,
        models=MappingProxyType({o.model.name: o.model for o in outcomes}),
        winner=winner,
        tuning=[record for outcome in outcomes for record in outcome.records],
        folds=plan.describe(rows),
        notes=noted + tuple(note for outcome in outcomes for note in outcome.notes) + why,
        sample=sample,
    )


CHOSEN_ON_ALL = (
    "Every fold is tested on people its model did not learn from, but which learner is used was "
    "decided on all of them: the figures of the one chosen may flatter it by what choosing gains."
)
"""of grouped folds; with a rolling origin the test dates decide nothing"""


@dataclass(frozen=True, slots=True)
class _How:
    rows: Rows
    plan: Plan
    drawn: Drawn
    sample: dict[str, Any] | None
    spec: TrainingSpec
    seed: int
    threads: int
    scratch: Path


@dataclass(frozen=True, slots=True)
class _Trained:
    model: RiskModel
    scored: tuple[Scored, ...]
    records: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]


class _Told:
    """Progress over steps of equal weight."""

    def __init__(self, progress: Progress | None, steps: int) -> None:
        self._progress, self._steps, self._done = progress, steps, 0

    def within(self, share: float, text: str) -> None:
        if self._progress is not None:
            self._progress(min(1.0, (self._done + share) / self._steps), text)

    def step(self, text: str) -> None:
        self._done += 1
        self.within(0.0, text)

    def judged(self, one: Scored) -> None:
        if one.split == "validation":  # the second of a learner's two
            self.step(f"{one.learner}: judged")


def _train(entrant: Entrant, how: _How, told: _Told) -> _Trained:
    """Learn every fold; test scores from each, validation scores from the last."""
    risk, raw = np.full(len(how.rows), np.nan), np.full(len(how.rows), np.nan)
    records: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    for fold in how.plan.folds:
        learnt = entrant.learn(_task(entrant, how, fold, told))
        model = _calibrated(entrant, how, fold, learnt)
        raw[fold.test] = entrant.frame.raw_of(model, fold.test)
        risk[fold.test] = model.calibrate(raw[fold.test])
        records, notes = records + learnt.records, notes + learnt.notes
        told.step(f"{entrant.name}: learnt {fold.name}")
    # The last fold gives the registered model, so its inner folds are the validation.
    validation, more = _validation(entrant, how, learnt)
    tested = np.flatnonzero(~np.isnan(risk))
    test = Scored("test", entrant.name, tested, risk[tested], raw[tested])
    return _Trained(model, (test, validation), records, notes + more)


def _task(entrant: Entrant, how: _How, fold: Fold, told: _Told) -> Task:
    return Task(
        name=entrant.name,
        frame=entrant.frame,
        rows=how.rows,
        fold=fold,
        drawn=how.drawn,
        fixed=entrant.fixed,
        options=entrant.options,
        tune=how.spec.tune,
        seed=how.seed,
        threads=how.threads,
        scratch=how.scratch,
        progress=told.within,
    )


def _calibrated(entrant: Entrant, how: _How, fold: Fold, learnt: Learnt) -> RiskModel:
    outcome = how.rows.outcome[learnt.seen_by_none]
    method = "none" if entrant.baseline else how.spec.calibrate
    used = usable_method(method, int(outcome.sum()), entrant.scale)
    model = learnt.model
    days = how.rows.as_of[fold.train]
    return replace(
        model,
        calibrator=fit_calibrator(learnt.raw, outcome, used, entrant.scale),
        provenance={
            "fold": fold.name,
            "scheme": how.spec.folds.scheme,
            "trained_from": str(np.datetime64(int(days.min()), "D")),
            "trained_to": str(np.datetime64(int(days.max()), "D")),
            "horizon_days": how.plan.horizon_days,
            "n": len(fold.train),
            "outcomes": int(how.rows.outcome[fold.train].sum()),
            "seed": how.seed,
            **({"sample": how.sample} if how.sample and model.kind == LIGHTGBM else {}),
            "calibration": {
                "asked": method,
                "used": used,
                "n": len(outcome),
                "outcomes": int(outcome.sum()),
            },
            "versions": {
                "lightgbm": lightgbm.__version__,
                "numpy": np.__version__,
                "optuna": optuna.__version__,
            },
        },
    )


def _validation(entrant: Entrant, how: _How, learnt: Learnt) -> tuple[Scored, tuple[str, ...]]:
    """Validation risks from calibrators that did not see them, and how methods compare."""
    rows = learnt.seen_by_none
    outcome, clusters = how.rows.outcome[rows], how.rows.clusters(how.spec.cluster, rows)
    if entrant.baseline:
        return Scored("validation", entrant.name, rows, learnt.raw, learnt.raw), ()
    asked = how.spec.calibrate
    seed = (how.seed, 77)
    found = cross_fit(learnt.raw, outcome, clusters, asked, entrant.scale, seed)
    scored = Scored("validation", entrant.name, rows, found.risk, learnt.raw)
    notes: tuple[str, ...] = ()
    if found.used != asked:
        notes = (
            f"{entrant.name}: calibrated by {found.used} instead of {asked} "
            f"({int(outcome.sum())} outcomes on validation).",
        )
    elif found.used == "isotonic":
        other = cross_fit(learnt.raw, outcome, clusters, "sigmoid", entrant.scale, seed).risk
        ours, theirs = points.log_loss(outcome, found.risk), points.log_loss(outcome, other)
        if theirs < ours:
            notes = (
                f"{entrant.name}: on validation a sigmoid calibration has a log loss of "
                f"{theirs:.5f}, the isotonic one asked for {ours:.5f}.",
            )
    return scored, notes
