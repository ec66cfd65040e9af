"""The log: each entry is bound to the one before."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from riskstrat.derivation import digest
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


def anchored_at(ledger: Ledger, seq: int) -> None:
    """Put the anchor back to when the log had so many entries."""
    entry = ledger.entries()[seq - 1]
    ledger.anchors[0].write_text(json.dumps({"seq": seq, "hash": entry["hash"]}), encoding="utf-8")


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
    write(ledger, "cut short")
    half = ledger.path.read_bytes()[:-20]
    ledger.path.write_bytes(content)
    anchored_at(ledger, 3)
    ledger.path.write_bytes(half)
    assert len(ledger.entries()) == 3
    write(ledger, "after")
    assert [entry["what"] for entry in ledger.entries()][-2:] == ["what 2", "after"]
    assert ledger.verify()[0] == 4


def test_an_entry_whose_anchor_the_power_cut_short_stays(ledger: Ledger) -> None:
    anchored_at(ledger, 2)
    assert ledger.verify()[0] == 3
    write(ledger, "after")
    assert ledger.verify()[0] == 4


@pytest.mark.parametrize("left", [0, 1, 2])
def test_entries_cut_off_the_end_are_missed(ledger: Ledger, left: int) -> None:
    lines = ledger.path.read_text(encoding="utf-8").splitlines(keepends=True)
    ledger.path.write_text("".join(lines[:left]), encoding="utf-8")
    assert ledger.first_broken_link() is None  # what is left is a chain
    with pytest.raises(StorageError, match=f"reached entry 3.*ends with entry {left}") as told:
        ledger.verify()
    assert (told.value.code, told.value.exit_code) == ("RS7406", 74)


def test_a_log_that_was_cut_is_not_written_to(ledger: Ledger) -> None:
    lines = ledger.path.read_text(encoding="utf-8").splitlines(keepends=True)
    ledger.path.write_text("".join(lines[:2]), encoding="utf-8")
    with pytest.raises(StorageError, match="cut off its end"):
        write(ledger, "after")
    assert len(ledger.entries()) == 2


def test_a_cut_log_that_went_on_elsewhere_is_found(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger.of_store(tmp_path / "other")
    for number in range(5):
        write(other, f"other {number}")
    ledger.path.write_bytes(other.path.read_bytes())
    with pytest.raises(StorageError, match="its entry 3 was another one"):
        ledger.verify()


def test_an_anchor_on_another_disk_finds_a_log_and_anchor_put_back_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKSTRAT_LOG_ANCHORS", str(tmp_path / "elsewhere"))
    ledger = Ledger.of_store(tmp_path)
    write(ledger, "yesterday")
    kept = {path: path.read_bytes() for path in ledger.path.parent.iterdir()}
    write(ledger, "today")
    assert ledger.verify()[0] == 2
    for path, content in kept.items():
        path.write_bytes(content)
    with pytest.raises(StorageError, match="reached entry 2"):
        ledger.verify()
    shutil.rmtree(ledger.path.parent)
    with pytest.raises(StorageError, match="ends with entry 0"):
        ledger.verify()


def test_entries_written_at_once_follow_each_other(tmp_path: Path) -> None:
    ledger = Ledger.of_store(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: write(ledger, f"what {n}"), range(24)))
    assert ledger.verify()[0] == 24


def test_an_entry_with_another_number_breaks_the_chain(ledger: Ledger) -> None:
    lines = ledger.path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[2])
    entry.pop("hash")
    entry["seq"] = 7
    entry["hash"] = digest(entry)
    lines[2] = json.dumps(entry)
    ledger.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert ledger.first_broken_link() == 3


def test_a_damaged_log_is_not_written_to(ledger: Ledger) -> None:
    ledger.path.write_bytes(ledger.path.read_bytes() + b"\xff not an entry\n")
    before = ledger.path.read_bytes()
    with pytest.raises(StorageError, match="line 4 is damaged"):
        write(ledger, "after")
    assert ledger.path.read_bytes() == before
