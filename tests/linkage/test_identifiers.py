"""NHS numbers, UPNs and UPRNs: what is valid, and that the SQL says the same."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.linkage.identifiers import (
    NUMBERS,
    nhs_number,
    number_sql,
    tidy_sql,
    upn,
    uprn,
)

NINE = st.text("0123456789", min_size=9, max_size=9)
MESSY = st.text("0123456789ABXY -", max_size=15)


def with_check_digit(nine: str) -> str | None:
    """The NHS number of nine digits, or None where the check digit would be ten."""
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(nine)) % 11
    return None if check == 10 else nine + str(check % 11)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9434765919", "9434765919"),
        ("943 476 5919", "9434765919"),
        ("943-476-5919", "9434765919"),
        ("9434765918", None),
        ("943476591", None),
        ("94347659190", None),
        ("0000000000", None),
        ("1111111111", None),
        ("943476591X", None),
        ("", None),
    ],
)
def test_an_nhs_number_has_ten_digits_that_fit_each_other(text, number):
    assert nhs_number(text) == number


def test_the_vectors_of_pupil_and_property_numbers():
    assert upn("B801200005001") == "B801200005001"
    assert upn(" b801200005001 ") == "B801200005001"
    assert upn("A801200005001") is None
    assert upn("B80120000500A") is None  # temporary
    assert uprn("000100023336956") is None  # too long
    assert uprn("00010002333") == "10002333"
    assert uprn("000") is None


@given(NINE, st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(nine, place, more):
    number = with_check_digit(nine)
    if number is None or len(set(number)) == 1:
        return
    digit = (int(number[place]) + more) % 10
    wrong = number[:place] + str(digit) + number[place + 1 :]
    assert nhs_number(number) == number
    assert nhs_number(wrong) is None


@given(NINE, st.integers(0, 7))
def test_two_neighbours_in_the_wrong_order_are_always_noticed(nine, place):
    number = with_check_digit(nine)
    if number is None or number[place] == number[place + 1] or len(set(number)) == 1:
        return
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert nhs_number(swapped) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(MESSY, NINE.map(lambda n: with_check_digit(n) or n)), max_size=20))
@pytest.mark.parametrize("kind", NUMBERS)
def test_the_sql_says_what_the_slow_rules_say(kind, texts):
    texts = [*texts, "9434765919", "B801200005001", "B80120000500A", "1111111111", "000", "12345"]
    with duckdb.connect() as con:
        con.execute("CREATE TABLE raw (place INTEGER, text VARCHAR)")
        con.executemany("INSERT INTO raw VALUES (?, ?)", list(enumerate(texts)))
        value, broken = number_sql(kind, "tidy")
        found = con.execute(
            f"SELECT {value}, coalesce({broken}, '') FROM "
            f"(SELECT place, {tidy_sql('text')} AS tidy FROM raw) ORDER BY place"
        ).fetchall()
    assert found == [NUMBERS[kind].read(text) for text in texts]
