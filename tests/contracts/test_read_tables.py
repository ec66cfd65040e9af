"""Parquet files, database tables, and columns that are not where or what they should be."""

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.desk import GOOD, SECRET, csv_text
from riskstrat.contracts.check import check_source
from riskstrat.errors import ContractError, StudyError
from riskstrat.vocabulary import Codelist

PARQUET = {"file": "visits.parquet"}
ROWS = {
    "visit": ["v1", "v2", "v3"],
    "person": ["ann", "ann", SECRET],
    "seen_on": [date(2023, 3, 1), date(2023, 4, 1), date(2023, 5, 1)],
    "sent_on": [date(2023, 3, 5), date(2023, 4, 1), date(2023, 5, 3)],
    "kind": ["A", "E", None],
    "cost": [10.0, 20.5, None],
}


def parquet(desk, name="visits.parquet", **columns):
    rows = {name: values for name, values in {**ROWS, **columns}.items() if values is not None}
    path = desk.data / name
    pq.write_table(pa.table(rows), path)
    return path


def column(desk, name, **changes):
    found = desk.check(**PARQUET, **changes)
    order = found.columns.index(name)
    rows = sorted(desk.accepted(found), key=lambda row: row[found.columns.index("visit")])
    return [row[order] for row in rows]


def test_parquet_is_read_with_its_own_types(desk):
    parquet(desk)
    found = desk.check(**PARQUET)
    assert (found.rows_in, found.rows_accepted) == (3, 3)
    kinds = [kind for _, kind in found_types(desk, found)]
    assert kinds == ["VARCHAR", "DATE", "DATE", "VARCHAR", "VARCHAR", "DATE", "DATE", "VARCHAR",
                     "DOUBLE"]  # fmt: skip


def found_types(desk, found):
    return [tuple(row[:2]) for row in desk.con.execute(f"DESCRIBE {found.accepted_sql}").fetchall()]


@pytest.mark.parametrize("shape", ["csv", "parquet", "duckdb"])
def test_the_same_rows_give_the_same_types_whatever_the_file(desk, shape):
    file = f"visits.{shape}"
    if shape == "csv":
        desk.write(csv_text(*GOOD))
    elif shape == "parquet":
        parquet(desk)
    else:
        database(desk)
    found = desk.check(file=file, format={"table": "visits"})
    assert [name for name, _ in found_types(desk, found)] == list(found.columns)
    assert ("cost", "DOUBLE") in found_types(desk, found)
    assert (found.rows_in, found.rows_accepted) == (3, 3)


def database(desk, table="visits"):
    with duckdb.connect(str(desk.data / "visits.duckdb")) as other:
        rows = pa.table(ROWS)
        other.register("rows", rows)
        other.execute(f'CREATE TABLE "{table}" AS SELECT * FROM rows')


def test_a_file_whose_name_is_a_pattern_is_that_one_file(desk):
    parquet(desk, "visits[1]*.parquet")
    parquet(desk, "visits1.parquet", visit=["x", "y", "z"])
    parquet(desk, "visits[1]*x.parquet", visit=["x", "y", "z"])
    found = desk.check(file="visits[1]*.parquet")
    assert found.rows_in == 3


@pytest.mark.parametrize(
    ("values", "declared", "read"),
    [
        ([1.0, float("nan"), 3.0], "integer", [1, None, 3]),
        ([1.0, float("nan"), None], "number", [1.0, None, None]),
        (["1", " 2 ", "3.0"], "integer", [1, 2, 3]),
        (["1e3", ".5", "-2."], "number", [1000.0, 0.5, -2.0]),
        (["Y", "false", "1"], "boolean", [True, False, True]),
        ([1, 0, None], "boolean", [True, False, None]),
        ([7, 8, 2**40], "string", ["7", "8", str(2**40)]),
        (pa.array(["A", "", None]).dictionary_encode(), "string", ["A", None, None]),
        (
            [datetime(2023, 5, 1, 23, 59, tzinfo=UTC)] * 3,
            "date",
            [date(2023, 5, 1)] * 3,
        ),
        (pa.nulls(3), "date", [None] * 3),
        (pa.nulls(3, pa.int32()), "date", [None] * 3),
    ],
)
def test_values_of_another_type_are_converted_where_no_meaning_is_lost(
    desk, values, declared, read
):
    parquet(desk, extra=values)
    assert column(desk, "extra", columns={"extra": {"type": declared}}) == read


