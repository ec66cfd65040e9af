"""The log: each entry is bound to the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskstrat.errors import StorageError
from riskstrat.store.ledger import Ledger

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    kept = Ledger.of_store(tmp_path)
    for number in range(3):
        write(kept, f"what {number}")
    return kept


def write(ledger: Ledger, what: str) -> None:
    ledger.append(at=NOON, who="A. Lee", what=what, why="minute 4", details={})


def test_entries_are_read_in_the_order_they_were_written(ledger: Ledger) -> None:
    assert [entry["what"] for entry in ledger.entries()] == ["what 0", "what 1", "what 2"]
    assert [entry["seq"] for entry in ledger.entries()] == [1, 2, 3]
    assert ledger.first_broken_link() is None


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_changed_entry_breaks_the_chain_there(ledger: Ledger, line: int) -> None:
    lines = ledger.path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[line] = lines[line].replace("A. Lee", "B. Lee")
    ledger.path.write_text("".join(lines), encoding="utf-8")
    assert ledger.first_broken_link() == line + 1


@pytest.mark.parametrize("line", [0, 1])
def test_a_removed_entry_breaks_the_chain_there(ledger: Ledger, line: int) -> None:
    lines = ledger.path.read_text(encoding="utf-8").splitlines(keepends=True)
    del lines[line]
    ledger.path.write_text("".join(lines), encoding="utf-8")
    assert ledger.first_broken_link() == line + 1


def test_an_entry_the_power_cut_short_never_was(ledger: Ledger) -> None:
    content = ledger.path.read_bytes()
    ledger.path.write_bytes(content[:-20])
    assert len(ledger.entries()) == 2
    write(ledger, "after")
    assert [entry["what"] for entry in ledger.entries()] == ["what 0", "what 1", "after"]
    assert ledger.first_broken_link() is None


def test_a_damaged_log_is_not_written_to(ledger: Ledger) -> None:
    ledger.path.write_bytes(ledger.path.read_bytes() + b"\xff not an entry\n")
    before = ledger.path.read_bytes()
    with pytest.raises(StorageError, match="line 4 is damaged"):
        write(ledger, "after")
    assert ledger.path.read_bytes() == before
