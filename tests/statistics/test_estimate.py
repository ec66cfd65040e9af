"""Numbers with intervals."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from riskstrat.mitigation.compare import gap_of_levels
from riskstrat.statistics import (
    Estimate,
    NotEstimable,
    evaluate,
    percentile_estimate,
    wilson_interval,
)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case):
    k, n = case
    oracle = binomtest(k, n).proportion_ci(method="wilson")
    found = wilson_interval(k, n)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
    assert (found.value, found.n) == (k / n, n)


def test_wilson_of_nobody_is_unknown_and_of_too_many_refused():
    assert not wilson_interval(0, 0).estimable
    with pytest.raises(NotEstimable):
        wilson_interval(3, 2)


def test_limits_need_most_replicates():
    draws = np.linspace(0, 1, 100)
    draws[:5] = np.nan
    assert np.isfinite(percentile_estimate(0.5, draws, 9).low)
    draws[:6] = np.nan
    assert np.isnan(percentile_estimate(0.5, draws, 9).low)
    assert percentile_estimate(0.5, draws, 9).value == 0.5
    assert np.isnan(percentile_estimate(0.5, np.empty(0), 9).high)


def test_a_reciprocal_swaps_its_limits():
    assert Estimate(0.25, 0.2, 0.5, 8).reciprocal() == Estimate(4.0, 2.0, 5.0, 8)
    assert Estimate(0.25, 0.0, 0.5, 8).reciprocal().high == np.inf
    nothing_found = Estimate(0.0, 0.0, 0.0, 8).reciprocal()
    assert np.isnan(nothing_found.value)
    assert nothing_found.high == np.inf


def test_json_holds_no_nan():
    found = Estimate(0.0, 0.0, 0.0, 8).reciprocal().as_dict()
    assert json.dumps(found, allow_nan=False) == (
        '{"value": null, "low": null, "high": null, "n": 8}'
    )


def test_a_right_model_and_equal_groups_are_not_told_to_be_wrong():
    """Percentiles of a folded statistic leave out 0, and even the value itself."""
    by_chance = {"calibration error": 0, "gap": 0}
    for seed in range(20):
        rng = np.random.default_rng([5, seed])
        risk = rng.beta(2, 8, 800)
        y, level = rng.random(800) < risk, rng.choice(["a", "b", "c"], 800)
        whole = evaluate(y, risk, replicates=60, rng=rng).metrics["ece"]
        gap = gap_of_levels(
            y, risk, level, 0.2, clusters=None, replicates=60, seed=seed, metric="sensitivity"
        )
        for name, found in (("calibration error", whole), ("gap", gap)):
            assert found.low <= found.value <= found.high
            by_chance[name] += found.low > 0
    assert max(by_chance.values()) <= 4


def test_a_gap_that_is_there_is_seen():
    rng = np.random.default_rng(6)
    level = np.repeat(["a", "b"], 1500)
    risk = np.where(level == "a", 0.5, 0.1) + 0.1 * rng.random(3000)
    y = rng.random(3000) < risk
    found = gap_of_levels(y, risk, level, 0.3, clusters=None, replicates=100, seed=1)
    assert found.low > 0.3
    wrong = evaluate(y, np.clip(risk * 2, 0, 1), replicates=60, rng=rng).metrics["ece"]
    assert 0.1 < wrong.low < wrong.value < wrong.high
