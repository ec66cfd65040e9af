"""Training as a whole keeps its promises."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import ValidationError

from riskstrat.errors import StudyError, TooThinError
from riskstrat.statistics import points
from riskstrat.training.entrants import needed_attributes, published_score
from riskstrat.training.results import PREDICTIONS
from riskstrat.training.spec import TrainingSpec
from training.small_county import COLUMNS, small_county, train, training

COUNTY = small_county()
FRAILTY = {"existing_score": {"column": "frailty__score", "positive_at": 26}}
SPEC = training(learners=["lightgbm", "logistic_regression", FRAILTY], tune={"trials": 4})
NAMES = {
    "age_sex",
    "base_rate",
    "existing_score",
    "lightgbm",
    "logistic_regression",
    "prior_use",
}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return train(COUNTY, SPEC, tmp_path_factory.mktemp("scratch"))


def chosen(predictions, split, learner):
    """The rows of one learner on one split."""
    return predictions.filter(
        pc.and_(pc.equal(predictions["split"], split), pc.equal(predictions["learner"], learner))
    )


def saved(result, folder):
    """Every byte a result leaves."""
    for name, model in result.models.items():
        model.save(folder / name)
    files = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    plain = (result.metrics, result.winner, result.tuning, result.folds, result.notes)
    return files, repr(plain), result.predictions.to_pydict()


def test_predictions_hold_every_learner_and_split_in_order(result):
    found = result.predictions
    assert found.schema == PREDICTIONS
    assert set(found["learner"].to_pylist()) == NAMES
    assert set(found["split"].to_pylist()) == {"test", "validation"}
    keys = [(name, "ascending") for name in ("split", "learner", "as_of", "unit_id")]
    assert found.equals(found.sort_by(keys))
    assert len(set(zip(*(found[k].to_pylist() for k, _ in keys), strict=True))) == len(found)
    assert all(found[name].null_count == 0 for name in found.column_names)


def test_with_later_test_dates_nothing_tested_decided_anything(result):
    assert not any("which learner is used" in note for note in result.notes)


def test_metrics_can_be_worked_out_again_from_the_predictions(result):
    for split, learners in result.metrics.items():
        assert set(learners) == NAMES
        for name, metrics in learners.items():
            rows = chosen(result.predictions, split, name)
            y, raw = np.asarray(rows["outcome"]), np.asarray(rows["raw_score"])
            risk = np.asarray(rows["risk"])
            assert metrics["n"] == len(y) and metrics["outcomes"] == y.sum()
            for metric, found in {
                "auroc": points.auroc(y, raw),
                "average_precision": points.average_precision(y, raw),
                "brier": points.brier(y, risk),
                "log_loss": points.log_loss(y, risk),
            }.items():
                assert abs(metrics[metric]["value"] - found) < 1e-9
                assert set(metrics[metric]) == {"value", "low", "high", "n"}
            assert [entry["share"] for entry in metrics["at_capacity"]] == [0.05, 0.2]


def test_the_registered_models_give_the_published_test_predictions(result):
    for name, model in result.models.items():
        rows = chosen(result.predictions, "test", name)
        table = COUNTY.groups if name in ("age_sex", "prior_use") else COUNTY.features
        tested = table.filter(pc.equal(table["as_of"], rows["as_of"][0])).sort_by("unit_id")
        assert np.array_equal(model.raw_scores(tested), np.asarray(rows["raw_score"]))
        assert np.array_equal(model.risks(tested), np.asarray(rows["risk"]))


def test_models_beat_the_base_rate_and_the_winner_is_a_learner(result):
    test = result.metrics["test"]
    for name in ("lightgbm", "logistic_regression"):
        assert test[name]["auroc"]["value"] > 0.65
        assert test[name]["log_loss"]["value"] < test["base_rate"]["log_loss"]["value"]
    assert result.winner in {"lightgbm", "logistic_regression"}
    validation = result.metrics["validation"]
    best = validation[result.winner]["average_precision"]["value"]
    assert all(
        best >= validation[name]["average_precision"]["value"]
        for name in ("lightgbm", "logistic_regression", "existing_score")
    )


def test_the_search_is_recorded_without_times(result):
    assert [r["number"] for r in result.tuning if r["learner"] == "lightgbm"] == [0, 1, 2, 3]
    keys = {"number", "learner", "fold", "parameters", "value", "state", "rounds"}
    assert all(set(record) == keys for record in result.tuning)


def test_what_was_done_differently_is_said(tmp_path):
    few = small_county(units=200, seed=3)
    result = train(few, training(learners=["logistic_regression"]), tmp_path)
    assert "sigmoid instead of isotonic" in " ".join(result.notes)
    assert result.models["logistic_regression"].provenance["calibration"]["used"] == "sigmoid"


def test_row_order_and_repeats_do_not_change_a_byte(result, tmp_path):
    order = np.random.default_rng(0).permutation(len(COUNTY.truth))
    again = train(COUNTY.in_order(order), SPEC, tmp_path / "scratch")
    assert saved(again, tmp_path / "b") == saved(result, tmp_path / "a")


def test_threads_do_not_change_a_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("riskstrat.training.boosting.WORTH_A_THREAD", 1)
    spec = training(parameters={"lightgbm": {"n_estimators": 25}}, baselines=[])
    found = [
        saved(train(COUNTY, spec, tmp_path / f"scratch{n}", threads=n), tmp_path / f"models{n}")
        for n in (1, 2)
    ]
    assert found[0] == found[1]


def test_a_killed_run_goes_on_to_the_same_end(result, tmp_path):
    def kill(share, text):
        if "logistic_regression, test: trial 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(COUNTY, SPEC, tmp_path / "scratch", progress=kill)
    told = []
    again = train(
        COUNTY, SPEC, tmp_path / "scratch", progress=lambda share, text: told.append((share, text))
    )
    assert saved(again, tmp_path / "b") == saved(result, tmp_path / "a")
    assert not [text for _, text in told if "lightgbm, test: trial" in text]
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1][0] == 1.0


def test_rows_whose_outcome_is_not_yet_known_change_nothing(result, tmp_path):
    later = small_county(years=6, seed=9)
    late = pc.greater_equal(later.cohort["as_of"], pa.scalar(19083, pa.int32()).cast(pa.date32()))
    unknown = later.cohort.filter(late).set_column(
        2, "outcome", pa.nulls(pc.sum(late).as_py(), pa.bool_())
    )
    unknown = unknown.set_column(
        0, "unit_id", pc.binary_join_element_wise("x", unknown["unit_id"], "")
    )

    def also(table, more):
        return pa.concat_tables([table, more.set_column(0, "unit_id", unknown["unit_id"])])

    wider = type(COUNTY)(
        pa.concat_tables([COUNTY.cohort, unknown]),
        also(COUNTY.features, later.features.filter(late)),
        also(COUNTY.groups, later.groups.filter(late)),
        COUNTY.truth,
    )
    assert train(wider, SPEC, tmp_path).predictions.equals(result.predictions)


def test_outcomes_of_the_test_date_reach_no_model_and_no_risk(result, tmp_path):
    last = pc.equal(COUNTY.cohort["as_of"], pc.max(COUNTY.cohort["as_of"]))
    turned = pc.if_else(last, pc.invert(COUNTY.cohort["outcome"]), COUNTY.cohort["outcome"])
    again = train(COUNTY.with_outcome(turned), SPEC, tmp_path / "scratch")
    for name, model in result.models.items():
        model.save(tmp_path / "a" / name)
        again.models[name].save(tmp_path / "b" / name)
    for path in (tmp_path / "a").rglob("*.*"):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes()
    for column in ("unit_id", "risk", "raw_score"):
        assert again.predictions[column].equals(result.predictions[column])


def test_permuted_outcomes_cannot_be_predicted(tmp_path):
    found = []
    spec = training(learners=["lightgbm", "logistic_regression"], baselines=[])
    for seed in range(4):
        rng = np.random.default_rng(seed)
        county = small_county(seed=20 + seed)
        mixed = county.with_outcome(rng.permutation(np.asarray(county.cohort["outcome"])))
        result = train(mixed, spec, tmp_path / str(seed))
        found += [learner["auroc"]["value"] for learner in result.metrics["test"].values()]
    assert abs(np.mean(found) - 0.5) < 0.03


def test_risks_are_right_where_the_truth_is_known(tmp_path):
    county = small_county(units=4000, seed=5)
    result = train(county, training(baselines=[]), tmp_path)
    truth = dict(
        zip(
            zip(
                county.cohort["unit_id"].to_pylist(),
                county.cohort["as_of"].to_pylist(),
                strict=True,
            ),
            county.truth,
            strict=True,
        )
    )
    for name in ("lightgbm", "logistic_regression"):
        rows = chosen(result.predictions, "test", name)
        keys = zip(rows["unit_id"].to_pylist(), rows["as_of"].to_pylist(), strict=True)
        true, risk = np.array([truth[key] for key in keys]), np.asarray(rows["risk"])
        metrics = result.metrics["test"][name]
        assert 0.88 < metrics["calibration_slope"]["value"] < 1.12
        assert 0.9 < metrics["calibration_in_the_large"]["value"] < 1.1
        assert np.abs(true - risk).mean() < 0.05
        best = points.auroc(np.asarray(rows["outcome"]), true)
        assert best - 0.05 < metrics["auroc"]["value"] < best + 0.01
        assert result.models[name].calibrator.kind == "isotonic"


def test_grouped_folds_test_everybody_once_and_register_a_model_of_all(tmp_path):
    county = small_county(units=900, years=1, seed=6, level=-1.0)
    spec = training(
        folds={"scheme": "grouped_kfold", "k": 3, "inner_k": 3, "by": "household"},
        learners=["lightgbm", "logistic_regression", FRAILTY],
        cluster="household",
        tune={"trials": 2},
    )
    result = train(county, spec, tmp_path)
    for split in ("test", "validation"):
        for name in NAMES:
            rows = chosen(result.predictions, split, name)
            assert rows["unit_id"].to_pylist() == sorted(county.cohort["unit_id"].to_pylist())
    assert result.models["lightgbm"].provenance["n"] == 900
    assert result.models["lightgbm"].provenance["fold"] == "registered"
    assert {row["fold"].split("/")[0] for row in result.folds} == {
        "fold_1",
        "fold_2",
        "fold_3",
        "registered",
    }
    assert len(result.tuning) == 4 * 2 * 2
    assert any("which learner is used was decided on all" in note for note in result.notes)
    assert result.metrics["test"]["logistic_regression"]["auroc"]["value"] > 0.65


def test_the_prior_counts_may_be_given_by_hand(result, tmp_path):
    groups = COUNTY.groups
    counts = groups["prior_use"].to_numpy()
    county = type(COUNTY)(
        COUNTY.cohort, COUNTY.features, groups.drop_columns(["prior_use"]), COUNTY.truth
    )
    again = train(county, training(baselines=["prior_use"]), tmp_path, prior=counts)
    assert chosen(again.predictions, "test", "prior_use").equals(
        chosen(result.predictions, "test", "prior_use")
    )


def test_a_study_may_fix_parameters(tmp_path):
    spec = training(
        baselines=[],
        tune={"trials": 2},
        parameters={
            "lightgbm": {"num_leaves": 5, "n_estimators": 12},
            "logistic_regression": {"penalty": "l1", "C": 0.2},
        },
    )
    result = train(COUNTY, spec, tmp_path)
    model = result.models["lightgbm"]
    assert model.parameters["num_leaves"] == 5 and model.parameters["n_estimators"] == 12
    assert model.booster.count("\nTree=") == 12
    assert dict(result.models["logistic_regression"].parameters) == {"penalty": "l1", "C": 0.2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lightgbm": {"scale_pos_weight": 9}},
        {"lightgbm": {"num_leaves": 2.5}},
        {"lightgbm": {"learning_rate": "fast"}},
        {"logistic_regression": {"C": 0}},
        {"logistic_regression": {"solver": "saga"}},
        {"logistic_regression": {"penalty": "l0"}},
    ],
)
def test_parameters_that_cannot_be_fixed_are_refused_early(wrong):
    with pytest.raises(ValidationError):
        training(parameters=wrong)


def test_leaves_that_remember_people_are_refused(tmp_path):
    spec = training(learners=["lightgbm"], parameters={"lightgbm": {"min_data_in_leaf": 10}})
    with pytest.raises(StudyError, match="remember people") as refusal:
        train(COUNTY, spec, tmp_path)
    assert refusal.value.code == "RS1265"


def test_a_missing_published_score_counts_as_the_median_and_is_said(tmp_path):
    position = COUNTY.features.column_names.index("frailty__score")
    score = COUNTY.features["frailty__score"]
    gone = np.random.default_rng(0).random(len(score)) < 0.1
    features = COUNTY.features.set_column(
        position, "frailty__score", pc.if_else(pa.array(gone), None, score)
    )
    county = type(COUNTY)(COUNTY.cohort, features, COUNTY.groups, COUNTY.truth)
    spec = training(learners=[FRAILTY], baselines=[], calibrate="none")
    result = train(county, spec, tmp_path)
    assert "a missing score counts as the median" in result.notes[0]
    raw = np.asarray(chosen(result.predictions, "test", "existing_score")["raw_score"])
    assert result.models["existing_score"].parameters["fill"] == np.median(raw)
    assert result.winner == "existing_score"
    risk = np.asarray(chosen(result.predictions, "validation", "existing_score")["risk"])
    assert ((risk > 0) & (risk < 1)).all()


def test_without_calibration_the_risk_is_the_raw_score(tmp_path):
    spec = training(learners=["lightgbm"], baselines=[], calibrate="none")
    found = train(COUNTY, spec, tmp_path).predictions
    assert found["risk"].equals(found["raw_score"])


def test_one_outcome_for_all_is_too_thin(tmp_path):
    for everybody in (True, False):
        county = COUNTY.with_outcome([everybody] * len(COUNTY.truth))
        with pytest.raises(TooThinError) as refusal:
            train(county, SPEC, tmp_path)
        assert refusal.value.exit_code == 14


def test_no_known_outcome_is_too_thin(tmp_path):
    county = COUNTY.with_outcome([None] * len(COUNTY.truth))
    with pytest.raises(TooThinError, match="2800 rows") as refusal:
        train(county, SPEC, tmp_path)
    assert refusal.value.code == "RS1401"


def test_tables_about_other_people_are_refused(tmp_path):
    county = type(COUNTY)(COUNTY.cohort, COUNTY.features.slice(1), COUNTY.groups, COUNTY.truth)
    with pytest.raises(StudyError, match="2799 rows") as refusal:
        train(county, SPEC, tmp_path)
    assert refusal.value.code == "RS1264"


def test_names_a_study_gets_wrong_are_explained(tmp_path):
    for changes, code in (
        ({"cluster": "village"}, "RS1263"),
        ({"baselines": [{"age_sex": ["years", "sex"]}]}, "RS1263"),
        ({"baselines": [{"age_sex": ["age"]}]}, "RS1267"),
        ({"learners": [{"existing_score": {"column": "people__band"}}]}, "RS1266"),
    ):
        with pytest.raises(StudyError) as refusal:
            train(COUNTY, training(**changes), tmp_path)
        assert refusal.value.code == code


def test_a_published_score_is_found_by_its_source():
    for wanted in ("frailty__score", "frailty.score", "score"):
        assert published_score(COLUMNS, wanted).name == "frailty__score"


def test_training_says_which_attributes_it_needs():
    spec = TrainingSpec.model_validate(
        {
            "folds": {"scheme": "grouped_kfold", "by": "school.school_id"},
            "learners": ["lightgbm"],
            "baselines": ["age_sex", "prior_use"],
            "cluster": "household",
        }
    )
    present = ["age", "demographics.sex", "household", "school.school_id", "prior_use"]
    found = needed_attributes(spec, present)
    assert found == ("household", "school.school_id", "age", "demographics.sex", "prior_use")
