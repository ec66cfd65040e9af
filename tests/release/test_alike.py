"""No row of a pseudonymised list is one of a kind, by all that it shows together."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskstrat.release.alike import MOST_REASONS, make_alike
from riskstrat.release.anonymity import WITHHELD, commonest_first, merged_steps
from riskstrat.release.wording import risk_range, risk_step

COLUMNS = ("age_band", "risk_band", "area", "reasons")


def row(band, risk, age, area, coarse):
    return {"band": band, "risk": risk, "age_band": age, "area": area, "coarse": coarse}


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from(["very_high", "high"]),
        st.floats(0, 1),
        st.sampled_from(["65-74", "75-84", "85+"]),
        st.sampled_from(["north", "south"]),
        st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8),
    ),
    max_size=120,
)
ORDERS = st.permutations(COLUMNS)


@given(ROWS, ORDERS, st.integers(1, 12))
@example([row("high", 0.5, "85+", "north", ["a"])], COLUMNS, 2)
def test_every_row_is_shown_by_k_of_its_band_or_shows_nothing(rows, order, k):
    shown = make_alike(rows, order, k)
    assert len(shown) == len(rows)
    alike = Counter(
        (row["band"], tuple(sorted(each.cells.items())))
        for row, each in zip(rows, shown, strict=True)
    )
    for (band, cells), size in alike.items():
        told = {cell for name, cell in cells if name != "risk_band"} - {WITHHELD, ""}
        few = sum(row["band"] == band for row in rows) < k
        assert size >= k or (few and not told and dict(cells)["risk_band"] == WITHHELD)


@given(ROWS, ORDERS, st.integers(1, 12))
def test_what_is_shown_is_true(rows, order, k):
    for was, each in zip(rows, make_alike(rows, order, k), strict=True):
        assert each.cells["age_band"] in (was["age_band"], WITHHELD)
        assert each.cells["area"] in (was["area"], WITHHELD)
        named = [text for text in each.cells["reasons"].split("; ") if text]
        assert set(named) <= set(was["coarse"][:MOST_REASONS])
        assert each.reasons_withheld == len(was["coarse"][:MOST_REASONS]) - len(named)
        assert each.withheld == sum(each.cells[name] == WITHHELD for name in ("age_band", "area"))
        if (risk := each.cells["risk_band"]) != WITHHELD:
            low, high = (risk.removeprefix("under ").rstrip("%").split("-") * 2)[:2]
            low = "0" if risk.startswith("under") else low
            assert int(low) / 100 <= was["risk"] + 1e-9 and was["risk"] <= int(high) / 100


@given(ROWS, ORDERS)
def test_one_is_enough_to_be_told_where_nobody_is_hidden(rows, order):
    for was, each in zip(rows, make_alike(rows, order, 1), strict=True):
        step = risk_step(was["risk"])
        assert each.cells["risk_band"] == risk_range(step, step)
        assert not each.withheld and not each.reasons_withheld


def test_the_order_of_columns_says_what_is_withheld_first():
    people = [("65-74", "north")] * 3 + [("65-74", "south")] * 4 + [("75-84", "north")] * 4
    rows = [row("high", 0.5, age, area, []) for age, area in people]
    ages = make_alike(rows[:-1], ("age_band", "area"), 4)
    areas = make_alike(rows[:-1], ("area", "age_band"), 4)
    assert [each.withheld for each in ages] == [2, 2, 2, 0, 0, 0, 0, 2, 2, 2]
    assert [each.withheld for each in areas] == [1, 1, 1, 0, 0, 0, 0, 1, 1, 1]


def test_a_column_that_is_not_asked_for_is_neither_shown_nor_counted():
    rows = [row("high", 0.5, "85+", "north", ["a"])] * 3
    [one, *_] = make_alike(rows, ("area",), 3)
    assert (dict(one.cells), one.reasons_withheld) == ({"area": "north"}, 0)


@given(st.lists(st.integers(0, 19)), st.integers(1, 12))
def test_steps_merge_with_neighbours_until_k_are_in_each_range(steps, k):
    found = merged_steps(steps, k)
    assert set(found) == set(steps)
    held = Counter(found[step] for step in steps)
    assert all(low <= step <= high for step, (low, high) in found.items())
    assert all(n >= k for n in held.values()) or len(held) == 1
    spans = sorted(held)
    assert all(one[1] < other[0] for one, other in pairwise(spans))


@given(st.lists(st.lists(st.sampled_from("abcdef")), max_size=40))
def test_reasons_come_once_and_by_how_many_hold_them(texts):
    held = Counter(text for row in texts for text in set(row))
    for row, once in zip(texts, commonest_first(texts), strict=True):
        assert sorted(once) == sorted(set(row))
        assert [held[text] for text in once] == sorted((held[t] for t in once), reverse=True)


@pytest.mark.parametrize(
    ("risk", "words"), [(0.0, "under 5%"), (0.05, "5-10%"), (0.3, "30-35%"), (1.0, "95-100%")]
)
def test_a_step_holds_its_lower_end(risk, words):
    assert risk_range(risk_step(risk), risk_step(risk)) == words
