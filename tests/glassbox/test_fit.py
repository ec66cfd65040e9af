"""The glass box: curves that are the library's model, and tell of nobody alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from riskstrat.errors import RiskstratError
from riskstrat.glassbox import fit
from riskstrat.glassbox.fit import bags_of, fit_glass_box
from riskstrat.glassbox.model import Curve, GlassBox
from riskstrat.vocabulary import FeatureColumn, FeatureKind

NUMBER, CATEGORY = FeatureKind.NUMBER, FeatureKind.CATEGORY
FEATURES = (
    FeatureColumn("visits", "visits", NUMBER, "ed"),
    FeatureColumn("tenure", "tenure", CATEGORY, "homes", levels=tuple("ABC")),
    FeatureColumn("days", "days since a visit", NUMBER, "gp"),
    FeatureColumn("same", "never varies", NUMBER, "gp"),
)
FLOOR = 50
RARE, OFTEN = 20, 300
"""rows that lack `visits`, and rows that lack `days`"""


def people(n=1500, seed=4):
    rng = np.random.default_rng(seed)
    visits, tenure = rng.poisson(2, n).astype(float), rng.integers(0, 3, n).astype(float)
    days = rng.exponential(200, n)
    chance = 1 / (1 + np.exp(2.5 - 0.6 * visits - 0.8 * (tenure == 2)))
    outcome = rng.random(n) < chance
    visits[:RARE], days[-OFTEN:] = np.nan, np.nan
    matrix = np.column_stack([visits, tenure, days, np.zeros(n)]).astype(np.float32)
    return matrix, outcome, np.arange(n) // 3


MATRIX, OUTCOME, CLUSTERS = people()


def fitted(**changes):
    how = {"floor": FLOOR, "seed": 7, "threads": 1} | changes
    return fit_glass_box(MATRIX, OUTCOME, CLUSTERS, FEATURES, **how)


@pytest.fixture(scope="module")
def box():
    return fitted()


def test_what_curves_add_and_the_intercept_are_the_log_odds(box):
    added = box.intercept + box.contributions(MATRIX).sum(axis=1)
    assert np.allclose(added, box.log_odds(MATRIX), atol=1e-12)
    assert np.allclose(box.raw_of(MATRIX), 1 / (1 + np.exp(-added)))
    assert np.corrcoef(box.raw_of(MATRIX), OUTCOME)[0, 1] > 0.3


def test_it_is_the_same_on_any_number_of_threads_and_when_read_back(box):
    assert fitted(threads=2) == box
    again = json.loads(json.dumps(box.as_dict()))
    assert GlassBox.from_dict(again, FEATURES) == box


def test_a_missing_value_of_few_adds_nothing_and_of_many_what_they_show(box):
    by_name = {FEATURES[curve.feature].name: curve for curve in box.curves}
    assert by_name["visits"].missing == 0.0
    assert by_name["days"].missing != 0.0


def test_the_ends_of_a_curve_rest_on_as_many_people_as_a_leaf(box):
    numbers = [c for c in box.curves if not c.nominal and len(set(c.steps)) > 1]
    assert len(numbers) == 2
    for curve in numbers:
        column = MATRIX[:, curve.feature]
        added = curve.of(np.sort(column[~np.isnan(column)]))
        for end in (added, added[::-1]):
            assert np.argmax(end != end[0]) >= FLOOR


def test_an_unseen_level_adds_nothing():
    curve = Curve(0, (0.0, 1.0), (0.5, -0.5), 0.2, nominal=True)
    assert curve.of(np.array([0.0, 1.0, 2.0, np.nan])).tolist() == [0.5, -0.5, 0.0, 0.2]


def test_whole_households_decide_when_to_stop():
    bags = bags_of(CLUSTERS, 4, 7)
    assert set(np.unique(bags)) == {-1, 1}
    for bag in bags.T:
        assert all(len(set(bag[home == CLUSTERS])) == 1 for home in range(0, 500, 25))
        assert np.mean(bag == -1) == pytest.approx(fit.LEFT_OUT, abs=0.01)


def test_sampled_negatives_move_the_intercept_alone(box):
    moved = fitted(correction=-0.7)
    assert moved.curves == box.curves
    assert moved.intercept == pytest.approx(box.intercept - 0.7)


def test_numbers_that_are_not_the_librarys_model_are_refused(monkeypatch):
    taken = fit._taken_over

    def wrong(machine, features):
        right = taken(machine, features)
        return GlassBox(right.intercept + 0.01, right.curves, right.features)

    monkeypatch.setattr(fit, "_taken_over", wrong)
    with pytest.raises(RiskstratError) as refusal:
        fitted()
    assert refusal.value.code == "RS3614"
