"""Files and folders: whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from riskstrat.errors import BusyError, StorageError
from riskstrat.store.artefacts import Store
from riskstrat.store.files import folder_aside, read_json, write_bytes, write_json


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
        (file if spoil == "change" else found / "more.txt").write_text("rowz")
    assert store.artefact("cohort", "d1") is None
    assert not found.folder.exists()


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
    assert there == [".lock", "cohort.txt", "manifest.json", "search.log"]


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
    first = store.fingerprint(extract)
    assert store.fingerprint(extract) == first
    extract.write_text("2,3")
    assert store.fingerprint(extract) != first
