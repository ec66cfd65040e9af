"""The pack that a run leaves: all that the docs list, fit to open anywhere, and signed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.world import World, read
from publish.pages import read_page
from riskstrat.publish.report import MOST_BYTES
from riskstrat.signoff.binding import found_in

DOCS = Path(__file__).parents[2] / "docs" / "board-pack.md"
FETCHED = re.compile(
    r"url\((?!#)|@import|<(?:script|link|iframe|object|embed|img)\b", re.IGNORECASE
)
"""what a browser would run or fetch; addresses of links and forms are looked at one by one"""


@pytest.fixture(scope="module")
def run(finished: World) -> Path:
    [folder] = finished.store.glob("runs/small/*")
    return folder


def listed_in_the_docs() -> set[str]:
    table = DOCS.read_text(encoding="utf-8").split("| --- | --- |")[1].split("\n\n")[0]
    first_cells = [row.split("|")[1] for row in table.strip().splitlines()]
    return {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}


def test_the_pack_is_what_the_docs_list_and_nothing_else(run: Path) -> None:
    pack = run / "pack"
    assert all((pack / name).resolve().is_file() for name in listed_in_the_docs())
    there = {path.name for path in pack.iterdir()}
    assert there == listed_in_the_docs() - {"../report.html"} | {"answers.json", "state.json"}
    assert set(read(pack / "state.json")["documents"]) == there - {"answers.json", "state.json"}


def test_every_page_is_small_runs_nothing_and_fetches_nothing(run: Path) -> None:
    pages = sorted((run / "pack").glob("*.html"))
    assert len(pages) == 13
    for path in pages:
        text = path.read_text(encoding="utf-8")
        page = read_page(text)
        assert page.faults == [], path.name
        assert len(text.encode()) <= MOST_BYTES
        assert not FETCHED.findall(text), path.name
        assert not re.search(r"<[^>]*\son\w+\s*=", text), path.name
        for address in page.addresses:
            inside = address.startswith("#")
            assert inside or (path.parent / address).resolve().is_file(), (path.name, address)


def test_every_document_of_the_pack_is_among_the_bytes_that_are_signed(run: Path) -> None:
    signed = found_in(run, run / "model")["report"].parts
    documents = {f"pack/{path.name}" for path in (run / "pack").iterdir()}
    assert documents <= signed.keys()


def test_the_monitoring_plan_names_the_commands_that_watch_and_that_stop(run: Path) -> None:
    text = (run / "pack/monitoring-plan.html").read_text(encoding="utf-8")
    for command in (
        "riskstrat monitor small --as-of",
        "riskstrat suspend small",
        "riskstrat withdraw",
    ):
        assert f"<code>{command}" in text


def test_the_summary_answers_what_a_board_asks(run: Path) -> None:
    page = read_page((run / "pack/summary.html").read_text(encoding="utf-8"))
    for question in (
        "Is it the least data that will do?",
        "Who can get back to a person?",
        "Has anybody got back to a person so far",
        "Are objections honoured? Yes: ",
        "Can it be stopped, and by whom? Yes, at once",
        "Is it fair between groups?",
        "Can it be put to another use? No: ",
    ):
        assert question in page.text
