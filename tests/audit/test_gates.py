"""Gates: a condition passes only on evidence."""

from __future__ import annotations

from math import isnan

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit import verdicts
from riskstrat.audit.checks import from_gates
from riskstrat.audit.fairness import SCHEMA
from riskstrat.audit.gates import evaluate_gates
from riskstrat.audit.spec import AuditSpec, Gate
from riskstrat.audit.verdicts import Interval
from riskstrat.errors import StudyError

METRICS = {
    "auroc": {"value": 0.75, "low": 0.69, "high": 0.81, "n": 900},
    "calibration_slope": {"value": 0.98, "low": 0.91, "high": 1.07, "n": 900},
    "brier": {"value": None, "low": None, "high": None, "n": 900},
    "n": 900,
    "at_capacity": [{"share": 0.05, "ppv": {"value": 0.4, "low": 0.3, "high": 0.5, "n": 45}}],
}


def row(level, value, *, metric="sensitivity_ratio", at="0.05", verdict="ok", people=400):
    return {
        "group": "ethnicity",
        "level": level,
        "metric": metric,
        "at": at,
        "value": value,
        "low": None if value is None else value - 0.1,
        "high": None if value is None else value + 0.1,
        "n": 30,
        "people": people,
        "positives": 30,
        "selected": 10.0,
        "reference": "White",
        "verdict": verdict,
    }


def judge(text, *rows, extra=None):
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    [result] = evaluate_gates([Gate.model_validate(text)], METRICS, table, extra)
    return result


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        # 0.75 (0.69 to 0.81): all of it on one side, or across the limit and narrow enough
        ("auroc >= 0.65", "pass"),
        ("auroc >= 0.85", "fail"),
        ("auroc >= 0.70", "pass"),
        ("auroc >= 0.76", "fail"),
        ("auroc >= 0.70 +- 0.05", "not_enough_evidence"),
        ("auroc >= 0.70 ± 0.07", "pass"),
        ("auroc < 0.75", "fail"),
        ("auroc > 0.75", "fail"),
        ("auroc <= 0.75", "pass"),
        # a lower limit asks for proof: its absence is not proof of the contrary
        ("auroc.low >= 0.69", "pass"),
        ("auroc.low >= 0.70", "not_enough_evidence"),
        ("auroc.low >= 0.82", "fail"),
        ("auroc.high <= 0.81", "pass"),
        # an upper limit gives the benefit of the doubt, but not to an interval that says nothing
        ("auroc.high >= 0.80", "pass"),
        ("auroc.high >= 0.80 +- 0.05", "not_enough_evidence"),
        # 0.98 (0.91 to 1.07)
        ("calibration_slope in [0.9, 1.1]", "pass"),
        ("calibration_slope in [0.95, 1.1]", "not_enough_evidence"),
        ("calibration_slope in [0.93, 1.2]", "pass"),
        ("calibration_slope in [0.99, 1.2]", "fail"),
        ("calibration_slope in [1.1, 1.2]", "fail"),
        ("calibration_slope.low in [0.95, 1.2]", "not_enough_evidence"),
        # 0.4 (0.3 to 0.5)
        ("ppv(at=0.05) >= 0.3", "pass"),
        ("ppv(at=0.05) >= 0.35", "not_enough_evidence"),
    ],
)
def test_a_gate_passes_or_fails_on_evidence_and_says_when_there_is_too_little(text, verdict):
    result = judge(text)
    assert (result.verdict, result.passed) == (verdict, verdict == "pass")
    assert result.text == text
    assert result.explanation.endswith(".")


CENTRES, WIDTHS = st.floats(0.05, 2.0), st.floats(0.001, 1.0)
TEXTS = st.sampled_from(
    [
        "sensitivity_ratio(sex, at=0.05) >= 0.8",
        "calibration_slope in [0.9, 1.1]",
        "auroc.low >= 0.7",
        "brier <= 0.5",
        "auroc.high >= 0.7 +- 0.2",
    ]
)


@given(TEXTS, CENTRES, WIDTHS, st.floats(0.0, 1.0))
def test_a_narrower_interval_never_takes_a_verdict_away(text, centre, width, share):
    gate = Gate.model_validate(text)
    wide = verdicts.judge(gate, Interval(centre, centre - width, centre + width))
    less = width * share
    narrow = verdicts.judge(gate, Interval(centre, centre - less, centre + less))
    assert narrow == wide or wide == verdicts.UNTOLD or gate.bound != "value"


@given(TEXTS, CENTRES, WIDTHS)
def test_an_interval_on_one_side_decides_whatever_the_tolerance(text, centre, width):
    gate = Gate.model_validate(text)
    found = Interval(centre, centre - width, centre + width)
    inside = all(verdicts.holds(gate, x) for x in (found.low, centre, found.high))
    outside = (
        found.high < gate.between[0] or found.low > gate.between[1]
        if gate.between
        else not any(verdicts.holds(gate, x) for x in (found.low, found.high))
    )
    verdict = verdicts.judge(gate, found)
    assert not inside or verdict == "pass"
    assert not outside or verdict == "fail"


