"""Intervals without resampling, held to scikit-learn, SciPy and the clustered bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import false_discovery_control, norm
from sklearn.metrics import roc_auc_score

from riskstrat import statistics as rs
from riskstrat.statistics.clustered_auroc import clustered_auroc
from riskstrat.statistics.clustered_mean import clustered_mean, positive_ratio
from riskstrat.statistics.multiple import false_discovery, two_sided_p
from riskstrat.statistics.resample import find_clusters, replicate
from riskstrat.statistics.smooth import smooth_calibration


def households(n=900, seed=0):
    rng = np.random.default_rng(seed)
    of = rng.integers(0, n // 3, n)
    shared = rng.normal(size=n // 3)[of]
    risk = expit(-1.5 + shared + 0.5 * rng.normal(size=n))
    y = rng.random(n) < expit(-1.5 + shared + rng.normal(size=n // 3)[of])
    return y, risk, of


def test_the_area_is_scikit_learns_ties_included():
    y, risk, of = households()
    coarse = np.round(risk, 1)
    assert clustered_auroc(y, coarse, of).value == pytest.approx(roc_auc_score(y, coarse))


def test_the_areas_interval_is_about_that_of_the_clustered_bootstrap():
    y, risk, of = households()
    ours = clustered_auroc(y, risk, of)
    theirs = rs.evaluate(y, risk, clusters=of, replicates=1000, rng=np.random.default_rng(1))
    their = theirs.metrics["auroc"]
    assert ours.low == pytest.approx(their.low, abs=0.006)
    assert ours.high == pytest.approx(their.high, abs=0.006)
    alone = clustered_auroc(y, risk)
    assert alone.high - alone.low < 0.9 * (ours.high - ours.low)


def test_an_area_of_one_has_no_interval():
    found = clustered_auroc(np.array([0, 0, 1, 1]), np.array([1.0, 2, 3, 4]))
    assert (found.value, np.isnan(found.low)) == (1.0, True)


def test_a_means_interval_is_about_that_of_the_clustered_bootstrap():
    y, _, of = households()
    who = find_clusters(of, len(y))
    values = y.astype(float)

    def kernel(weights):
        expanded = weights.take(who.of_row, axis=1)
        return {("mean",): expanded @ values / expanded.sum(axis=1)}

    slow = replicate(kernel, len(y), who.count, 2000, np.random.default_rng(2))
    theirs, ours = slow.estimate(("mean",), len(y)), clustered_mean(values, who)
    assert ours.value == pytest.approx(y.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_a_ratio_that_is_nothing_or_alone_has_no_interval():
    one = find_clusters(np.zeros(3), 3)
    assert np.isnan(positive_ratio(1.2, np.zeros(3), one, 3).low)
    assert positive_ratio(0.0, np.zeros(3), one, 3).value == 0.0
    assert np.isnan(positive_ratio(float("nan"), np.zeros(3), one, 3).value)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_allowance_for_many_looks_is_scipys(p):
    assert false_discovery(np.array(p)) == pytest.approx(false_discovery_control(p))


def test_what_was_not_tested_is_no_comparison():
    found = false_discovery(np.array([0.01, np.nan, 0.02]))
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize("z", [0.0, 0.5, 1.96, 4.0])
def test_a_p_value_follows_from_the_interval(z):
    half = norm.ppf(0.975) * 0.1
    assert two_sided_p(z * 0.1, z * 0.1 - half, z * 0.1 + half) == pytest.approx(2 * norm.sf(z))
    assert np.isnan(two_sided_p(0.1, float("nan"), 0.2))
    assert np.isnan(two_sided_p(0.0, 0.0, 0.0))


def test_a_curve_finds_a_risk_that_is_too_high_where_it_is_high():
    rng = np.random.default_rng(3)
    risk = rng.uniform(0.05, 0.8, 20_000)
    true = np.where(risk < 0.4, risk, 0.4 + 0.4 * (risk - 0.4))
    points = smooth_calibration(rng.random(20_000) < true, risk)
    assert [p.risk for p in points] == sorted(p.risk for p in points)
    for point in points:
        wanted = point.risk if point.risk < 0.4 else 0.4 + 0.4 * (point.risk - 0.4)
        assert point.low < point.observed < point.high
        assert point.observed == pytest.approx(wanted, abs=0.05)


def test_a_curve_of_a_right_risk_holds_the_diagonal_most_of_the_way():
    rng = np.random.default_rng(4)
    risk = rng.beta(1, 6, 8_000)
    points = smooth_calibration(rng.random(8_000) < risk, risk)
    assert sum(p.low <= p.risk <= p.high for p in points) >= 0.8 * len(points)


def test_a_curve_of_few_steps_is_straight_in_its_log_odds():
    rng = np.random.default_rng(5)
    risk = rng.choice([0.1, 0.3], 2_000)
    points = smooth_calibration(rng.random(2_000) < risk, risk, points=2)
    assert [p.observed for p in points] == pytest.approx([0.1, 0.3], abs=0.04)


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4]),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3]),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]),
    ],
)
def test_no_outcome_one_risk_or_separation_make_no_curve(y, p):
    with pytest.raises(rs.NotEstimable):
        smooth_calibration(np.array(y), np.array(p))
