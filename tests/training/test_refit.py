"""A model learnt again with its own parameters is the model; without something it is another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

from riskstrat.errors import TooThinError
from riskstrat.risk_model import FeatureRows
from riskstrat.training.again import set_out
from riskstrat.training.refit import Refit, restricted, without_features
from training.small_county import COLUMNS, small_county, train, training

COUNTY = small_county()
SPEC = training(learners=["lightgbm", "logistic_regression"], tune={"trials": 3})


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return train(COUNTY, SPEC, tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def setting():
    features = FeatureRows.of_table(COUNTY.features)
    return set_out(COUNTY.cohort, features, COLUMNS, COUNTY.groups, SPEC,
                   horizon_days=365, seed=SEED)  # fmt: skip


SEED = 7


def refit_of(result, setting, name):
    return Refit(setting, result.models[name], SPEC, threads=1)


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_learnt_again_with_everything_it_is_the_tested_model_to_the_bit(result, setting, name):
    predictions = result.predictions
    own = predictions.filter(
        pc.and_(pc.equal(predictions["split"], "test"), pc.equal(predictions["learner"], name))
    )
    raw, risk = refit_of(result, setting, name).scores(setting.plan.folds[0])
    assert np.array_equal(raw, own["raw_score"].to_numpy())
    assert np.array_equal(risk, own["risk"].to_numpy())


@pytest.mark.parametrize("name", ["lightgbm", "logistic_regression"])
def test_without_the_features_that_matter_it_ranks_worse(result, setting, name):
    from riskstrat.statistics import auroc

    fold = setting.plan.folds[0]
    y = setting.rows.outcome[fold.test]
    refit = refit_of(result, setting, name)
    whole, _ = refit.scores(fold, calibrate=False)
    left, _ = refit.scores(
        fold, without=["ed__count__365d", "frailty__score", "ed__known"], calibrate=False
    )
    assert auroc(y, left) < auroc(y, whole) - 0.03
    same, _ = refit.scores(fold, without=(), calibrate=False)
    assert np.array_equal(same, whole)


def test_a_frame_without_features_reads_the_same_values_of_the_others(setting):
    frame, rows = setting.frame, setting.plan.folds[0].train[:50]
    fewer = without_features(frame, ["noise", "gp__days_since_last"])
    kept = [
        i for i, f in enumerate(frame.features) if f.name not in {"noise", "gp__days_since_last"}
    ]
    assert [f.name for f in fewer.features] == [frame.features[i].name for i in kept]
    assert np.array_equal(fewer.matrix(rows), frame.matrix(rows)[:, kept], equal_nan=True)


def test_a_restricted_fold_learns_from_kept_rows_alone_and_still_tests_everybody(setting):
    fold = setting.plan.folds[0]
    keep = setting.rows.unit % 3 != 0
    part = restricted(fold, keep, setting)
    learnt = np.concatenate([part.train, *(s.train for s in part.inner),
                             *(s.evaluate for s in part.inner)])  # fmt: skip
    assert keep[learnt].all()
    assert set(part.train) == {row for row in fold.train if keep[row]}
    assert np.array_equal(part.test, fold.test)


def test_where_no_inner_split_is_left_whole_clusters_are_dealt_anew(setting):
    fold = replace(setting.plan.folds[0], inner=())
    part = restricted(fold, np.ones(len(setting.rows), dtype=bool), setting)
    assert sorted(np.concatenate([s.evaluate for s in part.inner])) == sorted(fold.train)
    for split in part.inner:
        assert not set(setting.clusters[split.train]) & set(setting.clusters[split.evaluate])


def test_too_few_outcomes_are_refused(result, setting):
    few = restricted(setting.plan.folds[0], setting.rows.unit < 20, setting)
    with pytest.raises(TooThinError, match="outcomes among"):
        refit_of(result, setting, "lightgbm").scores(few)


def test_from_outcomes_dealt_by_lot_nothing_is_learnt(result, setting):
    from riskstrat.statistics import auroc

    rng = np.random.default_rng(3)
    fold, found = setting.plan.folds[0], []
    for _ in range(4):
        dealt = rng.permutation(setting.rows.outcome)
        raw, _ = refit_of(result, setting, "lightgbm").scores(fold, outcome=dealt, calibrate=False)
        found.append(auroc(dealt[fold.test], raw))
    assert abs(np.mean(found) - 0.5) < 0.04
