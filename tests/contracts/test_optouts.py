"""Opt-outs: which kinds bind what, on which day, and that nobody bound is read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.agreed import CALLS, STAYS, agreements, opt_out_list, source
from contracts.desk import GOOD, csv_text
from riskstrat.contracts.check import check_source
from riskstrat.contracts.hands import OneEngine
from riskstrat.contracts.optouts import (
    LeftOut,
    as_of,
    before_linkage,
    binding,
    bound,
    count_people,
    few,
    leave_out,
    opt_outs_of,
    opted_out_pairs_sql,
    opted_out_sql,
    told,
)
from riskstrat.contracts.spec import OptOut
from tables import connection, rows_of, table

TYPE_1, NATIONAL, DISSENT = OptOut
EVERY = frozenset(OptOut)
DAY = date(2024, 4, 1)

SPELLS = """
    unit_id | kind                | starts_on:date | ends_on:date
    --------+---------------------+----------------+-------------
    ann     | national            | 2024-04-01     | -
    bob     | type_1              | 2020-01-01     | 2024-04-02
    cat     | national            | 2020-01-01     | 2024-04-01
    dan     | national            | 2024-04-02     | -
    eve     | risk_stratification | 2021-01-01     | -
    eve     | type_1              | 2021-01-01     | 2022-01-01
"""
ROWS = """
    unit_id | what
    --------+------
    ann     | 1
    ann     | 2
    bob     | 3
    cat     | 4
    dan     | 5
    eve     | 6
    -       | 7
