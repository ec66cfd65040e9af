"""Fairness by group: Fairlearn's values, our intervals, and a published audit reproduced."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit.fairness import capacity_cuts, fairness
from riskstrat.audit.gates import evaluate_gates
from riskstrat.audit.people import count_people
from riskstrat.audit.rates import rates_by_level, selection
from riskstrat.audit.spec import AuditSpec, Gate
from riskstrat.audit.tradeoffs import tradeoffs
from riskstrat.errors import StudyError
from riskstrat.statistics.cuts import Cut
from riskstrat.statistics.groups import evaluate_groups

SHARED = Path(os.environ.get("RISKSTRAT_SHARED_DATA", Path(__file__).parents[2] / "../shared/data"))
COMPAS = SHARED / "compas" / "compas_scores_two_years.parquet"
DAY = date(2024, 4, 1)


def predictions(outcome, score, risk=None):
    n = len(score)
    return pa.table(
        {
            "unit_id": [f"u{i}" for i in range(n)],
            "as_of": pa.array([DAY] * n, pa.date32()),
            "outcome": pa.array(outcome, pa.bool_()),
            "risk": pa.array(score if risk is None else risk, pa.float64()),
            "raw_score": pa.array(score, pa.float64()),
        }
    )


def groups_of(**columns):
    n = len(next(iter(columns.values())))
    keys = {"unit_id": [f"u{i}" for i in range(n)], "as_of": pa.array([DAY] * n, pa.date32())}
    return pa.table(keys | {name: pa.array(list(values)) for name, values in columns.items()})


def county(n=1500, seed=3):
    rng = np.random.default_rng(seed)
    risk = rng.beta(1, 6, n)
    return rng.random(n) < risk, risk, rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])


def cell(table, group, level, metric, at=None):
    rows = [
        row
        for row in table.to_pylist()
        if (row["group"], row["level"], row["metric"], row["at"]) == (group, level, metric, at)
    ]
    assert len(rows) == 1
    return rows[0]


needs_compas = pytest.mark.skipif(
    not COMPAS.exists(),
    reason="the public COMPAS file is not here (set RISKSTRAT_SHARED_DATA to its folder)",
)


@needs_compas
def test_the_published_error_rates_of_compas_by_race_come_out_of_the_audit():
    # Larson et al. (2016), "How We Analyzed the COMPAS Recidivism Algorithm"
    found = pq.read_table(COMPAS, columns=["race", "decile_score", "score_text", "two_year_recid"])
    score = found["decile_score"].to_numpy().astype(float)
    positive = np.array([text != "Low" for text in found["score_text"].to_pylist()])
    assert ((score >= 5) == positive).all()
    table = fairness(
        predictions(found["two_year_recid"].to_numpy().astype(bool), score),
        groups_of(race=found["race"].to_pylist()),
        AuditSpec(groups=("race",), references={"race": "Caucasian"}, capacity=(0.2,)),
        cuts=capacity_cuts((0.2,), positive_at=5),
        replicates=200,
        seed=1,
    )

    def percent(level, metric):
        row = cell(table, "race", level, metric, "score >= 5")
        assert row["low"] < row["value"] < row["high"]
        return round(100 * row["value"], 2)

    assert percent("African-American", "false_positive_rate") == 44.85
    assert percent("Caucasian", "false_positive_rate") == 23.45
    assert percent("African-American", "false_negative_rate") == 27.99
    assert percent("Caucasian", "false_negative_rate") == 47.72
    whole = cell(table, "everyone", "everyone", "false_positive_rate", "score >= 5")
    assert round(100 * whole["value"], 2) == 32.35
    assert round(cell(table, "race", "African-American", "auroc")["value"], 3) == 0.692
    assert round(cell(table, "race", "Caucasian", "auroc")["value"], 3) == 0.693


@needs_compas
def test_compas_is_as_right_in_both_groups_and_wrong_in_opposite_ways():
    """Calibration within groups and error rates disagree, and the audit says why."""
    found = pq.read_table(COMPAS, columns=["race", "decile_score", "two_year_recid"])
    score = found["decile_score"].to_numpy().astype(float)
    y = found["two_year_recid"].to_numpy().astype(bool)
    # The risk that each of the ten scores stood for, over everybody.
    rate = np.array([y[score == step].mean() for step in range(1, 11)])
    spec = AuditSpec(groups=("race",), references={"race": "Caucasian"}, capacity=(0.45,))
    rows = fairness(
        predictions(y, score, rate[score.astype(int) - 1]),
        groups_of(race=found["race"].to_pylist()),
        spec,
        cuts=capacity_cuts((0.45,), positive_at=5),
        replicates=300,
        seed=1,
    )

    def of(metric, at="score >= 5", level="African-American"):
        return cell(rows, "race", level, metric, at)

    for level in ("African-American", "Caucasian"):
        right = of("calibration_in_the_large", None, level)
        assert 0.9 < right["low"] < right["high"] < 1.1, level
    assert of("ppv_ratio")["low"] < 1.1 < of("ppv_ratio")["high"] + 0.05
    assert of("false_positive_rate_ratio")["low"] > 1.6
    assert of("false_negative_rate_ratio")["high"] < 0.7
    assert of("prevalence_difference", None)["low"] > 0.08
    why = next(
        row for row in tradeoffs(rows.to_pylist(), 0.45).to_pylist()
        if row["level"] == "African-American"
    )  # fmt: skip
    assert why["apart"]
    assert why["low"] > why["of_reference"]
    gate = "false_positive_rate_ratio(race, at=0.45) <= 1.25"
    [verdict] = evaluate_gates([Gate.model_validate(gate)], {}, rows)
    assert (verdict.verdict, verdict.group) == ("fail", "race: African-American")


def test_values_from_fairlearn_equal_those_of_our_bootstrap_even_among_ties():
    y, risk, level = county()
    coarse = np.round(risk, 1)  # hundreds of people share a score
    table = fairness(
        predictions(y, coarse), groups_of(area=level), AuditSpec(groups=("area",)), replicates=50
    )
    ours = evaluate_groups(
        y,
        coarse,
        {"area": level},
        capacity_cuts(AuditSpec().capacity),
        replicates=50,
        rng=np.random.default_rng(0),
    )
    for attribute, name, cut, metric, estimate in ours.long_rows():
        if not metric.endswith(("_ratio", "_difference")) or attribute != "everyone":
            value = cell(table, attribute, name, metric, cut)["value"]
            expected = estimate.value if estimate.estimable else None
            assert value == pytest.approx(expected, abs=1e-9), (name, cut, metric)


def test_an_untied_capacity_takes_exactly_the_people_at_the_top():
    score = np.random.default_rng(1).permutation(200).astype(float)
    taken = selection(score, Cut.top(0.1))
    assert set(taken) == {0.0, 1.0}
    assert set(np.flatnonzero(taken)) == set(np.argsort(-score)[:20])


def test_people_tied_at_the_cut_share_the_places_that_are_left():
    taken = selection(np.array([5.0, 4, 4, 4, 1]), Cut.top(0.4))
    assert taken == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    rates = rates_by_level(np.array([True, True, False, False, True]), taken, np.array(["a"] * 5))
    assert rates["sensitivity"]["a"] == pytest.approx((1 + 1 / 3) / 3)
    assert rates["ppv"]["a"] == pytest.approx((1 + 1 / 3) / 2)
    assert rates["false_positive_rate"]["a"] == pytest.approx(1 / 3)


def test_no_level_vanishes_and_a_missing_one_is_named():
    y, risk, level = county(600)
    texts = [None if i % 5 == 0 else "" if i % 7 == 0 else value for i, value in enumerate(level)]
    table = fairness(
        predictions(y, risk),
        groups_of(area=texts, decile=[float(i % 3 + 1) for i in range(600)]),
        AuditSpec(groups=("area", "decile")),
        levels={"area": ["a", "b", "c", "empty one"]},
        replicates=20,
    )
    found = {(row["group"], row["level"]) for row in table.to_pylist()}
    assert {("area", x) for x in ("a", "b", "c", "empty one", "not recorded")} <= found
    assert {("decile", x) for x in ("1", "2", "3")} <= found
    empty = cell(table, "area", "empty one", "sensitivity", "0.05")
    assert (empty["value"], empty["people"], empty["verdict"]) == (None, 0, "not_enough_evidence")


def test_a_small_level_gets_no_verdict_and_a_comparison_needs_evidence_on_both_sides():
    y, risk, level = county()
    table = fairness(
        predictions(y, risk),
        groups_of(area=level),
        AuditSpec(groups=("area",), references={"area": "c"}, min_group=200),
        replicates=20,
    )
    assert cell(table, "area", "a", "sensitivity", "0.05")["verdict"] == "ok"
    assert cell(table, "area", "c", "sensitivity", "0.05")["verdict"] == "not_enough_evidence"
    ratio = cell(table, "area", "a", "sensitivity_ratio", "0.05")
    assert (ratio["reference"], ratio["verdict"]) == ("c", "not_enough_evidence")


def test_fewer_than_ten_outcomes_are_not_enough_however_many_people():
    y, risk, level = county()
    y = y & ((level != "b") | (np.cumsum(y & (level == "b")) <= 9))
    table = fairness(predictions(y, risk), groups_of(area=level), AuditSpec(groups=("area",)))
    row = cell(table, "area", "b", "auroc")
    assert (row["positives"], row["people"] > 100, row["verdict"]) == (
        9,
        True,
        "not_enough_evidence",
    )


def test_the_same_person_on_two_dates_is_one_person_of_evidence():
    y, risk, _ = county(300)
    twice = predictions(np.r_[y, y], np.r_[risk, risk]).set_column(
        0, "unit_id", pa.array([f"u{i % 300}" for i in range(600)])
    )
    table = fairness(twice, groups_of(area=["a"] * 300), AuditSpec(groups=("area",), min_group=301))
    row = cell(table, "area", "a", "brier")
    assert (row["n"], row["people"], row["verdict"]) == (600, 300, "not_enough_evidence")


def several_dates(*, people, dates, had):
    """Everybody of level `b` on each date; the first `had` of them have the outcome each time."""
    rng = np.random.default_rng(4)
    n = 2 * people
    unit = np.tile(np.arange(n), dates)
    level = np.where(unit < people, "b", "a")
    y = np.where(unit < people, unit < had, unit % 4 == 0)
    keys = {
        "unit_id": [f"u{i}" for i in unit],
        "as_of": pa.array([date(2021 + d, 4, 1) for d in range(dates) for _ in range(n)]),
    }
    score = pa.array(rng.random(len(unit)))
    return (
        pa.table(keys | {"outcome": pa.array(y), "risk": score, "raw_score": score}),
        pa.table(keys | {"area": pa.array(level)}),
    )


def test_outcomes_of_one_person_on_several_dates_are_one_person_with_the_outcome():
    spec = AuditSpec(groups=("area",), capacity=(0.2,), min_outcomes=10)
    table = fairness(*several_dates(people=120, dates=4, had=3), spec, replicates=50)
    row = cell(table, "area", "b", "sensitivity", "0.2")
    assert (row["n"], row["positives"], row["people"]) == (12, 12, 120)
    assert (row["with_outcome"], row["without_outcome"], row["rows_each"]) == (3, 117, 4)
    assert row["verdict"] == "not_enough_evidence"
    gate = Gate.model_validate("sensitivity(area, at=0.2) >= 0.01")
    [held] = evaluate_gates([gate], {}, table)
    assert held.too_few == ("b",)
    enough = fairness(*several_dates(people=120, dates=4, had=10), spec, replicates=50)
    assert cell(enough, "area", "b", "sensitivity", "0.2")["verdict"] == "ok"


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from("ab")), min_size=1))
def test_people_behind_a_level_are_those_that_sets_hold(rows):
    unit, y, level = (np.array(column) for column in zip(*rows, strict=True))
    found = count_people(level, unit.astype(np.int64), y)
    assert set(found) == set(level.tolist())
    for name, who in found.items():
        own = [(u, had) for u, had, where in rows if where == name]
        assert who.people == len({u for u, _ in own})
        assert who.with_outcome == len({u for u, had in own if had})
        assert who.without_outcome == len({u for u, had in own if not had})
        assert who.rows_each == max(Counter(u for u, _ in own).values())


def test_rows_whose_outcome_is_not_known_are_left_out():
    y, risk, level = county(400)
    outcome = [None if i < 100 else bool(value) for i, value in enumerate(y)]
    table = fairness(
        predictions(outcome, risk),
        groups_of(area=level),
        AuditSpec(groups=("area",)),
        replicates=20,
    )
    assert cell(table, "everyone", "everyone", "brier")["n"] == 300


def test_a_published_score_has_no_calibration_but_all_its_rates():
    y, risk, level = county()
    table = fairness(
        predictions(y, np.round(risk * 20)), groups_of(area=level), AuditSpec(groups=("area",))
    )
    assert cell(table, "area", "a", "brier")["value"] is None
    assert cell(table, "area", "a", "sensitivity", "0.2")["value"] > 0


def test_the_same_seed_gives_the_same_table():
    y, risk, level = county(500)
    given = predictions(y, risk), groups_of(area=level), AuditSpec(groups=("area",))
    assert fairness(*given, replicates=30, seed=4) == fairness(*given, replicates=30, seed=4)


def test_a_group_that_the_run_does_not_have_is_refused_by_name():
    y, risk, level = county(200)
    with pytest.raises(StudyError, match="ethnicity"):
        fairness(predictions(y, risk), groups_of(area=level), AuditSpec(groups=("ethnicity",)))
