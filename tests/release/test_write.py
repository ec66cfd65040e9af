"""Files that open well, run nothing, and are the same on every run."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.release.aggregate import band_summary
from riskstrat.release.bands import band_scores, edges
from riskstrat.release.cohort_list import CohortList
from riskstrat.release.disclosure import protect
from riskstrat.release.manifest import manifest
from riskstrat.release.policies import policy_named
from riskstrat.release.spec import Recipient
from riskstrat.release.stamp import Stamped, stamp
from riskstrat.release.standing import Cleared, Preview
from riskstrat.release.summary import Summary, summary_html
from riskstrat.release.write import inert, list_csv, list_xlsx, protected_table, read_me, sha256
from riskstrat.vocabulary import Approval

DAY = date(2024, 4, 1)
HES = policy_named("hes")
PAYLOADS = (
    "=1+1", "+44 20", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\u00a0=1", "\uff1d1+1", "\uff20A1",
    "\ufeff=1", "\u200b=1", "|cmd", "\n=HYPERLINK(1)", "\uff0b1", "\uff0d1", "\u3000=1", " \t =1",
)  # fmt: skip


def a_list(texts):
    n = len(texts)
    return pa.table(
        {
            "unit_id": texts,
            "band": ["high"] * n,
            "risk": pa.array([-0.25] * n, pa.float64()),
            "rank": pa.array(range(n), pa.int64()),
            "data_as_at": pa.array([DAY] * n, pa.date32()),
        }
    )


def read_csv(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_starts_a_formula(payload):
    assert inert(payload) == f"'{payload}"


def test_csv_has_a_byte_order_mark_iso_dates_and_real_numbers():
    content = list_csv(cleared(a_list(['Zoë; said "so", twice'])))
    assert content.startswith(b"\xef\xbb\xbf") and content.endswith(b"\r\n")
    assert read_csv(content)[1] == ['Zoë; said "so", twice', "high", "-0.25", "0", "2024-04-01"]


@given(st.lists(st.text(max_size=20) | st.sampled_from(PAYLOADS), min_size=1, max_size=5))
def test_every_text_cell_of_a_csv_is_inert_and_none_is_lost(texts):
    rows = read_csv(list_csv(cleared(a_list(texts))))
    assert [row[0] for row in rows[1:]] == [inert(text) for text in texts]
    assert all(inert(row[0]) == row[0] or row[0].startswith("'") for row in rows[1:])


def test_a_workbook_holds_no_formula_and_no_link():
    table = cleared(a_list([*PAYLOADS, "https://example.org"]))
    content = list_xlsx(table, {"Purpose": "=1+1"})
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert book.sheetnames == ["Read me", "List"]
    sheet = book["List"]
    assert sheet.freeze_panes == "B2"
    assert isinstance(sheet["C2"].value, float) and sheet["D2"].value == 0
    assert sheet["E2"].value.date() == DAY


def test_the_same_list_gives_the_same_bytes():
    table = a_list(["u1", "u2"])
    assert list_xlsx(cleared(table), {"a": "b"}) == list_xlsx(cleared(table), {"a": "b"})
    assert list_csv(cleared(table)) == list_csv(cleared(table))


def test_a_suppressed_count_is_marked_in_both_files():
    table = protect("T", ("ward", "n"), [("a", 3), ("b", 57)], counts=("n",), policy=HES)
    arrow = protected_table(table)
    assert read_csv(list_csv(cleared(arrow), absent=HES.mark))[1:] == [["a", "*"], ["b", "55"]]
    sheet = openpyxl.load_workbook(io.BytesIO(list_xlsx(cleared(arrow), {}, absent=HES.mark)))[
        "List"
    ]
    assert [sheet["B2"].value, sheet["B3"].value] == ["*", 55]


def test_an_empty_list_is_still_a_file():
    empty = a_list(["u1"]).slice(0, 0)
    assert len(read_csv(list_csv(cleared(empty)))) == 1
    assert openpyxl.load_workbook(io.BytesIO(list_xlsx(cleared(empty), {})))["List"].max_row == 1


APPROVAL = Approval(
    study="emergency_admission", version=3, submission="s1", digests={"model": "d"},
    decisions=(), on=DAY, until=date(2025, 3, 31),
)  # fmt: skip


def cleared(table: pa.Table) -> Stamped:
    """A list that may be used: its bytes are those of the table alone."""
    return stamp(table, Cleared(APPROVAL))


BANDED = band_scores(
    pa.table(
        {
            "unit_id": [f"u{i}" for i in range(300)],
            "as_of": pa.array([DAY] * 300, pa.date32()),
            "raw_score": [float(i // 7) for i in range(300)],
            "risk": [0.3] * 300,
        }
    ),
    {"high": 0.05},
    key="digest",
)


PREVIEW = Preview()


def a_manifest(standing=PREVIEW, **more):
    policy = policy_named("strict")
    files = {"list.csv": b"csv", "list.xlsx": b"xlsx"}
    return manifest(
        study="emergency_admission", as_of=DAY,
        recipient=Recipient(to="icb", rows="pseudonymised"), files=files,
        released=CohortList(a_list(["u1"]), 1, coarsened=3), policy=policy,
        edges=edges(BANDED, {"high": 0.05}),
        model={"name": "emergency_admission", "version": "3", "alias": "champion"},
        data_as_at=DAY, expires_on=date(2024, 6, 30),
        standing=standing, tables=[band_summary(BANDED, policy=policy)],
        **more,
    )  # fmt: skip


def test_the_manifest_tells_files_rule_ties_and_that_nobody_approved():
    told = a_manifest()
    assert told["files"]["list.csv"] == {"sha256": sha256(b"csv"), "bytes": 3}
    assert told["approvals"] == "none: not for use"
    assert (told["status"], told["watermark"]) == ("for_review", "for review, not for use")
    assert told["list"]["attributes_withheld_in_rows"] == "fewer than 10"
    assert told["ties"]["edges"][0]["tied_in"] == "fewer than 10"
    assert "score" not in told["ties"]["edges"][0]
    assert json.loads(json.dumps(told)) == told


def test_the_summary_is_one_safe_page():
    page = summary_html(
        Summary(
            title="Emergency <admission>", recipient="gp_practice", purpose="case_finding",
            outcome="Emergency admission", model="m, version 3", as_of=DAY, data_as_at=DAY,
            expires_on=DAY, policy="strict", standing=PREVIEW,
            bands=band_summary(BANDED, policy=policy_named("strict")),
            certainty=["4 in 10 had the outcome."],
        )
    )  # fmt: skip
    assert "Emergency &lt;admission&gt;" in page and "For review, not for use" in page
    assert "<script" not in page and "http" not in page
    assert "1 April 2024" in page and "not a medical device" in page.lower()


def test_the_read_me_says_what_a_list_is_not():
    told = read_me(
        title="T", purpose="case_finding", recipient="gp_practice", model="m", data_as_at=DAY,
        expires_on=DAY, policy="p", standing=PREVIEW,
    )  # fmt: skip
    assert "Not a decision" in told["What it is not"] and told["Status"].startswith(
        "For review, not"
    )
