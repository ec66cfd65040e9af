"""A registered model learnt again with its own parameters: from other people, or fewer features.

Nothing is searched. For questions such as what an agency's data add, whether a model holds in an
area it has not seen, and how much a list owes to chance.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.errors import TooThinError
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.training import boosting, logistic
from riskstrat.training.again import Setting
from riskstrat.training.calibrate import fit_calibrator, usable_method
from riskstrat.training.folds import FALLBACK_K, MIN_TRAINING_OUTCOMES, Fold, Split, deal
from riskstrat.training.frame import Frame
from riskstrat.training.learners import LOGISTIC_ROWS
from riskstrat.training.rows import BoolArray, FloatArray, IntArray, sample_units
from riskstrat.training.spec import TrainingSpec

LEARNS = (LIGHTGBM, "logistic_regression")
"""kinds of models that have learnt something, and can learn it again"""


@dataclass(frozen=True, slots=True)
class Refit:
    """How a model is learnt again.

    Attributes:
        setting: the study's rows, folds and features.
        model: whose kind and parameters are used.
        spec: the study's ``training``: how to calibrate.
        threads: for LightGBM; the answer does not depend on it.
    """

    setting: Setting
    model: RiskModel
    spec: TrainingSpec
    threads: int

    def scores(
        self,
        fold: Fold,
        *,
        without: Collection[str] = (),
        outcome: BoolArray | None = None,
        seed: int | None = None,
        calibrate: bool = True,
    ) -> tuple[FloatArray, FloatArray]:
        """Raw scores and risks (n_test,) of a fold's test rows, of the model learnt again.

        Args:
            fold: rows to learn from, to calibrate on, and to score.
            without: names of features to leave out.
            outcome: bool (n,), in place of the true outcomes of all rows.
            seed: in place of the study's.
            calibrate: otherwise the risks are the raw scores.

        Raises:
            TooThinError: RS1405, too few outcomes to learn from.
        """
        y = self.setting.rows.outcome if outcome is None else outcome
        frame = without_features(self.setting.frame, without)
        # Of the whole training side, as the learner had it: its parts are learnt from alike.
        leaves = boosting.smallest_leaf(self.setting.rows.unit[self.setting.drawn.of(fold.train)])
        learning = _Learning(self, frame, y, leaves, self.setting.seed if seed is None else seed)
        model = learning.on(fold.train)
        raw = frame.raw_of(model, fold.test)
        if not (calibrate and fold.inner):
            return raw, raw
        seen = np.concatenate([split.evaluate for split in fold.inner])
        unseen = [frame.raw_of(learning.on(split.train), split.evaluate) for split in fold.inner]
        order = np.argsort(seen, kind="stable")
        known = y[seen[order]]
        method = usable_method(self.spec.calibrate, int(known.sum()), "log_odds")
        return raw, fit_calibrator(np.concatenate(unseen)[order], known, method)(raw)


@dataclass(frozen=True, slots=True)
class _Learning:
    """The model's kind and parameters on other rows, outcomes or features."""

    how: Refit
    frame: Frame
    outcome: BoolArray
    leaves: boosting.Leaves
    seed: int

    def on(self, train: IntArray) -> RiskModel:
        """The model learnt from some rows, not calibrated."""
        found = int(self.outcome[train].sum())
        if found < MIN_TRAINING_OUTCOMES or found == len(train):
            raise TooThinError(
                f"{found} outcomes among {len(train)} rows: at least {MIN_TRAINING_OUTCOMES} are "
                "needed to learn from, and as many without",
                code="RS1405",
            )
        model, parameters = self.how.model, dict(self.how.model.parameters)
        kept = replace(model, features=self.frame.features, levels=self.frame.levels)
        if model.kind == LIGHTGBM:
            return replace(kept, booster=self._boosted(train, parameters))
        rows = sample_units(self.how.setting.rows, train, LOGISTIC_ROWS, (self.seed, 2))
        matrix = self.frame.matrix(rows)
        terms = logistic.learn_terms(matrix, self.frame.features)
        penalty = logistic.Penalty(str(parameters["penalty"]), float(parameters["C"]))
        fitted = logistic.fit_terms(matrix, self.outcome[rows], terms, penalty)
        return replace(kept, linear=fitted)

    def _boosted(self, train: IntArray, parameters: dict[str, Any]) -> str:
        rows = self.how.setting.drawn.of(train)
        boost = boosting.Boosting(
            frame=self.frame,
            outcome=self.outcome,
            leaves=self.leaves,
            threads=self.how.threads,
            seed=self.seed,
        )
        rounds = int(parameters.pop("n_estimators"))
        fitted = boost.fit(boost.dataset(rows), parameters, rounds=rounds)
        return fitted.text(rounds, self.how.setting.drawn.correction)


def without_features(frame: Frame, names: Collection[str]) -> Frame:
    """The frame without some of its features."""
    if not names:
        return frame
    kept = [i for i, feature in enumerate(frame.features) if feature.name not in names]
    columns = frame.columns.select([str(i) for i in kept])
    return replace(
        frame,
        features=tuple(frame.features[i] for i in kept),
        levels=tuple(frame.levels[i] for i in kept),
        columns=pa.table(columns.columns, names=[str(i) for i in range(len(kept))]),
    )


def restricted(fold: Fold, keep: BoolArray, setting: Setting) -> Fold:
    """A fold whose learning, inner splits included, is of the kept rows alone; its test stays.

    Where no inner split keeps two sides, units are split anew.

    Args:
        fold: of the study.
        keep: bool (n,), of all rows.
        setting: whose rows they are.
    """
    train = fold.train[keep[fold.train]]
    inner = tuple(
        Split(split.name, learn, judge)
        for split in fold.inner
        if _two_answers(setting, learn := split.train[keep[split.train]])
        and _two_answers(setting, judge := split.evaluate[keep[split.evaluate]])
    )
    if not inner and _two_answers(setting, train):
        inner = _parts(setting, train)
    return replace(fold, train=train, inner=inner)


def _parts(setting: Setting, train: IntArray) -> tuple[Split, ...]:
    """Whole clusters of some rows dealt to a few parts, each left out once."""
    labels, outcome = setting.clusters[train], setting.rows.outcome[train]
    side = deal(labels, outcome, FALLBACK_K, (setting.seed, 92), what="cluster")
    return tuple(
        Split(f"validation_{part + 1}", train[side != part], train[side == part])
        for part in range(FALLBACK_K)
    )


def _two_answers(setting: Setting, rows: IntArray) -> bool:
    """Whether enough of some rows have the outcome, and one does not, to learn from them."""
    found = int(setting.rows.outcome[rows].sum())
    return MIN_TRAINING_OUTCOMES <= found < len(rows)