"""


def gone(kinds=EVERY, day=DAY):
    con = connection(spells=SPELLS)
    return {row[0] for row in rows_of(con, opted_out_sql("spells", kinds, day))}


# -- on which day --------------------------------------------------------------------------------


def test_an_opt_out_holds_from_its_first_day_until_the_day_before_it_ends():
    assert gone() == {"ann", "bob", "eve"}
    assert gone(day=date(2024, 3, 31)) == {"bob", "cat", "eve"}
    assert gone(day=date(2024, 4, 2)) == {"ann", "dan", "eve"}


def test_only_the_kinds_that_bind_count():
    assert gone({TYPE_1}) == {"bob"}
    assert gone({NATIONAL}) == {"ann"}
    assert gone(()) == set()


def test_whoever_had_opted_out_on_the_day_itself_is_told_pair_by_pair():
    con = connection(spells=SPELLS, pairs="""
        unit_id | as_of:date
        --------+-----------
        cat     | 2023-04-01
        cat     | 2024-04-01
        fay     | 2024-04-01
    """)  # fmt: skip
    found = rows_of(con, opted_out_pairs_sql("pairs", "spells", EVERY))
    assert found == [("cat", date(2023, 4, 1))]


DAYS = st.integers(0, 30).map(lambda n: date(2024, 1, 1) + timedelta(days=n))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(OptOut), DAYS, st.none() | DAYS),
             max_size=8),
    st.sets(st.sampled_from(OptOut)),
    DAYS,
)  # fmt: skip
def test_rows_left_out_are_those_a_slow_reading_leaves_out(spells, kinds, day):
    drawn = "unit_id | kind | starts_on:date | ends_on:date\n---+---\n" + "\n".join(
        f"{who} | {kind} | {starts} | {ends or '-'}" for who, kind, starts, ends in spells
    )
    con = connection(spells=drawn, people="unit_id\n---\na\na\nb\nd")
    slow = {
        who
        for who, kind, starts, ends in spells
        if kind in kinds and starts <= day and (ends is None or day < ends)
    }
    sql, counts = leave_out(con, "people", "spells", kinds, day)
    kept = sorted(row[0] for row in rows_of(con, sql))
    assert kept == [who for who in ("a", "a", "b", "d") if who not in slow]
    assert counts.rows == 4 - len(kept)
    assert counts.people == len(slow & {"a", "b", "d"})


def test_rows_are_left_out_before_linkage_under_an_agencys_own_ids():
    spells = table(SPELLS).rename_columns(["local", "kind", "starts_on", "ends_on"])
    rows = table(ROWS).rename_columns(["patient", "what"])
    con = connection(spells=spells, rows=rows)
    sql, left_out = leave_out(con, "rows", "spells", EVERY, DAY, key="patient", spells_key="local")
    assert sorted(row[1] for row in rows_of(con, sql)) == ["4", "5", "7"]
    assert left_out == LeftOut(4, 3, {NATIONAL: 1, DISSENT: 1, TYPE_1: 1})
    assert left_out.sentence == (
        "fewer than 10 rows of fewer than 10 people left out (national: fewer than 10, "
        "risk_stratification: fewer than 10, type_1: fewer than 10)"
    )


def test_one_person_is_asked_about_before_a_pseudonym_is_turned_back():
    con = connection(spells=SPELLS)
    assert opt_outs_of(con, "spells", "eve", EVERY, DAY) == {DISSENT}
    assert opt_outs_of(con, "spells", "eve", EVERY, date(2021, 6, 1)) == {DISSENT, TYPE_1}
    assert opt_outs_of(con, "spells", "eve", {NATIONAL}, DAY) == frozenset()
    assert opt_outs_of(con, "spells", "' OR true --", EVERY, DAY) == frozenset()


def test_counts_are_told_and_small_ones_are_not():
    con = connection(spells=SPELLS)
    people = count_people(con, opt_out_list(), "spells", {NATIONAL, DISSENT})
    assert people == {"national": 2, "risk_stratification": 1, "any": 3}
    message = told(opt_out_list(), people).message
    assert "fewer than 10 people had opted out on 2025-01-01" in message
    assert "ann" not in message
    assert (few(0), few(1), few(9), few(10)) == ("0", "fewer than 10", "fewer than 10", "10")


# -- what binds ----------------------------------------------------------------------------------


def rules(**kinds):
    return agreements(health={"opt_outs": {"national": {}, **kinds}})


def test_the_agreement_says_which_kinds_bind_which_source_for_what():
    health = rules(risk_stratification={"sources": ["opt_outs"]}, type_1={"sources": ["stays"]})
    assert binding(health["health"], STAYS, "case_finding") == {NATIONAL, TYPE_1}
    assert binding(health["health"], STAYS, "direct_care") == frozenset()
    assert binding(health["police"], CALLS, "case_finding") == frozenset()
    exempt = rules(national={"exempt": {"stays": "CAG 1/2024"}})["health"]
    assert binding(exempt, STAYS, "case_finding") == frozenset()


def test_tables_of_households_and_areas_bind_nobody():
    areas = source("stays", "health", (), unit="area", unit_key="day")
    assert binding(rules()["health"], areas, "case_finding") == frozenset()
    assert bound([areas, STAYS, CALLS], rules(), "case_finding") == {NATIONAL}


def test_what_binds_for_every_purpose_is_applied_before_linkage():
    only_one = {"not_for": ["commissioning", "direct_care"]}
    health = rules(risk_stratification=only_one, type_1={})["health"]
    assert before_linkage(health, STAYS) == {NATIONAL, TYPE_1}
    locked = agreements(health={
        "opt_outs": {"national": {}, "risk_stratification": only_one},
        "sources.stays.only_for": ["case_finding"],
    })["health"]  # fmt: skip
    assert before_linkage(locked, STAYS) == {NATIONAL, DISSENT}


def test_a_list_tells_of_the_day_to_which_it_is_complete():
    assert as_of(opt_out_list()) == date(2025, 1, 1)


# -- the contract of a list ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": "household"}, "opt-outs are spells about people"),
        ({"tolerance": {"wrong_type": 0.01}}, "an objection that nobody hears"),
        ({"population": "objectors"}, "have no `tolerance`"),
    ],
)
def test_a_list_of_opt_outs_leaves_nobody_out(changes, says):
    with pytest.raises(ValidationError, match=says):
        opt_out_list(**changes)


@pytest.mark.parametrize(
    "kind", [{"type": "string", "required": True}, {"type": "string", "codes": ["national"]},
             {"type": "string", "required": True, "codes": ["local"]}],
)  # fmt: skip
def test_the_kind_of_an_opt_out_is_one_that_we_know(kind):
    columns = {"person_id": {"type": "string"}, "kind": kind, "starts_on": {"type": "date"},
               "ends_on": {"type": "date"}, "recorded_on": {"type": "date"}}  # fmt: skip
    with pytest.raises(ValidationError, match="need a column `kind`"):
        opt_out_list(columns=columns)


# -- rows of people who opted out ----------------------------------------------------------------


def test_rows_of_people_who_opted_out_are_withheld_and_tested_by_nothing(desk):
    """One of them breaks a rule; that, too, is nobody's business any more."""
    desk.write(csv_text(*GOOD, "v4,ann,2023-06-01,2023-06-02,?,10"))
    desk.con.execute("CREATE VIEW opted_out AS SELECT 'ann' AS unit_id")
    hands = OneEngine(desk.con, desk.contract(), None, None, desk.scratch, "opted_out")
    found = check_source(
        desk.con, desk.contract(), desk.data, births=None, deaths=None, scratch=desk.scratch,
        hands=hands,
    )  # fmt: skip
    assert (found.withheld, found.rows_in, found.rows_accepted) == (3, 1, 1)
    assert [row[0] for row in desk.accepted(found)] == ["bob"]
    assert found.rejected == {}


def test_without_a_list_nobody_is_withheld(desk):
    desk.write(csv_text(*GOOD))
    found = desk.check()
    assert (found.withheld, found.rows_accepted) == (0, 3)
