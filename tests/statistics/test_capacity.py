"""Ties at the cut, and how many a share selects."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat import statistics as rs
from riskstrat.statistics.ranked import places


def at(y, ranking, share, risk=None, **more):
    y, ranking = np.array(y, dtype=bool), np.array(ranking, dtype=float)
    risk = ranking / 10 if risk is None else np.array(risk)
    options = {"replicates": 0, "rng": np.random.default_rng(0)} | more
    return rs.evaluate(y, risk, ranking=ranking, shares=[share], **options).at_capacity[0]


def by_enumeration(y, ranking, k):
    """Positives selected under every order of the people that keeps scores falling."""
    found = []
    for order in permutations(range(len(y))):
        scores = [ranking[i] for i in order]
        if scores == sorted(ranking, reverse=True):
            found.append(sum(y[i] for i in order[:k]))
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=2, max_size=6).filter(
        lambda rows: 0 < sum(y for y, _ in rows) < len(rows)
    ),
    st.integers(1, 6),
)
def test_ties_are_averaged_and_bounded_over_every_possible_order(rows, k):
    y, ranking = [r[0] for r in rows], [r[1] for r in rows]
    k = min(k, len(y))
    found, counts = at(y, ranking, k / len(y)), by_enumeration(y, ranking, k)
    assert found.selected == k
    assert found.ppv.value == pytest.approx(np.mean(counts) / k)
    assert found.sensitivity.value == pytest.approx(np.mean(counts) / sum(y))
    assert found.specificity.value == pytest.approx(1 - (k - np.mean(counts)) / (len(y) - sum(y)))
    assert (found.ppv_best, found.ppv_worst) == pytest.approx((max(counts) / k, min(counts) / k))
    assert (found.sensitivity_best, found.sensitivity_worst) == pytest.approx(
        (max(counts) / sum(y), min(counts) / sum(y))
    )


def test_a_worked_example():
    # over the cut: 9 and 8; tied at it, two of four taken: 5; below: 2 and 1
    y = [1, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    ranking = [9, 8, 5, 5, 5, 5, 2, 2, 1, 1]
    found = at(y, ranking, 0.4)
    assert (found.selected, found.tied, found.tied_selected, found.threshold) == (4, 4, 2, 5.0)
    assert found.risk_threshold == pytest.approx(0.5)
    assert found.ppv.value == pytest.approx((1 + 0.5) / 4)
    assert (found.ppv_worst, found.ppv_best) == (0.25, 0.5)
    assert found.lift.value == pytest.approx(0.375 / 0.3)
    assert found.number_needed_to_review.value == pytest.approx(4 / 1.5)
    assert found.net_benefit.value == pytest.approx((1.5 - 2.5) / 10)
    assert (found.ppv.n, found.sensitivity.n, found.specificity.n, found.lift.n) == (4, 3, 7, 10)


@pytest.mark.parametrize(
    ("share", "n", "k"),
    [(0.005, 40, 1), (0.05, 30, 2), (0.05, 29, 1), (0.145, 100, 15), (0.35, 10, 4), (1.0, 7, 7)],
)
def test_a_share_is_rounded_half_up_and_selects_somebody(share, n, k):
    assert places(share, np.array([float(n)])).tolist() == [k]


@pytest.mark.parametrize("share", [0, -0.1, 1.01, np.nan])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(rs.NotEstimable, match="share"):
        at([0, 1], [1, 2], share)


def test_net_benefit_uses_the_mean_risk_at_the_cut_and_keeps_it_in_replicates():
    rng = np.random.default_rng(1)
    ranking = rng.integers(0, 9, 300)
    risk = ranking / 10 + rng.uniform(0, 0.05, 300)
    y = rng.random(300) < risk
    found = at(y, ranking, 0.2, risk=risk, replicates=100)
    assert found.risk_threshold == pytest.approx(risk[ranking == found.threshold].mean())
    assert found.net_benefit.low < found.net_benefit.value < found.net_benefit.high


def test_finding_nobody_needs_endless_reviews_but_json_stays_valid():
    found = at([0, 0, 0, 1], [9, 8, 7, 1], 0.25, replicates=50)
    assert found.ppv.value == 0
    assert np.isnan(found.number_needed_to_review.value)
    assert found.as_dict()["number_needed_to_review"]["high"] is None
    assert found.as_dict()["ppv"] == found.ppv.as_dict()


def test_selecting_everyone_finds_everyone():
    found = at([0, 0, 1, 1], [4, 3, 2, 1], 1.0, replicates=50)
    assert (found.sensitivity.value, found.specificity.value, found.lift.value) == (1, 0, 1)
