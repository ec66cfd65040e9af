"""The page `docs/bring-your-own-data.md` does what it says, from an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bring-your-own-data.md"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN_ONLY = {"console", "text"}


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    told: dict[str, str]
    text: str


def blocks(page: str) -> Iterator[Block]:
    for info, text in FENCE.findall(page):
        language, *rest = info.split()
        yield Block(language, dict(each.split("=", 1) for each in rest), text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What a reader has who followed the page to its end."""
    here = tmp_path_factory.mktemp("my-study")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if name := block.told.get("file"):
            target = here / name
            assert target.parent.is_dir(), f"the page writes {name} before it makes its folder"
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-euc", block.text],
                cwd=here,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            wanted = int(block.told.get("exit", 0))
            assert done.returncode == wanted, f"{block.text}\n{done.stdout}\n{done.stderr}"
        else:
            assert block.language in SHOWN_ONLY, f"```{block.language} says nothing of itself"
    return here


def test_the_walk_ends_with_a_report_and_a_list(folder):
    [report] = folder.glob("store/runs/urgent_visit/*/report.html")
    assert "Urgent visit within a year" in report.read_text(encoding="utf-8")
    [listed] = folder.glob("store/releases/urgent_visit/2024-01-01/review_team/list.csv")
    lines = listed.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "release_id,band,risk_band,reasons"
    assert len(lines) == 1 + 3000 // 5  # the fifth at highest risk


def test_no_extract_s_own_id_is_on_the_list(folder):
    [listed] = folder.glob("store/releases/urgent_visit/2024-01-01/review_team/list.csv")
    assert not re.search(r"\bp\d{4}\b", listed.read_text(encoding="utf-8-sig"))


def test_the_exported_card_tells_of_the_decision_and_shows_no_exact_count(folder):
    card = (folder / "models" / "urgent_visit-1" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Status: champion" in card
    assert "Approved by A. Caldicott" in card
    rows = len((folder / "extracts" / "visits.csv").read_text().splitlines()) - 1
    assert rows % 5, "draw other visits: this count would be the same when rounded"
    assert f"{rows:,}" not in card


def test_exporting_again_gives_the_same_bytes(folder):
    first = folder / "models" / "urgent_visit-1"
    command = [Path(sys.executable).parent / "riskstrat", "export", "urgent_visit", "--to", "again"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert Path("model/model.json") in files
    for name in files:
        assert (first / name).read_bytes() == (folder / "again" / first.name / name).read_bytes()
    assert sorted(path.name for path in (folder / "again").iterdir()) == [first.name]
