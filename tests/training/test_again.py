"""A model learnt again with its own parameters is the model; without something it is another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from riskstrat.errors import TooThinError
from riskstrat.risk_model import FeatureRows
from riskstrat.training.again import procedure_of
from riskstrat.training.ground import lay_ground
from training.small_county import COLUMNS, small_county, train, training

COUNTY = small_county()
SPEC = training(learners=["lightgbm", "logistic_regression"], tune={"trials": 3})


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return train(COUNTY, SPEC, tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def ground():
    features = FeatureRows.of_table(COUNTY.features)
    return lay_ground(COUNTY.cohort, features, COUNTY.groups, SPEC,
                      columns=len(COLUMNS), horizon_days=365, seed=7)  # fmt: skip


@pytest.fixture(scope="module")
def frame(ground):
    return ground.frame(COLUMNS)


def procedure(result, ground, name):
    return procedure_of(result.models[name], ground, threads=1)


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_learnt_again_with_everything_it_is_the_tested_model_to_the_bit(
    result, ground, frame, name
):
    predictions = result.predictions
    own = predictions.filter(
        pc.and_(pc.equal(predictions["split"], "test"), pc.equal(predictions["learner"], name))
    )
    raw, risk = procedure(result, ground, name).scores(
        frame, ground.plan.folds[0], calibrate=SPEC.calibrate
    )
    assert np.array_equal(raw, own["raw_score"].to_numpy())
    assert np.array_equal(risk, own["risk"].to_numpy())


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_without_the_features_that_matter_it_ranks_worse(result, ground, frame, name):
    from riskstrat.statistics import auroc

    fold = ground.plan.folds[0]
    y = ground.rows.outcome[fold.test]
    how = procedure(result, ground, name)
    whole, _ = how.scores(frame, fold)
    left, _ = how.scores(frame.without(["ed__count__365d", "frailty__score", "ed__known"]), fold)
    assert auroc(y, left) < auroc(y, whole) - 0.03
    same, _ = how.scores(frame.without(()), fold)
    assert np.array_equal(same, whole)


def test_a_frame_without_features_reads_the_same_values_of_the_others(ground, frame):
    rows = ground.plan.folds[0].train[:50]
    fewer = frame.without(["noise", "gp__days_since_last"])
    kept = [
        i for i, f in enumerate(frame.features) if f.name not in {"noise", "gp__days_since_last"}
    ]
    assert [f.name for f in fewer.features] == [frame.features[i].name for i in kept]
    assert np.array_equal(fewer.matrix(rows), frame.matrix(rows)[:, kept], equal_nan=True)


def test_a_restricted_fold_learns_from_kept_rows_alone_and_still_tests_everybody(ground):
    fold = ground.plan.folds[0]
    keep = ground.rows.unit % 3 != 0
    part = ground.restricted(fold, keep)
    learnt = np.concatenate([part.train, *(s.train for s in part.inner),
                             *(s.evaluate for s in part.inner)])  # fmt: skip
    assert keep[learnt].all()
    assert set(part.train) == {row for row in fold.train if keep[row]}
    assert np.array_equal(part.test, fold.test)


def test_where_no_inner_split_is_left_whole_clusters_are_dealt_anew(ground):
    fold = replace(ground.plan.folds[0], inner=())
    part = ground.restricted(fold, np.ones(len(ground.rows), dtype=bool))
    assert sorted(np.concatenate([s.evaluate for s in part.inner])) == sorted(fold.train)
    for split in part.inner:
        assert not set(ground.clusters[split.train]) & set(ground.clusters[split.evaluate])


def test_too_few_outcomes_are_refused(result, ground, frame):
    few = ground.restricted(ground.plan.folds[0], ground.rows.unit < 20)
    with pytest.raises(TooThinError, match="outcomes among"):
        procedure(result, ground, "lightgbm").scores(frame, few)


def test_from_outcomes_dealt_by_lot_nothing_is_learnt(result, ground, frame):
    from riskstrat.statistics import auroc

    rng = np.random.default_rng(3)
    fold, found = ground.plan.folds[0], []
    for _ in range(4):
        dealt = rng.permutation(ground.rows.outcome)
        raw, _ = procedure(result, ground, "lightgbm").scores(frame, fold, outcome=dealt)
        found.append(auroc(dealt[fold.test], raw))
    assert abs(np.mean(found) - 0.5) < 0.04


def test_a_category_of_few_people_on_many_dates_gets_no_coefficient_again(tmp_path):
    county = small_county(units=500)
    unit = np.repeat(np.arange(500), 4)
    place = county.features.column_names.index("people__ethnicity")
    # 8 people on 3 dates make 24 rows: enough rows, too few people.
    told = pa.array(np.where(unit < 8, "C", np.where(unit % 3, "A", "B")))
    county = replace(county, features=county.features.set_column(place, "people__ethnicity", told))
    spec = training(learners=["logistic_regression"])
    model = train(county, spec, tmp_path).models["logistic_regression"]
    features = FeatureRows.of_table(county.features)
    ground = lay_ground(county.cohort, features, county.groups, spec,
                        columns=len(COLUMNS), horizon_days=365, seed=7)  # fmt: skip
    how = procedure_of(model, ground, threads=1)
    again = how.learn(ground.frame(COLUMNS), how.learnt)
    levels = {f.level for t in again.linear.terms for f in t.factors if f.feature == 4}
    assert levels and model.levels[4].index("C") not in levels
    assert again.linear == model.linear


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_people_drawn_anew_make_other_models_and_the_same_on_any_number_of_threads(
    result, ground, frame, name
):
    train_rows, told = ground.plan.folds[0].train, []
    how = procedure(result, ground, name)

    def refits(threads):
        many = replace(how, threads=threads)
        return many.resampled(frame, train_rows, 3, lambda one: one, told=told.append)

    one, two = refits(1), refits(2)
    assert one == two and told == [1, 2, 3, 1, 2, 3]
    assert len({(each.booster, each.linear) for each in [how.model, *one]}) == 4
