"""Text files: what is read, what is refused, and with which words."""

import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.desk import GOOD, HEADER, SECRET, csv_text
from riskstrat.contracts.codes import RULE_CODES
from riskstrat.errors import ContractError

PLAIN = csv_text(*GOOD)
WITH_SECRET = csv_text(*GOOD, f"v4,{SECRET},2023-05-01,2023-05-03,A,1")


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        pytest.param(PLAIN, {}, id="plain"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN.encode(), {}, id="byte order mark"),
        pytest.param(PLAIN.replace("\n", "\r\n"), {}, id="carriage return and line feed"),
        pytest.param(PLAIN.replace("\n", "\r\n", 2), {}, id="mixed line ends"),
        pytest.param(PLAIN.rstrip("\n"), {}, id="no line end after the last row"),
        pytest.param(PLAIN.replace("\n", "\n\n"), {}, id="blank lines"),
        pytest.param(PLAIN.replace("\n", "\n\n\n") + "\r\n\r\n", {}, id="blank lines, mixed"),
        pytest.param(PLAIN.replace("\n", ",,\n").replace(",,", "", 1), {}, id="trailing commas"),
        pytest.param(gzip.compress(PLAIN.encode()), {"file": "visits.csv.gz"}, id="gzip"),
        pytest.param(
            PLAIN.replace(",", "\t"), {"format": {"delimiter": "\t"}}, id="tab as declared"
        ),
        pytest.param(PLAIN.encode("utf-16"), {"format": {"encoding": "utf-16"}}, id="utf-16"),
        pytest.param(PLAIN.replace("ann", '"ann"'), {}, id="quoted values"),
        pytest.param(PLAIN.replace("visit,", '"visit",'), {}, id="quoted header"),
    ],
)
def test_we_read_what_agencies_export(desk, content, changes):
    desk.write(content, changes.get("file", "visits.csv"))
    found = desk.check(**changes)
    assert found.rows_in == found.rows_accepted == 3
    assert [row[0] for row in desk.accepted(found)] == ["ann", "ann", "bob"]


NAMED = {"kind": {"type": "string"}}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "windows-1252"])
def test_accents_survive_every_declared_encoding(desk, encoding):
    text = csv_text("v1,Zoë,2023-03-01,2023-03-05,£,10")
    desk.write(text.encode("cp1252" if encoding == "windows-1252" else encoding))
    found = desk.check(format={"encoding": encoding}, columns=NAMED)
    [row] = desk.accepted(found)
    assert (row[0], row[7]) == ("Zoë", "£")


def test_line_ends_delimiters_and_quotes_within_quotes_belong_to_the_value(desk):
    desk.write(csv_text(GOOD[0], 'v2,bob,2023-03-01,2023-03-05,"a\nb, ""c""\n\nd",10'))
    found = desk.check(columns=NAMED)
    assert found.rows_in == 2
    assert desk.accepted(found)[1][7] == 'a\nb, "c"\n\nd'


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        pytest.param(b"", "RS1006", "is empty", id="empty"),
        pytest.param(b"\n\n", "RS1006", "is empty", id="blank"),
        pytest.param(HEADER + "\n", "RS1006", "a header and no rows", id="header only"),
        pytest.param(HEADER + "\n\n\n", "RS1006", "no rows", id="header and blank lines"),
        pytest.param(
            WITH_SECRET.encode("utf-16"), "RS1003", "looks like utf-16", id="utf-16 undeclared"
        ),
        pytest.param(
            WITH_SECRET.replace("ann", "Zoë").encode("latin-1"),
            "RS1003",
            "is not utf-8 in line 2, the contract declares utf-8",
            id="latin-1 undeclared",
        ),
        pytest.param(
            WITH_SECRET.replace("bob", "b\0b"), "RS1004", "a zero byte in line 4", id="zero byte"
        ),
        pytest.param(
            WITH_SECRET.replace("\n", "\r"), "RS1004", "5 line ends", id="carriage returns alone"
        ),
        pytest.param(
            WITH_SECRET.replace("bob", '"bob'), "RS1004", "never closed", id="quote never closed"
        ),
        pytest.param(
            WITH_SECRET.replace("ann,2023-03", '"ann"x,2023-03'),
            "RS1004",
            "cannot be split into rows",
            id="text after a closing quote",
        ),
        pytest.param(
            WITH_SECRET.replace(",", ";"), "RS1005", "a semicolon would give 6", id="delimiter"
        ),
        pytest.param(
            WITH_SECRET.replace("kind", "visit"), "RS1004", "more than once", id="a name twice"
        ),
        pytest.param(b"PAR1" + b"\0" * 50 + b"PAR1", "RS1002", "is Parquet", id="Parquet as CSV"),
        pytest.param(b"PK\x03\x04 and so on", "RS1002", "zip archive", id="workbook as CSV"),
        pytest.param(
            gzip.compress(WITH_SECRET.encode())[:-20], "RS1002", "gzip", id="gzip cut short"
        ),
    ],
)
def test_a_text_file_we_could_misread_is_refused(desk, content, code, said):
    desk.write(content)
    message = desk.refusal(ContractError, code)
    assert said in message
    assert "`visits.csv`" in message


