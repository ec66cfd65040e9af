"""The audit as a whole, on a small county with a model that was really trained."""

from __future__ import annotations

from datetime import date

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

from riskstrat.audit.audit import audit
from riskstrat.audit.spec import AuditSpec
from riskstrat.errors import StudyError
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import booster_names
from riskstrat.statistics.overall import evaluate
from riskstrat.vocabulary import FeatureColumn, FeatureKind

DAY = date(2024, 4, 1)
FEATURES = (
    FeatureColumn(
        "ed__count__365d", "visits in the last 365 days", FeatureKind.NUMBER, "ed", "Trust",
        window_days=365,
    ),
    FeatureColumn("people__age", "age", FeatureKind.NUMBER, "people", "ICB", unit="years"),
)  # fmt: skip
N = 900


@pytest.fixture(scope="module")
def county():
    rng = np.random.default_rng(21)
    x = np.column_stack([rng.poisson(1, N), rng.integers(18, 95, N)]).astype(np.float32)
    y = rng.random(N) < 1 / (1 + np.exp(4 - x[:, 0] - x[:, 1] / 40))
    data = lgb.Dataset(x, label=y, feature_name=list(booster_names(FEATURES)))
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 6}
    booster = lgb.train(settings, data, num_boost_round=15)
    model = RiskModel("lightgbm", "lightgbm", FEATURES, ((), ()), booster=booster.model_to_string())
    keys = {
        "unit_id": [f"u{i}" for i in range(N)],
        "as_of": pa.array([DAY] * N, pa.date32()),
    }
    features = pa.table(keys | {f.name: pa.array(x[:, i]) for i, f in enumerate(FEATURES)}).take(
        pa.array(rng.permutation(N))
    )
    by_unit = pa.table({f.name: pa.array(x[:, i]) for i, f in enumerate(FEATURES)})
    scores = {"lightgbm": model.raw_scores(by_unit), "base_rate": np.full(N, y.mean())}
    predictions = pa.concat_tables(
        pa.table(
            keys
            | {
                "split": ["test"] * N,
                "learner": [name] * N,
                "outcome": y,
                "risk": score,
                "raw_score": score,
            }
        )
        for name, score in scores.items()
    )
    groups = pa.table(
        keys
        | {
            "sex": rng.choice(["female", "male"], N).tolist(),
            "household": [None if i % 9 == 0 else f"h{i // 2}" for i in range(N)],
        }
    )
    metrics = {
        "test": {
            name: evaluate(
                y, score, shares=(0.05, 0.2), replicates=50, rng=np.random.default_rng(1)
            ).as_dict()
            for name, score in scores.items()
        }
    }
    return predictions, metrics, model, features, groups


def run(county, *gates, **more):
    spec = AuditSpec.model_validate(
        {"groups": ["sex"], "capacity": [0.05, 0.2], "gates": gates, "reasons": 2}
    )
    return audit(*county, spec, baselines=["base_rate"], replicates=60, seed=3, **more)


def test_the_audit_of_a_useful_model_passes_its_gates_and_says_what_it_found(county):
    told = []
    result = run(
        county,
        "auroc.low >= 0.6",
        "sensitivity_ratio(sex, at=0.2) >= 0.5",
        cluster="household",
        progress=lambda share, text: told.append((share, text)),
    )
    assert result.passed
    assert [gate.verdict for gate in result.gates] == ["pass", "pass"]
    assert {"RS301", "RS302", "RS303"} <= {each.code for each in result.findings}
    assert told[-1][0] == 1.0


def test_the_people_of_the_largest_list_are_explained_from_the_top(county):
    predictions, _, model, features, _ = county
    result = run(county)
    score = predictions["raw_score"].to_numpy()[:N]
    top = set(np.argsort(-score, kind="stable")[: round(0.2 * N)])
    assert set(result.explanations["unit_id"].to_pylist()) == {f"u{i}" for i in top}
    assert result.reasons.num_rows == len(top)
    assert all(1 <= len(each) <= 2 for each in result.reasons["reasons"].to_pylist())
    base = float(result.explanations.schema.metadata[b"base"])
    summed = (
        result.explanations.group_by(["unit_id"])
        .aggregate([("contribution", "sum")])
        .sort_by("unit_id")
    )
    own = features.filter(pa.compute.is_in(features["unit_id"], summed["unit_id"].combine_chunks()))
    own = own.sort_by("unit_id")
    expected = model.log_odds(own)
    assert base + summed["contribution_sum"].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_a_failed_gate_is_the_first_finding_and_the_audit_does_not_pass(county):
    result = run(county, "auroc >= 0.6", "auroc >= 0.999")
    assert not result.passed
    assert (result.findings[0].code, result.findings[0].severity.value) == ("RS320", "error")


def test_an_audit_without_gates_decides_nothing_and_so_does_not_pass(county):
    result = run(county)
    assert (result.gates, result.passed) == ((), False)


def test_the_same_seed_gives_the_same_audit(county):
    assert run(county) == run(county)


def test_a_cluster_the_run_does_not_have_is_named(county):
    with pytest.raises(StudyError, match="school"):
        run(county, cluster="school")
