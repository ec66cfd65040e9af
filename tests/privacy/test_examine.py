"""The whole examination: a usual model passes the gates, one that remembers does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow as pa
import pytest

from privacy.made_up import OVERFITTED, how, learnt, with_parameters
from riskstrat.audit.fairness import SCHEMA
from riskstrat.audit.gates import evaluate_gates
from riskstrat.audit.spec import Gate
from riskstrat.privacy.examine import examine
from riskstrat.privacy.measures import AUC, LEAF, POSITIVES
from riskstrat.vocabulary import PRIVACY_METRICS
from training.small_county import small_county

GATES = [
    Gate.model_validate(text)
    for text in (
        "membership_inference_auc <= 0.53",
        "membership_inference_auc_positives <= 0.60",
        "smallest_leaf_people >= 10",
    )
]
SMALL = small_county(units=1200, years=3)
LARGE = small_county(units=20_000, years=2)


def judged(privacy):
    nothing = pa.Table.from_pylist([], schema=SCHEMA)
    return [gate.verdict for gate in evaluate_gates(GATES, {}, nothing, privacy.gates)]


@pytest.fixture(scope="module")
def procedure(tmp_path_factory):
    return how(SMALL, learnt(SMALL, tmp_path_factory.mktemp("scratch")))


@pytest.fixture(scope="module")
def privacy(procedure):
    return examine(procedure, ["sex", "household"], cluster="household", replicates=100)


def test_a_usual_model_of_20000_people_passes_and_an_overfitted_one_trips(tmp_path):
    usual = how(LARGE, learnt(LARGE, tmp_path))
    assert judged(examine(usual, (), cluster="household", replicates=100)) == ["pass"] * 3
    overfitted = learnt(LARGE, tmp_path, parameters={"lightgbm": OVERFITTED})
    found = examine(how(LARGE, overfitted), (), cluster="household", replicates=100)
    assert judged(found)[:2] == ["fail", "fail"]
    assert {"RS3401", "RS3402"} <= {f.code for f in found.findings if f.severity == "warning"}


def test_more_rounds_of_the_same_trees_remember_more(procedure):
    usual = examine(procedure, (), replicates=100)
    more = with_parameters(procedure, n_estimators=300, learning_rate=0.3, num_leaves=31)
    # Its twins are learnt anew; its own text is that of the model.
    found = examine(more, (), replicates=100)
    for name in (AUC, POSITIVES):
        assert found.measured[name].number.value > usual.measured[name].number.value + 0.05
    assert found.measured[f"informed_{AUC}"].number.value > found.measured[AUC].number.value


def test_with_few_people_numbers_are_told_and_decide_nothing(privacy):
    assert judged(privacy) == ["not_enough_evidence", "not_enough_evidence", "pass"]
    found = privacy.gates[AUC]
    assert found["n"] == 1200 and 0.4 < found["low"] < found["value"] < found["high"] < 0.6
    assert found["too_few"] == "1,200 people are too few to judge by; 5,000 are needed."
    told = next(f for f in privacy.findings if f.code == "RS3401")
    assert told.severity == "info" and "too few" in told.message


def test_every_metric_that_gates_may_name_is_measured(privacy, tmp_path):
    linear = examine(how(SMALL, learnt(SMALL, tmp_path, "logistic_regression")), (), replicates=100)
    assert set(PRIVACY_METRICS) == set(privacy.measured) | set(linear.measured)
    assert LEAF in linear.measured and linear.structure.degrees_of_freedom > 1000


def test_every_level_of_a_group_is_listed(privacy):
    sexes = [level for level in privacy.levels if level.group == "sex"]
    assert [level.level for level in sexes] == ["F", "M"]
    assert sum(level.measured.number.n for level in sexes) == 1200
    homes = [level for level in privacy.levels if level.group == "household"]
    assert len(homes) == 400
    assert all("too few" in level.measured.too_few for level in homes)


def test_the_same_inputs_give_the_same_bytes_on_any_number_of_threads(procedure, privacy):
    again = examine(
        replace(procedure, threads=2), ["sex", "household"], cluster="household", replicates=100
    )
    assert json.dumps(again.as_dict()) == json.dumps(privacy.as_dict())


def test_a_published_score_learnt_from_nobody(tmp_path):
    frailty = {"existing_score": {"column": "frailty__score", "positive_at": 26}}
    found = examine(how(SMALL, learnt(SMALL, tmp_path, frailty)), ["sex"], replicates=100)
    assert found.structure is None and not found.levels and found.twins == 0
    assert judged(found) == ["not_enough_evidence"] * 3
    assert all(f.severity == "info" for f in found.findings)


def test_findings_hold_no_row_values(privacy):
    told = " ".join(f"{f.message} {f.group}" for f in privacy.findings)
    assert not [name for name in ("p000001", "h12") if name in told]
    json.dumps(privacy.as_dict(), allow_nan=False)
