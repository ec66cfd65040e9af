from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.asof import after
from riskstrat.cohort.dates import as_of_dates
from riskstrat.cohort.spec import CohortSpec, EventDates, ListedDates, RegularDates
from riskstrat.vocabulary import Days

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2040, 12, 31))


def regular(first: str, last: str, every: str) -> list[str]:
    spec = RegularDates.model_validate({"first": first, "last": last, "every": every})
    return [day.isoformat() for day in as_of_dates(spec)]


def test_monthly_dates_fall_on_the_same_day_of_each_year():
    assert regular("2020-04-01", "2023-03-31", "1 year") == [
        "2020-04-01",
        "2021-04-01",
        "2022-04-01",
    ]


def test_the_last_date_is_included():
    assert regular("2024-01-01", "2024-03-01", "1 month")[-1] == "2024-03-01"


def test_monthly_dates_from_the_31st_are_the_last_days_of_the_months():
    assert regular("2024-01-31", "2024-05-30", "1 month") == [
        "2024-01-31",
        "2024-02-29",
        "2024-03-31",
        "2024-04-30",
    ]


def test_a_year_after_a_leap_day_is_the_28th_and_four_years_after_the_29th():
    assert regular("2020-02-29", "2024-12-31", "1 year") == [
        "2020-02-29",
        "2021-02-28",
        "2022-02-28",
        "2023-02-28",
        "2024-02-29",
    ]


def test_a_year_of_365_days_drifts_and_a_calendar_year_does_not():
    assert regular("2020-01-01", "2021-06-30", "365 days")[-1] == "2020-12-31"
    assert regular("2020-01-01", "2021-06-30", "1 year")[-1] == "2021-01-01"


def test_listed_dates_are_sorted_and_each_counts_once():
    spec = ListedDates(dates=(date(2024, 5, 1), date(2023, 5, 1), date(2024, 5, 1)))
    assert as_of_dates(spec) == (date(2023, 5, 1), date(2024, 5, 1))


def test_dates_of_the_units_own_are_in_the_data():
    assert as_of_dates(EventDates(each="falls")) == ()


@given(first=DAYS, last=DAYS, count=st.integers(1, 30), unit=st.sampled_from(["day", "month"]))
def test_dates_rise_and_stay_inside_first_and_last(first, last, count, unit):
    first, last = min(first, last), max(first, last)
    found = as_of_dates(RegularDates(first=first, last=last, every=Days(count, unit)))
    assert found[0] == first
    assert found[-1] <= last
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize(
    ("day", "period", "expected"),
    [
        ("2024-01-31", Days(1, "month"), "2024-02-29"),
        ("2024-02-29", Days(1, "year"), "2025-02-28"),
        ("2023-12-15", Days(1, "month"), "2024-01-15"),
        ("2024-02-28", Days(2), "2024-03-01"),
    ],
)
def test_a_period_after_a_day(day, period, expected):
    assert after(date.fromisoformat(day), period).isoformat() == expected


def test_dates_that_follow_events_of_each_have_no_list_of_a_day():
    listed = {"as_of": {"dates": ["2020-01-01", "2021-01-01"]}}
    assert CohortSpec.model_validate(listed).lists_by_date
    assert not CohortSpec.model_validate({"as_of": {"each": "arrests"}}).lists_by_date
