"""Small counts never leave, whatever the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.errors import ReleaseRefused, StudyError
from riskstrat.release.disclosure import protect, protect_estimates
from riskstrat.release.policies import POLICIES, policy_named, strictest

HES, STRICT, NONE = (policy_named(name) for name in ("hes", "strict", "none"))
NAMED = st.lists(st.sampled_from(sorted(POLICIES)), min_size=1, max_size=4)
COUNTS = st.integers(min_value=0, max_value=5_000)

WARDS = (
    # ward, people, admitted, rate
    ("Vange", 1_203, 87, None),
    ("Laindon", 998, 7, None),
    ("Wickford", 1_101, 0, None),
)


def wards(policy, **more):
    return protect(
        "Wards", ("ward", "people", "admitted", "rate"), WARDS,
        counts=("people", "admitted"), rates={"rate": ("admitted", "people")},
        policy=policy, **more,
    )  # fmt: skip


def test_hes_hides_one_to_seven_keeps_zero_and_rounds_the_rest_to_five():
    assert wards(HES).rows == (
        ("Vange", 1_205, 85, 0.0705),
        ("Laindon", 1_000, None, None),
        ("Wickford", 1_100, 0, 0.0),
    )


def test_strict_hides_zero_as_well_and_counts_what_it_hid():
    table = wards(STRICT)
    assert [row[2] for row in table.rows] == [85, None, None]
    assert (table.suppressed, table.policy) == (2, "strict")


def test_a_total_adds_up_what_is_shown_so_nothing_can_be_subtracted():
    *shown, total = wards(STRICT, total="All that is shown").rows
    assert total[:3] == ("All that is shown", sum(row[1] for row in shown), 85)


def test_the_rate_of_a_total_rests_on_rows_that_show_both_counts():
    assert wards(STRICT, total="All").rows[-1][3] == round(85 / 1_205, 4)


def test_a_mean_is_shown_where_its_people_are_and_weighted_in_the_total():
    rows = [("a", 20, 0.8549), ("b", 3, 0.91), ("c", 180, 0.2)]
    table = protect(
        "Risk", ("band", "n", "risk"), rows, counts=("n",), means={"risk": "n"}, policy=STRICT,
        total="All",
    )  # fmt: skip
    assert table.rows == (("a", 20, 0.85), ("b", None, None), ("c", 180, 0.2), ("All", 200, 0.27))


def test_a_rate_given_by_the_caller_is_replaced():
    rows = [("Vange", 20, 10, 0.123456)]
    table = protect(
        "One", ("ward", "n", "k", "rate"), rows, counts=("n", "k"),
        rates={"rate": ("k", "n")}, policy=STRICT,
    )  # fmt: skip
    assert table.rows == (("Vange", 20, 10, 0.5),)


def test_no_policy_changes_nothing():
    assert [row[:3] for row in wards(NONE).rows] == [row[:3] for row in WARDS]


def test_a_whole_number_of_which_nothing_is_declared_is_refused():
    with pytest.raises(ReleaseRefused, match="column n holds whole numbers"):
        protect("T", ("level", "n"), [("a", 3)], counts=(), policy=STRICT)


@pytest.mark.parametrize("cell", [-1, 2.5, "7", True])
def test_a_count_that_is_no_count_is_refused(cell):
    with pytest.raises(ReleaseRefused) as refused:
        protect("T", ("level", "n"), [("a", cell)], counts=("n",), policy=STRICT)
    assert "1 cells of n are not counts" in str(refused.value)


def test_an_unknown_column_and_a_ragged_row_are_refused():
    with pytest.raises(ReleaseRefused, match="no column people"):
        protect("T", ("level",), [], counts=("people",), policy=STRICT)
    with pytest.raises(ReleaseRefused, match="do not have 2 cells"):
        protect("T", ("level", "n"), [("a",)], counts=("n",), policy=STRICT)


@given(names=NAMED, counts=st.lists(COUNTS, min_size=1, max_size=12))
def test_no_released_count_is_small_and_all_are_rounded(names, counts):
    policy = strictest(names)
    rows = [(f"level {i}", n) for i, n in enumerate(counts)]
    table = protect("T", ("level", "n"), rows, counts=("n",), policy=policy, total="All")
    for (_, shown), (_, exact) in zip(table.rows, rows, strict=False):
        if shown is None:
            assert exact < policy.threshold
        else:
            assert shown not in range(1, policy.threshold)
            assert shown % policy.alone.base == 0
            assert abs(shown - exact) < policy.alone.base
    assert table.suppressed == sum(row[1] is None for row in table.rows[:-1])


@given(names=NAMED, small=COUNTS, more=COUNTS)
def test_a_part_is_never_shown_as_more_than_its_whole(names, small, more):
    policy = strictest(names)
    table = protect(
        "T", ("n", "k", "rate"), [(small + more, small, None)], counts=("n", "k"),
        rates={"rate": ("k", "n")}, policy=policy,
    )  # fmt: skip
    assert table.rows[0][2] is None or 0 <= table.rows[0][2] <= 1


@given(names=NAMED, n=COUNTS)
def test_the_strictest_hides_whatever_any_part_hides(names, n):
    joint = strictest(names)
    parts = [policy_named(name) for name in names]
    assert joint.shows(n) == all(part.shows(n) for part in parts)
    assert policy_named(joint.name) == joint
    assert all(joint.base % part.base == 0 for part in parts)


def test_forgetting_to_name_a_policy_is_safe():
    assert strictest([]).name == "strict"


def test_dfe_and_strict_are_kept_both_because_neither_contains_the_other():
    joint = strictest(["dfe", "hes", "strict", "none"])
    assert (joint.name, joint.threshold, joint.base) == ("dfe+strict", 10, 5)
    assert (joint.total_base, joint.decimals, joint.degrees) == (10, 3, 10)


def test_an_unknown_policy_lists_the_known_ones():
    with pytest.raises(StudyError, match="choose one of none, hes"):
        policy_named("lax")


ESTIMATES = ("level", "value", "low", "high", "n", "positives")


@pytest.mark.parametrize(
    ("n", "positives", "status"),
    [
        (500, 50, "shown"),
        (9, 5, "withheld"),
        (500, 9, "withheld"),
        (500, 495, "withheld"),
        (500, 0, "withheld"),
        (500, None, "shown"),
    ],
)
def test_an_estimate_needs_enough_people_on_both_sides(n, positives, status):
    row = ("Female", 0.12345, 0.1, 0.15, n, positives)
    table = protect_estimates("T", ESTIMATES, [row], policy=STRICT, positives="positives")
    shown = dict(zip(table.columns, table.rows[0], strict=True))
    assert shown["status"] == status
    assert shown["value"] == (0.12 if status == "shown" else None)


def test_an_estimate_that_could_not_be_computed_says_so():
    row = ("Female", float("nan"), None, None, 500, 50)
    table = protect_estimates("T", ESTIMATES, [row], policy=STRICT, positives="positives")
    assert table.rows[0][1] is None and table.rows[0][-1] == "not estimable"


def test_estimates_of_many_people_keep_three_decimals():
    row = ("All", 0.78649, 0.7, 0.8, 40_001, 4_000)
    table = protect_estimates("T", ESTIMATES, [row], policy=STRICT, positives="positives")
    assert table.rows[0][1] == 0.786
    assert table.rows[0][4] == 40_000
