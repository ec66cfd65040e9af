"""Point values are scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from riskstrat import statistics as rs

TINY = 1e-12


@st.composite
def outcomes_and_risks(draw):
    n = draw(st.integers(2, 60))
    steps = draw(st.sampled_from([2, 5, 1000]))
    y = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda v: 0 < sum(v) < n))
    p = draw(st.lists(st.integers(0, steps), min_size=n, max_size=n))
    return np.array(y), np.array(p) / steps


@settings(max_examples=150, deadline=None)
@given(outcomes_and_risks())
def test_points_equal_scikit_learn_with_ties_zeros_and_ones(case):
    y, p = case
    assert rs.auroc(y, p) == pytest.approx(roc_auc_score(y, p), abs=TINY)
    assert rs.average_precision(y, p) == pytest.approx(average_precision_score(y, p), abs=TINY)
    assert rs.brier(y, p) == pytest.approx(brier_score_loss(y, p), abs=TINY)
    assert rs.log_loss(y, p) == pytest.approx(log_loss(y, y_proba=p), abs=TINY)


@settings(max_examples=60, deadline=None)
@given(outcomes_and_risks(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(case, random):
    y, p = case
    order = list(range(len(y)))
    random.shuffle(order)
    for metric in rs.POINT_METRICS.values():
        assert metric(y[order], p[order]) == pytest.approx(metric(y, p), abs=1e-9, nan_ok=True)


def test_large_samples_equal_scikit_learn_too():
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(1, 12, 30_000), 4)
    y = rng.random(30_000) < p
    assert rs.auroc(y, p) == pytest.approx(roc_auc_score(y, p), abs=TINY)
    assert rs.average_precision(y, p) == pytest.approx(average_precision_score(y, p), abs=TINY)
    assert rs.log_loss(y, p) == pytest.approx(log_loss(y, y_proba=p), abs=TINY)
    assert rs.brier(y, p) == pytest.approx(brier_score_loss(y, p), abs=TINY)


@pytest.mark.parametrize("stretch", [0.3, 1.0, 4.0])
def test_the_slope_is_that_of_an_unpenalised_logistic_regression(stretch):
    rng = np.random.default_rng(4)
    x = rng.normal(-2, 1, 4_000)
    y = rng.random(4_000) < 1 / (1 + np.exp(-x))
    p = 1 / (1 + np.exp(-stretch * x))
    fit = LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky")
    oracle = fit.fit(np.log(p / (1 - p))[:, None], y).coef_[0, 0]
    assert rs.calibration_slope(y, p) == pytest.approx(oracle, rel=1e-7)


@pytest.mark.parametrize(
    ("why", "y", "p"),
    [
        ("constant risk", [0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]),
        ("one class", [0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ("separated", [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
        ("separated but for a tie", [0, 0, 1, 1], [0.1, 0.2, 0.2, 0.4]),
    ],
)
def test_a_slope_that_does_not_exist_is_nan(why, y, p):
    assert np.isnan(rs.calibration_slope(np.array(y), np.array(p))), why


def test_ece_is_the_textbook_one_when_bins_divide_evenly():
    rng = np.random.default_rng(5)
    p = rng.permutation(np.linspace(0.001, 0.9, 500))
    y = rng.random(500) < p**2
    bins = np.array_split(np.argsort(p), 10)
    textbook = np.mean([abs(y[b].mean() - p[b].mean()) for b in bins])
    assert rs.ece(y, p) == pytest.approx(textbook, abs=TINY)


def test_ece_shares_tied_people_between_bins():
    # 20 people at one risk: every bin expects 0.5 and observes the tie's 25%.
    assert rs.ece(np.repeat([True, False], [5, 15]), np.full(20, 0.5)) == pytest.approx(0.25)


def test_net_benefit_at_the_prevalence_is_zero_for_selecting_everyone():
    y = np.repeat([True, False], [3, 7])
    assert rs.net_benefit(y, np.ones(10), 0.3) == pytest.approx(0)
    assert rs.net_benefit(y, y.astype(float), 0.3) == pytest.approx(0.3)


def test_calibration_in_the_large_is_observed_over_expected():
    y = np.repeat([True, False], [20, 80])
    assert rs.calibration_in_the_large(y, np.full(100, 0.16)) == pytest.approx(1.25)
    assert np.isnan(rs.calibration_in_the_large(y, np.zeros(100)))


@pytest.mark.parametrize(
    ("y", "score", "says"),
    [
        ([], [], "no rows"),
        ([0, 0], [0.1, 0.2], "nobody had the outcome"),
        ([1, 1], [0.1, 0.2], "everybody had the outcome"),
        ([0, 1], [0.1, np.nan], "missing or infinite in 1 rows"),
        ([0, 2], [0.1, 0.2], "yes or no"),
        ([0, 1, 1], [0.1, 0.2], "lengths differ"),
    ],
)
def test_what_cannot_be_answered_says_why(y, score, says):
    with pytest.raises(rs.NotEstimable, match=says):
        rs.auroc(np.array(y), np.array(score))


def test_a_score_is_not_taken_for_a_probability():
    with pytest.raises(rs.NotEstimable, match="calibrate it first"):
        rs.brier(np.array([0, 1]), np.array([0.5, 40.0]))
