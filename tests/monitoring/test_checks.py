"""Findings: a limit is crossed by a whole interval, and small numbers are never told."""

from __future__ import annotations

from datetime import date
from math import nan
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from riskstrat.audit.fairness import SCHEMA
from riskstrat.audit.spec import AuditSpec, Gate
from riskstrat.monitoring import checks
from riskstrat.monitoring.codes import MAY_SUSPEND, MONITORING_CODES
from riskstrat.monitoring.extracts import Volume
from riskstrat.monitoring.lists import Churn, above_cuts, churn, mean_risk
from riskstrat.monitoring.spec import MonitorSpec
from riskstrat.stages.watching.judged_again import _gates
from riskstrat.statistics import Estimate, wilson_interval
from riskstrat.vocabulary import Severity

SPEC = MonitorSpec()
DAY = date(2025, 4, 1)


def volume(low, high, *, now=500, period="year", covered=1.0):
    ratio = Estimate((low + high) / 2, low, high, now)
    return Volume("admissions", period, 500.0, now, covered, ratio)


@pytest.mark.parametrize(
    ("low", "high", "raised"),
    [(0.4, 0.7, True), (0.7, 0.9, False), (1.3, 1.5, True), (nan, nan, False)],
)
def test_only_an_interval_wholly_beyond_the_limit_is_a_finding(low, high, raised):
    found = list(checks.check_volumes([volume(low, high)], DAY, SPEC, 10))
    assert [each.code for each in found] == ["RS3701"] * raised


def test_a_source_is_named_once_and_a_gap_before_the_day_is_told():
    year, month = volume(0.4, 0.6), volume(0.1, 0.2, period="month", covered=0.5)
    found = list(checks.check_volumes([year, month], DAY, SPEC, 10))
    assert sorted(each.code for each in found) == ["RS3701", "RS3702"]


def test_few_rows_are_told_in_words():
    [found] = checks.check_volumes([volume(0.0, 0.02, now=3)], DAY, SPEC, 10)
    assert found.value is None
    assert "far fewer" in found.message
    assert "3" not in found.message.replace("2025-04-01", "")


def test_drift_that_the_model_was_judged_with_is_good_to_know_and_no_warning():
    far, near = Estimate(0.5, 0.4, 0.6, 900), Estimate(0.05, 0.0, 0.1, 900)
    rows = [
        {"feature": "new", "drift": far, "since": far},
        {"feature": "old", "drift": far, "since": near},
        {"feature": "none", "drift": near, "since": near},
    ]
    found = {each.where: each.severity for each in checks.check_features(rows, SPEC)}
    assert found == {"new": Severity.WARNING, "old": Severity.INFO}


def test_calibration_is_worse_only_farther_from_one():
    now, then = Estimate(0.99, 0.95, 1.03, 900), Estimate(1.3, 1.2, 1.4, 900)
    assert not checks.worse("calibration_in_the_large", now, then)
    assert checks.worse("calibration_in_the_large", then, now)
    assert checks.worse("auroc", Estimate(0.6, 0.55, 0.65, 9), Estimate(0.7, 0.68, 0.72, 9))


def group(low, high, *, verdict="ok", metric="sensitivity", level="a"):
    return {
        "group": "sex", "level": level, "metric": metric, "at": "0.05", "value": (low + high) / 2,
        "low": low, "high": high, "n": 800, "verdict": verdict,
    }  # fmt: skip


def test_a_group_is_named_if_it_is_served_worse_and_can_be_judged():
    then = [group(0.4, 0.5), group(0.4, 0.5, level="b"), group(0.4, 0.5, level="c")]
    now = [group(0.2, 0.3), group(0.35, 0.45, level="b"), group(0.1, 0.2, level="c", verdict="no")]
    [found] = checks.check_groups(now, then, frozenset())
    assert (found.code, found.group) == ("RS3709", "sex: a")
    [hidden] = checks.check_groups(now, then, frozenset({("sex: a", "sensitivity", "0.05")}))
    assert hidden.value is None
    assert "0.2" not in hidden.message


def gate(verdict, then="pass"):
    return {
        "text": "auroc.low >= 0.7", "name": "auroc", "group": "", "at": None, "value": 0.6,
        "low": 0.55, "high": 0.65, "n": 900, "verdict": verdict, "then": then, "explanation": "So.",
    }  # fmt: skip


