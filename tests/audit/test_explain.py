"""Reasons: they add up, an independent computation agrees, and people can read them."""

from __future__ import annotations

from datetime import date

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

from riskstrat.audit.explain import (
    Contributions,
    NotExplained,
    contributions,
    explanations,
    global_importance,
    importance_by_origin,
    largest_gap,
    sample,
)
from riskstrat.audit.explain_checks import check_glass_box
from riskstrat.audit.wording import measure, reason_text, value_text
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import booster_names
from riskstrat.statistics import Estimate
from riskstrat.statistics.paired import Comparison, Difference
from riskstrat.vocabulary import FeatureColumn, FeatureKind, Severity

DAY = date(2024, 4, 1)
NUMBER, CATEGORY = FeatureKind.NUMBER, FeatureKind.CATEGORY


def feature(name, meaning, kind=NUMBER, source="ed", agency="Acute trust", **more):
    return FeatureColumn(name, meaning, kind, source, agency, **more)


ED_90 = feature(
    "ed__count__90d",
    "emergency department attendances in the last 90 days",
    window_days=90,
    singular="emergency department attendance in the last 90 days",
)
ED_365 = feature(
    "ed__count__365d", "emergency department attendances in the last year", window_days=365
)
AGE = feature("people__age", "age", source="people", agency="ICB", unit="years")
HOUSING = feature(
    "housing__known",
    "whether the council has tenancies",
    CATEGORY,
    source="housing",
    agency="the council",
    levels=("has_record", "no_record", "not_covered"),
)
FEATURES = (ED_90, ED_365, AGE, HOUSING)


@pytest.fixture(scope="module")
def learnt() -> tuple[RiskModel, pa.Table]:
    rng = np.random.default_rng(11)
    n = 1200
    short = rng.poisson(0.7, n)
    rows = pa.table(
        {
            "unit_id": [f"u{i}" for i in range(n)],
            "as_of": pa.array([DAY] * n, pa.date32()),
            "ed__count__90d": pa.array(short.astype(np.float32)),
            "ed__count__365d": pa.array((short + rng.poisson(1, n)).astype(np.float32)),
            "people__age": pa.array(rng.integers(18, 95, n).astype(np.float32)),
            "constant": pa.array(np.ones(n, np.float32)),
        }
    )
    features = (ED_90, ED_365, AGE, feature("constant", "constant"))
    names = [f.name for f in features]
    x = np.column_stack([rows[name].to_numpy() for name in names])
    y = rng.random(n) < 1 / (1 + np.exp(-(x[:, 0] + x[:, 2] / 30 - 4)))
    data = lgb.Dataset(x, label=y, feature_name=list(booster_names(features)))
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 8}
    booster = lgb.train(settings, data, num_boost_round=20)
    model = RiskModel(
        "lightgbm", "lightgbm", features, ((),) * 4, booster=booster.model_to_string()
    )
    return model, rows


def test_contributions_and_the_base_add_up_to_the_score(learnt):
    model, rows = learnt
    found = contributions(model, rows)
    assert found.base + found.values.sum(axis=1) == pytest.approx(model.log_odds(rows), abs=1e-10)


def test_every_row_explained_is_held_against_its_score(learnt):
    model, rows = learnt
    assert 0 < contributions(model, rows).gap < 1e-12


def test_contributions_that_miss_the_score_are_told_to_nobody():
    values = np.array([[0.25, 0.25], [0.5, -0.5]])
    assert largest_gap(values, -1.0, np.array([-0.5, -1.0])) == 0
    for wrong in (-1.0001, np.nan):
        with pytest.raises(NotExplained, match="1 of 2 rows do not add up") as told:
            largest_gap(values, -1.0, np.array([-0.5, wrong]))
        assert told.value.code == "RS3610"


def test_shaps_own_code_finds_the_same_contributions(learnt):
    # For a Booster, SHAP would only call LightGBM; `internal` makes it use its own C code.
    shap = pytest.importorskip("shap")
    model, rows = learnt
    x = np.column_stack([rows[f.name].to_numpy() for f in model.features]).astype(np.float64)
    explainer = shap.TreeExplainer(lgb.Booster(model_str=model.booster))
    explainer.model.model_type = "internal"
    theirs = explainer.shap_values(x)
    ours = contributions(model, rows)
    assert np.abs(np.asarray(theirs) - ours.values).max() < 1e-10


def test_importance_names_what_matters_and_which_way(learnt):
    model, rows = learnt
    table = global_importance(contributions(model, rows)).to_pylist()
    assert table[0]["feature"] in {"ed__count__90d", "people__age"}
    assert {row["feature"]: row["direction"] for row in table} | {"ed__count__365d": ""} == {
        "ed__count__90d": "higher raises",
        "people__age": "higher raises",
        "ed__count__365d": "",
        "constant": "mixed",
    }
    assert sum(row["share"] for row in table) == pytest.approx(1)


