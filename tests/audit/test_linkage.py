"""What linkage error could hide from a study: how it is told, bounded and found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit import linkage_checks as checks
from riskstrat.audit.codes import AUDIT_CODES
from riskstrat.audit.linkage import (
    Told,
    capacity_bounds,
    group_bounds,
    hidden_outcomes,
    sure_people,
    told_of,
)
from riskstrat.audit.linkage_error import Judged, linked_bounds
from riskstrat.audit.spec import Gate
from riskstrat.release.disclosure import policy_named, protect_text
from riskstrat.statistics import Estimate, wilson_interval
from riskstrat.vocabulary import Severity

SHARE = st.floats(0.5, 1.0)


def rate(measure, value, low=None, high=None, *, basis="truth", n=1000, **where):
    named = {"agency": "hospitals", "group": "all", "level": "all"} | where
    limits = {"value": value, "low": low, "high": high}
    return {"measure": measure, "basis": basis, "n": n} | named | limits


def both(recall, precision=1.0, **where):
    return [rate("recall", recall, **where), rate("precision", precision, **where)]


def estimate(value, half=0.05, n=500):
    return {"value": value, "low": value - half, "high": value + half, "n": n}


MEASURED = {
    "n": 1000,
    "outcomes": 100,
    "at_capacity": [
        {"share": 0.05, "selected": 50, "ppv": estimate(0.6, n=50), "sensitivity": estimate(0.3)}
    ],
}
SURE = Told("hospitals", "truth", Estimate(1, 1, 1, 900), Estimate(1, 1, 1, 900))
POOR = Told("hospitals", "truth", Estimate(0.98, 0.96, 0.99, 900), Estimate(0.8, 0.7, 0.9, 900))


# -- what is told --------------------------------------------------------------------------------


def test_what_was_measured_comes_before_what_is_estimated():
    rates = both(0.99, basis="estimated") + both(0.95)
    assert told_of(rates, "hospitals").recall.value == 0.95
    found = told_of(both(0.99, basis="estimated"), "hospitals")
    assert (found.basis, found.recall.value) == ("estimated", 0.99)


def test_nothing_is_told_where_either_is_missing_or_another_agency_is_meant():
    assert told_of([rate("recall", 0.9)], "hospitals") is None
    assert told_of([rate("recall", 0.9), rate("precision", None)], "hospitals") is None
    assert told_of(both(0.9), "schools") is None
    assert told_of(both(0.9), "hospitals", "sex", "female") is None


def test_limits_that_are_not_known_are_the_value_itself():
    found = told_of(both(0.9), "hospitals")
    assert (found.recall.low, found.recall.high) == (0.9, 0.9)


# -- bounds --------------------------------------------------------------------------------------


def test_outcomes_are_missed_as_recall_says_and_false_as_precision_says():
    found = hidden_outcomes(100, POOR)
    assert found["missed"]["value"] == pytest.approx(98 * (1 / 0.8 - 1))
    assert found["missed"]["low"] == pytest.approx(98 * (1 / 0.9 - 1))
    assert found["missed"]["high"] == pytest.approx(98 * (1 / 0.7 - 1))
    limits = [found["false"][name] for name in ("value", "low", "high")]
    assert limits == pytest.approx([2, 1, 4])


def test_sure_links_hide_nothing():
    for row in capacity_bounds(MEASURED, SURE):
        assert row["low"] == pytest.approx(row["value"]) == pytest.approx(row["high"])
    missed = hidden_outcomes(100, SURE)["missed"]
    assert [missed[name] for name in ("value", "low", "high")] == [0, 0, 0]


def test_bounds_are_those_of_the_counts_behind_the_metrics():
    [ppv, reached] = capacity_bounds(MEASURED, POOR)
    seen = Judged(1000, 50, 30, 100)
    corners = [linked_bounds(seen, recall=r, precision=p) for r in (0.7, 0.9) for p in (0.96, 0.99)]
    assert (ppv["metric"], ppv["at"], ppv["value"]) == ("ppv", 0.05, pytest.approx(0.6))
    assert ppv["low"] == pytest.approx(min(each.ppv.low for each in corners))
    assert reached["low"] == pytest.approx(min(each.sensitivity.low for each in corners))
    assert reached["high"] >= max(each.sensitivity.high for each in corners) - 1e-9
    assert (reached["chance_low"], reached["n"]) == (0.25, 500)


@given(recall=SHARE, precision=SHARE)
def test_the_value_seen_lies_within_its_bounds(recall, precision):
    told = Told(
        "h", "truth", Estimate(precision, precision, 1.0, 9), Estimate(recall, recall, 1.0, 9)
    )
    for row in capacity_bounds(MEASURED, told):
        assert row["low"] <= row["value"] <= row["high"]


def test_a_capacity_that_could_not_be_measured_has_no_bounds():
    none = {"value": None, "low": None, "high": None, "n": 0}
    at = MEASURED["at_capacity"][0] | {"ppv": none}
    assert capacity_bounds(MEASURED | {"at_capacity": [at]}, POOR) == []


def fair(level, metric="sensitivity", value=0.3, n=50, **more):
    row = {"group": "demographics.ethnicity", "level": level, "metric": metric, "at": "0.05"}
    row |= {"value": value, "low": value - 0.1, "high": value + 0.1, "n": n, "verdict": "ok"}
    return row | {"positives": 50, "selected": 40.0} | more


def test_each_level_is_bounded_by_its_own_links():
    fairness = [row for level in ("white", "black") for row in (
        fair(level), fair(level, "selection_rate", 0.1, 400)
    )]  # fmt: skip
    rates = [
        *both(0.99),
        *both(0.99, group="ethnicity", level="white"),
        *both(0.8, group="ethnicity", level="black"),
        *both(0.5, group="ethnicity", level="asian"),
    ]
    told = told_of(rates, "hospitals")
    white, black = group_bounds(fairness, rates, told, "0.05")
    assert (white["level"], black["level"]) == ("white", "black")
    assert white["high"] - white["low"] < black["high"] - black["low"]
    expected = linked_bounds(Judged(400, 40, 15, 50), recall=0.8).sensitivity
    assert (black["low"], black["high"]) == pytest.approx((expected.low, expected.high))
    assert black["recall"]["value"] == 0.8
    assert group_bounds(fairness, rates, told, "0.2") == []


def test_a_level_is_not_bounded_by_another_kind_of_evidence():
    rates = [*both(0.99), *both(0.8, basis="estimated", group="ethnicity", level="black")]
    fairness = [fair("black"), fair("black", "selection_rate", 0.1, 400)]
    assert group_bounds(fairness, rates, told_of(rates, "hospitals"), "0.05") == []
    few = [fair("black", verdict="not_enough_evidence")]
    assert group_bounds(few, both(0.8, group="ethnicity", level="black"), POOR, "0.05") == []


# -- by the study's own groups -------------------------------------------------------------------


def test_a_person_counts_once_in_a_level():
    found = list(
        sure_people(
            [True, False, False, False],
            ["ann", "bob", "bob", "cat"],
            {"sex": ["f", "m", "m", "not recorded"]},
        )
    )
    shares = {(row["group"], row["level"]): (row["value"], row["n"]) for row in found}
    assert shares["all", "all"] == (wilson_interval(2, 3).value, 3)
    assert shares["sex", "f"] == (0.0, 1)
    assert shares["sex", "m"] == (1.0, 1)
    assert shares["sex", "not recorded"] == (1.0, 1)


# -- findings ------------------------------------------------------------------------------------


def test_what_was_missed_is_told_as_a_share_and_counted_in_words():
    [found] = checks.check_hidden(POOR, hidden_outcomes(100, POOR))
    assert (found.code, found.severity) == ("RS330", Severity.INFO)
    assert found.value == pytest.approx(0.245)
    assert "about 24 of 100 outcomes are known to be missed" in found.message
    protected = protect_text(found.message, policy_named("strict"))
    assert "at least 10 outcomes and at most 40 outcomes" in protected
    few = checks.check_hidden(POOR, hidden_outcomes(20, POOR))
    protected = protect_text(next(few).message, policy_named("strict"))
    assert "at least fewer than 10 outcomes and at most fewer than 10 outcomes" in protected
    estimated = Told("h", "estimated", POOR.precision, POOR.recall)
    [found] = checks.check_hidden(estimated, hidden_outcomes(100, estimated))
    assert "are estimated missed" in found.message


def bounds(value=0.3, low=0.28, high=0.32, chance=0.05, metric="sensitivity"):
    row = {"at": 0.05, "metric": metric, "value": value, "low": low, "high": high, "n": 500}
    return row | {"chance_low": value - chance, "chance_high": value + chance}


@pytest.mark.parametrize(
    ("row", "gate", "severity", "words"),
    [
        (bounds(), "sensitivity(at=0.05) >= 0.2", Severity.INFO, "between 28.0% and 32.0%"),
        (bounds(), "sensitivity(at=0.05) >= 0.29", Severity.WARNING, "would turn the gate"),
        (bounds(), "ppv(at=0.05) >= 0.29", Severity.INFO, "between"),
        (bounds(), "sensitivity(at=0.2) >= 0.29", Severity.INFO, "between"),
        (bounds(), "sensitivity(at=0.05).low >= 0.2", Severity.INFO, "between"),
        (bounds(low=0.2), "auroc >= 0.5", Severity.WARNING, "more than chance alone"),
        (bounds(high=0.4), "auroc >= 0.5", Severity.WARNING, "more than chance alone"),
    ],
)
def test_a_bound_is_a_warning_where_it_could_change_the_verdict(row, gate, severity, words):
    gates = [Gate.model_validate(gate)]
    [found] = checks.check_bounds(POOR, [row], gates)
    assert (found.code, found.severity) == ("RS331", severity)
    assert words in found.message


def level(name, low, high, n=1000, measure="recall", **where):
    value = (low + high) / 2
    return rate(measure, value, low, high, n=n, group="ethnicity", level=name, **where)


def test_a_group_whose_interval_lies_below_that_of_the_largest_is_named():
    rates = [level("white", 0.98, 0.99, n=5000), level("black", 0.9, 0.97), level("asian", 0.96, 1)]
    [found] = checks.check_link_groups(rates, "hospitals")
    assert (found.code, found.severity, found.group) == (
        "RS332", Severity.WARNING, "ethnicity: black"
    )  # fmt: skip
    assert "find the right person in 93.5%" in found.message
    assert found.n == 1000


def test_a_gap_of_less_than_one_in_a_hundred_is_told_without_alarm():
    rates = [level("white", 0.998, 0.999, n=90_000), level("black", 0.994, 0.997, n=9_000)]
    [found] = checks.check_link_groups(rates, "hospitals")
    assert found.severity is Severity.INFO


def test_a_group_is_named_once_by_what_is_known_best():
    rates = [
        level("white", 0.98, 0.99, n=5000), level("black", 0.9, 0.97),
        level("white", 0.98, 0.99, n=5000, measure="on_register", basis="counted"),
        level("black", 0.9, 0.97, measure="on_register", basis="counted"),
    ]  # fmt: skip
    assert len(list(checks.check_link_groups(rates, "hospitals"))) == 1
    assert len(list(checks.check_link_groups(rates[2:], "hospitals"))) == 1


def test_what_the_weights_say_of_themselves_accuses_nobody():
    rates = [level("white", 0.98, 0.99, n=5000, basis="estimated"), level("black", 0.5, 0.6, basis="estimated")]  # fmt: skip  # noqa: E501
    assert list(checks.check_link_groups(rates, "hospitals")) == []


def again(auroc=0.75, reached=0.3):
    metrics = {name: estimate(1.0) for name in checks.AGAIN} | {"auroc": estimate(auroc, 0.01)}
    at = {"share": 0.05, "ppv": estimate(0.6), "sensitivity": estimate(reached)}
    return metrics | {"at_capacity": [at]}


def test_a_result_that_sure_links_do_not_bear_is_a_warning():
    [same] = checks.check_again({"before": again(), "after": again(0.755)})
    assert (same.code, same.severity, same.value) == ("RS333", Severity.INFO, 0.755)
    worse = list(checks.check_again({"before": again(), "after": again(0.7, 0.15)}))
    assert [each.severity for each in worse] == [Severity.WARNING] * 2
    assert "outcomes reached in the top 5% on sure links only" in worse[1].message


def test_a_second_look_that_could_not_be_made_is_said():
    [found] = checks.check_again({"refused": "RS1003"})
    assert (found.severity, "[RS1003]" in found.message) == (Severity.WARNING, True)
    assert list(checks.check_again({})) == []


def test_every_finding_has_its_page():
    assert {f"RS33{n}" for n in range(4)} <= AUDIT_CODES.keys()
