"""How small a leaf may be, and what a stored model holds."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import StudyError
from riskstrat.training.boosting import Leaves, check_leaves, defaults, smallest_leaf
from training.small_county import COLUMNS, small_county, train, training


@pytest.mark.parametrize(
    ("people", "dates", "rows"),
    [
        (5_000, 1, 50),
        (5_000, 4, 200),  # a person may fill a leaf of four rows alone
        (2_000, 12, 600),
        (1_999, 1, 49),  # a fortieth
        (100, 3, 30),  # but ten people always
    ],
)
def test_a_leaf_is_measured_in_people(people, dates, rows):
    assert smallest_leaf(np.tile(np.arange(people), dates)).rows == rows


def test_the_person_with_most_rows_decides():
    unit = np.concatenate([np.arange(3000), np.zeros(6, dtype=np.int64)])
    assert smallest_leaf(unit) == Leaves(50, 7)


@given(unit=st.lists(st.integers(0, 40), min_size=1, max_size=120), seed=st.integers(0, 9))
def test_so_many_rows_always_hold_so_many_people(unit, seed):
    leaves = smallest_leaf(np.array(unit))
    chosen = np.random.default_rng(seed).permutation(unit)[: leaves.rows]
    if len(chosen) == leaves.rows:
        assert len(set(chosen.tolist())) >= leaves.people


def test_smaller_leaves_are_refused_and_the_default_is_twice_the_smallest():
    leaves = Leaves(50, 4)
    assert defaults(leaves)["min_data_in_leaf"] == 400
    check_leaves({"min_data_in_leaf": 200}, leaves)
    with pytest.raises(StudyError, match="50 people, of whom one has up to 4") as refusal:
        check_leaves({"min_data_in_leaf": 199}, leaves)
    assert refusal.value.code == "RS1265"


def test_a_stored_model_holds_nobodys_largest_value(tmp_path):
    county = small_county(units=300)
    spec = training(learners=["lightgbm"], baselines=["base_rate"])
    text = train(county, spec, tmp_path).models["lightgbm"].booster
    [line] = [line for line in text.splitlines() if line.startswith("feature_infos=")]
    assert line == "feature_infos=" + " ".join(["none"] * len(COLUMNS))
    seen = lgb.Booster(model_str=text)
    told = lgb.Booster(model_str=text.replace(line, line.replace("none", "[0:9]")))
    rows = np.random.default_rng(0).normal(size=(500, len(COLUMNS))) * 5
    assert (seen.predict(rows) == told.predict(rows)).all()
