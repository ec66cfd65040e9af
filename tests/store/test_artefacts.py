"""Files and folders: whole or not there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from riskstrat.derivation import file_digest
from riskstrat.disk import folder_aside, read_json, storage_error, write_bytes, write_json
from riskstrat.errors import BusyError, StorageError
from riskstrat.store import artefacts, remembered
from riskstrat.store.artefacts import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def make(store: Store, digest: str = "d1", text: str = "rows") -> None:
    facts: dict[str, Any] = {"rows_out": 1}
    with store.making("cohort", digest, facts) as folder:
        (folder / "cohort.txt").write_text(text)


def test_an_artefact_is_there_once_it_is_whole(store: Store) -> None:
    assert store.artefact("cohort", "d1") is None
    make(store)
    found = store.artefact("cohort", "d1")
    assert found is not None
    assert found.facts["rows_out"] == 1
    assert (found / "cohort.txt").read_text() == "rows"


@pytest.mark.parametrize("spoil", ["change", "remove", "add"])
def test_an_artefact_that_was_spoilt_counts_as_absent(store: Store, spoil: str) -> None:
    make(store)
    found = store.artefact("cohort", "d1")
    assert found is not None
    file = found / "cohort.txt"
    if spoil == "remove":
        file.unlink()
    else:
        (file if spoil == "change" else found / "more.txt").write_text("other rows")
    assert store.artefact("cohort", "d1") is None
    assert found.folder.exists(), "somebody may be reading it"
    make(store)
    assert store.artefact("cohort", "d1") is not None
    assert not (found / "more.txt").exists()


def test_what_a_shared_disk_keeps_beside_our_files_is_no_damage(store: Store) -> None:
    make(store)
    for name in (".nfs000000000001", ".snapshot/cohort.txt"):
        write_bytes(store.root / "derived/cohort/d1" / name, b"theirs")
    assert store.artefact("cohort", "d1") is not None


def test_an_artefact_is_read_again_only_where_a_file_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    read: list[str] = []

    def reads(path: Path) -> str:
        read.append(path.name)
        return file_digest(path)

    monkeypatch.setattr(remembered, "file_digest", reads)
    assert store.artefact("cohort", "d1") is not None
    assert read == []
    os.utime(store.root / "derived/cohort/d1/cohort.txt", (1, 1))
    assert store.artefact("cohort", "d1") is not None
    assert store.artefact("cohort", "d1") is not None
    assert read == ["cohort.txt"]


def test_bytes_that_changed_behind_all_stamps_are_found_by_reading_afresh(store: Store) -> None:
    make(store)
    file = store.root / "derived/cohort/d1/cohort.txt"
    before = file.stat()
    file.write_text("rowz")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.artefact("cohort", "d1") is not None
    assert Store(store.root, afresh=True).artefact("cohort", "d1") is None


def test_what_may_not_be_written_to_is_read_without_being_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(store)
    os.utime(store.root / "derived/cohort/d1/cohort.txt", (1, 1))

    def refuses(path: Path, value: Any) -> None:
        raise storage_error(OSError(errno.EROFS, ""), path)

    monkeypatch.setattr(remembered, "write_json", refuses)
    assert store.artefact("cohort", "d1") is not None


def test_a_stage_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.making("cohort", "d1", {}) as folder:
        (folder / "half.txt").write_text("half")
        raise RuntimeError
    assert [p for p in store.root.rglob("*") if p.is_file()] == []
    assert list((store.root / "derived/cohort").iterdir()) == []


def test_a_folder_is_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "list"
    for text in ("old", "new"):
        with folder_aside(target) as folder:
            (folder / f"{text}.txt").write_text(text)
    assert [p.name for p in target.iterdir()] == ["new.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["list"]


def test_scratch_is_dropped_for_one_piece_of_work_or_for_all_of_a_stage(store: Store) -> None:
    for stage, digest in (("cohort", "d1"), ("cohort", "d2"), ("features", "d1")):
        (store.scratch(stage, digest) / "piece").write_text("rows")
    store.drop_scratch("cohort", "d1")
    assert sorted(p.parent.name for p in store.root.glob("scratch/cohort/*/piece")) == ["d2"]
    store.drop_scratch("cohort")
    left = [p.relative_to(store.root).as_posix() for p in store.root.glob("scratch/*/*/piece")]
    assert left == ["scratch/features/d1/piece"]


def test_one_run_at_a_time_holds_a_store(store: Store) -> None:
    with store.held(), pytest.raises(BusyError, match="another run"), store.held():
        pass
    with store.held():
        pass


def test_holding_a_store_clears_what_killed_runs_left(store: Store) -> None:
    make(store)
    left = ["derived/cohort/.d2.99.part/x", "runs/small/.r.99.part/x", ".fingerprints.json.9.part"]
    left += ["releases/small/.2025-04-01.99.part/icb/x", "scratch/spill/d/x"]
    for name in left:
        write_bytes(store.root / name, b"half")
    kept = store.scratch("training", "d1") / "search.log"
    kept.write_text("trials")
    with store.held():
        there = sorted(p.name for p in store.root.rglob("*") if p.is_file())
    locks = [".lock", ".verified.json", ".workers.lock"]
    assert there == [*locks, "cohort.txt", "manifest.json", "search.log"]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "RS7401"), (errno.EDQUOT, "RS7401"), (errno.EIO, "RS7402")]
)
def test_a_failing_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    path = tmp_path / "facts.json"
    write_json(path, {"rows": 1})

    def fails(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(StorageError) as caught:
            write_json(path, {"rows": 2})
    assert caught.value.code == code
    assert caught.value.fix
    assert read_json(path) == {"rows": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["facts.json"]


def test_equal_values_have_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    write_json(tmp_path / "b.json", {"a": "é", "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_an_extract_is_read_again_only_when_it_changed(store: Store, tmp_path: Path) -> None:
    extract = tmp_path / "a.csv"
    extract.write_text("1")
    first = store.fingerprints([extract])
    assert store.fingerprints([extract]) == first
    extract.write_text("2,3")
    assert store.fingerprints([extract]) != first


def test_many_extracts_are_remembered_in_one_step(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [tmp_path / f"part-{number}.csv" for number in range(20)]
    for part in parts:
        part.write_text(part.name)
    written: list[Path] = []

    def writes(path: Path, value: Any) -> None:
        written.append(path)
        write_json(path, value)

    monkeypatch.setattr(remembered, "write_json", writes)
    first = store.fingerprints(parts)
    assert store.fingerprints(parts) == first
    assert written == [store.root / "fingerprints.json"]
    assert len(set(first)) == len(parts)


STILL_AT_WORK = """
import sys, time
from pathlib import Path
from riskstrat.store.artefacts import Store
store = Store(Path(sys.argv[1]))
store.at_work()
print("at work", flush=True)
time.sleep(1)
(store.root / "last words").touch()
"""


def test_a_run_waits_for_the_children_of_one_that_was_killed(store: Store) -> None:
    words = [sys.executable, "-c", STILL_AT_WORK, str(store.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "at work\n"
        with store.held():
            assert (store.root / "last words").exists()


def test_a_run_does_not_wait_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefacts, "PATIENCE", 0.1)
    words = [sys.executable, "-c", STILL_AT_WORK, str(store.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(BusyError, match="killed run"), store.held():
            pass
