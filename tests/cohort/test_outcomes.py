from __future__ import annotations

import pytest

from riskstrat.cohort.flow import refuse_no_answer
from riskstrat.cohort.outcomes import OUTCOME_KNOWN, build_outcomes
from riskstrat.cohort.spec import CohortSpec, OutcomeSpec
from riskstrat.errors import StudyError, TooThinError
from riskstrat.vocabulary import Unit
from tables import connection, contract, expression, rows_of

ADMISSIONS = contract("admissions", {"urgent": "boolean"})
DEATHS = contract("deaths", {}, status="death")
REGISTRATIONS = contract("registrations", {}, shape="spells", population="registered")
SPELLS = "unit_id | starts_on:date | ends_on:date | known_on:date\n"
EVENTS = "unit_id | happened_on:date | known_on:date | urgent:boolean\n"
DEATH = "unit_id | happened_on:date | known_on:date\n"


def outcomes(pairs, *, events="", deaths=None, spells=None, sources=(), where="urgent", **says):
    """unit -> its reason, for an outcome within 30 days of each pair's date."""
    found = {"admissions": ADMISSIONS, "deaths": DEATHS, "registrations": REGISTRATIONS}
    found |= {source.source: source for source in sources}
    views = {"source_admissions": EVENTS + events}
    if deaths is None:
        del found["deaths"]
    else:
        views["source_deaths"] = DEATH + deaths
    if spells is None:
        always = "".join(f"{unit} | 2000-01-01 | | 2000-01-01\n" for unit in units_of(pairs))
        spells = always
    views["source_registrations"] = SPELLS + spells
    con = connection(pairs="unit_id | as_of:date\n" + pairs, **views)
    spec = OutcomeSpec.model_validate(
        {"name": "urgent_admission", "event": "admissions", "within": "30 days", **says}
    )
    cohort = CohortSpec.model_validate({"as_of": {"dates": ["2024-04-01"]}})
    condition = expression(where, {"urgent": "boolean"})
    flow = build_outcomes(con, spec, cohort, Unit.PERSON, found, condition)
    return con, flow


def units_of(pairs):
    return dict.fromkeys(line.split("|")[0].strip() for line in pairs.splitlines() if line.strip())


def reasons(pairs, **says):
    con, _ = outcomes(pairs, **says)
    return dict(rows_of(con, "SELECT unit_id, outcome_reason FROM cohort"))


def test_an_event_counts_from_the_as_of_date_up_to_but_not_on_the_end_of_the_window():
    found = reasons(
        """
        day_before | 2024-04-01
        first_day  | 2024-04-01
        last_day   | 2024-04-01
        day_after  | 2024-04-01
        nothing    | 2024-04-01
        """,
        events="""
        day_before | 2024-03-31 | 2024-03-31 | yes
        first_day  | 2024-04-01 | 2024-04-01 | yes
        last_day   | 2024-04-30 | 2024-04-30 | yes
        day_after  | 2024-05-01 | 2024-05-01 | yes
        """,
    )
    assert found == {
        "day_before": "no_event",
        "first_day": "event",
        "last_day": "event",
        "day_after": "no_event",
        "nothing": "no_event",
    }


def test_status_and_outcome_follow_the_reason():
    con, flow = outcomes(
        "ann | 2024-04-01\n bob | 2024-04-01\n cat | 2024-04-01",
        events="ann | 2024-04-02 | 2024-04-02 | yes",
        deaths="cat | 2024-04-09 | 2024-04-09",
    )
    assert rows_of(con, "SELECT * EXCLUDE (as_of) FROM cohort") == [
        ("ann", True, "yes", "event"),
        ("bob", False, "no", "no_event"),
        ("cat", None, "not_yet_known", "died_excluded"),
    ]
    assert [(s.step, s.left, s.removed) for s in flow.total] == [(OUTCOME_KNOWN, 2, 1)]


def test_only_events_that_meet_the_condition_count_and_an_unanswered_one_does_not():
    found = reasons(
        "ann | 2024-04-01\n bob | 2024-04-01",
        events="""
        ann | 2024-04-02 | 2024-04-02 | no
        bob | 2024-04-02 | 2024-04-02 |
        """,
    )
    assert found == {"ann": "no_event", "bob": "no_event"}


