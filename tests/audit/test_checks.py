"""Findings: each says what was measured, with its number and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from riskstrat.audit import checks
from riskstrat.audit.codes import AUDIT_CODES
from riskstrat.audit.fairness import SCHEMA
from riskstrat.codes import CODES
from riskstrat.vocabulary import Severity


def estimate(value, low, high, n=500):
    return {"value": value, "low": low, "high": high, "n": n}


def codes(found):
    return [(each.code, each.severity) for each in found]


def test_a_calibration_outside_what_is_right_on_average_is_a_warning():
    measured = {
        "calibration_in_the_large": estimate(1.3, 1.2, 1.4),
        "calibration_slope": estimate(1.0, 0.8, 1.3),
    }
    found = list(checks.check_calibration("lightgbm", measured))
    assert codes(found) == [("RS301", Severity.WARNING), ("RS302", Severity.INFO)]
    assert found[0].value == 1.3
    assert "1.3 (95% interval 1.2 to 1.4)" in found[0].message


def test_a_calibration_that_cannot_be_estimated_is_said():
    [first, second] = checks.check_calibration("lightgbm", {})
    assert first.severity is second.severity is Severity.WARNING
    assert first.value is None


@pytest.mark.parametrize(("value", "expected"), [(0.95, 1), (0.85, 0)])
def test_discrimination_that_is_too_good_is_suspected(value, expected):
    metrics = {"auroc": estimate(value, value - 0.02, value + 0.02)}
    assert len(list(checks.check_discrimination("lightgbm", metrics))) == expected


def scored(**scores):
    rng = np.random.default_rng(2)
    need = rng.normal(size=800)
    y = rng.random(800) < 1 / (1 + np.exp(2 - 2 * need))
    return pa.concat_tables(
        pa.table(
            {
                "unit_id": [f"u{i}" for i in range(800)],
                "as_of": pa.array([0] * 800, pa.int32()).cast(pa.date32()),
                "learner": [name] * 800,
                "outcome": y,
                "raw_score": weight * need + (1 - weight) * rng.normal(size=800),
            }
        )
        for name, weight in scores.items()
    )


def test_a_model_that_adds_nothing_to_a_rule_of_thumb_is_told_so():
    rows = scored(model=0.5, better=1.0, chance=0.0)
    found = checks.check_against_baselines(
        "model", ["better", "chance"], rows, replicates=200, seed=1
    )
    assert codes(found) == [("RS303", Severity.WARNING), ("RS303", Severity.INFO)]


def test_a_score_compared_with_itself_gains_exactly_nothing():
    rows = scored(model=0.5)
    y = rows["outcome"].to_numpy(zero_copy_only=False)
    score = rows["raw_score"].to_numpy()
    found = checks.precision_gained(
        y, score, score, clusters=np.arange(800), replicates=50, rng=np.random.default_rng(0)
    )
    assert (found.value, found.low, found.high) == (0, 0, 0)


def fairness_row(level, metric, value, high, verdict="ok"):
    return dict.fromkeys(SCHEMA.names) | {
        "group": "sex",
        "level": level,
        "metric": metric,
        "at": None if metric == "auroc" else "0.05",
        "value": value,
        "low": value,
        "high": high,
        "n": 50,
        "people": 50,
        "positives": 5,
        "reference": "male",
        "verdict": verdict,
    }


def test_groups_without_evidence_and_groups_left_behind_are_named():
    rows = [
        fairness_row("female", "auroc", 0.7, 0.8, "not_enough_evidence"),
        fairness_row("female", "sensitivity_ratio", 0.5, 0.7),
        fairness_row("other", "sensitivity_ratio", 0.5, 0.9),
    ]
    found = list(checks.check_groups(pa.Table.from_pylist(rows, schema=SCHEMA)))
    assert [(each.code, each.group) for each in found] == [
        ("RS304", "sex: female"),
        ("RS310", "sex: female"),
    ]


def test_a_reference_left_behind_is_named_once_beside_the_level_surest_to_be_reached_more():
    rows = [
        {**fairness_row("female", "sensitivity_ratio", 2.25, 2.6), "low": 2.0},
        {**fairness_row("other", "sensitivity_ratio", 2.6, 4.0), "low": 1.3},
        {**fairness_row("none said", "sensitivity_ratio", 1.1, 1.3), "low": 1.0},
        {**fairness_row("male", "sensitivity_ratio", 1.0, 1.0), "low": 1.0},
    ]
    [found] = checks.check_groups(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert found.code == "RS310"
    assert (found.low, found.value, found.high) == pytest.approx((1 / 2.6, 1 / 2.25, 0.5))
    assert "in need at level male" in found.message
    assert "finds at female, and markedly less than at 2 of the 3 others" in found.message


def test_empty_features_one_sided_models_and_unknown_outcomes_are_noted():
    [empty] = checks.check_features({"a": 9, "b": 0}, 10)
    assert (empty.code, empty.where, empty.value) == ("RS305", "a", 0.9)
    importance = pa.table({"feature": ["a", "b"], "share": [0.8, 0.2]})
    assert codes(checks.check_importance(importance)) == [("RS307", Severity.WARNING)]
    assert codes(checks.check_unknown(100, 30)) == [("RS308", Severity.WARNING)]
    assert not list(checks.check_unknown(100, 10))
    assert not list(checks.check_unknown(0, 0))


def test_ties_that_chance_decides_are_noted():
    at = {"share": 0.05, "selected": 50, "tied": 400, "tied_selected": 30}
    assert codes(checks.check_ties("m", {"at_capacity": [at]})) == [("RS309", Severity.WARNING)]
    fine = at | {"tied": 30}  # all of the tied have a place
    assert not list(checks.check_ties("m", {"at_capacity": [fine]}))


def test_every_code_the_audit_uses_has_its_page():
    folder = Path(checks.__file__).parent
    used = {
        c for path in folder.glob("*.py") for c in re.findall(r"\"(RS3\d{2,3})\"", path.read_text())
    }
    assert used <= set(CODES)
    assert {code for code in AUDIT_CODES if not code.startswith("RS36")} <= used
    for code, page in AUDIT_CODES.items():
        assert page.code == code
        assert all(len(text) > 10 for text in page[1:])
