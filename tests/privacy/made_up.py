"""Made-up people to learn from, and models of them to attack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.training.relearn import Procedure, procedure_of
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
    return procedure_of(
        model,
        county.cohort,
        FeatureRows.of_table(county.features),
        county.groups,
        spec,
        horizon_days=365,
        threads=1,
        seed=7,
    )


def with_parameters(procedure: Procedure, **changes: Any) -> Procedure:
    """The same model as if it had been learnt with other parameters."""
    model = procedure.model
    return replace(procedure, model=replace(model, parameters={**model.parameters, **changes}))