def test_labels_use_what_was_recorded_late():
    found = reasons("ann | 2024-04-01", events="ann | 2024-04-02 | 2026-01-01 | yes")
    assert found == {"ann": "event"}


def test_a_window_of_a_year_reaches_the_same_date_in_a_leap_year():
    events = """
        ann | 2024-03-01 | 2024-03-01 | yes
        bob | 2024-02-29 | 2024-02-29 | yes
        """
    pairs = "ann | 2023-03-01\n bob | 2023-03-01"
    assert reasons(pairs, events=events, within="1 year") == {"ann": "no_event", "bob": "event"}
    assert reasons(pairs, events=events, within="365 days") == {
        "ann": "no_event",
        "bob": "no_event",
    }


DYING = """
    admitted_first | 2024-04-01
    same_day       | 2024-04-01
    died_first     | 2024-04-01
    died           | 2024-04-01
    died_later     | 2024-04-01
    died_before    | 2024-04-01
"""
DIED = {
    "events": """
        admitted_first | 2024-04-05 | 2024-04-05 | yes
        same_day       | 2024-04-10 | 2024-04-10 | yes
        died_first     | 2024-04-20 | 2024-04-20 | yes
        """,
    "deaths": """
        admitted_first | 2024-04-10 | 2024-04-10
        same_day       | 2024-04-10 | 2024-04-10
        died_first     | 2024-04-10 | 2024-04-10
        died           | 2024-04-30 | 2024-04-30
        died_later     | 2024-05-01 | 2024-05-01
        died_before    | 2024-03-01 | 2024-05-01
        """,
}


@pytest.mark.parametrize(
    ("rule", "death"), [("counts_as_event", "death"), ("excluded", "died_excluded")]
)
def test_a_death_in_the_window_follows_the_study_rule_unless_the_event_came_first(rule, death):
    assert reasons(DYING, **DIED, on_death=rule) == {
        "admitted_first": "event",
        "same_day": "event",
        "died_first": death,
        "died": death,
        "died_later": "no_event",
        "died_before": "died_excluded",
    }


def test_leaving_the_population_before_any_event_is_not_a_no():
    found = reasons(
        """
        stays        | 2024-04-01
        leaves       | 2024-04-01
        leaves_later | 2024-04-01
        moves        | 2024-04-01
        comes_late   | 2024-04-01
        had_left     | 2024-04-01
        came_back    | 2024-04-01
        back_today   | 2024-04-01
        event_first  | 2024-04-01
        event_long_after | 2024-04-01
        overlapping  | 2024-04-01
        """,
        spells="""
        stays        | 2020-01-01 |            | 2020-01-01
        leaves       | 2020-01-01 | 2024-04-10 | 2020-01-01
        leaves_later | 2020-01-01 | 2024-05-01 | 2020-01-01
        moves        | 2020-01-01 | 2024-04-10 | 2020-01-01
        moves        | 2024-05-10 |            | 2024-05-10
        comes_late   | 2020-01-01 | 2024-04-10 | 2020-01-01
        comes_late   | 2024-05-11 |            | 2024-05-11
        had_left     | 2020-01-01 | 2023-01-01 | 2020-01-01
        came_back    | 2020-01-01 | 2022-01-01 | 2020-01-01
        came_back    | 2023-01-01 |            | 2023-01-01
        back_today   | 2020-01-01 | 2022-01-01 | 2020-01-01
        back_today   | 2024-04-01 |            | 2024-04-01
        event_first  | 2020-01-01 | 2024-04-10 | 2020-01-01
        event_long_after | 2020-01-01 | 2024-03-01 | 2020-01-01
        overlapping  | 2020-01-01 | 2025-01-01 | 2020-01-01
        overlapping  | 2024-01-01 | 2024-04-10 | 2020-01-01
        """,
        events="""
        event_first      | 2024-04-05 | 2024-04-05 | yes
        event_long_after | 2024-04-05 | 2024-04-05 | yes
        """,
    )
    assert found == {
        "stays": "no_event",
        "leaves": "left",
        "leaves_later": "no_event",
        "moves": "no_event",
        "comes_late": "left",
        "had_left": "left",
        "came_back": "no_event",
        "back_today": "no_event",
        "event_first": "event",
        "event_long_after": "left",
        "overlapping": "no_event",
    }


