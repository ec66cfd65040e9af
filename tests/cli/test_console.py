"""What is drawn: words are never broken, and control characters are for terminals alone."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO

import pytest

from riskstrat.cli import console
from riskstrat.errors import ContractError

SENTENCE = "lightgbm wins on validation; test AUROC 0.735 (0.702 to 0.778) on 3,029"
PATH = "/a/very/long/path/to/the/store/runs/small/f9fccabd89cc/report.html"


def draw(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, width: int = 40) -> StringIO:
    paper = StringIO()
    drawn = console._Console(
        file=paper, width=width, force_terminal=terminal, color_system=None, highlight=False
    )
    monkeypatch.setattr(console, "ERRORS", drawn)
    return paper


def test_a_narrow_terminal_breaks_lines_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = draw(monkeypatch, terminal=True)
    console.StageDisplay(quiet=False).ends("training", SENTENCE, 1.9, reused=False)
    console.say(PATH)
    said = paper.getvalue()
    assert said.split() == ["✓", "training", *SENTENCE.split(), "(1.9", "s)", PATH]
    assert len(said.splitlines()) > 2


def test_elsewhere_each_sentence_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = draw(monkeypatch, terminal=False)
    console.StageDisplay(quiet=False).ends("training", SENTENCE, 1.9, reused=True)
    assert paper.getvalue() == f"= training   {SENTENCE} (reused)\n"


def test_brackets_in_a_message_are_not_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = draw(monkeypatch, terminal=False)
    fault = ContractError("ed: `windows: [365]` and [/red]", fix="write [30]", code="RS1002")
    console.complain(fault, as_json=False)
    assert paper.getvalue().splitlines() == [
        "error RS1002: ed: `windows: [365]` and [/red]",
        "  to fix:  write [30]",
        "  more:    riskstrat explain RS1002",
    ]


def test_an_error_without_advice_takes_that_of_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from riskstrat.codes import CODES

    paper = draw(monkeypatch, terminal=False)
    console.complain(ContractError("ed: damaged", code="RS1002"), as_json=False)
    assert f"  to fix:  {CODES['RS1002'].fix}\n" in paper.getvalue()


def test_short_cells_are_not_broken_and_numbers_are_read_in_thousands() -> None:
    paper = StringIO()
    rows = [("area_deprivation", "a long sentence about an agency " * 3, 12345)]
    drawn = console.table("Sources", ("source", "agency", "rows"), rows)
    console._Console(file=paper, width=60).print(drawn)
    assert "area_deprivation" in paper.getvalue()
    assert "12,345" in paper.getvalue()


@pytest.mark.parametrize(
    ("words", "code"),
    [(["explain", "no-such-code"], 2), (["explain"], 0), (["schema", "nothing"], 2)],
)
def test_a_reader_who_goes_away_does_not_change_how_a_command_ends(words, code):
    command = [sys.executable, "-c", "from riskstrat.cli import main; main()", *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == code
