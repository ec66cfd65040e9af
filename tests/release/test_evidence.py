"""What a run measured, as a report may show it: nothing small, nothing that gives it back."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.release.disclosure import protect_text
from riskstrat.release.evidence import (
    calibration_rows,
    calibration_table,
    capacity_table,
    curve_table,
    decision_rows,
    enough_in_a_bin,
    fairness_table,
    gains_rows,
    performance_table,
)
from riskstrat.release.policies import policy_named
from riskstrat.release.report_tables import (
    findings_table,
    flow_table,
    folds_table,
    gates_table,
    histogram_table,
    outcome_table,
    sources_table,
)
from riskstrat.statistics import calibration_curve, wilson_interval
from riskstrat.statistics.estimate import Estimate
from riskstrat.vocabulary import Finding, Severity

STRICT, NONE = policy_named("strict"), policy_named("none")


def records(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def number(value, n):
    return {"value": value, "low": value / 2, "high": value * 1.5, "n": n}


def at(share, selected, ppv):
    return {
        "share": share, "selected": selected, "threshold": 0.4, "ppv": number(ppv, selected),
        "lift": number(ppv / 0.1, 4000), "number_needed_to_review": number(1 / ppv, 4000),
    }  # fmt: skip


def test_metrics_are_read_as_they_stand():
    metrics = {"test": {"lightgbm": {"auroc": number(0.7865, 4_003), "at_capacity": []}}}
    [row] = records(performance_table(metrics, STRICT))
    assert (row["metric"], row["value"], row["n"], row["status"]) == (
        "auroc",
        0.786,
        4_005,
        "shown",
    )


def test_what_a_withheld_rate_could_be_worked_out_from_is_withheld_too():
    metrics = {"test": {"lightgbm": {"at_capacity": [at(0.005, 20, 0.25), at(0.05, 200, 0.25)]}}}
    rows = records(capacity_table(metrics, STRICT))
    status = {(row["share"], row["metric"]): row["status"] for row in rows}
    assert {s for (share, _), s in status.items() if share == 0.005} == {"withheld"}
    assert {s for (share, _), s in status.items() if share == 0.05} == {"shown"}


def level(name, n, positives, value, metric="sensitivity", **more):
    return {
        "group": "ethnicity", "level": name, "metric": metric, "at": "0.05", **number(value, n),
        "people": positives * 10, "positives": positives, "verdict": "ok", **more,
    }  # fmt: skip


def test_a_ratio_never_gives_back_a_withheld_level():
    rows = [
        level("White", 500, 500, 0.3),
        level("Roma", 20, 20, 0.1),
        level("White", 500, 500, 0.33, "sensitivity_ratio", reference="Roma"),
        level("Roma", 20, 20, 0.33, "sensitivity_ratio", reference="White"),
        level("Asian", 300, 300, 0.2),
        level("Mixed", 60, 60, 0.1),
    ]
    assert [row["status"] for row in records(fairness_table(rows, STRICT))] == [
        "shown", "withheld", "withheld", "withheld", "shown", "withheld"
    ]  # fmt: skip


def test_of_two_levels_both_are_withheld_or_none():
    small, large, nobody = level("a", 60, 60, 0.1), level("b", 500, 500, 0.3), level("c", 0, 0, 0.0)
    for rows in ([small, large], [large, small, nobody]):
        assert {row["status"] for row in records(fairness_table(rows, STRICT))} == {"withheld"}
    both = [level("a", 400, 400, 0.1), large]
    assert {row["status"] for row in records(fairness_table(both, STRICT))} == {"shown"}


def test_of_two_cells_on_a_line_of_an_intersection_both_are_withheld_or_none():
    names = ("female + a", "male + a", "female + b", "male + b", "female + c", "male + c")
    rows = [level(name, 500, 500, 0.3) for name in names]
    rows[0] = level(names[0], 60, 60, 0.1)  # of the women and men of `a` both go
    shown = {row["level"]: row["status"] for row in records(fairness_table(rows, STRICT))}
    assert {name for name, status in shown.items() if status == "withheld"} == set(names[:2])


def on_dates(name, *, each, people, had, value, metric, rows):
    """A level of which everybody has ``each`` rows, and ``had`` people the outcome on each."""
    return level(
        name, rows, each * had, value, metric, at=None if metric == "prevalence" else "0.05",
        people=people, with_outcome=had, without_outcome=people - had, rows_each=each,
    )  # fmt: skip


def test_twelve_rows_of_three_people_are_three_people_and_withheld():
    few = {"each": 4, "people": 120, "had": 3}
    rows = [
        on_dates("few", **few, metric="sensitivity", value=1.0, rows=12),
        on_dates("few", **few, metric="prevalence", value=12 / 480, rows=480),
        on_dates("few", **few, metric="brier", value=0.1, rows=480),
        on_dates("many", each=4, people=120, had=60, metric="prevalence", value=0.5, rows=480),
        on_dates("more", each=4, people=120, had=60, metric="prevalence", value=0.5, rows=480),
    ]
    shown = records(fairness_table(rows, STRICT))
    assert [row["status"] for row in shown] == ["withheld"] * 3 + ["shown"] * 2
    assert (shown[0]["n"], shown[0]["positives"]) == (None, None)
    assert shown[3]["positives"] == 60  # people with the outcome, not their 240 rows


@pytest.mark.parametrize(("each", "status"), [(1, "shown"), (4, "withheld")])
def test_rows_that_a_list_took_may_be_of_few_people(each, status):
    found = on_dates("a", each=each, people=900, had=100, metric="ppv", value=0.5, rows=30)
    assert records(fairness_table([found], STRICT))[0]["status"] == status
    learner = {"at_capacity": [at(0.05, 30, 0.5)], "rows_each": each}
    [first, *_] = records(capacity_table({"test": {"lightgbm": learner}}, STRICT))
    assert first["status"] == status


def test_a_capacity_may_be_text_and_another_cut_keeps_its_name():
    rows = [level("White", 500, 500, 0.3), level("White", 500, 500, 0.3, at="score >= 5")]
    assert [row["at"] for row in records(fairness_table(rows, STRICT))] == [0.05, "score >= 5"]


def test_an_empty_level_stays_listed():
    rows = [level("Roma", 0, 0, float("nan"))]
    assert records(fairness_table(rows, STRICT))[0]["status"] == "withheld"
    assert records(fairness_table(rows, NONE))[0]["status"] == "not estimable"


def gate(**more):
    return {
        "code": "RS322", "text": "sensitivity_ratio(ethnicity, at=0.05) >= 0.8",
        "name": "sensitivity_ratio", "group": "ethnicity: Roma", "at": 0.05, **number(0.33, 20),
        "threshold": ">= 0.8", "verdict": "fail", 
        "explanation": "6 of 20 people are reached", **more,
    }  # fmt: skip


def test_a_gate_says_no_more_than_the_table_of_groups():
    fairness = fairness_table(
        [level("Roma", 20, 20, 0.1), level("Roma", 20, 20, 0.33, "sensitivity_ratio")], STRICT
    )
    [row] = records(gates_table([gate()], STRICT, fairness=fairness))
    assert (row["value"], row["status"], row["explanation"]) == (None, "withheld", "")
    assert row["verdict"] == "fail"


def test_a_gate_keeps_its_sentence_with_protected_counts():
    [row] = records(gates_table([gate(n=1_203)], STRICT))
    assert row["explanation"] == "fewer than 10 of 20 people are reached"
    assert row["metric"] == "sensitivity_ratio" and row["n"] == 1_205


def test_a_gate_that_was_not_measured_is_not_estimable():
    missing = {"value": None, "low": None, "high": None, "n": 0}
    [row] = records(gates_table([gate(**missing, verdict="not_enough_evidence")], STRICT))
    assert row["status"] == "not estimable"


def test_findings_hold_no_small_count():
    found = [
        Finding("RS1", "late", Severity.INFO, "police", "7 rows of 4,512 rows came late", n=7),
        Finding("RS2", "thin", Severity.INFO, "audit", "0.3 at Roma", group="ethnicity: Roma"),
    ]
    fairness = fairness_table([level("Roma", 20, 20, 0.1)], STRICT)
    first, second = records(findings_table(found, STRICT, fairness=fairness))
    assert first["message"] == "fewer than 10 rows of 4,510 rows came late" and first["n"] is None
    assert second["message"] == "ethnicity: Roma: too few people behind it to say more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3 people", "fewer than 10 people"),
        ("1 of the 1,234 accepted rows", "fewer than 10 of the 1,235 accepted rows"),
        ("in 365 days, 0.35 of 12 months", "in 365 days, 0.35 of 12 months"),
        ("RS101: 2024-04-01", "RS101: 2024-04-01"),
        ("5% of rows", "5% of rows"),
        (
            "3 of 15,435 rows (0.0194%, 0.1% tolerated) are dated",
            "fewer than 10 of 15,435 rows (0.1% tolerated) are dated",
        ),
        ("1,206 of 117,078 rows (1.03%) repeat", "1,205 of 117,080 rows repeat"),
        ("0.02% of 15,435 rows have no value", "fewer than 10 of 15,435 rows have no value"),
        ("99.99% of 15,435 rows have no value", "almost all of 15,435 rows have no value"),
        ("71.1% of 15,428 rows have no value", "71.1% of 15,430 rows have no value"),
    ],
)
def test_counts_in_a_sentence_are_protected_and_nothing_else(text, shown):
    assert protect_text(text, STRICT) == shown


@given(st.integers(min_value=0, max_value=9))
def test_no_small_count_of_people_survives_in_a_sentence(n):
    assert str(n) not in protect_text(f"found {n} people", STRICT).replace("fewer than 10", "")


def test_calibration_bins_are_merged_until_each_side_is_large_enough():
    bins = [
        {"learner": "m", "predicted": p, "observed": o, "low": 0, "high": 1, "n": n}
        for p, o, n in ((0.01, 0.01, 300), (0.03, 0.03, 400), (0.2, 0.2, 100), (0.9, 0.9, 20))
    ]
    rows = records(calibration_table(bins, STRICT))
    assert [row["n"] for row in rows] == [700, 120]
    assert all(row["status"] == "shown" for row in rows)
    assert "positives" not in rows[0]


def test_calibration_that_cannot_be_merged_is_withheld():
    [row] = records(
        calibration_table([{"learner": "m", "predicted": 0.1, "observed": 0.1, "n": 30}], STRICT)
    )
    assert row["status"] == "withheld" and row["observed"] is None


def test_a_curve_is_thinned_and_its_small_points_withheld():
    points = [
        SimpleNamespace(share=i / 200, sensitivity=Estimate(i / 200, 0, 1, 500),
                        ppv=Estimate(0.5, 0.4, 0.6, i))
        for i in range(1, 201)
    ]  # fmt: skip
    table = curve_table(
        "G", gains_rows("m", points), STRICT, values=("share", "sensitivity", "ppv")
    )
    rows = records(table)
    assert len(rows) <= 60
    assert rows[0]["status"] == "withheld" and rows[-1]["status"] == "shown"


def test_a_decision_curve_is_set_against_everybody_and_nobody():
    one = Estimate(0.05, 0.04, 0.06, 4_000)
    points = [SimpleNamespace(threshold=0.1, model=one, treat_all=one, treat_none=0.0)]
    rows = decision_rows("m", points)
    assert [row["learner"] for row in rows] == ["m", "everybody", "nobody"]
    curve_table("D", rows, STRICT, values=("probability_threshold", "net_benefit"))


def test_stages_tell_their_rows_in_their_own_words():
    [flow] = records(
        flow_table([{"as_of": None, "step": "all", "left": 812, "removed": 3}], STRICT)
    )
    assert flow == {"as_of": None, "step": "all", "n": 810}
    told = {"fold": "test", "role": "test", "as_of_from": "2022-04-01", "as_of_to": "2023-04-01",
            "n": 812, "outcomes": 4, "label_window_end": "2024-03-31"}  # fmt: skip
    [fold] = records(folds_table([told], STRICT))
    assert (fold["as_of"], fold["window_ends"], fold["positives"]) == (
        "2023-04-01", "2024-03-31", None
    )  # fmt: skip
    [outcome] = records(
        outcome_table([{"as_of": "2023-04-01", "n": 812, "yes": 101, "no": 700,
                        "not_yet_known": 11}], STRICT)
    )  # fmt: skip
    assert (outcome["known"], outcome["rate"]) == (800, 0.125)
    [source] = records(sources_table([{"source": "s", "agency": "a", "rows_in": 13, "accepted": 13,
                                       "rejected": 0, "findings": 0}], STRICT))  # fmt: skip
    assert (source["rows_in"], source["rejected"], source["findings"]) == (15, None, 0)
    [bar] = records(histogram_table([{"band": "low", "low": 0, "high": 1, "n": 4}], STRICT))
    assert bar == {"band": "low", "low": 0.0, "high": 1.0, "n": None}


def test_bins_are_joined_before_their_intervals_are_made_and_these_are_of_people():
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(300), 4)
    chance = rng.beta(1, 12, 300)
    y = (rng.random(300) < chance)[person]
    curve = calibration_curve(
        y, chance[person], 10, clusters=person, replicates=200, rng=rng,
        enough=enough_in_a_bin(STRICT),
    )  # fmt: skip
    rows = records(calibration_table(calibration_rows("m", curve), STRICT))
    assert len(rows) == len(curve) < 10
    for row, one in zip(rows, curve, strict=True):
        shown = (row["low"], row["high"])
        assert shown == pytest.approx((one.observed.low, one.observed.high), abs=0.006)
    by_row = [wilson_interval(one.positives, one.observed.n) for one in curve]
    width = [sum(e.high - e.low for e in each) for each in ([b.observed for b in curve], by_row)]
    assert width[0] > 1.3 * width[1]


def possible_rest(whole, parts, policy):
    """What a reader can tell of the one part that is hidden, from the whole and the others."""
    low, high = policy.behind(whole)
    for part in parts:
        least, most = policy.behind(part)
        low, high = low - most, high - least
    return {count for count in range(policy.least, policy.threshold) if low <= count <= high}


@pytest.mark.parametrize(("yes", "no", "open"), [(50, 51, 7), (53, 53, 6), (97, 101, 9)])
def test_those_not_yet_known_do_not_follow_from_the_rest_of_their_row(yes, no, open):
    n = yes + no + open
    told = [{"as_of": "2024-01-01", "n": n, "yes": yes, "no": no, "not_yet_known": open}]
    outcomes = outcome_table(told, STRICT)
    [row] = records(outcomes)
    assert row["not_yet_known"] is None and row["n"] == row["yes"] + row["no"] == row["known"]
    steps = [{"as_of": "2024-01-01", "step": "all", "left": n + 3},
             {"as_of": "2024-01-01", "step": "in scope", "left": n}]  # fmt: skip
    flow = [row["n"] for row in records(flow_table(steps, STRICT, outcomes))]
    assert flow == [row["n"], row["n"]]  # three who were taken away are not counted


def test_rows_left_out_do_not_follow_from_the_rows_that_came():
    [row] = records(sources_table([{"source": "s", "agency": "a", "rows_in": 14_189,
                                    "accepted": 14_181, "rejected": 8}], STRICT))  # fmt: skip
    assert (row["rows_in"], row["accepted"], row["rejected"]) == (14_180, 14_180, None)
    before = possible_rest(STRICT.rounded(14_189), [STRICT.rounded(14_181)], STRICT)
    assert len(before) < 10  # as it was: whole and part, each rounded from the true count


def test_a_flow_counts_only_steps_that_took_enough_away():
    steps = [("all", 1203), ("registered", 1200), ("of age", 900), ("outcome known", 850),
             ("no objection", 897)]  # fmt: skip
    rows = [{"as_of": None, "step": step, "left": left} for step, left in steps]
    assert [row["n"] for row in records(flow_table(rows, STRICT))] == [1195, 1195, 895, 850, 895]
    exact = [row["n"] for row in records(flow_table(rows, NONE))]
    assert exact == [left for _, left in steps]


def bars(band, counts):
    return [{"band": band, "low": place / 10, "high": (place + 1) / 10, "n": n}
            for place, n in enumerate(counts)]  # fmt: skip


def test_an_interval_that_is_empty_looks_like_one_of_a_few():
    rows = [*bars("rest", [300, 40, 3, 0, 0, 0, 0, 0, 0, 0]),
            *bars("high", [0, 0, 5, 30, 0, 2, 12, 0, 1, 0])]  # fmt: skip
    shown = records(histogram_table(rows, STRICT))
    high = {row["low"]: row["n"] for row in shown if row["band"] == "high"}
    assert set(high) == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
    assert {low for low, n in high.items() if n} <= {0.3, 0.6}
    zeros = records(histogram_table(rows, policy_named("hes")))
    assert 0 in [row["n"] for row in zeros]  # where zeros may be shown they are


def test_the_one_interval_of_a_few_does_not_follow_from_its_band():
    rows = bars("rest", [302, 9])
    shown = records(histogram_table(rows, STRICT))
    assert sum(row["n"] is None for row in shown) >= 2
    assert all(row["n"] is not None for row in records(histogram_table(rows, NONE)))
