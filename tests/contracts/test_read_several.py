"""An extract of several files: a folder or a pattern, read as one table."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.desk import GOOD, HEADER, Desk, csv_text
from riskstrat.contracts.files import extract_files
from riskstrat.errors import ContractError
from riskstrat.stages.lineage import extract_fingerprint
from riskstrat.store.artefacts import Store

MANY = {"file": "visits/*.parquet"}
JANUARY = {
    "visit": ["v1", "v2"],
    "person": ["ann", "bob"],
    "seen_on": [date(2023, 1, 3), date(2023, 1, 9)],
    "sent_on": [date(2023, 1, 5), date(2023, 1, 9)],
    "kind": ["A", "E"],
    "cost": [10.0, 20.5],
}
FEBRUARY = {
    "cost": [3.0],
    "visit": ["v3"],
    "seen_on": [date(2023, 2, 1)],
    "sent_on": [date(2023, 2, 2)],
    "kind": ["A"],
    "person": ["ann"],
}


def parquet(desk: Desk, name: str, rows: dict[str, list[object]], **changes: object) -> Path:
    path = desk.data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {key: values for key, values in {**rows, **changes}.items() if values is not None}
    pq.write_table(pa.table(columns), path)
    return path


def column(desk: Desk, name: str, **changes: object) -> dict[str, object]:
    """visit -> value of a column, of the accepted rows."""
    found = desk.check(**{**MANY, **changes})
    at, visit = found.columns.index(name), found.columns.index("visit")
    return {row[visit]: row[at] for row in desk.accepted(found)}


@pytest.mark.parametrize("file", ["visits/*.parquet", "visits", "**/*.parquet", "visits/0*"])
def test_a_folder_or_a_pattern_is_one_table_whatever_the_order_of_columns(desk, file):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY)
    assert column(desk, "cost", file=file) == {"v1": 10.0, "v2": 20.5, "v3": 3.0}


def test_text_files_are_read_one_by_one_each_with_its_own_header(desk):
    desk.write(csv_text(*GOOD[:2]), "visits/a.csv")
    other = csv_text("7,2023-06-01,v9,ann,2023-06-02", header="cost,seen_on,visit,person,sent_on")
    desk.write(other, "visits/b.csv")
    assert column(desk, "kind", file="visits/*.csv") == {"v1": "A", "v2": "E", "v9": None}
    assert list(desk.scratch.glob("*.raw.*")) == []


def test_what_engines_leave_beside_their_files_is_not_data(desk):
    parquet(desk, "visits/year=2023/part-0.parquet", JANUARY)
    for name in ("visits/_SUCCESS", "visits/.part-0.parquet.crc", "visits/_temporary/x.parquet"):
        desk.write("x", name)
    assert set(column(desk, "visit", file="visits")) == {"v1", "v2"}


def test_the_name_of_a_folder_is_not_a_column(desk):
    parquet(desk, "visits/kind=E/part-0.parquet", JANUARY)
    assert column(desk, "kind", file="visits") == {"v1": "A", "v2": "E"}


def test_repeated_keys_are_found_across_files(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", JANUARY)
    found = desk.check(**MANY, tolerance={"duplicate_key": 0.5})
    assert (found.rows_in, dict(found.rejected)) == (4, {"duplicate_key": 2})


def test_a_column_that_a_file_lacks_is_empty_there(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY, cost=None)
    assert column(desk, "cost") == {"v1": 10.0, "v2": 20.5, "v3": None}


def test_a_needed_column_that_a_file_lacks_is_refused_with_the_file(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY, sent_on=None)
    message = desk.refusal(ContractError, "RS1007", **MANY)
    assert "`visits/02.parquet` lacks `sent_on`" in message


@pytest.mark.parametrize(
    ("values", "read"),
    [([3], 3.0), ([None], None), (pa.nulls(1), None), (pa.array([None], pa.string()), None)],
)
def test_whole_numbers_and_empty_columns_give_way(desk, values, read):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY, cost=values)
    assert column(desk, "cost")["v3"] == read


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("seen_on", ["2023-02-01"], "holds text in `visits/02.parquet`, dates in"),
        ("kind", [7], "holds whole numbers in `visits/02.parquet`, text in"),
        ("cost", ["3"], "holds text in `visits/02.parquet`, numbers in `visits/01.parquet`"),
        ("cost", [[3.0]], "holds the type DOUBLE[] in `visits/02.parquet`"),
    ],
)
def test_a_file_of_another_type_is_named(desk, name, values, said):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY, **{name: values})
    message = desk.refusal(ContractError, "RS1024", **MANY)
    assert f"column `{name}` {said}" in message


def test_an_id_that_is_whole_in_one_file_and_broken_in_another_is_refused(desk):
    parquet(desk, "visits/01.parquet", JANUARY, visit=[1, 2])
    parquet(desk, "visits/02.parquet", FEBRUARY, visit=[3.0])
    assert "holds numbers in `visits/02.parquet`" in desk.refusal(ContractError, "RS1024", **MANY)


def test_one_column_spelt_in_two_ways_is_refused(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    parquet(desk, "visits/02.parquet", FEBRUARY, kind=None, Kind=["A"])
    message = desk.refusal(ContractError, "RS1024", **MANY)
    assert "`visits/02.parquet` has the column `Kind`, `visits/01.parquet` has `kind`" in message


def test_files_of_several_kinds_are_refused(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    desk.write(csv_text(*GOOD), "visits/02.csv")
    message = desk.refusal(ContractError, "RS1024", file="visits")
    assert "`visits/02.csv` is csv, `visits/01.parquet` is parquet" in message


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "RS1006", "`visits/02.parquet` is empty"),
        (b"PAR1 and nothing", "RS1002", "`visits/02.parquet` is damaged"),
        (b"person;visit", "RS1002", "`visits/02.parquet` is not a Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(desk, content, code, said):
    parquet(desk, "visits/01.parquet", JANUARY)
    desk.write(content, "visits/02.parquet")
    assert said in desk.refusal(ContractError, code, **MANY)


def test_a_file_with_a_broken_middle_is_named(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    path = parquet(desk, "visits/02.parquet", FEBRUARY)
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(bytes(content))
    assert "`visits/02.parquet` is damaged" in desk.refusal(ContractError, "RS1002", **MANY)


def test_a_text_file_without_rows_is_named(desk):
    desk.write(csv_text(*GOOD), "visits/a.csv")
    desk.write(HEADER + "\n", "visits/b.csv")
    message = desk.refusal(ContractError, "RS1006", file="visits")
    assert "`visits/b.csv` has a header and no rows" in message


def test_lines_that_do_not_fit_are_placed_in_their_file(desk):
    desk.write(csv_text(*GOOD), "visits/a.csv")
    desk.write(csv_text("v8,zed"), "visits/b.csv")
    message = desk.refusal(ContractError, "RS1010", file="visits/*.csv")
    assert "first: line 2 of `visits/b.csv`" in message


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("visits/*.parquet", "`visits/*.parquet` fits no file"),
        ("empty", "`empty` is a folder without any file"),
    ],
)
def test_nothing_to_read_is_said_plainly(desk, file, said):
    (desk.data / "empty").mkdir()
    assert said in desk.refusal(ContractError, "RS1001", file=file)


def test_rows_of_several_files_have_no_number(desk):
    parquet(desk, "visits/01.parquet", JANUARY)
    numbered = {"visit": {"type": "integer", "from": "file_row_number"}}
    message = desk.refusal(ContractError, "RS1025", **MANY, columns=numbered)
    assert "the number of a row is then not its own" in message


def test_a_file_that_is_added_renamed_or_changed_makes_another_extract(desk, tmp_path):
    store, source = Store(tmp_path / "store"), desk.contract(**MANY)
    store.root.mkdir()

    def fingerprint() -> str:
        return extract_fingerprint(source, store, desk.data)

    assert fingerprint() == "missing"
    first = parquet(desk, "visits/01.parquet", JANUARY)
    alone = fingerprint()
    second = parquet(desk, "visits/02.parquet", FEBRUARY)
    both = fingerprint()
    second.rename(desk.data / "visits/03.parquet")
    renamed = fingerprint()
    parquet(desk, "visits/03.parquet", JANUARY)
    changed = fingerprint()
    assert len({"missing", alone, both, renamed, changed}) == 5
    (desk.data / "visits/03.parquet").unlink()
    assert fingerprint() == alone
    single = desk.contract(file="visits/01.parquet")
    assert extract_fingerprint(single, store, desk.data) == store.fingerprints([first])[0]


def test_files_come_in_the_order_of_their_names(desk):
    for name in ("b", "a", "c"):
        parquet(desk, f"visits/{name}.parquet", JANUARY)
    wanted = tuple(f"visits/{name}.parquet" for name in "abc")
    assert extract_files(desk.contract(**MANY), desk.data) == wanted
    assert extract_files(desk.contract(file="visits"), desk.data) == wanted
