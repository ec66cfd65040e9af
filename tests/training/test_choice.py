"""Of learners as good as the best, the simplest wins; one that is better wins all the same."""

from __future__ import annotations

import numpy as np
import pytest

from riskstrat.training.choice import choose
from riskstrat.training.results import SPLITS, Scored, judge
from training.small_county import training

LOGISTIC, BOOSTED = "logistic_regression", "lightgbm"


class Rows:
    """As many rows as outcomes, two to a household."""

    def __init__(self, outcome):
        self.outcome = outcome

    def labels(self, _):
        return np.arange(len(self.outcome)) // 2

    def clusters(self, by, among):
        return self.labels(by)[among]


def scored(learner, y, skill, noise, seed):
    """Scores of both splits that know the outcome as well as ``skill`` says."""
    rng = np.random.default_rng(seed)
    n = len(y)
    hidden = np.random.default_rng(1).normal(size=n)
    raw = skill * (2.0 * y + hidden) + noise * rng.normal(size=n)
    risk = 1 / (1 + np.exp(-(raw - raw.mean()) / raw.std()))
    rows = np.arange(n)
    return [Scored(split, learner, rows, risk, raw) for split in SPLITS]


def chosen(boosted_noise, *, n=2_000, learners=(BOOSTED, LOGISTIC), metric="average_precision"):
    y = np.random.default_rng(0).random(n) < 0.2
    rows, spec = Rows(y), training(learners=list(learners), tune={"trials": 1, "metric": metric})
    seen = [*scored(LOGISTIC, y, 1.0, 1.0, 2), *scored(BOOSTED, y, 1.0, boosted_noise, 3)]
    metrics = judge(seen, rows, spec, (0.05,), seed=5, judged_one=lambda _: None)
    values = {name: found[metric]["value"] for name, found in metrics["validation"].items()}
    return *choose(seen, metrics, rows, spec, seed=5), values


@pytest.mark.parametrize("metric", ["average_precision", "auroc", "log_loss"])
@pytest.mark.parametrize("learners", [(BOOSTED, LOGISTIC), (LOGISTIC, BOOSTED)])
def test_a_learner_that_is_truly_better_wins(metric, learners):
    winner, why, _ = chosen(0.3, learners=learners, metric=metric)
    assert (winner, why) == (BOOSTED, ())


def test_a_lead_within_one_standard_error_goes_to_the_simpler_and_is_told():
    winner, why, values = chosen(0.97)
    assert values[BOOSTED] - values[LOGISTIC] > 0
    assert winner == LOGISTIC
    assert why[0].startswith("logistic_regression is used: lightgbm is ahead on validation by 0.0")


def test_the_same_lead_wins_where_there_are_people_enough_to_show_it():
    few, _, before = chosen(0.94)
    many, _, after = chosen(0.94, n=120_000)
    assert before[BOOSTED] > before[LOGISTIC] and after[BOOSTED] > after[LOGISTIC]
    assert (few, many) == (LOGISTIC, BOOSTED)


def test_the_simpler_wins_when_it_is_best():
    winner, why, _ = chosen(1.5)
    assert (winner, why) == (LOGISTIC, ())


def test_what_cannot_be_measured_does_not_win():
    spec = training(learners=[BOOSTED, LOGISTIC], tune={"trials": 1})
    nothing = {"validation": {name: {"average_precision": {"value": None}} for name in
                              (BOOSTED, LOGISTIC)}}  # fmt: skip
    assert choose([], nothing, Rows(np.zeros(0)), spec, seed=1) == (BOOSTED, ())
    nothing["validation"][BOOSTED]["average_precision"]["value"] = 0.2
    assert choose([], nothing, Rows(np.zeros(0)), spec, seed=1) == (BOOSTED, ())
