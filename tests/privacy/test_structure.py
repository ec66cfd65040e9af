"""What a model's own text gives away: people are counted, not rows."""

from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.made_up import frame_of, how, learnt
from riskstrat.errors import StorageError
from riskstrat.privacy.holders import NONE, Holders
from riskstrat.privacy.leaves import Leaves
from riskstrat.privacy.structure import examine_structure
from riskstrat.risk_model import Factor, LinearScorer, Term
from riskstrat.training.fit import fit
from riskstrat.vocabulary import FeatureColumn, FeatureKind
from training.small_county import COLUMNS, County, small_county, training

COUNTY = small_county(units=1200, years=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return learnt(COUNTY, tmp_path_factory.mktemp("scratch"))


def examined(county, model, **changes):
    procedure = how(county, model, **changes)
    return examine_structure(procedure, frame_of(procedure, procedure.learnt))


def boosted(x, y, **changes):
    told = {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    data = lgb.Dataset(x, label=y, params={"verbosity": -1, "max_bin": 255, "min_data_in_bin": 1})
    return lgb.train(told | changes, data, num_boost_round=5).model_to_string()


def smallest(text, x, unit, each):
    leaves = Leaves(text, each)
    for part in np.array_split(np.arange(len(x)), 3):
        leaves.holders.count(leaves.of(x[part]))
    leaves.ask()
    for part in np.array_split(np.arange(len(x)), 3):
        leaves.holders.collect(leaves.of(x[part]), unit[part])
    return leaves.smallest()


def slow_fewest(text, x, unit):
    """Leaf by leaf, tree by tree."""
    at = lgb.Booster(model_str=text).predict(x, pred_leaf=True)
    return min(
        len(set(unit[at[:, tree] == leaf]))
        for tree in range(at.shape[1])
        for leaf in np.unique(at[:, tree])
    )


def test_a_leaf_with_ten_dates_of_one_person_has_one_person():
    rng = np.random.default_rng(0)
    unit = np.concatenate([np.zeros(10, dtype=np.int64), np.arange(1, 391)])
    x = np.where(unit[:, None] == 0, 9.0, rng.random((400, 1)))
    y = np.where(unit == 0, 1.0, rng.random(400) < 0.1)
    found = smallest(boosted(x, y, num_leaves=2, min_sum_hessian_in_leaf=0.0), x, unit, 10)
    assert (found.people, found.rows) == (1, 10)


@settings(max_examples=25)
@given(seed=st.integers(0, 30), years=st.integers(1, 4))
def test_people_in_leaves_are_those_that_a_slow_count_finds(seed, years):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(120), years)
    x = np.round(rng.normal(size=(len(unit), 3)) + 3 * (unit[:, None] % 7 == 0), 1)
    y = rng.random(len(unit)) < 1 / (1 + np.exp(-x[:, 0]))
    text = boosted(x, y, num_leaves=8)
    assert smallest(text, x, unit, years).people == slow_fewest(text, x, unit)


def test_with_bagging_the_bound_is_below_what_all_rows_would_say():
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(500), 3)
    x = rng.normal(size=(1500, 3))
    text = boosted(x, x[:, 0] > 0, bagging_fraction=0.6, bagging_freq=1, min_data_in_leaf=60)
    found = smallest(text, x, unit, 3)
    assert 20 <= found.people <= slow_fewest(text, x, unit)


def test_a_model_of_other_rows_is_noticed(model):
    procedure = how(COUNTY, model)
    fewer = replace(procedure, learnt=procedure.learnt[::9])
    with pytest.raises(StorageError) as refusal:
        examine_structure(fewer, frame_of(procedure, procedure.learnt))
    assert refusal.value.code == "RS3420"


@given(data=st.data())
def test_holders_are_different_people(data):
    rows = data.draw(st.integers(1, 30))
    unit = np.array(data.draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows)))
    sets = np.array(
        data.draw(st.lists(st.tuples(*[st.integers(NONE, 4)] * 2), min_size=rows, max_size=rows))
    )
    each = int(np.bincount(unit).max())
    holders = Holders(5, each)
    holders.count(sets)
    wanted = np.array([True, False, True, True, False])
    holders.ask(wanted)
    holders.collect(sets, unit)
    found = holders.people()
    for place in range(5):
        held = {u for u, row in zip(unit, sets, strict=True) if place in row}
        assert found[place] == (len(held) if wanted[place] else NONE)
        if len(set(map(tuple, sets[:, :1]))) and not (sets[:, 0] == sets[:, 1]).any():
            assert holders.at_least[place] <= len(held)


def test_trained_models_have_room_in_every_leaf_and_no_extremes(model):
    found = examined(COUNTY, model)
    assert found.smallest_leaf_people >= 10 and not found.extremes
    assert found.people == 1200 and found.degrees_of_freedom is None and not found.rare_levels
    assert "feature_infos=none none" in model.booster


