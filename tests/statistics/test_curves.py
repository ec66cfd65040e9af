"""Tables behind the charts."""

from itertools import pairwise

import numpy as np
import pytest

from riskstrat import statistics as rs


def county(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 6, n), 3)
    return rng.random(n) < p, p, rng.integers(0, n // 3, n)


def test_the_decision_curve_is_net_benefit_at_each_threshold():
    y, p, household = county()
    points = rs.decision_curve(
        y, p, thresholds=[0, 0.1, 0.3, 0.95], clusters=household, replicates=100,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    for point in points:
        assert point.model.value == pytest.approx(rs.net_benefit(y, p, point.threshold), abs=1e-12)
        everyone = rs.net_benefit(y, np.ones(len(y)), point.threshold)
        assert point.treat_all.value == pytest.approx(everyone, abs=1e-12)
        assert point.advantage.value == pytest.approx(point.model.value - max(everyone, 0))
        assert point.model.low <= point.model.value <= point.model.high
    assert points[0].model == points[0].treat_all
    with pytest.raises(rs.NotEstimable, match="thresholds"):
        rs.decision_curve(y, p, thresholds=[1.0], rng=np.random.default_rng(0))


@pytest.mark.parametrize("bins", [1, 5, 20])
def test_calibration_bins_hold_everyone_and_are_large_enough(bins):
    y, p, household = county()
    curve = rs.calibration_curve(y, p, bins, min_count=50)
    assert sum(b.observed.n for b in curve) == len(y)
    assert sum(b.positives for b in curve) == y.sum()
    assert min(b.observed.n for b in curve) >= 50
    assert all(a.high < b.low for a, b in pairwise(curve))
    assert len(curve) == bins
    for b in curve:
        assert b.observed == rs.wilson_interval(b.positives, b.observed.n)
    clustered = rs.calibration_curve(
        y, p, bins, clusters=household, rng=np.random.default_rng(0), replicates=100
    )
    assert [b.observed.value for b in clustered] == [b.observed.value for b in curve]


@pytest.mark.parametrize("seed", range(5))
def test_small_bins_are_merged_and_ties_kept_together(seed):
    rng = np.random.default_rng(seed)
    p = rng.choice([0.0, 0.01, 0.02, 0.5, 0.9], 200, p=[0.7, 0.2, 0.05, 0.03, 0.02])
    y = rng.random(200) < p
    curve = rs.calibration_curve(y, p, 10, min_count=20)
    assert min(b.observed.n for b in curve) >= 20
    assert all(a.high < b.low for a, b in pairwise(curve))
    alone = rs.calibration_curve(y[:5], p[:5], 10, min_count=20)
    assert sum(b.observed.n for b in alone) == 5


def test_the_lift_curve_is_the_capacities_of_evaluate():
    y, p, household = county()
    shares = [0.01, 0.1, 0.5]
    curve = rs.lift_curve(
        y, p, shares, clusters=household, replicates=50, rng=np.random.default_rng(1)
    )
    whole = rs.evaluate(
        y, p, shares=shares, clusters=household, replicates=50, rng=np.random.default_rng(1)
    ).at_capacity
    assert [c.lift for c in curve] == [c.lift for c in whole]
    assert [c.sensitivity for c in curve] == [c.sensitivity for c in whole]
