"""A linear model's contributions are its Shapley values against the rows it learnt from."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np

from riskstrat.training.logistic import Penalty, fit_terms, learn_terms
from riskstrat.vocabulary import FeatureColumn, FeatureKind

FEATURES = (
    FeatureColumn("age", "age", FeatureKind.NUMBER, "people"),
    FeatureColumn("visits", "visits", FeatureKind.NUMBER, "ed"),
    FeatureColumn("sex", "sex", FeatureKind.CATEGORY, "people"),
    FeatureColumn("debt", "debt", FeatureKind.NUMBER, "rent"),
)


def by_definition(score, row, background) -> list[float]:
    """Mean gain over all orders, what is not known being drawn from the background."""
    p = len(row)

    def worth(known) -> float:
        mixed = background.copy()
        for feature in known:
            mixed[:, feature] = row[feature]
        return float(score(mixed).mean())

    found = []
    for feature in range(p):
        others = [f for f in range(p) if f != feature]
        found.append(
            sum(
                factorial(size) * factorial(p - size - 1) / factorial(p)
                * (worth((*known, feature)) - worth(known))
                for size in range(p)
                for known in combinations(others, size)
            )
        )  # fmt: skip
    return found


def test_coefficient_times_distance_from_the_mean_is_the_shapley_value():
    rng = np.random.default_rng(9)
    n = 700
    x = np.column_stack(
        [rng.normal(60, 15, n), rng.poisson(0.8, n), rng.integers(0, 3, n), rng.gamma(1, 40, n)]
    ).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    seen = np.nan_to_num(x)
    y = rng.random(n) < 1 / (1 + np.exp(-(seen[:, 0] / 30 + seen[:, 1] - 3)))
    scorer = fit_terms(x, y, learn_terms(x, FEATURES), Penalty("l2", 1.0))
    rows = x[:15]
    theirs = np.array([by_definition(scorer.log_odds, row, x) for row in rows])
    assert np.abs(scorer.contributions(rows) - theirs).max() < 1e-10
    assert abs(scorer.log_odds(x).mean() - scorer.intercept) < 1e-10