def test_a_gate_that_fails_now_is_an_error_and_one_without_evidence_a_warning():
    rows = [gate("pass"), gate("fail"), gate("not_enough_evidence", then="fail")]
    found = list(checks.check_gates(rows, frozenset()))
    assert [(each.code, each.severity.value) for each in found] == [
        ("RS3711", "error"), ("RS3712", "warning"),
    ]  # fmt: skip
    assert "did not pass at approval" in found[1].message


def test_a_group_that_is_gone_is_named_with_the_gates_that_rest_on_it():
    rows = [
        gate("pass"),
        {**gate("not_enough_evidence"), "text": "ppv(race) >= 1", "group": "race"},
    ]
    [found] = checks.check_lost(("census.race",), rows)
    assert (found.code, found.severity.value, found.where) == ("RS3715", "warning", "census.race")
    assert "`ppv(race) >= 1`" in found.message and "auroc" not in found.message
    assert list(checks.check_lost((), rows)) == []


def test_only_a_gate_on_what_the_model_remembers_keeps_its_verdict_unmeasured():
    texts = ("sensitivity_ratio(ethnicity, at=0.2) >= 0.8", "membership_inference_auc <= 0.6",
             "ppv(at=0.1) >= 0.2")  # fmt: skip
    known = [{**gate("pass"), "text": text, "explanation": "0.95 then."} for text in texts]
    spec = AuditSpec(gates=tuple(Gate.model_validate(text) for text in texts))
    judged = SimpleNamespace(gates=known)
    nobody = pa.Table.from_pylist([], schema=SCHEMA)
    told = _gates(judged, spec, {"at_capacity": []}, nobody)
    assert [(row["verdict"], row["carried"]) for row in told] == [
        ("not_enough_evidence", False), ("pass", True), ("not_enough_evidence", False),
    ]  # fmt: skip
    assert [each.code for each in checks.check_gates(told, frozenset())] == ["RS3712", "RS3712"]


def test_churn_counts_everybody_once():
    before = np.array(["a", "b", "c", "d", "e"], dtype=object), np.array([1, 2, 3, 4, 5])
    now = np.array(["c", "a", "f", "b", "g"], dtype=object), np.array([1, 2, 3, 4, 5])
    [found] = churn(before, now, {"high": (0.6, 3, 3)})
    assert (found.before, found.now, found.stayed) == (3, 3, 2)
    assert (found.below, found.gone, found.risen, found.entered) == (1, 0, 0, 1)
    assert found.left == wilson_interval(1, 3)


def test_churn_is_told_without_numbers():
    many = Churn("high", 0.05, 40, 40, 5, 30, 5, 30, 5, wilson_interval(35, 40))
    [found] = checks.check_churn([many], "2025-01-01", SPEC)
    assert found.value is None
    assert not {"35", "40", "5 people"} & set(found.message.split())


def test_people_above_a_cut_are_counted_with_their_packs():
    rng = np.random.default_rng(0)
    score, pack = rng.random(2000), np.arange(2000) % 100
    weights = rng.multinomial(100, np.full(100, 0.01), size=300).astype(float)
    [same] = above_cuts({0.1: 0.9}, (score, pack), (score, pack), weights)
    assert same.ratio.value == same.ratio.low == same.ratio.high == 1
    [fewer] = above_cuts({0.1: 0.9}, (score, pack), (score * 0.95, pack), weights)
    assert fewer.people_now == (score * 0.95 >= 0.9).sum()
    assert fewer.ratio.high < 1
    mean = mean_risk(score, pack, weights)
    assert mean.low < 0.5 < mean.high
    assert mean.value == pytest.approx(score.mean())


def test_every_code_that_may_suspend_has_a_page_and_no_other_is_taken():
    assert set(MAY_SUSPEND) <= MONITORING_CODES.keys()
    assert MonitorSpec(suspend=("RS3711", "RS3711")).suspend == ("RS3711",)
    with pytest.raises(ValueError, match="RS3713"):
        MonitorSpec(suspend=("RS3713",))
    with pytest.raises(ValueError, match="must hold 1"):
        MonitorSpec(calibration=(1.1, 1.3))
