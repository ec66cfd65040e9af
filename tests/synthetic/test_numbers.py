"""Made-up numbers pass their checks, are never anybody's, and never meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.synthetic import numbers
from riskstrat.synthetic.numbers import Counted, shuffled


@given(size=st.integers(1, 3000), seed=st.integers(0, 2**31), name=st.text(max_size=8))
def test_shuffling_meets_every_number_once(size: int, seed: int, name: str):
    found = shuffled(np.arange(size), size, (seed, name))
    assert sorted(found) == list(range(size))


def test_shuffling_shows_no_order():
    found = shuffled(np.arange(20_000), 899_991, (1, "nhs_number"))
    assert abs(np.corrcoef(np.arange(20_000), found)[0, 1]) < 0.03
    assert (shuffled(np.arange(9), 9, (1, "a")) != shuffled(np.arange(9), 9, (2, "a"))).any()
    with pytest.raises(ValueError, match="only 10 numbers"):
        shuffled(np.arange(11), 10, (1,))


@pytest.mark.parametrize(("people", "begins"), [(400_000, "999"), (1_200_000, "9")])
def test_nhs_numbers_are_valid_and_of_the_ranges_that_are_never_issued(people: int, begins: str):
    places = np.concatenate([np.arange(40_000), 2 * people - 1 - np.arange(40_000)])
    found = numbers.nhs_numbers(places, people, 7).to_pylist()
    assert len(set(found)) == len(found)
    assert all(number.startswith(begins) and numbers.valid_nhs_number(number) for number in found)
    assert "9999999999" not in found


def test_the_largest_test_number_is_left_for_not_known():
    every = numbers.nhs_numbers(np.arange(9 * 99_999), 1000, 3).to_pylist()
    assert len(set(every)) == 9 * 99_999
    assert max(every) < "9999999900"


def test_pupil_numbers_have_their_check_letter_and_year():
    reception = np.resize(np.arange(1960, 2030), 50_000)
    found = numbers.pupil_numbers(np.arange(50_000), reception, 50_000, 7).to_pylist()
    assert len(set(found)) == len(found)
    assert all(numbers.valid_pupil_number(number) for number in found)
    assert [number[8:10] for number in found[:3]] == ["60", "61", "62"]
    assert {number[1:4] for number in found} == {"990"}


def test_property_numbers_have_twelve_digits_zeros_and_all():
    found = numbers.property_numbers(np.arange(20_000), 7).to_pylist()
    assert len(set(found)) == len(found)
    assert {len(number) for number in found} == {12}
    assert all(number.startswith("00") for number in found)


def test_local_ids_go_on_where_the_block_before_ended():
    counted = Counted(1000, 20)
    first = numbers.local_ids("hospitals", "M", 700, counted, 1).to_pylist()
    second = numbers.local_ids("hospitals", "M", 700, counted, 1).to_pylist()
    other = numbers.local_ids("schools", "M", 700, counted, 1).to_pylist()
    assert len({*first, *second}) == 1400
    assert first != other
