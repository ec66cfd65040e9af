"""A slip changes what it touches, and only in the way it says."""

from __future__ import annotations

from datetime import date

from hypothesis import assume, given
from hypothesis import strategies as st

from riskstrat.synthetic import slips
from riskstrat.synthetic.numbers import valid_nhs_number, valid_pupil_number

CHANCE = st.tuples(*[st.floats(0, 1, exclude_max=True)] * 4)
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz'-", min_size=2, max_size=12)
DATES = st.dates(date(1900, 1, 1), date(2025, 12, 31)).map(str)
NHS_NUMBER = "9434765919"


@given(NAMES.map(str.title), CHANCE)
def test_a_typo_changes_a_name_by_a_letter_or_two(name: str, chance: slips.Chance):
    told = slips.typo(name, chance)
    assert told != name
    assert abs(len(told) - len(name)) <= 1


@given(CHANCE)
def test_a_mistyped_nhs_number_fails_its_check(chance: slips.Chance):
    for slip in (slips.digit_wrong, slips.digits_swapped, slips.digit_lost):
        assert not valid_nhs_number(slip(NHS_NUMBER, chance))
    assert valid_nhs_number(slips.filler(NHS_NUMBER, chance))  # which is why fillers are a trap


@given(CHANCE)
def test_wrong_and_temporary_pupil_numbers_fail_their_check(chance: slips.Chance):
    assert not valid_pupil_number(slips.letter_wrong("B801200005001", chance))
    assert not valid_pupil_number(slips.temporary_pupil_number("B801200005001", chance))


@given(DATES, CHANCE)
def test_a_slip_in_a_date_leaves_a_date_and_another_one(text: str, chance: slips.Chance):
    for slip in (slips.year_off, slips.date_digit):
        told = slip(text, chance)
        assert told != text
        date.fromisoformat(told)


@given(DATES)
def test_day_and_month_swapped_twice_is_the_date(text: str):
    swapped = slips.day_and_month(text, (0, 0, 0, 0))
    assert slips.day_and_month(swapped, (0, 0, 0, 0)) == text


@given(st.sampled_from(["MC1 2AB", "MD12 9ZZ", "MC1 0QA"]), CHANCE)
def test_a_slip_in_a_postcode_keeps_its_first_half(postcode: str, chance: slips.Chance):
    told = slips.postcode_typo(postcode, chance)
    assert told != postcode
    assert told.split(" ")[0] == postcode.split(" ")[0]


@given(st.sampled_from(["Flat 3, 12 Mill Road, Midbury", "1 Elm Cl", "NFA"]), CHANCE)
def test_a_slip_changes_an_address(address: str, chance: slips.Chance):
    assert slips.address_typo(address, chance) != address


@given(NAMES.map(str.title), NAMES.map(str.title), CHANCE)
def test_a_double_name_loses_its_hyphen(first: str, last: str, chance: slips.Chance):
    assume("-" not in first + last)
    told = slips.hyphen_lost(f"{first}-{last}", chance)
    assert told in {f"{first} {last}", first + last, first, last}
    assert slips.hyphen_lost("O'Brien", chance) in {"OBrien", "O Brien"}