def test_text_declared_older_than_it_is_is_refused(desk):
    desk.write(csv_text("v1,Zoë,2023-03-01,2023-03-05,A,10"))
    message = desk.refusal(ContractError, "RS1003", format={"encoding": "windows-1252"})
    assert "is valid utf-8" in message


def test_latin_1_may_end_on_an_accent(desk):
    desk.write(
        "visit,person,seen_on,sent_on,cost,kind\nv1,ann,2023-03-01,2023-03-05,1,é".encode("latin-1")
    )
    assert desk.check(format={"encoding": "latin-1"}, columns=NAMED).rows_accepted == 1


def test_bytes_windows_does_not_know_are_refused(desk):
    desk.write(csv_text("v1,Zo\x81,2023-03-01,2023-03-05,A,10").encode("latin-1"))
    message = desk.refusal(ContractError, "RS1003", format={"encoding": "windows-1252"})
    assert "is not windows-1252" in message


@pytest.mark.parametrize("quoted", [False, True])
def test_ragged_rows_are_counted_and_placed(desk, quoted):
    good = tuple(row.replace("bob", '"bob"') for row in GOOD) if quoted else GOOD
    desk.write(csv_text(good[0], f"{SECRET},1", *good[1:], f"v5,{SECRET},,,,,,,x"))
    message = desk.refusal(ContractError, "RS1010")
    assert "2 of 5 rows (40%, none tolerated)" in message
    assert "first: line 3, 6" in message
    found = desk.check(tolerance={"wrong_type": 0.4})
    assert (found.rows_in, found.rows_accepted, dict(found.rejected)) == (5, 3, {"wrong_type": 2})
    assert SECRET not in str(found.findings)


def test_lines_swallowed_by_quotes_are_not_lost_in_silence(desk):
    desk.write(csv_text(GOOD[0], 'v7,"zed,2023-03-01', *GOOD[1:], 'v8",x'))
    found = desk.check(tolerance={"wrong_type": 0.5})
    assert (found.rows_in, found.rows_accepted) == (2, 1)


def test_a_file_without_a_header_shows_nobodys_record(desk):
    desk.write("\n".join(row.replace("ann", SECRET) for row in GOOD) + "\n")
    message = desk.refusal(ContractError, "RS1007")
    assert "none of its 6 columns is known; has it a header?" in message


def test_a_file_we_may_not_read_is_said_plainly(desk):
    (desk.data / "visits.csv").symlink_to("/proc/self/mem")
    assert "cannot be opened" in desk.refusal(ContractError, "RS1001")


def test_no_line_of_the_extract_stays_behind_in_the_database(desk):
    desk.write(csv_text(*GOOD, f"{SECRET},1"))
    desk.check(tolerance={"wrong_type": 0.5})
    assert desk.con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []


PIECES = st.sampled_from(
    [",", '"', "\n", "\r", "\r\n", " ", "a", SECRET, "2023-03-01", "\ufeff", "é", "\0", GOOD[0]]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(PIECES, max_size=25), cut=st.integers(0, 2))
def test_whatever_the_bytes_the_answer_is_plain_and_no_line_is_lost(desk, pieces, cut):
    content = (csv_text(*GOOD) + "".join(pieces)).encode()
    content = content[: len(content) - cut]
    desk.write(content)
    try:
        found = desk.check(tolerance=dict.fromkeys(RULE_CODES, 1.0))
    except ContractError as refused:
        assert refused.code in {"RS1003", "RS1004"}
        assert SECRET not in str(refused)
        return
    text = content.decode().replace("\r\n", "\n")
    records = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert found.rows_in == len(records) - 1
    assert found.rows_accepted + sum(found.rejected.values()) == found.rows_in
    assert SECRET not in str(found.findings)
