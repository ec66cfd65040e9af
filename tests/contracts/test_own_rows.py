"""Which rows of a file are a source's, and what names a row where the file has no id."""

import pytest

from contracts.desk import GOOD, csv_text
from contracts.test_read_tables import PARQUET, ROWS, database, parquet
from riskstrat.errors import ContractError, StudyError

NUMBERED = {"visit": {"type": "string", "from": "file_row_number"}}


def visits(desk, found):
    order = found.columns.index("visit")
    return sorted(row[order] for row in desk.accepted(found))


def test_rows_for_which_where_is_not_true_are_not_the_sources_rows(desk):
    parquet(desk)
    found = desk.check(**PARQUET, where="kind = 'A'")
    assert (found.rows_in, found.rows_accepted, dict(found.rejected)) == (1, 1, {})
    assert visits(desk, found) == ["v1"]


def test_an_empty_answer_is_not_true(desk):
    parquet(desk)
    assert visits(desk, desk.check(**PARQUET, where="kind <> 'E'")) == ["v1"]


def test_where_reads_the_files_columns_whatever_the_contract_calls_them(desk):
    parquet(desk, extra=[1, 2, 3])
    assert visits(desk, desk.check(**PARQUET, where="extra >= 2 and cost is not null")) == ["v2"]


def test_two_sources_may_share_a_file(desk):
    parquet(desk, kind=["A", "E", "A"])
    halves = [desk.check(**PARQUET, where=f"kind = '{kind}'") for kind in "AE"]
    assert [half.rows_in for half in halves] == [2, 1]


def test_rows_that_are_not_the_sources_break_none_of_its_rules(desk):
    parquet(desk, cost=[10.0, 99_999.0, 20.0])
    found = desk.check(**PARQUET, where="cost < 1000")
    assert (found.rows_accepted, dict(found.rejected)) == (2, {})


def test_where_selects_rows_of_a_text_file_by_their_text(desk):
    desk.write(csv_text(*GOOD))
    assert visits(desk, desk.check(where="to_number(cost) > 15")) == ["v2"]


def test_a_file_without_a_row_of_the_sources_is_refused(desk):
    parquet(desk)
    said = desk.refusal(ContractError, "RS1006", **PARQUET, where="cost > 500")
    assert said == "visits: `visits.parquet` has no rows for which `where` is true"


def test_a_where_that_names_no_column_of_the_file_is_a_broken_contract(desk):
    parquet(desk)
    said = desk.refusal(ContractError, "RS1007", **PARQUET, where="colour = 'red'")
    assert said.startswith("visits: where: column 1: there is no column `colour` here")
    desk.refusal(ContractError, "RS1008", **PARQUET, where="cost")
    with pytest.raises(StudyError) as refused:
        desk.check(**PARQUET, where="cost >")
    assert refused.value.code == "RS1210"


def test_the_number_of_a_row_serves_where_a_file_has_no_id(desk):
    parquet(desk)
    found = desk.check(**PARQUET, columns=NUMBERED)
    assert visits(desk, found) == ["0", "1", "2"]


def test_the_number_is_the_one_in_the_file_whichever_rows_are_the_sources(desk):
    parquet(desk)
    assert visits(desk, desk.check(**PARQUET, columns=NUMBERED, where="cost is not null")) == [
        "0",
        "1",
    ]
    assert visits(desk, desk.check(**PARQUET, where="file_row_number >= 1")) == ["v2", "v3"]


def test_the_number_may_be_reckoned_with(desk):
    parquet(desk)
    numbered = {"visit": {"type": "string", "from": "to_text(file_row_number + 1)"}}
    assert visits(desk, desk.check(**PARQUET, columns=numbered)) == ["1", "2", "3"]


def test_rows_of_a_text_file_are_numbered_in_the_files_order(desk):
    many = [f"v{n},p{n},2023-03-01,2023-03-05,A,{n % 100}" for n in range(5000)]
    desk.write(csv_text(*many))
    numbered = {"visit": {"type": "string", "from": "to_text(file_row_number)"}}
    found = desk.check(columns=numbered)
    rows = [dict(zip(found.columns, row, strict=True)) for row in desk.accepted(found)]
    assert len(rows) == 5000
    assert all(row["person"] == f"p{row['visit']}" for row in rows)


def test_a_files_own_column_of_that_name_comes_first(desk):
    parquet(desk, file_row_number=[70, 80, 90])
    assert visits(desk, desk.check(**PARQUET, columns=NUMBERED)) == ["70", "80", "90"]


def test_a_table_of_a_database_has_no_order_so_its_rows_have_no_number(desk):
    database(desk)
    said = desk.refusal(
        ContractError,
        "RS1007",
        file="visits.duckdb",
        format={"table": "visits"},
        columns=NUMBERED,
    )
    assert "lacks `file_row_number`" in said


def test_a_contract_that_does_not_name_the_number_does_not_see_it(desk):
    parquet(desk)
    assert set(desk.check(**PARQUET).columns) & {"file_row_number"} == set()
    assert len(ROWS["visit"]) == 3
