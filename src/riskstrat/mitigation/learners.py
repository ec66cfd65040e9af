"""Remedies that learn anew: weights, constraints, or fewer features.

All learn boosted trees with one small, fixed set of parameters, so that what differs from the
control (the same trees without a remedy) is the remedy alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from riskstrat.mitigation.trial import FloatArray, IntArray, Part, Trial

ROUNDS, LEAVES, RATE = 150, 12, 0.06
FAST_ROUNDS = 60
MOST_STEPS = 12
SLACK = 0.02
"""how far true positive rates may differ from everybody's under the constraint"""


def control(trial: Trial) -> FloatArray:
    """Scores (n_test,) of the trees without a remedy."""
    return _score(trial, _all(trial), None)


def reweighed(trial: Trial) -> FloatArray:
    """Scores (n_test,) of trees that learnt from weighed rows (Kamiran and Calders 2012).

    Each row weighs what its group and outcome would be expected together, over how often they
    are (doi:10.1007/s10115-011-0463-8), so that in the weighed data they are independent.
    """
    return _score(trial, _all(trial), reweighing(trial.train))


def reweighing(part: Part) -> FloatArray:
    """Weights (n,): P(level) P(outcome) / P(level, outcome).

    Examples:
        >>> part = Part(np.array([True, False, False, True]), np.array(["a", "a", "a", "b"]),
        ...             np.arange(4), np.arange(4), np.zeros(0), np.zeros((0, 0), np.float32))
        >>> reweighing(part).round(3).tolist()
        [1.5, 0.75, 0.75, 0.5]
    """
    names, codes = np.unique(part.level, return_inverse=True)
    codes, n = codes.reshape(-1), len(part)
    of_level = np.bincount(codes, minlength=len(names)) / n
    of_outcome = np.array([(~part.y).mean(), part.y.mean()])
    both = np.bincount(2 * codes + part.y, minlength=2 * len(names)).reshape(-1, 2) / n
    expected = of_level[:, None] * of_outcome[None, :]
    weight = np.divide(expected, both, out=np.ones_like(expected), where=both > 0)
    return np.asarray(weight[codes, part.y.astype(np.int64)])


def without_itself(trial: Trial) -> FloatArray:
    """Scores (n_test,) of trees that do not see the attribute itself."""
    return _score(trial, np.setdiff1d(_all(trial), trial.itself), None)


def without_proxies(trial: Trial) -> FloatArray:
    """Scores (n_test,) of trees that see neither the attribute nor the features that tell it."""
    return _score(trial, np.setdiff1d(_all(trial), trial.proxies), None)


def constrained(trial: Trial, tell: Callable[[str], None] = lambda text: None) -> FloatArray:
    """Scores (n_test,) of a mixture of trees held to equal reach (Agarwal et al. 2018).

    Fairlearn's exponentiated gradient (arXiv:1803.02453) with true positive rate parity, at the
    price of a false positive that the capacity implies. The score is the mixture's mean.
    """
    from fairlearn.reductions import ErrorRate, ExponentiatedGradient, TruePositiveRateParity

    held = trial.price / (1 + trial.price)
    search = ExponentiatedGradient(
        _Trees(trial.nominal, trial.seed),
        constraints=TruePositiveRateParity(difference_bound=SLACK),
        objective=ErrorRate(costs={"fp": held, "fn": 1 - held}),
        eps=SLACK,
        max_iter=MOST_STEPS,
    )
    train = trial.train
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Fairlearn speaks of its solver's progress in warnings
        search.fit(train.matrix, train.y.astype(int), sensitive_features=train.level)
    weights = np.asarray(search.weights_, dtype=np.float64)
    score = np.zeros(len(trial.test))
    for weight, trees in zip(weights, search.predictors_, strict=True):
        if weight > 0:
            score += weight * trees.chance(trial.test.matrix)
    tell(f"{len(search.predictors_)} models in the mixture")
    return score


class _Trees:
    """A classifier as Fairlearn wants one; its chance is what we rank by."""

    def __init__(self, nominal: Sequence[int], seed: int) -> None:
        self.nominal, self.seed = nominal, seed
        self.booster: lightgbm.Booster | None = None
        self.constant = 0.0

    def get_params(self, deep: bool = False) -> dict[str, Any]:
        """What a copy is made from."""
        return {"nominal": self.nominal, "seed": self.seed}

    def set_params(self, **parameters: Any) -> _Trees:
        """Change what a copy is made from."""
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def fit(self, x: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any]) -> _Trees:
        """Learn; where only one class is left, remember it."""
        labels = np.asarray(y, dtype=np.float64)
        self.constant = float(labels[0]) if len(labels) else 0.0
        self.booster = None
        if len(np.unique(labels)) > 1:
            weights = np.asarray(sample_weight, dtype=np.float64)
            weights = weights / weights.mean()
            self.booster = _boost(
                np.asarray(x), labels, weights, self.nominal, self.seed, FAST_ROUNDS
            )
        return self

    def chance(self, x: NDArray[Any]) -> FloatArray:
        """Chance (n,) of the outcome, as the weighed rows have it."""
        if self.booster is None:
            return np.full(len(x), self.constant)
        return np.asarray(self.booster.predict(x), dtype=np.float64)

    def predict(self, x: NDArray[Any]) -> IntArray:
        """The decision (n,)."""
        return (self.chance(np.asarray(x)) >= 0.5).astype(np.int64)


def _all(trial: Trial) -> IntArray:
    return np.arange(len(trial.features))


def _score(trial: Trial, seen: IntArray, weights: FloatArray | None) -> FloatArray:
    train = trial.train
    nominal = [int(np.flatnonzero(seen == i)[0]) for i in trial.nominal if i in seen]
    booster = _boost(
        train.matrix[:, seen], train.y.astype(np.float64), weights, nominal, trial.seed, ROUNDS
    )
    return np.asarray(booster.predict(trial.test.matrix[:, seen]), dtype=np.float64)


def _boost(
    matrix: NDArray[Any],
    labels: NDArray[Any],
    weights: FloatArray | None,
    nominal: Sequence[int],
    seed: int,
    rounds: int,
) -> lightgbm.Booster:
    parameters = {
        "objective": "binary", "learning_rate": RATE, "num_leaves": LEAVES,
        "min_data_in_leaf": max(20, len(labels) // 400), "feature_fraction_bynode": 0.6,
        "lambda_l2": 5.0, "seed": seed, "deterministic": True, "force_row_wise": True,
        "verbosity": -1, "num_threads": 1,
    }  # fmt: skip
    data = lightgbm.Dataset(
        matrix, labels, weight=weights, categorical_feature=list(nominal), free_raw_data=True
    )
    return lightgbm.train(parameters, data, num_boost_round=rounds)
