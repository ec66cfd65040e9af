"""Two models on the same people: each as it is judged alone, and a difference that pairs."""

from __future__ import annotations

import numpy as np
import pytest

from riskstrat.robustness.agreement import agreement, always, jaccard, listed
from riskstrat.robustness.checks import check_undone
from riskstrat.robustness.paired import GAINED, compare
from riskstrat.stages.stressing.drills import stability_rows
from riskstrat.statistics import NotEstimable, evaluate, points
from riskstrat.statistics.paired import Scorer

SHARES = (0.05, 0.2)


def people(n=1200, seed=1):
    rng = np.random.default_rng(seed)
    risk = rng.beta(1, 6, n)
    return rng.random(n) < risk, risk, np.arange(n) // 2, rng


def held(y, first, second, clusters, replicates=200, seed=0):
    rng = np.random.default_rng(seed)
    sides = (Scorer(risk=first, raw=first), Scorer(risk=second, raw=second))
    found = compare(y, *sides, clusters=clusters, shares=SHARES, replicates=replicates, rng=rng)
    return {(each.metric, each.at): each for each in found}


def test_each_model_is_judged_as_it_is_alone():
    y, risk, clusters, rng = people()
    other = np.clip(risk + rng.normal(0, 0.1, len(y)), 0.001, 0.999)
    found = held(y, risk, other, clusters)
    for scores, side in ((risk, "first"), (other, "second")):
        alone = evaluate(y, scores, clusters=clusters, shares=SHARES, replicates=200,
                         rng=np.random.default_rng(0))  # fmt: skip
        for name in ("auroc", "average_precision", "brier", "calibration_in_the_large"):
            ours = getattr(found[name, None], side)
            assert ours.value == pytest.approx(alone.metrics[name].value)
            assert ours.low == pytest.approx(alone.metrics[name].low)
        for at in alone.at_capacity:
            ours = getattr(found["ppv", at.share], side)
            assert (ours.value, ours.n) == (pytest.approx(at.ppv.value), at.selected)
    assert found["auroc", None].first.value == pytest.approx(points.auroc(y, risk))


def test_a_model_does_not_differ_from_itself():
    y, risk, clusters, _ = people()
    for each in held(y, risk, risk, clusters).values():
        assert (each.difference.value, each.difference.low, each.difference.high) == (0, 0, 0)


def test_what_is_common_cancels_out_of_a_difference():
    y, risk, clusters, rng = people(4000)
    other = np.clip(risk + rng.normal(0, 0.02, len(y)), 0.001, 0.999)
    auroc = held(y, risk, other, clusters)["auroc", None]
    alone = auroc.first.high - auroc.first.low
    assert auroc.difference.high - auroc.difference.low < 0.5 * alone
    assert auroc.difference.low > 0


def test_a_proportion_tells_the_count_behind_it_and_a_difference_does_not():
    y, risk, clusters, _ = people()
    ppv = held(y, risk, risk, clusters, replicates=20)["ppv", 0.05]
    rows = {row["role"]: row for row in ppv.rows("drill", "case")}
    assert rows["first"]["positives"] == round(ppv.first.value * ppv.first.n)
    assert rows[GAINED]["positives"] is None


def test_with_one_outcome_nothing_is_compared():
    y, risk, clusters, _ = people()
    with pytest.raises(NotEstimable):
        held(np.zeros_like(y), risk, risk, clusters)


def test_lists_that_share_half_their_people():
    one = np.array([9.0, 8.0, 1.0, 0.0])
    other = np.array([9.0, 0.0, 8.0, 1.0])
    assert listed(one, 0.5).tolist() == [True, True, False, False]
    assert jaccard(listed(one, 0.5), listed(other, 0.5)) == pytest.approx(1 / 3)
    alike = agreement(one, [one, other], 0.5)
    assert (alike.value, alike.n) == (pytest.approx(2 / 3), 2)
    assert always(one, [one, other], 0.5).value == 0.5
    assert not agreement(one, [], 0.5).estimable


def test_equal_scores_list_as_many_as_asked():
    assert listed(np.zeros(10), 0.3).sum() == 3


def test_a_few_lists_have_a_lowest_and_a_highest_and_each_day_its_own():
    own = np.array([4.0, 3.0, 2.0, 1.0])
    again = [
        np.array([4.0, 3.0, 2.0, 1.0]),
        np.array([1.0, 2.0, 3.0, 4.0]),
        np.array([4.0, 1, 3, 0]),
    ]
    found = agreement(own, again, 0.5)
    assert (found.low, found.high) == (0.0, 1.0)
    assert found.value == pytest.approx((1 + 0 + 1 / 3) / 3)
    days = np.array([1, 1, 2, 2])
    assert listed(own, 0.5, days).tolist() == [True, False, True, False]
    assert agreement(own, again, 0.5, days).n == 2


def test_a_learner_that_draws_nothing_is_not_called_steady():
    rng = np.random.default_rng(0)
    own, other = rng.normal(size=50), rng.normal(size=50)
    same = stability_rows(own, [own.copy(), own.copy()], [other], [0.1], None)
    assert not [r for r in same if r["case"] == "another seed" and r["metric"] == "jaccard"]
    [told] = list(check_undone(same))
    assert "draws nothing" in told.message
    drawing = stability_rows(own, [own.copy(), other], [other], [0.1], None)
    assert [r for r in drawing if r["case"] == "another seed" and r["metric"] == "jaccard"]
