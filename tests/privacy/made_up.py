"""Made-up people to learn from, and models of them to attack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.training.again import Procedure, procedure_of
from riskstrat.training.frame import Frame
from riskstrat.training.ground import lay_ground
from riskstrat.training.rows import IntArray
from training.small_county import County, train, training

OVERFITTED = {
    "learning_rate": 0.3,
    "num_leaves": 127,
    "n_estimators": 60,
    "lambda_l2": 0,
    "lambda_l1": 0,
    "bagging_fraction": 1.0,
    "feature_fraction_bynode": 1.0,
}


def learnt(county: County, scratch: Path, learner: Any = "lightgbm", **changes: Any) -> RiskModel:
    """The model that one learner makes of a county, without a search."""
    spec = training(learners=[learner], baselines=["base_rate"], cluster="household", **changes)
    result = train(county, spec, scratch)
    return result.models[result.winner]


def how(county: County, model: RiskModel, **changes: Any) -> Procedure:
    """How it was learnt."""
    spec = training(learners=["lightgbm"], cluster="household", **changes)
    ground = lay_ground(
        county.cohort,
        FeatureRows.of_table(county.features),
        county.groups,
        spec,
        columns=len(model.features),
        horizon_days=365,
        seed=7,
    )
    return procedure_of(model, ground, threads=1)


def with_parameters(procedure: Procedure, **changes: Any) -> Procedure:
    """The same model as if it had been learnt with other parameters."""
    model = procedure.model
    return replace(procedure, model=replace(model, parameters={**model.parameters, **changes}))


def frame_of(procedure: Procedure, held: IntArray) -> Frame:
    """The model's features, with some rows kept in memory."""
    return procedure.ground.frame(procedure.model.features, held)
