"""Shapley values of trees: held against their definition, LightGBM's code and SHAP's own."""

from __future__ import annotations

from itertools import combinations
from math import factorial, isnan

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.risk_model.forest import branches_of, most_features, points_for
from riskstrat.risk_model.tree_shap import TreeShap, load
from riskstrat.risk_model.trees import read_trees

NOMINAL = 3
"""the column that holds a category"""


def made_up(seed: int, n: int = 900, features: int = 5):
    """Rows with counts, zeros, a category and missing values, and an outcome of them all."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, features)).astype(np.float32)
    x[:, 0] = rng.poisson(1.0, n)
    x[:, NOMINAL] = rng.integers(0, 40, n)
    x[rng.random(x.shape) < 0.15] = np.nan
    seen = np.nan_to_num(x)
    drift = seen[:, 0] + seen[:, 1] * (seen[:, 2] > 0) + (seen[:, NOMINAL] % 3 == 0) - 1
    y = rng.random(n) < 1 / (1 + np.exp(-drift))
    return x, y


def learn(x, y, *, nominal=True, **more):
    told = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 10}
    told |= {"num_leaves": 6, "min_data_per_group": 10, "seed": 5} | more
    rounds = told.pop("rounds", 12)
    data = lgb.Dataset(x, label=y, categorical_feature=[NOMINAL] if nominal else [])
    return lgb.train(told, data, num_boost_round=rounds)


# -- the definition, slowly ------------------------------------------------------------------------


def goes_left(node, value) -> bool:
    """LightGBM's rule, from its JSON."""
    if node["decision_type"] == "==":
        return not isnan(value) and str(int(value)) in node["threshold"].split("||")
    absent = isnan(value) if node["missing_type"] == "NaN" else False
    value = 0.0 if isnan(value) and not absent else value
    if node["missing_type"] == "Zero":
        absent = abs(value) <= 1e-35
    return node["default_left"] if absent else value <= node["threshold"]


def expected(node, row, known) -> float:
    """What a tree says of a row of which only some features are known."""
    if "leaf_value" in node:
        return node["leaf_value"]
    left, right = node["left_child"], node["right_child"]
    if node["split_feature"] in known:
        chosen = left if goes_left(node, float(row[node["split_feature"]])) else right
        return expected(chosen, row, known)
    rows = [child.get("internal_count", child.get("leaf_count")) for child in (left, right)]
    each = [expected(child, row, known) for child in (left, right)]
    return sum(n * value for n, value in zip(rows, each, strict=True)) / sum(rows)


def by_definition(booster, row) -> list[float]:
    """Every feature's mean gain over all orders in which features may become known."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    p = len(row)
    found = []
    for feature in range(p):
        others = [f for f in range(p) if f != feature]
        total = 0.0
        for size in range(p):
            weight = factorial(size) * factorial(p - size - 1) / factorial(p)
            for known in combinations(others, size):
                gain = sum(
                    expected(t, row, {*known, feature}) - expected(t, row, set(known))
                    for t in trees
                )
                total += weight * gain
        found.append(total)
    return found


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"use_missing": False},
        {"zero_as_missing": True},
        {"nominal": False, "max_depth": 3},
        {"num_leaves": 2},
    ],
    ids=lambda told: ", ".join(map(str, told.items())) or "as the trainer does",
)
def test_they_are_what_shapley_defined(told):
    x, y = made_up(3)
    booster = learn(x, y, rounds=3, **told)
    rows = x[:12]
    ours = TreeShap(booster.model_to_string()).values(rows)
    theirs = [by_definition(booster, row) for row in rows]
    assert np.abs(ours - np.array(theirs)).max() < 1e-12


# -- other code ------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    leaves=st.integers(2, 40),
    told=st.sampled_from([{}, {"use_missing": False}, {"zero_as_missing": True}]),
)
def test_lightgbm_finds_the_same_and_all_adds_up_to_the_score(seed, leaves, told):
    x, y = made_up(seed, n=400, features=8)
    booster = learn(x, y, num_leaves=leaves, min_data_in_leaf=2, **told)
    shap = TreeShap(booster.model_to_string())
    ours, theirs = shap.values(x), booster.predict(x, pred_contrib=True)
    assert np.abs(ours - theirs[:, :-1]).max() < 1e-12
    assert abs(shap.base - theirs[0, -1]) < 1e-12
    score = booster.predict(x, raw_score=True)
    assert np.abs(shap.base + ours.sum(axis=1) - score).max() < 1e-12


def test_shaps_own_code_finds_the_same():
    # For a Booster SHAP calls LightGBM; `internal` makes it use its own C code.
    shap = pytest.importorskip("shap")
    x, y = made_up(8)
    booster = learn(x, y, nominal=False, rounds=30, num_leaves=15)
    explainer = shap.TreeExplainer(booster)
    explainer.model.model_type = "internal"
    theirs = np.asarray(explainer.shap_values(x.astype(np.float64)))
    ours = TreeShap(booster.model_to_string()).values(x)
    assert np.abs(theirs - ours).max() < 1e-10


# -- laws ------------------------------------------------------------------------------------------


def test_a_rows_values_do_not_depend_on_the_rows_beside_it_or_on_threads():
    x, y = made_up(6, n=2_000)
    shap = TreeShap(learn(x, y, num_leaves=31).model_to_string())
    whole = shap.values(x, threads=3)
    assert (whole[700:701] == shap.values(x[700:701])).all()
    assert (whole[5:1800] == shap.values(x[5:1800])).all()
    assert shap.values(x[:0]).shape == (0, x.shape[1])


def test_a_feature_that_no_split_asks_adds_exactly_nothing():
    x, y = made_up(2)
    x = np.column_stack([x, np.ones(len(x), np.float32)])
    assert (TreeShap(learn(x, y).model_to_string()).values(x)[:, -1] == 0).all()


def test_a_model_that_learnt_nothing_says_the_same_of_everybody():
    x, y = made_up(2)
    booster = learn(x, y, min_data_in_leaf=800)
    shap = TreeShap(booster.model_to_string())
    assert (shap.values(x) == 0).all()
    assert shap.base == pytest.approx(booster.predict(x[:1], raw_score=True)[0])


def test_every_points_rule_integrates_its_polynomials_exactly():
    for d in range(1, 40):
        at, weight = points_for(d)
        assert len(at) == (d + 1) // 2
        assert (weight * at ** (d - 1)).sum() == pytest.approx(1 / d, rel=1e-13)


def test_a_feature_that_is_asked_again_counts_once_on_its_way():
    # A chain of splits on one feature between splits on others: the last share counts.
    x, y = made_up(5, features=4)
    trees = read_trees(
        learn(x, y, num_leaves=40, min_data_in_leaf=2, nominal=False).model_to_string()
    )
    again = 0
    for tree in trees:
        branches = branches_of(tree)
        again += sum(branch.before >= 0 for branch in branches)
        assert most_features(tree, branches) <= 4
        assert all(branch.above < place for place, branch in enumerate(branches))
    assert again > 50


def test_linear_leaves_are_refused_not_guessed():
    x, y = made_up(2)
    booster = learn(np.nan_to_num(x), y, linear_tree=True, nominal=False)
    with pytest.raises(ValueError, match="linear"):
        TreeShap(booster.model_to_string())


def test_the_compiled_code_can_be_loaded_ahead():
    load()
