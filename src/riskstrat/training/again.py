"""A registered model's kind learnt again: from other people, fewer features, other outcomes.

Nothing is searched: parameters and the number of trees stay those of the registered model. For
questions such as what it remembers of people, what an agency's data add, whether it holds in an
area it has not seen, and how much its ranks owe to chance.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import TypeVar

import lightgbm
import numpy as np

from riskstrat.errors import TooThinError
from riskstrat.risk_model import Calibrator, RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.training.boosting import Boosting, smallest_leaf
from riskstrat.training.calibrate import Method, pooled_calibrator
from riskstrat.training.folds import MIN_TRAINING_OUTCOMES, Fold
from riskstrat.training.frame import Frame
from riskstrat.training.ground import Ground
from riskstrat.training.learners import LOGISTIC_ROWS, fit_linear
from riskstrat.training.rows import BoolArray, FloatArray, IntArray, sample_units

Seen = TypeVar("Seen")
LOGISTIC = "logistic_regression"
LEARNS = (LIGHTGBM, LOGISTIC)
"""kinds of models that have learnt something, and can learn it again"""
REFIT_ROWS = 150_000
"""A refit on people drawn anew learns from at most this many rows; with more, people are sampled
first, and what is found is the stability of a model of that many."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """How a registered model was learnt.

    Attributes:
        model: the registered one.
        ground: the rows of its training.
        learnt: int, rising: the rows it was learnt from, which say how small a leaf may be; none
            for a published score.
        threads: for LightGBM; the answer does not depend on it.
    """

    model: RiskModel
    ground: Ground
    learnt: IntArray
    threads: int

    def learn(self, frame: Frame, rows: IntArray) -> RiskModel:
        """The model that the same procedure makes of some rows and features, not calibrated.

        Args:
            frame: the features to learn from; rows it does not hold are read where they lie.
            rows: rising row numbers.
        """
        if self.model.kind == LIGHTGBM:
            boosting = self.boosting(frame)
            return self.boosted(boosting, boosting.dataset(rows))
        scorer = fit_linear(frame, self.ground.rows, rows, self.model.parameters)
        return replace(self._blank(frame), linear=scorer)

    def scores(
        self,
        frame: Frame,
        fold: Fold,
        *,
        calibrate: Method | None = None,
        outcome: BoolArray | None = None,
        seed: int | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Raw scores and risks (n_test,) of a fold's test rows, of the model learnt on the fold.

        Args:
            frame: the features to learn from.
            fold: rows to learn from, to calibrate on, and to score.
            calibrate: the study's method; None: the risks are the raw scores.
            outcome: bool (n,), in place of the true outcomes of all rows.
            seed: in place of the study's.

        Raises:
            TooThinError: RS1405, too few outcomes to learn from.
        """
        how = self._on(fold.train, outcome, seed)
        raw = frame.raw_of(how._of_side(frame, fold.train), fold.test)
        if calibrate is None or not fold.inner:
            return raw, raw
        calibrator = pooled_calibrator(
            fold.inner,
            how.ground.rows.outcome,
            calibrate,
            lambda split: frame.raw_of(how._of_side(frame, split.train), split.evaluate),
        )
        return raw, calibrator(raw)

    def resampled(
        self,
        frame: Frame,
        train: IntArray,
        count: int,
        look: Callable[[RiskModel], Seen],
        *,
        told: Callable[[int], None] = lambda done: None,
    ) -> list[Seen]:
        """Learn from people drawn anew: whole clusters, with replacement, as many as there are.

        Each refit uses one thread, several at a time.

        Args:
            frame: the model's features.
            train: rows to draw from; of many, people are sampled first.
            count: how many refits.
            look: what to keep of a refitted model.
            told: after each, how many are done.

        Returns:
            What ``look`` gave, in the order of the draws.
        """
        refits = _Resampled(self, frame, train)
        done = 0
        lock = Lock()

        def one(number: int) -> Seen:
            nonlocal done
            seen = look(refits.model(number))
            with lock:
                done += 1
                told(done)
            return seen

        with ThreadPoolExecutor(max(1, self.threads)) as pool:
            return list(pool.map(one, range(count)))

    def _on(self, train: IntArray, outcome: BoolArray | None, seed: int | None) -> Procedure:
        """The procedure on another training side: its parts are learnt from alike."""
        rows = self.ground.rows
        ground = replace(
            self.ground,
            rows=rows if outcome is None else replace(rows, outcome=outcome),
            seed=self.ground.seed if seed is None else seed,
        )
        return replace(self, ground=ground, learnt=rows_learnt(self.model, ground, train))

    def _of_side(self, frame: Frame, train: IntArray) -> RiskModel:
        """The model of one training side, or TooThinError."""
        found = int(self.ground.rows.outcome[train].sum())
        if found < MIN_TRAINING_OUTCOMES or found == len(train):
            raise TooThinError(
                f"{found} outcomes among {len(train)} rows: at least {MIN_TRAINING_OUTCOMES} are "
                "needed to learn from, and as many without",
                code="RS1405",
            )
        return self.learn(frame, rows_learnt(self.model, self.ground, train))

    def boosting(self, frame: Frame) -> Boosting:
        """LightGBM set up as it was for the model."""
        rows = self.ground.rows
        leaves = smallest_leaf(rows.unit[self.learnt])
        return Boosting(frame, rows.outcome, leaves, self.threads, self.ground.seed)

    def boosted(self, boosting: Boosting, data: lightgbm.Dataset) -> RiskModel:
        """The model of binned rows."""
        parameters = dict(self.model.parameters)
        rounds = int(parameters.pop("n_estimators"))
        fitted = boosting.fit(data, parameters, rounds=rounds)
        text = fitted.text(rounds, self.ground.drawn.correction)
        return replace(self._blank(boosting.frame), booster=text)

    def _blank(self, frame: Frame) -> RiskModel:
        """The model of a frame's features; what it has learnt is to be replaced."""
        return replace(
            self.model, features=frame.features, levels=frame.levels, calibrator=Calibrator()
        )