@given(st.lists(st.sampled_from(["pass", "fail", "not_enough_evidence"])))
def test_a_group_passes_only_if_every_level_does_and_fails_if_one_does(found):
    whole = verdicts.whole(found)
    assert (whole == "pass") == (bool(found) and set(found) == {"pass"})
    assert (whole == "fail") == ("fail" in found)


def test_a_number_without_an_interval_shows_nothing():
    extra = {"smallest_leaf": {"value": 40, "low": None, "high": None, "n": 800}}
    result = judge("smallest_leaf >= 10", extra=extra)
    assert result.verdict == "not_enough_evidence"
    assert "without an interval" in result.explanation


@pytest.mark.parametrize(
    "text", ["brier <= 0.2", "ppv(at=0.2) >= 0.1", "membership_inference_auc <= 0.55", "n >= 5"]
)
def test_what_was_not_measured_does_not_pass(text):
    result = judge(text)
    assert (result.verdict, result.passed) == ("not_enough_evidence", False)
    assert isnan(result.value)
    assert result.as_dict()["value"] is None


def test_further_measurements_can_be_gated():
    extra = {"membership_inference_auc": {"value": 0.52, "low": 0.5, "high": 0.54, "n": 800}}
    assert judge("membership_inference_auc <= 0.55", extra=extra).passed


def test_the_worst_level_with_enough_evidence_decides_and_is_named():
    result = judge(
        "sensitivity_ratio(ethnicity, at=0.05) >= 0.8",
        row("White", 1.0),
        row("Asian", 0.9),
        row("Black", 0.7),
        row("Other", 0.1, verdict="not_enough_evidence"),
    )
    assert (result.code, result.verdict) == ("RS322", "fail")
    assert (result.group, result.value) == ("ethnicity: Black", 0.7)
    assert "against White" in result.explanation
    assert "Too few to judge: Other" in result.explanation
    assert (result.judged, result.too_few) == (2, ("Other",))


def test_a_level_with_an_interval_too_wide_to_say_leaves_the_gate_open_and_is_named():
    wide = {**row("Black", 0.9), "low": 0.5, "high": 1.4}
    wider = {**row("Mixed", 1.0), "low": 0.3, "high": 1.9}
    result = judge(
        "sensitivity_ratio(ethnicity, at=0.05) >= 0.8", row("White", 1.0), row("Asian", 1.0), wide,
        wider,
    )  # fmt: skip
    assert (result.verdict, result.passed) == ("not_enough_evidence", False)
    assert (result.group, result.undecided) == ("ethnicity: Black", ("Black", "Mixed"))
    assert "too wide to say" in result.explanation
    assert "Nor can it be told for Mixed" in result.explanation
    assert result.as_dict()["undecided"] == ["Black", "Mixed"]
    failing = judge(
        "sensitivity_ratio(ethnicity, at=0.05) >= 0.8", row("White", 1.0), row("Asian", 0.6), wide
    )
    assert (failing.verdict, failing.group) == ("fail", "ethnicity: Asian")


def test_a_reference_that_is_served_worse_fails_the_gate_and_is_named():
    text = "sensitivity_ratio(ethnicity, at=0.05) >= 0.8"
    better = {**row("Asian", 2.25), "low": 1.97, "high": 2.62}
    result = judge(text, row("White", 1.0), better, row("Black", 1.1))
    assert (result.verdict, result.group) == ("fail", "ethnicity: White")
    assert result.against == "ethnicity: Asian"
    assert (result.low, result.value, result.high) == pytest.approx((1 / 2.62, 1 / 2.25, 1 / 1.97))
    assert "at worst in ethnicity: White against Asian" in result.explanation
    assert "2 levels judged" in result.explanation
    worse = judge(text, row("White", 1.0), better, row("Black", 0.3))
    assert (worse.group, worse.against) == ("ethnicity: Black", "")
    wide = {**row("Asian", 1.3), "low": 0.9, "high": 2.0}
    open_ = judge(text, row("White", 1.0), wide)
    assert (open_.verdict, open_.undecided) == ("not_enough_evidence", ("Asian",))


def test_wrong_listing_of_the_reference_is_held_to_the_same_limit():
    def of(low, value, high):
        own = row("Asian", value, metric="false_positive_rate_ratio")
        return judge("false_positive_rate_ratio(ethnicity, at=0.05) <= 1.25",
                     {**own, "low": low, "high": high})  # fmt: skip

    assert of(0.9, 1.0, 1.1).verdict == "pass"
    assert (of(0.4, 0.5, 0.6).verdict, of(0.4, 0.5, 0.6).group) == ("fail", "ethnicity: White")
    # Nobody wrongly listed in some resample: how much worse off the reference is has no end.
    endless = of(0.0, 0.7, 1.2)
    assert (endless.verdict, endless.as_dict()["high"]) == ("not_enough_evidence", None)