def test_a_registration_closed_because_of_a_death_is_a_death():
    found = reasons(
        "ann | 2024-04-01\n bob | 2024-04-01",
        spells="""
        ann | 2020-01-01 | 2024-04-05 | 2020-01-01
        bob | 2020-01-01 | 2024-04-10 | 2020-01-01
        """,
        deaths="ann | 2024-04-10 | 2024-04-10\n bob | 2024-04-08 | 2024-04-08",
        on_death="counts_as_event",
    )
    assert found == {"ann": "death", "bob": "death"}


def covering(*spans):
    return contract(
        "admissions",
        {"urgent": "boolean"},
        coverage=[{"from": start, "to": end} for start, end in spans],
    )


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([("2024-04-01", "2024-05-01")], "event"),
        ([("2024-04-01", "2024-04-30")], "window_not_complete"),
        ([("2024-04-02", "2025-01-01")], "window_not_complete"),
        ([("2024-01-01", "2024-04-10"), ("2024-04-11", "2025-01-01")], "window_not_complete"),
        ([("2024-04-10", "2025-01-01"), ("2024-01-01", "2024-04-10")], "event"),
    ],
)
def test_a_window_not_wholly_covered_is_known_for_nobody(spans, reason):
    found = reasons(
        "ann | 2024-04-01",
        events="ann | 2024-04-02 | 2024-04-02 | yes",
        sources=[covering(*spans)],
    )
    assert found == {"ann": reason}


def test_deaths_that_are_not_complete_leave_the_window_incomplete():
    deaths = contract(
        "deaths", {}, status="death", coverage={"from": "2020-01-01", "to": "2024-04-15"}
    )
    assert reasons("ann | 2024-04-01", deaths="", sources=[deaths]) == {
        "ann": "window_not_complete"
    }


def test_only_if_recorded_needs_a_row_of_the_source_and_a_row_outlives_leaving():
    found = reasons(
        """
        recorded_no  | 2024-04-01
        recorded_yes | 2024-04-01
        never        | 2024-04-01
        left_after   | 2024-04-01
        left_before  | 2024-04-01
        """,
        spells="""
        recorded_no  | 2020-01-01 |            | 2020-01-01
        recorded_yes | 2020-01-01 |            | 2020-01-01
        never        | 2020-01-01 |            | 2020-01-01
        left_after   | 2020-01-01 | 2024-04-20 | 2020-01-01
        left_before  | 2020-01-01 | 2024-04-20 | 2020-01-01
        """,
        events="""
        recorded_no  | 2024-04-05 | 2024-04-05 | no
        recorded_yes | 2024-04-05 | 2024-04-05 | yes
        left_after   | 2024-04-05 | 2024-04-05 | no
        """,
        only_if_recorded=True,
    )
    assert found == {
        "recorded_no": "no_event",
        "recorded_yes": "event",
        "never": "not_recorded",
        "left_after": "no_event",
        "left_before": "left",
    }


def test_the_cohort_is_sorted_by_date_and_unit():
    con, _ = outcomes("bob | 2024-04-01\n ann | 2024-04-01\n cat | 2023-04-01")
    assert rows_of(con, "SELECT unit_id FROM cohort") == [("cat",), ("ann",), ("bob",)]


def test_outcomes_that_are_all_the_same_are_refused():
    con, _ = outcomes("ann | 2024-04-01\n bob | 2024-04-01")
    with pytest.raises(TooThinError, match="is `no` for all 2 units"):
        refuse_no_answer(con, "urgent_admission")


def test_outcomes_none_of_which_is_known_are_refused_with_the_reasons():
    con, _ = outcomes("ann | 2029-12-31\n bob | 2029-12-31")
    with pytest.raises(TooThinError, match="2 window not complete") as refused:
        refuse_no_answer(con, "urgent_admission")
    assert refused.value.exit_code == 14


def test_an_event_about_something_else_is_refused():
    with pytest.raises(StudyError, match="is about a household, not a person"):
        outcomes("ann | 2024-04-01", sources=[contract("admissions", {}, unit="household")])
