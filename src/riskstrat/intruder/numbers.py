"""All NHS numbers there can be: ten digits, of which the last checks the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

NINE_DIGITS = 1_000_000_000
TEST_RANGE = (999_000_000, 1_000_000)
"""nine-digit beginnings of the range kept for tests: the first, how many"""


def with_check_digits(nine: Integers) -> Integers:
    """The numbers that begin with these nine digits; some beginnings have no check digit.

    The check digit is 11 less the sum of the digits weighted 10 to 2, modulo 11; 11 is written as
    0, and where it would be 10 there is no number (NHS Data Dictionary, NHS number).

    Examples:
        >>> with_check_digits(np.array([943476591, 999000000, 999000004]))
        array([9434765919, 9990000042])
    """
    check = _check_digits(nine)
    return np.asarray((nine * 10 + check)[check < 10])


def are_valid(numbers: Integers) -> npt.NDArray[np.bool_]:
    """Which whole numbers are NHS numbers as far as their digits tell.

    Examples:
        >>> are_valid(np.array([9434765919, 9434765918, 12]))
        array([ True, False, False])
    """
    inside = (numbers >= 0) & (numbers < NINE_DIGITS * 10)
    ten = np.where(inside, numbers, 0)
    # Below a billion a number would begin with 0, and none does.
    return np.asarray(inside & (ten >= NINE_DIGITS) & (_check_digits(ten // 10) == ten % 10))


def is_valid(text: str) -> bool:
    """Whether ten digits are an NHS number.

    Examples:
        >>> is_valid("9434765919"), is_valid("943 476 5919")
        (True, False)
    """
    plain = len(text) == 10 and text.isascii() and text.isdecimal()
    return plain and bool(are_valid(np.array([int(text)]))[0])


def numbers_for_tests() -> Integers:
    """Every number of the range kept for tests, in order."""
    first, count = TEST_RANGE
    return with_check_digits(np.arange(first, first + count))


def whole_space() -> int:
    """How many numbers there can be, about: 10 of 11 beginnings have a check digit."""
    return NINE_DIGITS * 10 // 11


def sampled(count: int, rng: np.random.Generator) -> Integers:
    """About so many different numbers from the whole space."""
    return with_check_digits(np.unique(rng.integers(100_000_000, NINE_DIGITS, count)))


def _check_digits(nine: Integers) -> Integers:
    total = np.zeros_like(nine)
    rest = nine.copy()
    for weight in range(2, 11):
        total += rest % 10 * weight
        rest //= 10
    return np.asarray((11 - total % 11) % 11)