@pytest.mark.parametrize(
    ("values", "declared"),
    [
        (["1.5", SECRET, "1_000"], "integer"),
        ([1.5, 2.5, 1e300], "integer"),
        (["inf", "nan", "1,5"], "number"),
        ([float("inf")] * 3, "number"),
        (["maybe", SECRET, "2"], "boolean"),
        (["31/12/2023", "2023-02-30", "23-01-01"], "date"),
        (["infinity", "epoch", "2023-1-1"], "date"),
        ([20230101, 20230102, 20230103], "date"),
        ([date(2023, 1, 1)] * 3, "string"),
        ([1.5, 2.5, 3.5], "string"),
        ([True, False, True], "number"),
        ([[1], [2], [3]], "integer"),
        ([b"a", b"b", b"c"], "string"),
    ],
)
def test_a_column_of_which_nothing_fits_is_of_another_type(desk, values, declared):
    parquet(desk, extra=values)
    message = desk.refusal(
        ContractError,
        "RS1008",
        **PARQUET,
        columns={"extra": {"type": declared}},
        tolerance={"wrong_type": 1.0},
    )
    assert "column `extra` in `visits.parquet`" in message


def test_a_single_bad_value_rejects_its_row(desk):
    parquet(desk, seen_on=["2023-03-01", SECRET, "2023-05-01"])
    message = desk.refusal(ContractError, "RS1010", **PARQUET)
    assert "1 of 3 rows (33.3%, none tolerated)" in message
    assert "`seen_on`" in message


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("%d/%m/%Y", ["01/03/2023", "01/04/2023", "01/05/2023"]),
        ("%-d/%-m/%Y", ["1/3/2023", "1/4/2023", "1/5/2023"]),
        ("%Y%m%d", ["20230301", "20230401", "20230501"]),
        ("%d-%b-%y", ["01-Mar-23", "01-APR-23", "01-may-23"]),
        ("%Y-%m-%d %H:%M:%S", [f"2023-0{m}-01 23:15:00" for m in (3, 4, 5)]),
    ],
)
def test_dates_are_read_as_the_contract_writes_them(desk, written, texts):
    parquet(desk, seen_on=texts)
    expected = [date(2023, 3, 1), date(2023, 4, 1), date(2023, 5, 1)]
    assert column(desk, "happened_on", format={"dates": written}) == expected


@pytest.mark.parametrize("written", ["%Y-%m", "%Q-%m-%d", "day"])
def test_a_date_format_that_is_none_is_a_fault_of_the_contract(desk, written):
    with pytest.raises(ValueError, match="date"):
        desk.contract(format={"dates": written})


@pytest.mark.parametrize("cut", [4, 300, 900])
def test_a_parquet_file_cut_short_is_refused(desk, cut):
    path = parquet(desk)
    path.write_bytes(path.read_bytes()[:-cut])
    assert "damaged, cut short" in desk.refusal(ContractError, "RS1002", **PARQUET)


def test_a_parquet_file_with_a_broken_middle_is_refused(desk):
    path = parquet(desk, visit=["v1", "v2", "v3"])
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(bytes(content))
    assert "damaged" in desk.refusal(ContractError, "RS1002", **PARQUET)


@pytest.mark.parametrize("content", [csv_text(*GOOD), "PAR1 is not enough PAR1", SECRET])
def test_bytes_that_are_not_parquet_are_refused(desk, content):
    desk.write(content, "visits.parquet")
    assert "`visits.parquet`" in desk.refusal(ContractError, "RS1002", **PARQUET)


def test_an_empty_file_and_a_table_without_rows_are_refused(desk):
    desk.write(b"", "visits.parquet")
    assert "is empty" in desk.refusal(ContractError, "RS1006", **PARQUET)
    pq.write_table(pa.table(ROWS).slice(0, 0), desk.data / "visits.parquet")
    assert "has no rows" in desk.refusal(ContractError, "RS1006", **PARQUET)