class _Resampled:
    """Refits on people drawn anew: the rows once, and a draw for each."""

    def __init__(self, procedure: Procedure, frame: Frame, train: IntArray) -> None:
        ground = procedure.ground
        rows = rows_learnt(procedure.model, ground, train)
        self._rows = sample_units(ground.rows, rows, REFIT_ROWS, (ground.seed, 90))
        self._how = replace(procedure, learnt=self._rows, threads=1)
        self._frame = frame
        labels, self._cluster = np.unique(ground.clusters[self._rows], return_inverse=True)
        self._clusters = len(labels)
        self._lock = Lock()
        self._boosting = self._how.boosting(frame)
        boosts = procedure.model.kind == LIGHTGBM
        self._data = self._boosting.dataset(self._rows) if boosts else None

    def model(self, number: int) -> RiskModel:
        """The model learnt from one draw."""
        drawn = self._drawn(number)
        if self._data is None:
            return self._how.learn(self._frame, self._rows[drawn])
        with self._lock:  # each cuts its rows out of the same binned data
            data = self._data.subset(drawn.tolist()).construct()
        return self._how.boosted(self._boosting, data)

    def _drawn(self, number: int) -> IntArray:
        """Places among the rows, rising, each as often as its cluster was drawn."""
        rng = np.random.default_rng([self._how.ground.seed, 91, number])
        chosen = rng.integers(0, self._clusters, self._clusters)
        times = np.bincount(chosen, minlength=self._clusters)
        return np.repeat(np.arange(len(self._rows)), times[self._cluster])


def procedure_of(model: RiskModel, ground: Ground, threads: int) -> Procedure:
    """How a registered model was learnt: from the last fold, or the sample taken of it."""
    learnt = rows_learnt(model, ground, ground.plan.folds[-1].train)
    return Procedure(model, ground, learnt, threads)


def rows_learnt(model: RiskModel, ground: Ground, train: IntArray) -> IntArray:
    """The rows (rising) of a training side that a kind of model learns from."""
    if model.kind == LIGHTGBM:
        return ground.drawn.of(train)
    if model.kind == LOGISTIC:
        return sample_units(ground.rows, train, LOGISTIC_ROWS, (ground.seed, 2))
    return train[:0]
