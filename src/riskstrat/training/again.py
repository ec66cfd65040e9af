"""A study's rows, folds and features set out as they were when its learners learnt.

For work that comes after training and must see just what the learners saw: refits on resampled
people, and a rival that learns from the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.training import boosting, logistic
from riskstrat.training.folds import Plan, plan_folds
from riskstrat.training.frame import Frame, make_frame
from riskstrat.training.learners import LOGISTIC_ROWS
from riskstrat.training.rows import IntArray, Rows, arrange, sample_units
from riskstrat.training.sampling import Drawn, check_room, draw
from riskstrat.training.spec import TrainingSpec
from riskstrat.vocabulary import FeatureColumn

Seen = TypeVar("Seen")
REFIT_ROWS = 150_000
"""A refit learns from at most this many rows; with more, people are drawn first, and what is
found is the stability of a model of that many."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a study's learners were given.

    Attributes:
        rows, plan, drawn: who was learnt from and judged, and which rows boosting kept.
        frame: the features of every row learnt from.
        clusters: int (n,), what is resampled whole.
        seed: of the study.
    """

    rows: Rows
    plan: Plan
    drawn: Drawn
    frame: Frame
    clusters: IntArray
    seed: int


def set_out(
    cohort: pa.Table,
    features: FeatureRows,
    columns: Sequence[FeatureColumn],
    groups: pa.Table,
    spec: TrainingSpec,
    *,
    horizon_days: int,
    seed: int,
    memory: int | None = None,
) -> Setting:
    """The same rows, folds and samples as ``fit.fit`` made of the same arguments.

    Raises:
        OutOfMemoryError: RS1371, as for training.
    """
    rows, place = arrange(cohort, features, groups)
    plan = plan_folds(rows, spec.folds, horizon_days=horizon_days, seed=seed)
    trained = np.unique(np.concatenate([fold.train for fold in plan.folds]))
    drawn = draw(rows, trained, len(columns), spec.sample, seed)
    held = drawn.of(trained)
    check_room(len(rows), len(held), len(columns), memory)
    frame = make_frame(features, place, held, columns)
    return Setting(rows, plan, drawn, frame, rows.labels(spec.cluster), seed)


def refits(
    setting: Setting,
    model: RiskModel,
    count: int,
    look: Callable[[RiskModel], Seen],
    *,
    threads: int,
    told: Callable[[int], None] = lambda done: None,
) -> list[Seen]:
    """Learn a model again from people drawn anew, with the parameters it was given.

    Whole clusters of its training rows are drawn with replacement, as many as there are. Each refit
    uses one thread, several at a time, so the answer does not depend on ``threads``.

    Args:
        setting: of the study.
        model: LightGBM or a logistic regression; nothing is searched again.
        count: how many refits.
        look: what to keep of a refitted model, which is not calibrated.
        threads: refits at the same time.
        told: after each, how many are done.

    Returns:
        What ``look`` gave, in the order of the draws.
    """
    again = _Again(setting, model)
    done = 0
    lock = Lock()

    def one(number: int) -> Seen:
        nonlocal done
        seen = look(again.fit(again.drawn(number)))
        with lock:
            done += 1
            told(done)
        return seen

    with ThreadPoolExecutor(max(1, threads)) as pool:
        return list(pool.map(one, range(count)))


class _Again:
    """Refits of one model: its rows once, and a draw for each."""

    def __init__(self, setting: Setting, model: RiskModel) -> None:
        self._setting, self._model = setting, model
        boosts = model.kind == LIGHTGBM
        train = setting.plan.folds[-1].train
        rows = setting.drawn.of(train) if boosts else train
        most = REFIT_ROWS if boosts else LOGISTIC_ROWS
        self._rows = sample_units(setting.rows, rows, most, (setting.seed, 90))
        labels, self._cluster = np.unique(setting.clusters[self._rows], return_inverse=True)
        self._clusters = len(labels)
        self._lock = Lock()
        self._boost = boosting.Boosting(
            frame=setting.frame,
            outcome=setting.rows.outcome,
            leaves=boosting.smallest_leaf(setting.rows.unit[self._rows]),
            threads=1,
            seed=setting.seed,
        )
        self._data = self._boost.dataset(self._rows) if boosts else None

    def drawn(self, number: int) -> IntArray:
        """Places among the rows, rising, each as often as its cluster was drawn."""
        rng = np.random.default_rng([self._setting.seed, 91, number])
        chosen = rng.integers(0, self._clusters, self._clusters)
        times = np.bincount(chosen, minlength=self._clusters)
        return np.repeat(np.arange(len(self._rows)), times[self._cluster])

    def fit(self, drawn: IntArray) -> RiskModel:
        """The model learnt from the drawn rows."""
        parameters = dict(self._model.parameters)
        if self._data is not None:
            rounds = int(parameters.pop("n_estimators"))
            with self._lock:  # each cuts its rows out of the same binned data
                data = self._data.subset(drawn.tolist()).construct()
            fitted = self._boost.fit(data, parameters, rounds=rounds)
            return replace(self._model, booster=fitted.text(rounds, self._setting.drawn.correction))
        return replace(self._model, linear=self._logistic(self._rows[drawn], parameters))

    def _logistic(self, rows: IntArray, parameters: dict[str, Any]) -> Any:
        matrix = self._setting.frame.matrix(rows)
        outcome = self._setting.rows.outcome[rows]
        terms = logistic.learn_terms(matrix, self._model.features)
        penalty = logistic.Penalty(str(parameters["penalty"]), float(parameters["C"]))
        return logistic.fit_terms(matrix, outcome, terms, penalty)
