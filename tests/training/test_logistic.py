"""Logistic regression and calibration against slower or simpler code."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from riskstrat.risk_model import Calibrator, Factor, Term
from riskstrat.statistics import points
from riskstrat.training.calibrate import cross_fit, fit_calibrator, usable_method
from riskstrat.training.folds import deal
from riskstrat.training.logistic import learn_terms, spline_factors
from riskstrat.training.newton import Held, fit_logistic
from riskstrat.vocabulary import FeatureColumn, FeatureKind


def some_rows(n=1500, columns=12, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns))
    x[:, 1] = x[:, 0] + 0.1 * rng.normal(size=n)
    y = rng.random(n) < expit(-2 + x[:, 0] - 0.5 * x[:, 3])
    return x, y


@pytest.mark.parametrize("c", [1e-3, 0.1, 10.0])
def test_ridge_agrees_with_scikit_learn(c):
    x, y = some_rows()
    found = fit_logistic(Held(x), y, l2=1 / c)
    theirs = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12).fit(x, y)
    assert np.abs(found.slopes - theirs.coef_[0]).max() < 1e-6
    assert abs(found.intercept - theirs.intercept_[0]) < 1e-6


@pytest.mark.parametrize("c", [0.01, 0.1, 1.0])
def test_lasso_meets_the_conditions_of_an_optimum(c):
    x, y = some_rows()
    found = fit_logistic(Held(x), y, l1=1 / c)
    residual = expit(x @ found.slopes + found.intercept) - y
    slope = residual @ x
    kept = found.slopes != 0
    assert abs(residual.sum()) < 1e-6
    assert np.abs(slope[kept] + np.sign(found.slopes[kept]) / c).max(initial=0) < 1e-6
    assert np.abs(slope[~kept]).max(initial=0) <= 1 / c + 1e-6
    assert 0 < kept.sum() < len(kept)


def test_separable_rows_have_a_finite_answer():
    x = np.linspace(-1, 1, 200)[:, None]
    found = fit_logistic(Held(x), x[:, 0] > 0, l2=1.0)
    assert np.isfinite(found.slopes).all() and found.slopes[0] > 1


def test_no_columns_give_the_rate():
    _, y = some_rows()
    assert abs(expit(fit_logistic(Held(np.empty((len(y), 0))), y).intercept) - y.mean()) < 1e-12


def test_features_become_terms_by_their_kind():
    rng = np.random.default_rng(1)
    n = 400
    matrix = np.column_stack(
        [
            rng.normal(50, 10, n),
            rng.poisson(0.3, n),
            rng.integers(0, 3, n),
            rng.integers(0, 4, n),
            np.full(n, 7.0),
        ]
    ).astype(np.float32)
    matrix[:60, 0] = np.nan
    matrix[0, 1] = np.nan
    matrix[:5, 2] = 9.0
    number, category = FeatureKind.NUMBER, FeatureKind.CATEGORY
    columns = [
        FeatureColumn("age", "", number, "s"),
        FeatureColumn("visits", "", number, "s"),
        FeatureColumn("area", "", category, "s"),
        FeatureColumn("band", "", category, "s", ordered=True),
        FeatureColumn("constant", "", number, "s"),
    ]
    terms = learn_terms(matrix, columns)
    seen = [(t.factors[0].feature, t.factors[0].form, t.factors[0].level) for t in terms]
    assert seen == [
        (0, "value", 0),
        (0, "missing", 0),
        (1, "log1p", 0),
        (2, "level", 0),
        (2, "level", 1),
        (2, "level", 2),
        (3, "value", 0),
    ]
    for term in terms:
        assert abs(term.of(matrix).mean()) < 1e-9


def test_a_spline_is_straight_beyond_its_knots():
    matrix = np.random.default_rng(0).uniform(20, 90, (500, 1))
    beyond = np.array([[100.0], [110.0], [120.0], [5.0], [10.0], [15.0]])
    for factor in spline_factors(matrix, 0):
        value = Term((factor,), 0.0, 1.0).of(beyond)
        for three in (value[:3], value[3:]):
            assert abs(three[0] - 2 * three[1] + three[2]) < 1e-9
    assert isinstance(spline_factors(matrix, 0)[0], Factor)


def miscalibrated(n, seed, level=-2.5):
    rng = np.random.default_rng(seed)
    log_odds = level + 1.2 * rng.normal(size=n)
    return expit(0.6 * log_odds - 0.5), rng.random(n) < expit(log_odds)


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_calibration_makes_new_peoples_risks_right(method):
    calibrator = fit_calibrator(*miscalibrated(12_000, 1), method)
    raw, outcome = miscalibrated(40_000, 2)
    assert points.calibration_slope(outcome, raw) > 1.5
    risk = calibrator(raw)
    assert 0.92 < points.calibration_slope(outcome, risk) < 1.08
    assert 0.95 < points.calibration_in_the_large(outcome, risk) < 1.05
    assert (np.diff(risk[np.argsort(raw)]) >= 0).all()
    assert Calibrator.from_dict(calibrator.as_dict()) == calibrator


def test_isotonic_ends_never_claim_certainty():
    raw = np.linspace(0.01, 0.99, 1000)
    risk = fit_calibrator(raw, raw > 0.5, "isotonic")(np.array([0.0, 0.2, 0.8, 1.0]))
    assert np.allclose(risk, [0.5 / 501, 0.5 / 501, 1 - 0.5 / 501, 1 - 0.5 / 501])


def test_no_isotonic_level_tells_of_a_few_people():
    raw, outcome = miscalibrated(3000, 8)
    order = np.argsort(raw)
    outcome[order[-3:]], outcome[order[:3]] = True, False
    calibrator = fit_calibrator(raw, outcome, "isotonic")
    assert 3 < len(calibrator.risks) < outcome.sum() / 10
    assert max(calibrator.risks) < 0.9
    flipped = outcome.copy()
    flipped[order[-1]] = False
    other = fit_calibrator(raw, flipped, "isotonic")
    assert np.abs(calibrator(raw) - other(raw)).max() < 0.08


def test_equal_scores_get_equal_risks_whatever_their_order():
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 12, 4000).astype(float)
    outcome = rng.random(4000) < raw / 24
    risk = fit_calibrator(raw, outcome, "isotonic", "identity")(raw)
    mixed = rng.permutation(4000)
    again = fit_calibrator(raw[mixed], outcome[mixed], "isotonic", "identity")(raw)
    assert np.allclose(risk, again, atol=1e-12)
    assert np.abs(risk - raw / 24).max() < 0.06


def test_a_score_that_runs_the_wrong_way_is_flattened():
    raw, outcome = miscalibrated(4000, 3)
    risk = fit_calibrator(100 * (1 - raw), outcome, "sigmoid", "identity")(100 * (1 - raw))
    assert np.allclose(risk, outcome.mean())


def test_few_outcomes_are_calibrated_by_a_sigmoid():
    assert usable_method("isotonic", 199, "log_odds") == "sigmoid"
    assert usable_method("isotonic", 200, "log_odds") == "isotonic"
    assert usable_method("none", 10, "log_odds") == "none"
    assert usable_method("none", 500, "identity") == "sigmoid"


def test_cross_fitted_risks_come_from_calibrators_that_left_the_cluster_out():
    raw, outcome = miscalibrated(3000, 4)
    clusters = np.arange(3000) // 4
    found = cross_fit(raw, outcome, clusters, "isotonic", "log_odds", (1,))
    side = deal(clusters, outcome, 5, (1,), what="cluster")
    for part in range(5):
        alone = fit_calibrator(raw[side != part], outcome[side != part], "isotonic")
        assert np.array_equal(found.risk[side == part], alone(raw[side == part]))
        assert not set(clusters[side == part]) & set(clusters[side != part])
    assert 0.9 < points.calibration_slope(outcome, found.risk) < 1.1
