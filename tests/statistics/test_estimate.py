"""Numbers with intervals."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from riskstrat.statistics import Estimate, NotEstimable, percentile_estimate, wilson_interval


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
