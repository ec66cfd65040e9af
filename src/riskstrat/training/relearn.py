"""Learning the registered model's way again, from other rows: what would it be without some people?

The parameters, the number of trees and the smallest leaf stay those of the registered model; only
who is learnt from changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from riskstrat.risk_model import Calibrator, FeatureRows, RiskModel
from riskstrat.risk_model.model import LIGHTGBM
from riskstrat.training import boosting
from riskstrat.training.frame import Frame, make_frame
from riskstrat.training.ground import Ground, lay_ground
from riskstrat.training.learners import LOGISTIC_ROWS, fit_linear
from riskstrat.training.rows import IntArray, sample_units
from riskstrat.training.spec import TrainingSpec

LOGISTIC = "logistic_regression"


@dataclass(frozen=True, slots=True)
class Procedure:
    """How the registered model was learnt.

    Attributes:
        model: the registered one.
        ground: the rows of its training.
        learnt: int, rising: the rows it was learnt from; none for a published score.
        features: where features lie.
        threads, seed: for the learner.
    """

    model: RiskModel
    ground: Ground
    learnt: IntArray
    features: FeatureRows
    threads: int
    seed: int

    def frame(self, held: IntArray) -> Frame:
        """The model's features of some rows, kept in memory; others are read where they lie."""
        return make_frame(self.features, self.ground.place, held, self.model.features)

    def learn(self, frame: Frame, rows: IntArray) -> RiskModel:
        """The model that the same procedure makes of other rows, not calibrated.

        Args:
            frame: holds at least these rows.
            rows: rising row numbers.
        """
        if self.model.kind == LIGHTGBM:
            return replace(self.model, booster=self._boost(frame, rows), calibrator=Calibrator())
        scorer = fit_linear(frame, self.ground.rows, rows, self.model.parameters)
        return replace(self.model, linear=scorer, calibrator=Calibrator())

    def _boost(self, frame: Frame, rows: IntArray) -> str:
        chosen = dict(self.model.parameters)
        rounds = int(chosen.pop("n_estimators"))
        boost = boosting.Boosting(
            frame=frame,
            outcome=self.ground.rows.outcome,
            leaves=boosting.smallest_leaf(self.ground.rows.unit[self.learnt]),
            threads=self.threads,
            seed=self.seed,
        )
        fitted = boost.fit(boost.dataset(rows), chosen, rounds=rounds)
        return fitted.text(rounds, self.ground.drawn.correction)


def procedure_of(
    model: RiskModel,
    cohort: pa.Table,
    features: FeatureRows,
    groups: pa.Table,
    spec: TrainingSpec,
    *,
    horizon_days: int,
    threads: int,
    seed: int,
) -> Procedure:
    """How a registered model was learnt, from what its training was given.

    Args:
        model: the winner of a run.
        cohort, features, groups, spec, horizon_days, threads, seed: as ``fit`` had them.
    """
    ground = lay_ground(
        cohort, features, groups, spec,
        columns=len(model.features), horizon_days=horizon_days, seed=seed,
    )  # fmt: skip
    return Procedure(model, ground, learnt_rows(model, ground, seed), features, threads, seed)


def learnt_rows(model: RiskModel, ground: Ground, seed: int) -> IntArray:
    """The rows a registered model was learnt from: the last fold, or the sample taken of it."""
    train = ground.plan.folds[-1].train
    if model.kind == LIGHTGBM:
        return ground.drawn.of(train)
    if model.kind == LOGISTIC:
        return sample_units(ground.rows, train, LOGISTIC_ROWS, (seed, 2))
    return train[:0]
