"""NHS numbers: every one there can be, and no other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.intruder.numbers import (
    are_valid,
    is_valid,
    numbers_for_tests,
    sampled,
    with_check_digits,
)
from riskstrat.synthetic.numbers import valid_nhs_number


@given(st.integers(0, 10**11))
def test_valid_is_what_the_slow_rule_says(number):
    slow = valid_nhs_number(str(number))
    assert bool(are_valid(np.array([number]))[0]) == slow
    assert is_valid(str(number)) == slow


def test_the_range_for_tests_is_whole():
    numbers = numbers_for_tests()
    assert len(numbers) == len(np.unique(numbers))
    assert numbers[0] >= 9_990_000_000 and numbers[-1] <= 9_999_999_999
    some = np.arange(9_990_000_000, 9_990_020_000)
    assert numbers[numbers < 9_990_020_000].tolist() == some[are_valid(some)].tolist()


@given(st.lists(st.integers(100_000_000, 999_999_999), min_size=1, max_size=50))
def test_a_number_is_its_beginning_and_a_check_digit(nine):
    numbers = with_check_digits(np.array(nine))
    assert are_valid(numbers).all()
    assert set((numbers // 10).tolist()) <= set(nine)
    assert 0 <= len(nine) - len(numbers) <= len(nine)


def test_a_sample_is_of_different_valid_numbers_and_the_same_for_a_seed():
    one, again = (sampled(5_000, np.random.default_rng(3)) for _ in range(2))
    assert are_valid(one).all() and len(np.unique(one)) == len(one) > 4_400
    assert one.tolist() == again.tolist()
