"""Which household each person belonged to, as it was known on each morning."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.asof import related
from riskstrat.errors import LinkageError
from riskstrat.linkage.codes import LINKAGE_CODES
from riskstrat.linkage.spine import check_keys, check_overlaps, spine_sql
from riskstrat.vocabulary import Severity
from tables import connection, contract, rows_of, table

SPELL = {"shape": "spells", "relates": {"household": "home"}}
COLUMNS = {"home": "string"}
HOMES = contract("homes", COLUMNS, **SPELL)
REFUSING = contract("homes", COLUMNS, overlaps="refuse", **SPELL)
HEADER = "unit_id | starts_on:date | ends_on:date | end_known_on:date | known_on:date | home"


def con_with(drawing, header=HEADER):
    return connection(source_homes=f"{header}\n-----\n{drawing}")


def spine(drawing):
    rows = rows_of(con_with(drawing), spine_sql([HOMES]))
    assert all((row[0], row[2]) == ("person", "household") for row in rows)
    return [
        (row[1], row[3], *(day.isoformat() if day else None for day in row[4:])) for row in rows
    ]


def test_spells_that_do_not_overlap_stay_as_they_are():
    assert spine("""
        ann | 2020-01-01 | 2020-06-01 | 2020-06-20 | 2020-01-05 | oak
        bob | 2020-01-01 |            |            | 2020-01-05 | oak
    """) == [
        ("ann", "oak", "2020-01-01", "2020-06-01", "2020-06-20", "2020-01-05"),
        ("bob", "oak", "2020-01-01", None, None, "2020-01-05"),
    ]


def test_a_later_start_ends_the_earlier_spell_from_the_day_it_was_known():
    assert spine("""
        ann | 2020-01-01 |            |            | 2020-01-05 | oak
        ann | 2020-03-01 | 2020-05-01 |            | 2020-03-20 | elm
    """) == [
        ("ann", "oak", "2020-01-01", "2020-03-01", "2020-03-20", "2020-01-05"),
        ("ann", "elm", "2020-03-01", "2020-05-01", None, "2020-03-20"),
    ]


def test_an_end_that_was_known_before_the_later_spell_still_counts_from_then():
    # Oak ended on 1 April, known at once; the move to elm on 1 March was recorded a year later.
    [oak, _] = spine("""
        ann | 2020-01-01 | 2020-04-01 |            | 2020-01-05 | oak
        ann | 2020-03-01 |            |            | 2021-03-01 | elm
    """)
    assert oak == ("ann", "oak", "2020-01-01", "2020-03-01", "2020-04-01", "2020-01-05")


def test_moving_to_nobody_knows_where_ends_the_spell_before():
    assert spine("""
        ann | 2020-01-01 | | | 2020-01-05 | oak
        ann | 2020-03-01 | | | 2020-03-05 |
    """) == [("ann", "oak", "2020-01-01", "2020-03-01", "2020-03-05", "2020-01-05")]


def test_a_spell_of_no_days_places_nobody():
    assert spine("""
        ann | 2020-01-01 |            | | 2020-01-05 | oak
        ann | 2020-03-01 | 2020-03-01 | | 2020-03-05 | elm
    """) == [("ann", "oak", "2020-01-01", None, None, "2020-01-05")]


def test_without_relations_the_spine_is_empty_and_typed():
    con = connection()
    assert rows_of(con, spine_sql([])) == []
    kinds = [row[1] for row in rows_of(con, f"DESCRIBE {spine_sql([])}")]
    assert kinds == ["VARCHAR"] * 4 + ["DATE"] * 4


def test_households_and_areas_are_resolved_apart():
    both = contract(
        "homes",
        {"home": "string", "area": "string"},
        shape="spells",
        relates={"household": "home", "area": "area"},
    )
    con = con_with(
        """
        ann | 2020-01-01 | | | 2020-01-05 | oak | E01
        ann | 2020-03-01 | | | 2020-03-05 | elm | E01
        """,
        f"{HEADER} | area",
    )
    found = rows_of(con, f"SELECT via, via_id, ends_on FROM ({spine_sql([both])}) ORDER BY ALL")
    march = date(2020, 3, 1)
    assert found == [
        ("area", "E01", march), ("area", "E01", None),
        ("household", "elm", None), ("household", "oak", march),
    ]  # fmt: skip


DAYS = st.integers(0, 12)
SPELLS = st.lists(
    st.tuples(
        DAYS, st.none() | st.integers(1, 8), st.none() | DAYS, DAYS, st.sampled_from("abc")
    ),
    max_size=5,
)  # fmt: skip
START = date(2020, 1, 1)


def homes_on(day, spells):
    """Slow and obvious: replay what was known on the morning, latest start first."""
    known = [spell for spell in spells if spell[0] < day and spell[3] < day]
    if not known:
        return None
    start, length, end_known, _, home = max(known, key=lambda s: (s[0], s[3], s[4]))
    if length is None or start + length >= day or (end_known is not None and end_known >= day):
        return home
    return None


def distinct_starts(spells):
    return list({spell[0]: spell for spell in spells}.values())


@settings(max_examples=60, deadline=None)
@given(spells=SPELLS.map(distinct_starts))
def test_on_any_morning_the_spine_tells_the_latest_home_known_then(spells):
    def day(offset):
        return "" if offset is None else (START + timedelta(days=offset)).isoformat()

    drawing = "\n".join(
        f"ann | {day(start)} | {day(start + length) if length else ''} | "
        f"{day(end_known) if length else ''} | {day(known)} | {home}"
        for start, length, end_known, known, home in spells
    )
    spells = [(s, n, e if n else None, k, h) for s, n, e, k, h in spells]
    con = con_with(drawing)
    con.execute(f"CREATE VIEW relations AS {spine_sql([HOMES])}")
    con.execute(
        "CREATE TABLE pairs AS SELECT 'ann' AS unit_id, "
        "CAST(DATE '2020-01-01' + d::INT AS DATE) AS as_of FROM range(30) AS t(d)"
    )
    found = dict(
        rows_of(con, f"SELECT as_of, via_id FROM ({related('pairs', 'relations', 'household')})")
    )
    for offset in range(30):
        assert found.get(START + timedelta(days=offset)) == homes_on(offset, spells), offset


def test_overlaps_are_refused_where_the_contract_says_so():
    con = con_with("""
        ann | 2020-01-01 | 2020-04-01 | | 2020-01-05 | oak
        ann | 2020-03-01 |            | | 2020-03-05 | elm
        ann | 2020-03-20 | 2020-03-25 | | 2020-03-25 | ash
        bob | 2020-01-01 | 2020-04-01 | | 2020-01-05 | oak
        bob | 2020-04-01 |            | | 2020-04-01 | oak
    """)
    check_overlaps(con, [HOMES])
    with pytest.raises(LinkageError, match=r"2 homes overlap .* same person .1 of them") as refused:
        check_overlaps(con, [REFUSING])
    assert refused.value.code == "RS1302"
    assert "latest_start" in refused.value.fix


EVENTS = contract("visits", {})
CALLS = contract("calls", {}, unit="household")
PEOPLE = "".join(f"p{i:02} | 2020-01-01 | | | 2020-01-01 | h{i % 5}\n" for i in range(50))


def visits(*units):
    rows = "".join(f"{unit} | 2020-03-01 | 2020-03-02\n" for unit in units)
    return f"unit_id | happened_on:date | known_on:date\n----\n{rows}"


def keys(con, *sources):
    return check_keys(con, [HOMES, *sources], HOMES)


def test_units_the_population_does_not_know_are_counted():
    con = con_with(PEOPLE)
    con.register("source_visits", table(visits(*(f"p{i:02}" for i in range(48)), "x1", "x2")))
    [told] = keys(con, EVENTS)
    assert (told.code, told.severity, told.value, told.n) == (
        "RS1301", Severity.WARNING, 0.04, 50,
    )  # fmt: skip
    assert "2 of 50 rows (4.0%)" in told.message


def test_a_source_that_speaks_of_other_people_altogether_is_refused():
    con = con_with(PEOPLE)
    con.register("source_visits", table(visits("p01", "SECRET-4711", "SECRET-4712")))
    with pytest.raises(LinkageError, match="another key") as refused:
        keys(con, EVENTS)
    assert "visits: 2 of 3 rows (66.7%)" in refused.value.message
    assert "SECRET" not in str(refused.value)


def test_households_are_looked_for_among_the_spines():
    con = con_with(PEOPLE)
    con.register("source_calls", table(visits("h1", "h9", "h8")))
    assert keys(con, CALLS) == ()
    con.register("source_calls", table(visits("H1", "H2")))
    with pytest.raises(LinkageError, match="calls: 2 of 2 rows"):
        keys(con, CALLS)


def test_all_units_known_is_no_finding():
    con = con_with(PEOPLE)
    con.register("source_visits", table(visits("p01", "p02")))
    assert keys(con, EVENTS) == ()


def test_every_code_is_explained():
    assert all(code.startswith("RS13") for code in LINKAGE_CODES)
    assert all(all(part for part in code) for code in LINKAGE_CODES.values())
