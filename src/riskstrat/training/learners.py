"""The learners: how each learns on one fold's training part, and nothing beyond it.

A learner is one function and one line in ``LEARNERS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import optuna
from optuna_integration import LightGBMPruningCallback
from scipy.special import expit

from riskstrat.errors import StudyError
from riskstrat.risk_model import LinearScorer, RiskModel
from riskstrat.training import boosting, logistic
from riskstrat.training.folds import Split
from riskstrat.training.frame import Frame
from riskstrat.training.rows import IntArray, Rows, sample_units
from riskstrat.training.task import Learn, Learnt, Task, make_model, pooled
from riskstrat.training.tune import ROUNDS, Found

LOGISTIC_ROWS = 100_000
LOGISTIC_TRIALS = 10
LOGISTIC_DEFAULTS: Mapping[str, Any] = MappingProxyType({"penalty": "l2", "C": 0.1})


def learn_lightgbm(task: Task) -> Learnt:
    """Search on samples; then boost on every inner split to find the rounds and fair scores."""
    train = task.drawn.of(task.fold.train)
    boost = _boosting(task, train)
    found = _search_lightgbm(task, boost)
    parameters = {
        **boosting.defaults(boost.leaves),
        **found.parameters,
        **task.fixed,
    }
    chosen = {name: value for name, value in parameters.items() if name != "n_estimators"}
    asked = task.fixed.get("n_estimators")
    fitted = [_boost_split(task, boost, split, chosen, asked) for split in task.fold.inner]
    rounds = asked or max(1, round(sum(one.rounds for one in fitted) / len(fitted)))
    # Scores that a calibrator learns from come from as many trees as those it will be applied to.
    fitted = [
        one if one.trees >= rounds else _boost_split(task, boost, split, chosen, rounds)
        for one, split in zip(fitted, task.fold.inner, strict=True)
    ]

    def model_of(one: boosting.Boosted) -> RiskModel:
        text = one.text(rounds, task.drawn.correction)
        return make_model(task, "lightgbm", chosen | {"n_estimators": rounds}, booster=text)

    raw = [
        task.frame.raw_of(model_of(one), split.evaluate)
        for one, split in zip(fitted, task.fold.inner, strict=True)
    ]
    final = boost.fit(boost.dataset(train), chosen, rounds=rounds)
    return pooled(task, model_of(final), raw, found)


def _boosting(task: Task, train: IntArray) -> boosting.Boosting:
    leaves = boosting.smallest_leaf(task.rows.unit[train])
    boosting.check_leaves(task.fixed, leaves)
    return boosting.Boosting(
        frame=task.frame,
        outcome=task.rows.outcome,
        leaves=leaves,
        threads=task.threads,
        seed=task.seed,
    )


def _boost_split(
    task: Task,
    boost: boosting.Boosting,
    split: Split,
    parameters: Mapping[str, Any],
    rounds: int | None,
) -> boosting.Boosted:
    train = boost.dataset(task.drawn.of(split.train))
    if rounds:
        return boost.fit(train, parameters, rounds=rounds)
    validation = boost.dataset(task.drawn.of(split.evaluate), reference=train)
    return boost.fit(train, parameters, rounds=boosting.MOST_ROUNDS, validation=validation)


def _search_lightgbm(task: Task, boost: boosting.Boosting) -> Found:
    fixed = {name: value for name, value in task.fixed.items() if name != "n_estimators"}
    splits = task.searched_splits() if task.tune.trials else ()
    data = [
        (
            split,
            train := boost.dataset(split.train),
            boost.dataset(split.evaluate, train),
            task.frame.matrix(split.evaluate),
        )
        for split in reversed(splits)  # the latest first: it decides whether a trial goes on
    ]

    def score(parameters: dict[str, Any], trial: optuna.Trial) -> float:
        values, rounds = [], []
        for number, (split, train, validation, seen) in enumerate(data):
            pruning = [
                LightGBMPruningCallback(
                    trial, boosting.METRIC[task.tune.metric], report_interval=10
                )
            ]
            one = boost.fit(
                train,
                {**parameters, **fixed},
                rounds=task.fixed.get("n_estimators", boosting.SEARCH_ROUNDS),
                validation=validation,
                stop_early="n_estimators" not in task.fixed,
                metric=task.tune.metric,
                callbacks=() if number else pruning,
            )
            raw = expit(one.raw_score(seen))
            values.append(task.metric(split.evaluate, raw))
            rounds.append(one.rounds)
        trial.set_user_attr(ROUNDS, round(sum(rounds) / len(rounds)))
        return sum(values) / len(values)

    return task.search(
        task.tune.trials,
        boosting.defaults(boost.leaves),
        lambda trial: boosting.suggest(trial, boost.leaves, fixed),
        score,
    )


def learn_logistic(task: Task) -> Learnt:
    """Search the penalty; then fit every inner split and the training part."""
    found = _search_logistic(task)
    chosen = {**LOGISTIC_DEFAULTS, **found.parameters, **task.fixed}
    raw = [
        task.frame.raw_of(_fit_logistic(task, split.train, chosen), split.evaluate)
        for split in task.fold.inner
    ]
    model = _fit_logistic(task, task.fold.train, chosen)
    notes: tuple[str, ...] = ()
    if len(task.fold.train) > LOGISTIC_ROWS:
        notes = (
            f"{task.name} was fitted on {LOGISTIC_ROWS} of {len(task.fold.train)} training rows "
            f"({task.fold.name}), sampled by unit.",
        )
    return pooled(task, model, raw, found, notes)


def _search_logistic(task: Task) -> Found:
    splits = task.searched_splits() if task.tune.trials else ()
    outcome, least = task.rows.outcome, logistic.least_rows(task.rows.unit[task.fold.train])
    read = [
        (split, task.frame.matrix(split.train), task.frame.matrix(split.evaluate))
        for split in splits
    ]
    designs = [
        (split, train, seen, logistic.learn_terms(train, task.frame.features, least))
        for split, train, seen in read
    ]

    def suggest(trial: optuna.Trial) -> dict[str, Any]:
        drawn: dict[str, Any] = {}
        if "penalty" not in task.fixed:
            drawn["penalty"] = trial.suggest_categorical("penalty", ["l2", "l1"])
        if "C" not in task.fixed:
            drawn["C"] = trial.suggest_float("C", 1e-4, 10.0, log=True)
        return drawn

    def score(parameters: dict[str, Any], trial: optuna.Trial) -> float:
        penalty = _penalty({**LOGISTIC_DEFAULTS, **parameters, **task.fixed})
        values = []
        for split, train, seen, terms in designs:
            scorer = logistic.fit_terms(train, outcome[split.train], terms, penalty)
            raw = np.asarray(expit(scorer.log_odds(seen)))
            values.append(task.metric(split.evaluate, raw))
        return sum(values) / len(values)

    trials = min(task.tune.trials, LOGISTIC_TRIALS)
    return task.search(trials, LOGISTIC_DEFAULTS, suggest, score)


def _penalty(parameters: Mapping[str, Any]) -> logistic.Penalty:
    return logistic.Penalty(str(parameters["penalty"]), float(parameters["C"]))


def _fit_logistic(task: Task, train: IntArray, parameters: Mapping[str, Any]) -> RiskModel:
    rows = sample_units(task.rows, train, LOGISTIC_ROWS, (task.seed, 2))
    scorer = fit_linear(task.frame, task.rows, rows, parameters)
    return make_model(task, "logistic_regression", parameters, linear=scorer)


def fit_linear(
    frame: Frame, rows: Rows, chosen: IntArray, parameters: Mapping[str, Any]
) -> LinearScorer:
    """Terms and their coefficients from the chosen rows (n,)."""
    matrix = frame.matrix(chosen)
    least = logistic.least_rows(rows.unit[chosen])
    terms = logistic.learn_terms(matrix, frame.features, least)
    return logistic.fit_terms(matrix, rows.outcome[chosen], terms, _penalty(parameters))


def learn_existing_score(task: Task) -> Learnt:
    """Nothing to learn: the published score as it is; missing scores take the median."""
    train = task.frame.matrix(task.fold.train)[:, 0]
    missing = int(np.isnan(train).sum())
    if missing == len(train):
        raise StudyError(
            f"the published score `{task.frame.features[0].name}` is missing in all "
            f"{missing} training rows",
            fix="name a feature that holds the score, or leave the learner out",
            code="RS1266",
        )
    parameters = {"fill": float(np.nanmedian(train)), **task.options}
    model = make_model(task, "existing_score", parameters)
    raw = [task.frame.raw_of(model, split.evaluate) for split in task.fold.inner]
    notes: tuple[str, ...] = ()
    if missing:
        notes = (
            f"{task.name} is missing in {missing} of {len(train)} training rows "
            f"({task.fold.name}); a missing score counts as the median score.",
        )
    return pooled(task, model, raw, Found({}), notes)


LEARNERS: Mapping[str, Learn] = MappingProxyType(
    {
        "lightgbm": learn_lightgbm,
        "logistic_regression": learn_logistic,
        "existing_score": learn_existing_score,
    }
)
