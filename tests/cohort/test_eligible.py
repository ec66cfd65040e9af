from __future__ import annotations

from datetime import date

import pytest

from riskstrat.attributes import Attribute
from riskstrat.cohort.eligible import ALIVE, KNOWN, build_pairs
from riskstrat.cohort.flow import refuse_nobody
from riskstrat.cohort.spec import CohortSpec
from riskstrat.errors import StudyError, TooThinError
from riskstrat.vocabulary import ColumnType, Unit
from tables import connection, contract, expression, rows_of

SPELLS = """
    unit_id | starts_on:date | ends_on:date | end_known_on:date | known_on:date
    --------+----------------+--------------+-------------------+--------------
"""
REGISTRATIONS = contract(
    "registrations",
    {"end_known_on": "date"},
    shape="spells",
    population="registered",
    end_known_on="end_known_on",
)
PEOPLE = contract(
    "people",
    {"born_on": "date", "sex": {"type": "string", "codes": ["f", "m"]}, "carer": "boolean"},
    shape="attributes",
    born_on="born_on",
)
DEATHS = contract("deaths", {}, status="death")
FALLS = contract("falls", {"place": "string"})

ATTRIBUTES = {
    "age_at_as_of": Attribute("age_at_as_of", "age", "people", "born_on", type=ColumnType.INTEGER),
    "sex": Attribute("sex", "column", "people", "sex", levels=("f", "m")),
    "carer": Attribute("carer", "column", "people", "carer", type=ColumnType.BOOLEAN),
}
COLUMNS = {"registered": "boolean", "age_at_as_of": "integer", "sex": "string", "carer": "boolean"}


def spec(who: str = "true", **says) -> CohortSpec:
    return CohortSpec.model_validate(
        {"as_of": {"dates": ["2024-04-01"]}, "who": who, "population": "registrations", **says}
    )


def chosen(con, cohort, *, dates=None, each=None):
    sources = {s.source: s for s in (REGISTRATIONS, PEOPLE, DEATHS, FALLS)}
    views = {name for (name,) in rows_of(con, "SELECT view_name FROM duckdb_views()")}
    for name in ("registrations", "people", "deaths", "falls"):
        if f"source_{name}" not in views:
            sources.pop(name)
    flow = build_pairs(
        con,
        cohort,
        Unit.PERSON,
        sources,
        expression(cohort.who, COLUMNS),
        ATTRIBUTES,
        each=each,
        dates=dates,
    )
    return rows_of(con, "SELECT unit_id, CAST(as_of AS VARCHAR) FROM pairs"), flow


def who_is_in(con, cohort, **more):
    return [unit for unit, _ in chosen(con, cohort, **more)[0]]


def test_registered_means_in_an_open_spell_as_known_on_the_day():
    con = connection(
        source_registrations=f"""{SPELLS}
        open_ended       | 2020-01-01 |            |            | 2020-01-01
        ends_later       | 2020-01-01 | 2024-04-02 | 2024-03-01 | 2020-01-01
        ends_that_day    | 2020-01-01 | 2024-04-01 | 2024-03-01 | 2020-01-01
        ended_before     | 2020-01-01 | 2024-03-31 | 2024-03-01 | 2020-01-01
        end_not_yet_told | 2020-01-01 | 2024-03-01 | 2024-04-01 | 2020-01-01
        end_just_told    | 2020-01-01 | 2024-03-01 | 2024-03-31 | 2020-01-01
        starts_the_day   | 2024-04-01 |            |            | 2024-04-01
        told_too_late    | 2024-03-01 |            |            | 2024-04-01
        ended_undated    | 2020-01-01 | 2024-03-01 |            | 2020-01-01
        """
    )
    # Practices merge on 1 April: whoever changes over on the day is still with the old one.
    assert who_is_in(con, spec("registered")) == [
        "end_not_yet_told", "ends_later", "ends_that_day", "open_ended",
    ]  # fmt: skip


def test_anyone_with_a_row_of_the_population_may_be_in_scope():
    con = connection(source_registrations=f"{SPELLS} ann | 2030-01-01 | | | 2030-01-01")
    assert who_is_in(con, spec()) == ["ann"]


def test_age_counts_completed_years_on_the_day():
    con = connection(
        source_registrations=f"""{SPELLS}
        birthday_today    | 2020-01-01 | | | 2020-01-01
        birthday_tomorrow | 2020-01-01 | | | 2020-01-01
        no_birth_date     | 2020-01-01 | | | 2020-01-01
        corrected_late    | 2020-01-01 | | | 2020-01-01
        """,
        source_people="""
        unit_id           | happened_on:date | known_on:date | born_on:date | sex | carer:boolean
        birthday_today    | 2020-01-01       | 2020-01-01    | 2006-04-01   |     |
        birthday_tomorrow | 2020-01-01       | 2020-01-01    | 2006-04-02   |     |
        no_birth_date     | 2020-01-01       | 2020-01-01    |              |     |
        corrected_late    | 2020-01-01       | 2020-01-01    | 2010-01-01   |     |
        corrected_late    | 2024-03-01       | 2024-04-01    | 1990-01-01   |     |
        """,
    )
    assert who_is_in(con, spec("age_at_as_of >= 18")) == ["birthday_today"]


@pytest.mark.parametrize(
    ("day", "age"), [("2024-02-28", 3), ("2024-02-29", 4), ("2025-02-28", 4), ("2025-03-01", 5)]
)
def test_a_leap_day_child_is_a_year_older_on_the_first_of_march(day, age):
    con = connection(
        source_registrations=f"{SPELLS} leap | 2020-03-01 | | | 2020-03-01",
        source_people="""
        unit_id | happened_on:date | known_on:date | born_on:date | sex | carer:boolean
        leap    | 2020-03-01       | 2020-03-01    | 2020-02-29   |     |
        """,
    )
    cohort = spec(f"age_at_as_of = {age}")
    assert who_is_in(con, cohort, dates=[date.fromisoformat(day)]) == ["leap"]


