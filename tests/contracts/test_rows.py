"""The rules every row is tested against, and what a check says about them."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.desk import GOOD, SECRET, csv_text
from riskstrat.contracts.check import birth_view_sql, check_source, death_view_sql
from riskstrat.contracts.codes import CONTRACT_CODES, RULE_CODES
from riskstrat.contracts.findings import BROKEN
from riskstrat.contracts.spec import Source
from riskstrat.errors import ContractError
from riskstrat.vocabulary import Severity
from tables import register

SPELLS = {
    "shape": "spells",
    "happened_on": None,
    "starts_on": "seen_on",
    "ends_on": "left_on",
    "columns": {"left_on": {"type": "date"}},
    "key": ["visit"],
}


def visits(*rows):
    return csv_text(*GOOD, *rows)


@pytest.mark.parametrize(
    ("row", "rule", "named"),
    [
        (f"v4,{SECRET},2023-31-01,2023-05-01,A,1", "wrong_type", "seen_on"),
        ("v4,bob,2023-05-01,2023-05-01,A,cheap", "wrong_type", "cost"),
        ("v4,,2023-05-01,2023-05-01,A,1", "missing_required", "person"),
        (",bob,2023-05-01,2023-05-01,A,1", "missing_required", "visit"),
        (f"v4,{SECRET},,2023-05-01,A,1", "missing_required", "seen_on"),
        (f"v4,{SECRET},2023-05-01,,A,1", "missing_required", "sent_on"),
        (f"v4,bob,2023-05-01,2023-05-01,{SECRET},1", "not_in_codes", "kind"),
        (f"v4,{SECRET},2023-05-01,2023-05-01,a,1", "not_in_codes", "kind"),
        (f"v4,{SECRET},2023-05-01,2023-05-01,A,-0.01", "out_of_range", "cost"),
        (f"v4,{SECRET},2023-05-01,2023-05-01,A,1000.01", "out_of_range", "cost"),
        (f"v4,{SECRET},2024-01-02,2024-01-02,A,1", "date_in_future", "seen_on"),
        ("v3,bob,2023-05-01,2023-05-03,A,1", "duplicate_key", "visit"),
    ],
)
def test_one_bad_row_refuses_the_extract_unless_tolerated(desk, row, rule, named):
    desk.write(visits(row))
    message = desk.refusal(ContractError, RULE_CODES[rule])
    assert message.startswith("visits: `visits.csv`: 1 of 4 rows (25%, none tolerated)")
    assert f"[{rule}]: `{named}`" in message
    found = desk.check(tolerance={rule: 0.25})
    assert dict(found.rejected) == {rule: 1}
    assert (found.rows_in, found.rows_accepted) == (4, 3)
    [told] = [finding for finding in found.findings if finding.name == rule]
    assert (told.severity, told.value, told.n) == (Severity.WARNING, 0.25, 4)
    assert SECRET not in str(found.findings)


@pytest.mark.parametrize(
    "row",
    [
        "v4,bob,2024-01-01,2024-03-01,A,1",
        "v4,bob,2023-05-01,2023-05-01,A,0",
        "v4,bob,2023-05-01,2023-05-01,E,1000",
    ],
)
def test_the_limits_themselves_are_allowed(desk, row):
    desk.write(visits(row))
    assert desk.check().rows_accepted == 4


def test_a_row_is_rejected_once_for_the_first_rule_it_breaks(desk):
    desk.write(visits("v4,,2030-01-01,2023-05-01,X,many"))
    assert dict(desk.check(tolerance={"wrong_type": 0.25}).rejected) == {"wrong_type": 1}


def test_over_the_tolerance_the_message_says_how_to_raise_it(desk):
    desk.write(csv_text(*GOOD * 5, "v4,bob,2023-05-01,2023-05-01,X,1"))
    with pytest.raises(ContractError) as refused:
        desk.check(tolerance={"duplicate_key": 0.8, "not_in_codes": 0.05})
    assert "1 of 16 rows (6.25%, 5% tolerated)" in refused.value.message
    assert "tolerance: {not_in_codes: 0.063}" in refused.value.fix
    assert "of `visits`" in refused.value.fix


def test_all_rules_beyond_their_tolerance_are_told_at_once(desk):
    desk.write(visits("v4,,2023-05-01,2023-05-01,A,1", "v5,bob,2023-05-01,2023-05-01,X,1"))
    message = desk.refusal(ContractError, "RS1011")
    assert "also: 1 of 5 rows (20%, none tolerated) hold a code" in message


def test_a_required_column_may_not_be_empty(desk):
    desk.write(csv_text(*GOOD))
    message = desk.refusal(
        ContractError, "RS1011", columns={"cost": {"type": "number", "required": True}}
    )
    assert "`cost`" in message


def test_integers_have_codes_too(desk):
    desk.write(csv_text("v1,ann,2023-03-01,2023-03-05,1,10", "v2,ann,2023-03-01,2023-03-05,3,10"))
    coded = {"kind": {"type": "integer", "codes": {1: "one", 2: "two"}}}
    found = desk.check(columns=coded, tolerance={"not_in_codes": 0.5})
    assert dict(found.rejected) == {"not_in_codes": 1}


def test_of_repeated_keys_the_first_known_is_kept(desk):
    desk.write(
        csv_text(
            "v1,ann,2023-03-01,2023-03-09,A,1",
            "v1,ann,2023-03-02,2023-03-05,E,2",
            "v1,ann,2023-03-02,2023-03-05,A,3",
            "v1,ann,2023-03-02,2023-03-05,A,2",
        )
    )
    found = desk.check(tolerance={"duplicate_key": 0.75})
    [row] = desk.accepted(found)
    assert (row[1], row[2], row[7], row[8]) == (date(2023, 3, 2), date(2023, 3, 5), "A", 2.0)


def test_a_rejected_row_does_not_displace_a_good_one_with_its_key(desk):
    desk.write(visits("v3,bob,2023-05-01,2023-05-01,A,5000"))
    found = desk.check(tolerance={"out_of_range": 0.25})
    assert dict(found.rejected) == {"out_of_range": 1}


def test_nothing_left_is_a_refusal_whatever_is_tolerated(desk):
    desk.write(csv_text("v1,,2023-03-01,2023-03-05,A,10"))
    message = desk.refusal(ContractError, "RS1006", tolerance={"missing_required": 1.0})
    assert "1 rows and none is left" in message


LIVES = """
    unit_id | born_on:date | died_on:date
    --------+--------------+-------------
    ann     | 2023-04-01   | 2023-03-10
    ann     | 2024-01-01   | 2023-01-01
    bob     | 2023-06-01   | 2023-03-17