def test_a_missing_file_is_named_with_its_neighbours(desk):
    desk.write("x", "health/visit.csv")
    message = desk.refusal(ContractError, "RS1001", file="health/visits.csv")
    assert "`health/visits.csv` does not exist" in message
    assert "nearest: visit.csv" in message
    assert "no `helth`" in desk.refusal(ContractError, "RS1001", file="helth/visits.csv")
    (desk.data / "empty").mkdir()
    assert "is a folder without" in desk.refusal(ContractError, "RS1001", file="empty")


def test_a_name_that_does_not_tell_the_kind_is_refused(desk):
    desk.write("x", "visits.xlsx")
    assert "does not say how" in desk.refusal(ContractError, "RS1002", file="visits.xlsx")


def test_missing_and_renamed_columns_are_named_together(desk):
    parquet(desk, seen_on=None, cost=None, **{"Seen-On": ROWS["seen_on"]})
    message = desk.refusal(ContractError, "RS1007", **PARQUET)
    assert "lacks `seen_on`, `cost`" in message
    assert "present: visit, person, sent_on, kind, Seen-On" in message
    assert "nearest: `Seen-On` for `seen_on`" in message


def test_a_column_may_have_any_name_in_the_file(desk):
    parquet(desk, seen_on=None, **{'Date "seen" (GP)': ROWS["seen_on"]})
    renamed = {"seen_on": {"type": "date", "from": 'Date "seen" (GP)'}}
    assert column(desk, "seen_on", columns=renamed) == ROWS["seen_on"]


def test_a_column_may_be_computed_from_the_files_columns(desk):
    parquet(desk, flags=["a1", "b2", None])
    flagged = {"flagged": {"type": "boolean", "from": "starts_with(flags, 'a') and cost > 5"}}
    assert column(desk, "flagged", columns=flagged) == [True, False, None]
    wide = {"double": {"type": "number", "from": "cost * 2"}}
    assert column(desk, "double", columns=wide) == [20.0, 41.0, None]


def test_an_expression_may_name_a_codelist(desk):
    parquet(desk)
    urgent = Codelist("urgent", {"E": "emergency"}, {"E": ""})
    source = desk.contract(
        **PARQUET, columns={"urgent": {"type": "boolean", "from": "kind in codelist('urgent')"}}
    )
    found = check_source(
        desk.con, source, desk.data, births=None, deaths=None, scratch=desk.scratch,
        codelists={"urgent": urgent},
    )  # fmt: skip
    assert [row[-1] for row in desk.accepted(found)] == [None, False, True]


@pytest.mark.parametrize(
    ("text", "family", "code"),
    [
        ("lower(nowhere)", ContractError, "RS1007"),
        ("lower(cost)", ContractError, "RS1008"),
        ("lower(", StudyError, "RS1210"),
    ],
)
def test_an_expression_that_does_not_fit_the_file_says_where(desk, text, family, code):
    parquet(desk)
    with pytest.raises(family) as refused:
        desk.check(**PARQUET, columns={"kind": {"type": "string", "from": text}})
    assert refused.value.code == code
    assert "visits: columns.kind.from: column" in refused.value.message


def test_a_table_of_a_database_is_an_extract_too(desk):
    database(desk)
    found = desk.check(file="visits.duckdb", format={"table": "visits"})
    assert (found.rows_in, found.rows_accepted) == (3, 3)
    attached = desk.con.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    assert ("extract_visits",) not in attached


@pytest.mark.parametrize("named", ["visit", None])
def test_a_table_that_is_not_there_is_refused_with_those_that_are(desk, named):
    database(desk)
    message = desk.refusal(ContractError, "RS1009", file="visits.duckdb", format={"table": named})
    assert "present: visits" in message


def test_a_database_file_that_is_none_is_refused(desk):
    desk.write(csv_text(*GOOD), "visits.duckdb")
    message = desk.refusal(
        ContractError, "RS1002", file="visits.duckdb", format={"table": "visits"}
    )
    assert "not a DuckDB file" in message


def test_texts_that_mean_nothing_are_no_values(desk):
    desk.write(csv_text(GOOD[0], "v2,bob,2023-04-01,2023-04-01,NULL,n/a"))
    found = desk.check(format={"null": ["NULL", "n/a"]})
    assert desk.accepted(found)[1][-2:] == (None, None)