def test_what_cannot_be_answered_counts_as_not_in_scope():
    con = connection(
        source_registrations=f"""{SPELLS}
        yes     | 2020-01-01 | | | 2020-01-01
        no      | 2020-01-01 | | | 2020-01-01
        unsaid  | 2020-01-01 | | | 2020-01-01
        """,
        source_people="""
        unit_id | happened_on:date | known_on:date | born_on:date | sex | carer:boolean
        yes     | 2020-01-01       | 2020-01-01    |              |     | yes
        no      | 2020-01-01       | 2020-01-01    |              |     | no
        """,
    )
    assert who_is_in(con, spec("carer")) == ["yes"]
    assert who_is_in(con, spec("not carer")) == ["no"]


def test_a_death_counts_from_the_day_after_it_was_known():
    con = connection(
        source_registrations=f"""{SPELLS}
        alive          | 2020-01-01 | | | 2020-01-01
        died_known     | 2020-01-01 | | | 2020-01-01
        died_unknown   | 2020-01-01 | | | 2020-01-01
        """,
        source_deaths="""
        unit_id      | happened_on:date | known_on:date
        died_known   | 2024-03-01       | 2024-03-31
        died_unknown | 2024-03-01       | 2024-04-01
        """,
    )
    assert who_is_in(con, spec()) == ["alive", "died_unknown"]


def test_the_flow_tells_each_condition_in_order_for_each_date_and_in_total():
    con = connection(
        source_registrations=f"""{SPELLS}
        ann | 2020-01-01 |            |            | 2020-01-01
        bob | 2020-01-01 | 2023-06-01 | 2023-06-01 | 2020-01-01
        cat | 2020-01-01 |            |            | 2020-01-01
        dan | 2020-01-01 |            |            | 2020-01-01
        """,
        source_people="""
        unit_id | happened_on:date | known_on:date | born_on:date | sex | carer:boolean
        ann     | 2020-01-01       | 2020-01-01    | 1980-01-01   | f   |
        bob     | 2020-01-01       | 2020-01-01    | 1980-01-01   | f   |
        cat     | 2020-01-01       | 2020-01-01    | 2020-01-01   | f   |
        dan     | 2020-01-01       | 2020-01-01    | 1980-01-01   | m   |
        """,
        source_deaths="""
        unit_id | happened_on:date | known_on:date
        ann     | 2024-01-01       | 2024-01-01
        """,
    )
    who = "registered and age_at_as_of between 18 and 99 and (sex = 'f' or sex = 'm')"
    cohort = spec(who, as_of={"dates": ["2023-04-01", "2024-04-01"]})
    _, flow = chosen(con, cohort)
    told = [(str(s.as_of), s.step, s.left, s.removed) for s in flow.steps]
    age, sex = "age_at_as_of between 18 and 99", "(sex = 'f' or sex = 'm')"
    assert told[:5] == [
        ("2023-04-01", "units in registrations", 4, 0),
        ("2023-04-01", "registered", 4, 0),
        ("2023-04-01", age, 3, 1),
        ("2023-04-01", sex, 3, 0),
        ("2023-04-01", ALIVE, 3, 0),
    ]
    assert [(s.step, s.left, s.removed) for s in flow.total] == [
        ("units in registrations", 8, 0),
        ("registered", 7, 1),
        (age, 5, 2),
        (sex, 5, 0),
        (ALIVE, 4, 1),
    ]


def test_a_cohort_of_nobody_is_refused_at_the_step_where_the_last_left():
    con = connection(source_registrations=f"{SPELLS} ann | 2030-01-01 | | | 2030-01-01")
    _, flow = chosen(con, spec("registered"))
    with pytest.raises(TooThinError, match="the last 1 units left at the step `registered`"):
        refuse_nobody(flow)


def test_an_empty_source_is_refused_by_name():
    con = connection(source_registrations=SPELLS)
    _, flow = chosen(con, spec("registered"))
    with pytest.raises(TooThinError, match="there are no units in registrations"):
        refuse_nobody(flow)


def test_dates_of_the_units_own_are_the_mornings_after_known_events_each_once():
    con = connection(
        source_falls="""
        unit_id | happened_on:date | known_on:date | place
        ann     | 2024-02-28       | 2024-02-28    | home
        ann     | 2024-02-28       | 2024-02-28    | home
        ann     | 2024-03-05       | 2024-03-05    | home
        bob     | 2024-03-01       | 2024-03-01    | street
        cat     | 2024-03-01       | 2024-03-02    | home
        """
    )
    cohort = CohortSpec.model_validate({"as_of": {"each": "falls", "where": "place = 'home'"}})
    each = expression("place = 'home'", {"place": "string"})
    pairs, flow = chosen(con, cohort, each=each)
    assert pairs == [("ann", "2024-02-29"), ("ann", "2024-03-06")]
    assert [(s.step, s.left) for s in flow.total] == [("units with falls", 3), (KNOWN, 2)]


def test_a_score_date_replaces_the_dates_of_the_study():
    con = connection(source_registrations=f"{SPELLS} ann | 2020-01-01 | | | 2020-01-01")
    pairs, _ = chosen(con, spec("registered"), dates=[date(2025, 1, 1)])
    assert pairs == [("ann", "2025-01-01")]


def test_a_source_about_something_else_is_refused():
    con = connection()
    with pytest.raises(StudyError, match="about a person, not a household"):
        build_pairs(
            con,
            spec(),
            Unit.HOUSEHOLD,
            {"registrations": REGISTRATIONS},
            expression("true", {}),
            {},
        )