def test_a_range_and_a_difference_say_both_of_their_ends_themselves():
    high = {**row("Asian", 1.9), "low": 1.8, "high": 1.95}
    assert judge("sensitivity_ratio(ethnicity, at=0.05) in [0.5, 2]", high).passed
    assert not judge("sensitivity_ratio(ethnicity, at=0.05) in [0.8, 1.25]", high).passed
    apart = {**row("Asian", 0.5, metric="sensitivity_difference")}
    assert judge("sensitivity_difference(ethnicity, at=0.05) >= -0.1", apart).passed


@given(st.floats(0.05, 20.0), st.floats(1.01, 5.0), st.sampled_from([0.5, 0.65, 0.8]))
def test_which_of_two_groups_is_the_reference_changes_no_verdict(value, spread, limit):
    text = f"sensitivity_ratio(ethnicity, at=0.05) >= {limit}"
    one = {**row("Asian", value), "low": value / spread, "high": value * spread}
    other = {**one, "value": 1 / value, "low": 1 / one["high"], "high": 1 / one["low"]}
    verdicts_ = [judge(text, each).verdict for each in (one, other)]
    # Turning over twice may move a number by its last digit, so a limit is not met exactly.
    edges = [abs(x - y) < 1e-9 for x in one.values() if isinstance(x, float)
             for y in (limit, 1 / limit)]  # fmt: skip
    assert verdicts_[0] == verdicts_[1] or any(edges)


def test_an_upper_limit_looks_at_the_largest_level():
    levels = (("White", 0.05), ("Asian", 0.35))
    rows = [row(x, v, metric="false_positive_rate") for x, v in levels]
    result = judge("false_positive_rate(ethnicity, at=0.05) <= 0.2", *rows)
    assert (result.group, result.passed) == ("ethnicity: Asian", False)


def test_a_range_looks_at_the_level_farthest_outside_it():
    levels = (("White", 1.0), ("Asian", 1.3), ("Black", 0.85))
    rows = [row(x, v, metric="calibration_slope", at=None) for x, v in levels]
    result = judge("calibration_slope(ethnicity) in [0.9, 1.1]", *rows)
    assert result.group == "ethnicity: Asian"


def test_when_only_the_reference_can_be_judged_nothing_was_shown():
    result = judge(
        "sensitivity_ratio(ethnicity, at=0.05) >= 0.8",
        row("White", 1.0),
        row("Asian", 0.9, verdict="not_enough_evidence"),
    )
    assert (result.verdict, result.passed) == ("not_enough_evidence", False)


def test_a_group_that_was_not_audited_is_said_to_be_missing():
    result = judge("sensitivity_ratio(sex, at=0.05) >= 0.8", row("White", 1.0))
    assert (result.code, result.verdict) == ("RS323", "not_enough_evidence")


def test_a_gate_names_an_attribute_of_a_source_by_its_last_part():
    rows = [
        {**row(level, value), "group": "census.ethnicity"}
        for level, value in (("White", 1.0), ("Black", 0.7))
    ]
    result = judge("sensitivity_ratio(ethnicity, at=0.05) >= 0.8", *rows)
    assert (result.verdict, result.value) == ("fail", 0.7)


@pytest.mark.parametrize("text", ["sensitivity >= 0.5", "auroc_ratio >= 0.8"])
def test_a_gate_that_leaves_out_what_it_needs_is_refused(text):
    with pytest.raises(StudyError):
        judge(text)


def test_the_gates_of_a_study_file_are_read():
    spec = AuditSpec.model_validate({"gates": ["sensitivity_ratio(ethnicity, at=0.05) >= 0.8"]})
    [gate] = spec.gates
    assert (gate.metric, gate.group, gate.at, gate.limit) == (
        "sensitivity_ratio",
        "ethnicity",
        0.05,
        0.8,
    )


def test_a_measurement_may_say_that_it_decides_nothing():
    why = "1,100 people are too few to judge by; 5,000 are needed."
    extra = {"membership_inference_auc": {"value": 0.51, "low": 0.5, "high": 0.52, "n": 1100}}
    assert judge("membership_inference_auc <= 0.53", extra=extra).passed
    extra["membership_inference_auc"]["too_few"] = why
    result = judge("membership_inference_auc <= 0.53", extra=extra)
    assert (result.verdict, result.value, result.n) == ("not_enough_evidence", 0.51, 1100)
    assert result.explanation == f"membership inference auc decides nothing: {why}"


def test_a_gate_tells_how_many_had_the_outcome_behind_it():
    [overall] = evaluate_gates(
        [Gate.model_validate("auroc >= 0.65")],
        {**METRICS, "outcomes": 77},
        pa.Table.from_pylist([], schema=SCHEMA),
    )
    assert overall.positives == overall.as_dict()["positives"] == 77
    assert judge("sensitivity_ratio(ethnicity, at=0.05) >= 0.8", row("Asian", 0.5)).positives == 30
    [found] = from_gates([judge("sensitivity_ratio(ethnicity, at=0.05) >= 0.9", row("Asian", 0.5))])
    assert (found.positives, found.n) == (30, 30)
