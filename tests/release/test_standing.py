"""What may not be used says so in every row, on every page and in every manifest, by its type."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import date

import openpyxl
import pyarrow as pa
import pytest

from release.test_write import APPROVAL, BANDED, DAY, a_list, a_manifest
from riskstrat.disk import write_json
from riskstrat.errors import ReleaseRefused
from riskstrat.intruder.releases import TOLD_BY_THE_SCORE
from riskstrat.release.aggregate import band_summary
from riskstrat.release.policies import policy_named
from riskstrat.release.stamp import MARKED, Stamped, stamp
from riskstrat.release.standing import Cleared, Preview, Research, Standing, cover
from riskstrat.release.summary import Summary, summary_html
from riskstrat.release.write import list_csv, list_xlsx, read_me
from riskstrat.stages.releasing.release import place_of
from riskstrat.store.artefacts import Store

MARKS = (Preview(), Research())
CLEARED = Cleared(
    replace(
        APPROVAL,
        decisions=(
            {"by": "Ann Lee", "role": "gp", "on": "2024-04-01", "decision": "approved",
             "reason": "minute 4", "answers": {"stop": "the board"}},
            {"by": "Ben", "role": "", "on": "2024-04-01", "decision": "approved",
             "reason": "minute 4", "answers": {}},
        ),
    )
)  # fmt: skip


def page(standing: Standing) -> str:
    return summary_html(
        Summary(
            title="T", recipient="gp_practice", purpose="case_finding", outcome="o", model="m",
            as_of=DAY, data_as_at=DAY, expires_on=DAY, policy="strict", standing=standing,
            bands=band_summary(BANDED, policy=policy_named("strict")),
        )
    )  # fmt: skip


def note(standing: Standing) -> dict[str, str]:
    return read_me(
        title="T", purpose="p", recipient="r", model="m", data_as_at=DAY, expires_on=DAY,
        policy="p", standing=standing,
        columns=stamp(a_list(["u1"]), standing).table.column_names,
    )  # fmt: skip


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("standing", MARKS)
def test_every_row_page_sheet_and_manifest_is_marked(standing):
    stamped = stamp(a_list(["u1", "u2"]), standing)
    rows = cells(list_csv(stamped))
    assert [row[MARKED] for row in rows] == [standing.mark] * 2
    assert [row["unit_id"] for row in rows] == ["u1", "u2"]  # and a program reads on as before
    book = openpyxl.load_workbook(io.BytesIO(list_xlsx(stamped, note(standing))))
    assert [cell.value for cell in book["List"]["A"]] == ["Not for use", *[standing.mark] * 2]
    assert standing.mark in book["Read me"]["B2"].value.lower()
    for sheet in book.worksheets:
        assert sheet.oddHeader.center.text == standing.mark.upper()
    told = page(standing)
    assert standing.mark.upper() in told and 'class="banner marked"' in told
    assert standing.mark in told.lower().split("<main>")[0]
    facts = a_manifest(standing)
    assert (facts["watermark"], facts["status"]) == (standing.mark, standing.status)
    assert facts["approvals"] == "none: not for use"


def test_what_may_be_used_has_no_mark_and_says_who_approved_it_until_when():
    stamped = stamp(a_list(["u1"]), CLEARED)
    told = page(CLEARED)
    content = list_csv(stamped).decode("utf-8-sig")
    assert content.startswith("unit_id,")
    said = "Approved by Ann Lee (gp) and Ben, from 2024-04-01 until 2025-03-31"
    assert said in told and note(CLEARED)["Status"] == f"{said}."
    assert "not for use" not in (told + content).lower()
    assert "Not for use" not in str(note(CLEARED))
    assert 'class="watermark"' not in told
    facts = a_manifest(CLEARED)
    assert facts["status"] == "approved"
    assert facts["signed_off"]["until"] == "2025-03-31"
    assert facts["signed_off"]["digests"] == {"model": "d"}
    assert [each["reason"] for each in facts["approvals"]] == ["minute 4"] * 2
    assert "the board" not in str(facts)  # what reviewers answered stays in the log


def test_gates_that_did_not_pass_are_named_wherever_the_approval_is():
    despite = Cleared(replace(CLEARED.approval, despite_gates="a pilot"))
    assert "Gates did not pass; used all the same: a pilot" in page(despite)
    assert "a pilot" in note(despite)["Status"]
    assert a_manifest(despite)["signed_off"]["despite_gates"] == "a pilot"


def test_nothing_is_written_that_does_not_say_whether_it_may_be_used():
    for write in (list_csv, lambda table: list_xlsx(table, {})):
        with pytest.raises(ReleaseRefused) as refused:
            write(a_list(["u1"]))
        assert refused.value.code == "RS3340"


@pytest.mark.parametrize(
    ("table", "standing"),
    [
        (a_list(["u1"]), Preview()),  # not marked, and not cleared
        (stamp(a_list(["u1"]), Preview()).table, CLEARED),
        (pa.table({"unit_id": ["u1"], MARKED: ["x"]}), Research()),  # not where it is seen first
    ],
)
def test_a_table_cannot_be_passed_off_as_stamped(table, standing):
    with pytest.raises(ReleaseRefused) as refused:
        Stamped(table, standing)
    assert refused.value.code == "RS3340"


@pytest.mark.parametrize("told", [None, {"until": date(2099, 1, 1)}, "approved"])
def test_nothing_is_cleared_without_an_approval(told):
    with pytest.raises(ReleaseRefused):
        Cleared(told)


@pytest.mark.parametrize(
    "model",
    [
        {"name": "emergency_admission", "version": 3, "digest": "another"},
        {"name": "emergency_admission", "version": 4, "digest": "d"},
        {"name": "school_readiness", "version": 3, "digest": "d"},
    ],
)
def test_an_approval_covers_its_own_model_alone(model):
    with pytest.raises(ReleaseRefused):
        cover(CLEARED, model)
    cover(CLEARED, {"name": "emergency_admission", "version": 3, "digest": "d"})
    for standing in MARKS:
        cover(standing, model)


def test_every_standing_there_is_is_marked_or_cleared():
    kinds = {kind.__name__: kind for kind in Standing.__subclasses__()}.values()
    assert [kind.__name__ for kind in kinds if not kind.mark] == ["Cleared"]
    assert len({kind.status for kind in kinds}) == len(kinds) == 3
    assert all("not for use" in kind.mark for kind in kinds if kind.mark)


def test_the_mark_is_nothing_that_a_neighbour_knows():
    assert MARKED in TOLD_BY_THE_SCORE


def test_the_mark_of_a_summary_does_not_hide_it_and_is_read_once():
    told = page(Preview())
    css = re.search(r"\.watermark\{([^}]*)\}", told)
    assert css and "pointer-events:none" in css[1]
    assert re.search(r'<div class="watermark" aria-hidden="true">FOR REVIEW, NOT FOR USE<', told)


def test_no_marked_list_takes_the_place_of_one_that_left(tmp_path):
    store = Store(tmp_path)
    leaving = tmp_path / "releases/s/2024-04-01"
    for each, place in (
        (Preview(), leaving),
        (Research(), tmp_path / "research/s/2024-04-01"),
        (CLEARED, leaving),
    ):
        assert place_of(store, "s", DAY, each) == place
    for status, preview in (
        ("for_review", leaving),
        ("approved", tmp_path / "previews/s/2024-04-01"),
    ):
        write_json(leaving / "gp_practice/Y1/manifest.json", {"status": status})
        assert place_of(store, "s", DAY, MARKS[0]) == preview
        assert place_of(store, "s", DAY, CLEARED) == leaving


def test_the_same_list_is_the_same_but_for_its_mark():
    marked, plain = (cells(list_csv(stamp(a_list(["u1"]), each))) for each in (Preview(), CLEARED))
    assert [{k: v for k, v in row.items() if k != MARKED} for row in marked] == plain
    sheet = list_xlsx(stamp(a_list(["u1"]), Preview()), note(Preview()))
    with zipfile.ZipFile(io.BytesIO(sheet)) as parts:
        assert b"FOR REVIEW" in parts.read("xl/worksheets/sheet2.xml")
