"""The flow of several parts of a population, put together."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.cohort.flow import MAX_DATES, CohortFlow, FlowStep, added, count_steps
from tables import connection

STEPS = ("registered", "alive")
FIRST = date(2024, 1, 1)


def counted(rows: list[tuple[int, int]]) -> CohortFlow:
    """The flow of people with a date and the first step they failed (0: none)."""
    listed = ", ".join(
        f"(DATE '{FIRST + timedelta(days=day)}', {failed or 'NULL'})" for day, failed in rows
    )
    con = connection()
    con.execute(
        "CREATE TABLE judged (as_of DATE, failed INTEGER)"
        + (f"; INSERT INTO judged VALUES {listed}" if listed else "")
    )
    return count_steps(con, "judged", "everyone", STEPS)


PART = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=8)


@settings(deadline=None, max_examples=30)
@given(parts=st.lists(PART, min_size=1, max_size=4))
def test_parts_counted_apart_are_the_whole_counted_at_once(parts):
    whole = counted([row for part in parts for row in part])
    assert added(counted(part) for part in parts) == whole


def test_a_date_of_one_part_only_is_told():
    one, two = counted([(0, 0), (0, 1)]), counted([(1, 2)])
    told = [(s.as_of and s.as_of.day, s.step, s.left, s.removed) for s in added([one, two]).steps]
    assert told == [
        (1, "everyone", 2, 0), (1, "registered", 1, 1), (1, "alive", 1, 0),
        (2, "everyone", 1, 0), (2, "registered", 1, 0), (2, "alive", 0, 1),
        (None, "everyone", 3, 0), (None, "registered", 2, 1), (None, "alive", 1, 1),
    ]  # fmt: skip


def test_of_many_dates_only_the_total_is_told():
    parts = [counted([(day, 0), (day, 1)]) for day in range(MAX_DATES + 1)]
    assert {step.as_of for step in added(parts[:-1]).steps if step.as_of} == {
        FIRST + timedelta(days=day) for day in range(MAX_DATES)
    }
    many = MAX_DATES + 1
    assert added(parts).steps == (
        FlowStep(None, "everyone", 2 * many, 0),
        FlowStep(None, "registered", many, many),
        FlowStep(None, "alive", many, 0),
    )
