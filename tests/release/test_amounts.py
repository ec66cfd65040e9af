"""Amounts tell of nobody: not of whoever makes up most of them, nor of the least and greatest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import ReleaseRefused
from riskstrat.release.amounts import (
    is_dominated,
    protect_amounts,
    protect_coefficients,
    protect_quantiles,
)
from riskstrat.release.disclosure import protect
from riskstrat.release.policies import POLICIES, Dominance
from riskstrat.stages.reporting.explain_tables import effect_table

STRICT, HES = POLICIES["strict"], POLICIES["hes"]
RULE = Dominance(largest=2, share=0.9, estimate=0.1)
AMOUNTS = st.lists(st.integers(0, 10_000).map(float), min_size=1, max_size=40)

ONE_LARGE = [10_000.0, *([20.0] * 29)]
EVEN = [100.0 + n for n in range(30)]


def means(policy, *groups):
    told = [((f"group {n}",), amounts) for n, amounts in enumerate(groups)]
    table = protect_amounts("Costs", ("group",), told, policy=policy)
    return [row[2] for row in table.rows]


def test_a_mean_that_one_person_makes_up_is_withheld_and_with_the_rule_off_it_is_not():
    assert means(STRICT, ONE_LARGE, EVEN) == [None, 114.0]
    assert means(replace(STRICT, dominance=None), ONE_LARGE, EVEN) == [353.0, 114.0]


def test_a_mean_of_few_people_is_withheld():
    assert means(STRICT, [50.0] * 9, [50.0] * 10) == [None, 50.0]


@given(amounts=AMOUNTS)
def test_nobody_can_tell_the_largest_amount_by_subtracting_his_own(amounts):
    if is_dominated(amounts, RULE) or not sum(amounts):
        return
    largest, *others = sorted(amounts, reverse=True)
    second = others[0] if others else 0.0
    estimate = sum(amounts) - second
    assert estimate - largest >= 0.1 * largest
    assert largest + second <= 0.9 * sum(amounts)


@given(amounts=AMOUNTS, factor=st.integers(2, 9))
def test_whoever_dominates_in_pounds_does_so_in_pence(amounts, factor):
    assert is_dominated(amounts, RULE) == is_dominated([a * factor for a in amounts], RULE)


def quantiles(at, amounts, policy=STRICT):
    table = protect_quantiles("Costs", ("group",), [(("all",), amounts)], at, policy=policy)
    return table.rows[0][2:]


def test_a_quantile_needs_ten_people_on_each_side_and_without_the_rule_it_does_not():
    assert quantiles((0.05, 0.5, 0.95), EVEN) == (None, 110.0, None)
    assert None not in quantiles((0.05, 0.5, 0.95), EVEN, replace(STRICT, beside=1))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_least_or_greatest_value_is_refused(share):
    with pytest.raises(ReleaseRefused) as refused:
        quantiles((share,), EVEN)
    assert refused.value.code == "RS3022"


@pytest.mark.parametrize("column", ["max_cost", "age_min", "longest_stay", "youngest"])
def test_a_column_that_is_named_for_an_extreme_is_refused_unless_nothing_is_protected(column):
    rows = [("a", 20, 7.5)]
    columns = ("group", "people", column)
    with pytest.raises(ReleaseRefused, match="one person's") as refused:
        protect("T", columns, rows, counts=("people",), policy=HES)
    assert refused.value.code == "RS3022"
    assert protect("T", columns, rows, counts=("people",), policy=POLICIES["none"]).rows


def test_coefficients_need_ten_degrees_of_freedom_and_without_the_rule_they_do_not():
    rows = [("constant", 0.1, 0.0, 0.2), ("age", 1.0, 0.9, 1.1)]
    with pytest.raises(ReleaseRefused) as refused:
        protect_coefficients("Model", rows, people=11, policy=STRICT)
    assert refused.value.code == "RS3023"
    assert protect_coefficients("Model", rows, people=12, policy=STRICT).rows
    assert protect_coefficients("Model", rows, people=11, policy=replace(STRICT, degrees=0)).rows


def test_the_report_shows_no_end_of_a_middle_that_few_are_beyond():
    """How values act: the middle 80% of 17 people would be two people's own values."""
    bin_ = {"feature": "f", "meaning": "m", "place": 0, "value": "v", "effect": 0.15,
            "low": 0.1, "high": 0.2}  # fmt: skip
    table = effect_table([bin_ | {"n": n} for n in (17, 99, 100, 4)], STRICT)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(row["effect"], row["low"], row["high"]) for row in rows] == [
        (0.15, None, None), (0.15, None, None), (0.15, 0.1, 0.2), (None, None, None)
    ]  # fmt: skip
