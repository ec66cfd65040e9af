"""A model is plain text that always gives the same scores, and says where they come from."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit, logit

from riskstrat.errors import StorageError, StudyError
from riskstrat.risk_model import KINDS, LinearScorer, RiskModel
from riskstrat.risk_model import model as model_module
from training.small_county import small_county, train, training

COUNTY = small_county(units=400)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    spec = training(
        learners=[
            "lightgbm",
            "logistic_regression",
            {"existing_score": {"name": "frailty", "column": "frailty.score", "positive_at": 26}},
        ]
    )
    return train(COUNTY, spec, tmp_path_factory.mktemp("scratch"))


def reads(model: RiskModel) -> pa.Table:
    """The table a model reads: baselines read attributes."""
    return COUNTY.groups if model.kind in ("age_sex", "prior_use") else COUNTY.features


def test_every_kind_is_trained(trained):
    assert {model.kind for model in trained.models.values()} == set(KINDS)


def test_a_saved_model_gives_identical_scores_and_files(trained, tmp_path):
    for name, model in trained.models.items():
        model.save(tmp_path / name)
        again = RiskModel.load(tmp_path / name)
        table = reads(model)
        assert np.array_equal(again.raw_scores(table), model.raw_scores(table))
        assert np.array_equal(again.risks(table), model.risks(table))
        assert again.calibrator == model.calibrator
        assert again.features == model.features
        again.save(tmp_path / "again" / name)
        for file in (tmp_path / name).iterdir():
            assert (tmp_path / "again" / name / file.name).read_bytes() == file.read_bytes()


def test_a_saved_model_is_text_and_nothing_else(trained, tmp_path):
    for name, model in trained.models.items():
        model.save(tmp_path / name)
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"model.json", "booster.txt"}
    for path in tmp_path.rglob("*.*"):
        path.read_text(encoding="utf-8")
    assert "num_threads" not in trained.models["lightgbm"].booster


def test_scores_go_by_the_columns_names_not_their_order(trained):
    turned = COUNTY.features.select(COUNTY.features.column_names[::-1])
    for name in ("lightgbm", "logistic_regression", "frailty"):
        model = trained.models[name]
        assert np.array_equal(model.risks(turned), model.risks(COUNTY.features))


def test_scores_do_not_depend_on_batches_or_on_the_column_type(trained, monkeypatch):
    wide = pa.table(
        {
            field.name: column.cast(pa.float64())
            if pa.types.is_floating(field.type)
            else column.dictionary_encode()
            if field.name.startswith("people")
            else column
            for field, column in zip(COUNTY.features.schema, COUNTY.features.columns, strict=True)
        }
    )
    for name in ("lightgbm", "logistic_regression"):
        model = trained.models[name]
        whole = model.risks(COUNTY.features)
        assert np.array_equal(model.risks(wide), whole)
        with monkeypatch.context() as smaller:
            smaller.setattr(model_module, "BATCH_ROWS", 97)
            assert np.array_equal(model.risks(COUNTY.features), whole)


def test_a_missing_column_is_named(trained):
    for name in ("lightgbm", "logistic_regression"):
        with pytest.raises(StudyError, match="lacks noise") as refusal:
            trained.models[name].raw_scores(COUNTY.features.drop_columns(["noise"]))
        assert refusal.value.code == "RS1261"


def test_a_column_of_the_wrong_type_is_named_without_its_values(trained):
    position = COUNTY.features.column_names.index("noise")
    words = pa.array(["secret"] * COUNTY.features.num_rows)
    wrong = COUNTY.features.set_column(position, "noise", words)
    with pytest.raises(StudyError, match=r"noise \(string, needs number\)") as refusal:
        trained.models["lightgbm"].contributions(wrong)
    assert refusal.value.code == "RS1262"
    assert "secret" not in str(refusal.value)


def test_an_unseen_category_counts_as_missing(trained):
    position = COUNTY.features.column_names.index("people__ethnicity")
    some = COUNTY.features.slice(0, 50)
    unseen = some.set_column(position, "people__ethnicity", pa.array(["Z"] * 50))
    missing = some.set_column(position, "people__ethnicity", pa.array([None] * 50, pa.string()))
    for name in ("lightgbm", "logistic_regression"):
        model = trained.models[name]
        assert np.array_equal(model.risks(unseen), model.risks(missing))


def test_contributions_add_up_to_the_log_odds(trained):
    for model in trained.models.values():
        some = reads(model).slice(0, 60)
        values, base = model.contributions(some)
        assert values.shape == (60, len(model.features))
        assert np.abs(values.sum(axis=1) + base - model.log_odds(some)).max() < 1e-9
        if model.kind != "existing_score":
            assert np.abs(logit(model.raw_scores(some)) - model.log_odds(some)).max() < 1e-9


def test_logistic_contributions_are_zero_on_average_over_the_training_rows(trained):
    years = np.asarray(COUNTY.features["as_of"].cast(pa.int32()))
    learnt = COUNTY.features.filter(pa.array(years < years.max()))
    values, _ = trained.models["logistic_regression"].contributions(learnt)
    assert np.abs(values.mean(axis=0)).max() < 1e-9


def test_an_existing_score_is_passed_on_with_the_published_decision(trained):
    model = trained.models["frailty"]
    published = np.asarray(COUNTY.features["frailty__score"].to_numpy(), dtype=float)
    assert np.array_equal(model.raw_scores(COUNTY.features), published)
    assert model.parameters["positive_at"] == 26
    risk = model.risks(COUNTY.features)
    assert ((risk > 0) & (risk < 1)).all()
    assert (np.diff(risk[np.argsort(published)]) >= 0).all()


def test_nobody_to_score_gives_no_scores(trained):
    for model in trained.models.values():
        nobody = reads(model).slice(0, 0)
        assert model.risks(nobody).shape == (0,)
        assert model.contributions(nobody)[0].shape == (0, len(model.features))


def test_a_linear_model_can_be_worked_out_by_hand():
    scorer = LinearScorer.from_dict(
        {
            "intercept": -1.0,
            "terms": [
                {
                    "factors": [
                        {"feature": 0, "form": "log1p", "fill": 1.0, "level": 0, "knots": []}
                    ],
                    "mean": 0.5,
                    "scale": 2.0,
                    "coefficient": 3.0,
                }
            ],
        }
    )
    wanted = -1 + 3 * (np.log1p([4.0, 1.0]) - 0.5) / 2
    assert np.allclose(scorer.log_odds(np.array([[4.0], [np.nan]])), wanted, atol=1e-15)
    assert LinearScorer.from_dict(scorer.as_dict()) == scorer
    assert np.allclose(expit(wanted), 1 / (1 + np.exp(-wanted)))


@pytest.mark.parametrize("fault", ["no file", "no json", "format", "features", "booster"])
def test_a_damaged_model_is_refused(trained, tmp_path, fault):
    trained.models["lightgbm"].save(tmp_path)
    path = tmp_path / "model.json"
    plain = json.loads(path.read_text())
    if fault == "no file":
        path.unlink()
    elif fault == "no json":
        path.write_text("{")
    elif fault == "booster":
        (tmp_path / "booster.txt").write_text("tree\n")
    else:
        change = {"format": 99} if fault == "format" else {"features": plain["features"][::-1]}
        path.write_text(json.dumps(plain | change))
    with pytest.raises(StorageError) as refusal:
        RiskModel.load(tmp_path)
    assert refusal.value.code == "RS7461"


def test_no_leaf_rests_on_fewer_people_than_the_floor(trained):
    model = trained.models["lightgbm"]
    floor = model.provenance["n"] // 40
    counts = [
        int(count)
        for line in re.findall(r"^leaf_count=(.*)$", model.booster, flags=re.MULTILINE)
        for count in line.split()
    ]
    assert len(counts) > 20
    assert min(counts) >= floor
