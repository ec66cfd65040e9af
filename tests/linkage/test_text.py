"""What raw texts are taken to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.linkage import text
from riskstrat.linkage.parts import Unknowns

UNKNOWNS = Unknowns()
READERS = (text.name, text.date_of_birth, text.sex, text.address, text.plain, text.code)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("O'Brien", "obrien"),
        ("O’BRIEN", "obrien"),  # noqa: RUF001
        ("Smith-Jones", "smith jones"),
        ("  Dr Zoë  ", "zoe"),
        ("Núñez", "nunez"),
        ("Søren", "soren"),
        ("Łukasz", "lukasz"),
        ("McDonald", "mcdonald"),
        ("Mrs", None),
        ("BABY", None),
        ("Baby Boy", None),
        ("unknown", None),
        ("Twin 1", None),
        ("???", None),
    ],
)
def test_names_lose_what_tells_nothing(raw, told):
    assert text.name(raw, UNKNOWNS)[0] == told


@pytest.mark.parametrize(
    ("raw", "told", "code"),
    [
        ("1980-05-03", "1980-05-03", ""),
        ("03/05/1980", "1980-05-03", ""),
        ("19800503", "1980-05-03", ""),
        ("1980-05-03 00:00:00", "1980-05-03", ""),
        ("1980-13-02", "1980-13-02", "RS1319"),
        ("2023-02-29", "2023-02-29", "RS1319"),
        ("2024-02-29", "2024-02-29", ""),
        ("1900-01-01", None, "RS1317"),
        ("01/01/1900", None, "RS1317"),
        ("May 1980", None, "RS1319"),
    ],
)
def test_dates_are_read_and_impossible_ones_are_counted(raw, told, code):
    assert text.date_of_birth(raw, UNKNOWNS) == (told, code)


@pytest.mark.parametrize(
    ("raw", "told", "code"),
    [
        ("cm1 1ab", "CM11AB", ""),
        ("SW1A1AA", "SW1A1AA", ""),
        ("ZZ99 3VZ", None, "RS1321"),
        ("NOT KNOWN", None, "RS1320"),
    ],
)
def test_postcodes_are_whole_or_missing(raw, told, code):
    assert text.postcode(raw, UNKNOWNS) == (told, code)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("12A High Street, Midbury", "12a"),
        ("12a High St", "12a"),
        ("Flat 3, 12 High Street", "3/12"),
        ("12, Flat 3, High Street", "3/12"),
        ("FLAT 3 12 HIGH STREET MIDBURY", "3/12"),
        ("Rose Cottage, The Green", None),
    ],
)
def test_a_door_is_the_same_however_it_is_written(raw, number):
    told, _ = text.address(raw, UNKNOWNS)
    assert told is not None
    assert text.door(told)[0] == number


@pytest.mark.parametrize("end", ["CM1 1AB", "cm11ab", "CM1-1AB.", "CM1 1AB CM1 1AC", ""])
def test_an_address_is_the_same_with_a_postcode_and_without(end):
    assert text.address(f"12A High Street, {end}", UNKNOWNS) == ("12a high st", "")
    assert text.address("A¼Æ", UNKNOWNS) == (None, "RS1321")  # a postcode, once it is folded


def test_no_fixed_abode_is_no_address():
    assert text.address("No Fixed Abode", UNKNOWNS) == (None, "RS1321")
    assert text.address("NFA", UNKNOWNS) == (None, "RS1321")


@given(st.text(max_size=40))
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_standardising_twice_changes_nothing(read, raw):
    told, _ = read(raw, UNKNOWNS)
    if told is not None:
        assert read(told, UNKNOWNS)[0] == told


@given(st.text("abcdefghij -'", min_size=1, max_size=20))
def test_case_and_accents_never_tell_two_names_apart(raw):
    assert text.name(raw.upper(), UNKNOWNS) == text.name(raw, UNKNOWNS)


@given(st.text(min_size=1, max_size=20))
def test_every_name_has_a_sound(raw):
    told, _ = text.name(raw, UNKNOWNS)
    if told is not None:
        assert text.sound(told)
    assert text.sound("mohammed") == text.sound("muhammad")


def test_a_nickname_stands_for_every_name_it_is_short_for():
    names = text.read_nicknames(
        [("alexander", "alex"), ("alexandra", "alex"), ("john", "jack"), ("jack", "jackie")]
    )
    assert text.full_names("alex", names) == ("alex", "alexander", "alexandra")
    assert text.root("alex", names) == "alexander"
    # A nickname that is a name of its own stands for itself first.
    assert text.root("jack", names) == "jack"
    assert text.full_names("jack", names) == ("jack", "john")