def test_extremes_in_a_models_text_are_noticed(model):
    hidden = "feature_infos=" + " ".join(["none"] * len(COLUMNS))
    told = "feature_infos=[0:7] " + " ".join(["none"] * (len(COLUMNS) - 1))
    assert hidden in model.booster
    shown = replace(model, booster=model.booster.replace(hidden, told))
    assert examined(COUNTY, shown).extremes
    assert (shown.raw_scores(COUNTY.features) == model.raw_scores(COUNTY.features)).all()


def with_rare(county, people):
    """The county with a code that few people have, once as a category and once as a number."""
    unit = county.features["unit_id"].to_pylist()
    rare = {f"p{i:06d}" for i in range(people)}
    chosen = [u in rare for u in unit]
    features = county.features
    for name, yes, no in (("people__ethnicity", "Z", "A"), ("noise", 1.0, 0.0)):
        place = features.column_names.index(name)
        values = pa.array([yes if c else no for c in chosen], features.schema.field(name).type)
        features = features.set_column(place, name, values)
    column = FeatureColumn(
        "people__ethnicity", "ethnicity", FeatureKind.CATEGORY, "people", levels=("A", "Z")
    )
    return County(county.cohort, features, county.groups, county.truth), column


@pytest.mark.parametrize(("people", "few"), [(9, True), (10, False)])
def test_codes_of_few_people_are_found_where_the_score_depends_on_them(model, people, few):
    county, column = with_rare(COUNTY, people)
    features = tuple(column if f.name == column.name else f for f in model.features)
    levels = tuple(f.levels for f in features)
    linear = replace(
        model,
        kind="logistic_regression",
        booster="",
        features=features,
        levels=levels,
        linear=straight(features),
    )
    found = examined(county, linear)
    assert ("noise" in found.rare_reasons) is few
    assert found.rare_levels == ({"people__ethnicity": 1} if few else {})
    assert found.learnt_levels == ()
    assert found.smallest_leaf_people == (5 if few else 10)
    assert found.degrees_of_freedom == 1195  # 1,200 people, three coefficients, in steps of 5


def straight(features):
    """A linear model that reads the rare code, as a category and as a number."""
    names = [feature.name for feature in features]
    rare, noise = names.index("people__ethnicity"), names.index("noise")
    return LinearScorer(
        -2.0,
        (
            Term((Factor(rare, "level", level=1),), 0.0, 1.0, 0.4),
            Term((Factor(noise, "value"),), 0.0, 1.0, 0.2),
            Term((Factor(0, "value"),), 0.0, 1.0, 0.1),
            Term((Factor(1, "value"),), 0.0, 1.0, 0.0),
        ),
    )


def test_a_category_that_no_contract_declares_is_there_because_somebody_has_it(tmp_path):
    county, column = with_rare(COUNTY, 4)
    free = replace(column, levels=())
    columns = tuple(free if f.name == column.name else f for f in COLUMNS)
    spec = training(learners=["lightgbm"], baselines=["base_rate"], cluster="household")
    result = fit(
        county.cohort, county.features, columns, county.groups, spec,
        horizon_days=365, capacity=(0.05,), seed=7, threads=1, scratch=tmp_path,
    )  # fmt: skip
    found = examined(county, result.models["lightgbm"])
    assert found.learnt_levels == ("people__ethnicity",) and found.rare_levels == {
        "people__ethnicity": 1
    }
    assert found.smallest_leaf_people >= 10


def test_a_category_that_only_the_tested_have_is_not_written_into_the_model(tmp_path):
    column = next(f for f in COLUMNS if f.name == "people__ethnicity")
    free = replace(column, levels=())
    columns = tuple(free if f.name == column.name else f for f in COLUMNS)
    days = np.asarray(COUNTY.features["as_of"].cast(pa.int32()).to_numpy())
    texts = np.array(COUNTY.features[column.name].to_pylist(), dtype=object)
    texts[np.flatnonzero(days == days.max())[0]] = "CODE-OF-ONE-PERSON"
    place = COUNTY.features.column_names.index(column.name)
    features = COUNTY.features.set_column(place, column.name, pa.array(texts.tolist()))
    spec = training(learners=["lightgbm"], baselines=["base_rate"], cluster="household")
    result = fit(
        COUNTY.cohort, features, columns, COUNTY.groups, spec,
        horizon_days=365, capacity=(0.05,), seed=7, threads=1, scratch=tmp_path,
    )  # fmt: skip
    model = result.models["lightgbm"]
    assert result.rows.as_of.max() == days.max()
    model.save(tmp_path / "model")
    for path in (tmp_path / "model").rglob("*"):
        assert not path.is_file() or b"CODE-OF-ONE-PERSON" not in path.read_bytes()