"""


@pytest.mark.parametrize(
    ("who", "rule", "dropped"),
    [("born_on", "before_birth", "v4"), ("died_on", "after_death", "v5")],
)
def test_before_birth_and_after_death_leave_room_for_coarse_dates(desk, who, rule, dropped):
    desk.write(
        csv_text(
            "v1,ann,2023-03-01,2023-03-05,A,10",  # 31 days before ann's earliest birth
            "v2,ann,2023-04-24,2023-04-24,A,10",  # 45 days after her latest death
            "v3,bob,2023-05-01,2023-05-03,A,10",  # 31 days before, 45 days after
            "v4,bob,2023-04-30,2023-05-03,A,10",  # 32 days before bob's birth
            "v5,bob,2023-05-02,2023-05-03,A,10",  # 46 days after his death
            "v6,cat,1900-01-01,2023-05-03,A,10",  # somebody no register knows
        )
    )
    register(desk.con, "lives", LIVES)
    told = {"births" if who == "born_on" else "deaths": f"(SELECT unit_id, {who} FROM lives)"}
    assert "1 of 6 rows" in desk.refusal(ContractError, RULE_CODES[rule], **told)
    left = {row[3] for row in desk.accepted(desk.check(**told, tolerance={rule: 0.2}))}
    assert left == {"v1", "v2", "v3", "v4", "v5", "v6"} - {dropped}


def test_lives_are_those_of_persons_only(desk):
    desk.write(csv_text(*GOOD))
    register(desk.con, "lives", LIVES)
    assert desk.check(births="lives", deaths="lives", unit="household").rows_accepted == 3


def test_a_source_with_its_own_births_and_deaths_tells_them_to_others(desk):
    desk.write(csv_text(*GOOD))
    told = {"columns": {"born": {"type": "date", "from": "sent_on"}}, "born_on": "born"}
    births = desk.contract(**told)
    found = desk.check(**told)
    desk.con.execute(f"CREATE VIEW source_visits AS {found.accepted_sql}")
    assert desk.con.execute(f"{birth_view_sql(births)} ORDER BY 1").fetchall() == [
        ("ann", date(2023, 3, 5)),
        ("bob", date(2023, 5, 3)),
    ]
    deaths = desk.contract(status="death")
    assert desk.con.execute(f"{death_view_sql(deaths)} ORDER BY 1").fetchall() == [
        ("ann", date(2023, 4, 1)),
        ("bob", date(2023, 5, 1)),
    ]
    with pytest.raises(ValueError, match="no `born_on`"):
        birth_view_sql(deaths)


def test_a_spell_ends_after_it_starts_or_is_open(desk):
    header = "visit,person,seen_on,sent_on,kind,cost,left_on"
    desk.write(
        csv_text(
            "v1,ann,2023-03-01,2023-03-05,A,10,",
            "v2,ann,2023-03-01,2023-03-05,A,10,2023-03-01",
            "v3,ann,2023-03-01,2023-03-05,A,10,2030-01-01",
            "v4,ann,2023-03-01,2023-03-05,A,10,2023-02-28",
            header=header,
        )
    )
    message = desk.refusal(ContractError, "RS1016", **SPELLS)
    assert "end before they start [ends_before_start]: `left_on`" in message
    found = desk.check(**SPELLS, tolerance={"ends_before_start": 0.25})
    assert found.columns[:5] == ("unit_id", "starts_on", "ends_on", "end_known_on", "known_on")
    assert [row[2] for row in desk.accepted(found)] == [None, date(2023, 3, 1), date(2030, 1, 1)]


def test_what_holds_for_a_whole_life_may_be_dated_before_birth(desk):
    desk.write(csv_text("v1,ann,1900-01-01,2023-03-05,A,10"))
    register(desk.con, "lives", LIVES)
    births = {"births": "(SELECT unit_id, born_on FROM lives)"}
    refused = desk.refusal(ContractError, "RS1017", **births)
    assert "before the person's birth" in refused
    assert desk.check(**births, untested=["before_birth"]).rows_accepted == 1


@pytest.mark.parametrize("spells", [False, True])
def test_a_lag_stands_in_for_the_day_a_record_was_known(desk, spells):
    desk.write(csv_text(*GOOD))
    shape = {**SPELLS, "columns": {"left_on": {"type": "date", "from": "sent_on"}}}
    found = desk.check(known_on={"lag_days": 45}, **(shape if spells else {}))
    known = found.columns.index("known_on")
    assert desk.accepted(found)[0][known] == date(2023, 4, 15)


def test_a_lag_may_count_from_the_end_of_what_happened(desk):
    desk.write(
        csv_text(
            "v1,ann,2023-03-01,2023-03-05,A,10",
            "v2,ann,2023-03-01,,A,10",  # still going on: counted from its beginning
            "v3,ann,2023-03-01,2023-02-01,A,10",  # an end before the beginning does not count
        )
    )
    found = desk.check(known_on={"lag_days": 2, "after": "sent_on"})
    known, visit = found.columns.index("known_on"), found.columns.index("visit")
    assert {row[visit]: row[known] for row in desk.accepted(found)} == {
        "v1": date(2023, 3, 7),
        "v2": date(2023, 3, 3),
        "v3": date(2023, 3, 3),
    }


def test_a_lag_counts_from_a_column_of_dates(desk):
    with pytest.raises(ValueError, match="left_on is used but not under"):
        desk.contract(known_on={"lag_days": 2, "after": "left_on"})
    with pytest.raises(ValueError, match="`kind` must have type date"):
        desk.contract(known_on={"lag_days": 2, "after": "kind"})


def test_late_and_early_records_are_told_and_kept(desk):
    desk.write(
        visits(
            "v4,bob,2022-01-01,2023-01-03,A,1",
            "v5,bob,2023-05-02,2023-05-01,A,1",
            "v6,bob,2022-01-01,2023-01-02,A,1",
        )
    )
    found = desk.check()
    told = {finding.code: finding.message for finding in found.findings}
    assert found.rows_accepted == 6
    assert "1 of 6 rows (16.7%) became known more than 366 days" in told["RS1019"]
    assert "1 of 6 rows (16.7%) are said to be known before" in told["RS1020"]
    assert "RS1019" not in {f.code for f in desk.check(tolerance={"late_record": 0.2}).findings}


def monthly(*counts):
    return csv_text(
        *(
            f"v{month}-{i},p{i},2023-{month:02}-15,2023-{month:02}-15,A,1"
            for month, count in enumerate(counts, start=1)
            for i in range(count)
        )
    )


def test_months_unlike_those_around_them_are_named(desk):
    desk.write(monthly(60, 60, 66, 60, 0, 60, 60, 60, 60, 200, 60, 60))
    [told] = [finding for finding in desk.check().findings if finding.code == "RS1021"]
    assert "2 of 12 months" in told.message
    assert "2023-05 (-100%), 2023-10 (+233%)" in told.message


def test_small_and_partial_months_are_not_called_unusual(desk):
    desk.write(monthly(3, 0, 5, 1, 0, 2, 3, 6, 0, 1, 2, 4))
    assert "RS1021" not in {finding.code for finding in desk.check().findings}
    desk.write(monthly(*[60] * 11, 5))
    short = {"coverage": {"from": "2023-01-01", "to": "2023-12-10"}, "tolerance": {}}
    changed = {**short, "tolerance": {"date_in_future": 0.1}}
    assert "RS1021" not in {finding.code for finding in desk.check(**changed).findings}


def test_columns_that_are_often_empty_are_mentioned(desk):
    desk.write(csv_text(*GOOD))
    told = [f for f in desk.check().findings if f.code == "RS1022"]
    assert [finding.where for finding in told] == ["visits.kind", "visits.cost"]
    assert {finding.severity for finding in told} == {Severity.INFO}


def test_every_rule_has_a_code_that_explains_it():
    assert set(RULE_CODES.values()) <= set(CONTRACT_CODES)
    assert set(BROKEN) == set(RULE_CODES) - {"late_record"}
    assert all(code.startswith("RS10") and len(code) == 6 for code in CONTRACT_CODES)
    assert all(all(part for part in code) for code in CONTRACT_CODES.values())


CELLS = st.sampled_from
ROW = st.tuples(
    CELLS(["v1", "v2", "v3", "v4", ""]),
    CELLS(["ann", "bob", "", '"b, ""o"" b"', '"new\nline"']),
    CELLS(["2023-03-01", "2023-05-01", "2030-01-01", "1/2/2023", ""]),
    CELLS(["2023-05-01", "2023-06-01", ""]),
    CELLS(["A", "E", "", "X"]),
    CELLS(["1", "2.5", "", "-1", "cheap"]),
)
ALL_TOLERATED = dict.fromkeys(RULE_CODES, 1.0)
GOOD_CELLS = tuple(tuple(row.split(",")) for row in GOOD)


def accepted_bytes(desk, source: Source, rows, name):
    desk.write(csv_text(*(",".join(row) for row in rows)))
    found = check_source(
        desk.con, source, desk.data, births=None, deaths=None, scratch=desk.scratch
    )
    out = desk.scratch / f"{name}.parquet"
    desk.con.execute(f"COPY ({found.accepted_sql}) TO '{out}' (FORMAT parquet)")
    return found, out.read_bytes()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), rows=st.lists(ROW, max_size=12), ragged=st.integers(0, 2))
def test_every_row_is_accepted_or_rejected_and_their_order_does_not_matter(
    desk, data, rows, ragged
):
    rows = [*GOOD_CELLS, *rows, *[("v9", "ann")] * ragged]
    source = desk.contract(tolerance=ALL_TOLERATED)
    found, content = accepted_bytes(desk, source, rows, "one")
    assert found.rows_in == len(rows)
    assert found.rows_accepted + sum(found.rejected.values()) == found.rows_in
    assert len(desk.accepted(found)) == found.rows_accepted
    again, same = accepted_bytes(desk, source, data.draw(st.permutations(rows)), "two")
    assert (again.rejected, again.findings) == (found.rejected, found.findings) or ragged
    assert same == content


def test_a_column_may_not_take_a_canonical_name_for_something_else(desk):
    with pytest.raises(ValueError, match="`unit_id` means `person`"):
        desk.contract(columns={"unit_id": {"type": "string"}})