def test_features_of_one_agency_that_cancel_out_count_for_nothing():
    found = by_hand([[1.0, -1.0, 0.5, 0.0], [-2.0, 2.0, 0.5, 0.0]])
    table = importance_by_origin(found).to_pylist()
    agencies = {row["name"]: row for row in table if row["origin"] == "agency"}
    assert agencies["Acute trust"]["mean_abs_contribution"] == 0
    assert agencies["ICB"]["share"] == 1
    assert agencies["Acute trust"]["features"] == 2


def by_hand(values, **columns):
    n = len(values)
    rows = {
        "unit_id": [f"u{i}" for i in range(n)],
        "as_of": pa.array([DAY] * n, pa.date32()),
        "ed__count__90d": pa.array([4.0, 0.0][:n]),
        "ed__count__365d": pa.array([6.0, 0.0][:n]),
        "people__age": pa.array([83.0, None][:n]),
        "housing__known": ["not_covered", "no_record"][:n],
    }
    return Contributions(pa.table(rows | columns), FEATURES, np.array(values), -2.0)


def test_explanations_are_ranked_and_add_up_when_all_are_kept():
    found = by_hand([[0.9, 0.4, 0.2, -1.5], [-0.3, -0.8, 0.0, 0.1]])
    table = explanations(found)
    first = [row for row in table.to_pylist() if row["unit_id"] == "u0"]
    assert [row["rank"] for row in first] == [1, 2, 3, 4]
    assert [row["feature"] for row in first][:2] == ["housing__known", "ed__count__90d"]
    assert [row["value"] for row in first][1] == "4"
    assert sum(row["contribution"] for row in first) == pytest.approx(0.0)
    assert float(table.schema.metadata[b"base"]) == -2.0
    assert explanations(found, top=2).num_rows == 4


def test_a_sample_is_the_same_for_a_seed_and_never_larger_than_asked():
    assert sample(900, 50, seed=1).tolist() == sample(900, 50, seed=1).tolist()
    assert len(set(sample(900, 50, seed=1).tolist())) == 50
    assert sample(900, 5000, seed=1).tolist() == list(range(900))


TREND = "change in visits in the last 90 days against the 90 days before"
TREND_THAN = "visits in the last 90 days than in the 90 days before"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (ED_90, 1.0, "1 emergency department attendance in the last 90 days"),
        (ED_365, None, "emergency department attendances in the last year: not recorded, or not"),
        (
            feature("ed__days_since_last", "days since the last attendance", unit="days"),
            12.0,
            "last attendance 12 days ago",
        ),
        (
            feature("ed__days_since_first", "days since the first fall in the last 9 years"),
            2859.0,
            "first fall 8 years ago",
        ),
        (feature("ed__trend__90d", TREND, window_days=90), -5.0, f"5 fewer {TREND_THAN}"),
        (feature("ed__trend__90d", TREND, window_days=90), 0.0, "as many visits in the last 90"),
        (feature("gp__distinct_code__90d", "different codes"), 0.0, "no codes"),
        (
            feature("ed__days_since_last", "days since the last attendance", unit="days"),
            None,
            "no attendance on record",
        ),
        (
            feature("rx__sum_cost__365d", "total cost of prescriptions", unit="£", window_days=365),
            12.5,
            "total cost of prescriptions: £12.50",
        ),
        (
            feature("ed__any__90d", "any attendance in the last 90 days", window_days=90),
            0.0,
            "no attendance in the last 90 days",
        ),
        (
            feature("people__sex", "sex", CATEGORY, labels={"f": "female"}),
            "f",
            "sex: female",
        ),
        (feature("people__imd", "deprivation", CATEGORY), None, "deprivation: not recorded"),
        (HOUSING, "has_record", "known to the council: tenancies"),
    ],
)
def test_a_value_reads_as_half_a_sentence(column, value, words):
    assert reason_text(column, value).startswith(words)


def test_windows_of_one_thing_are_one_measure():
    assert measure(ED_90) == measure(ED_365) == "ed__count"
    assert measure(AGE) == "people__age"


def test_values_are_written_with_their_unit():
    assert value_text(AGE, 83.0) == "83 years"
    assert value_text(AGE, 1.0) == "1 year"
    assert value_text(AGE, float("nan")) == "not recorded"


@pytest.mark.parametrize(
    ("own", "words"),
    [(0.30, "it gives up 0.1000 (95% interval 0.0800 to 0.1200)"),
     (0.39, "it gives up 0.0100 (95% interval -0.0100 to 0.0300); no price is shown"),
     (0.50, "it gains 0.1000 (95% interval 0.0800 to 0.1200); no price is shown")],
)  # fmt: skip
def test_what_a_glass_box_costs_is_said_and_what_it_gains(own, words):
    change = own - 0.4
    difference = Estimate(change, change - 0.02, change + 0.02, 500)
    sides = (Estimate(0.4, 0.3, 0.5, 500), Estimate(own, own - 0.1, own + 0.1, 500))
    compared = Comparison({"average_precision": Difference(*sides, difference)}, {})
    [found] = check_glass_box("lightgbm", compared)
    assert found.message.endswith(words)
    assert found.value == pytest.approx(-change)
    free = "no price" in words
    assert found.severity is (Severity.WARNING if free else Severity.INFO)
