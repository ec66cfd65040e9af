"""Rows laid out in buckets: what is spoilt is made again, what is full or killed goes on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.world import World, fingerprints

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
PATIENCE = 240.0
LEFT = {"cohort": ["cohort.parquet"], "features": ["features.parquet", "groups.parquet"]}


def left_by(store: Path) -> dict[str, dict[str, str]]:
    """What the stages of a study without a score date left, by stage."""
    found = {}
    for stage, names in LEFT.items():
        # The cohort and features of the score date have no outcomes; they are made later.
        folders = sorted(store.glob(f"derived/{stage}/*"), key=lambda p: p.stat().st_mtime)
        found[stage] = fingerprints(folders[0], names)
    return found


def layout_of(world: World) -> Path:
    [layout] = world.store.glob("derived/prepared/*")
    return layout


def pieces(world: World) -> list[Path]:
    return sorted(layout_of(world).glob("b*/ed_attendances.[0-9]*.parquet"))


def cut_short(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])


def turned_round(path: Path) -> None:
    table = pq.read_table(path)
    path.unlink()
    pq.write_table(table.take(np.arange(table.num_rows)[::-1]), path)


def one_more(path: Path) -> None:
    shutil.copyfile(path, path.with_name("ed_attendances.001.parquet"))


@pytest.mark.parametrize("spoil", [cut_short, turned_round, one_more])
def test_a_spoilt_layout_is_noticed_and_made_again(
    own: World, spoil: Callable[[Path], None]
) -> None:
    made, layout = left_by(own.store), layout_of(own)
    whole = pq.read_table(pieces(own)[0])
    spoil(pieces(own)[0])
    for stage in LEFT:
        shutil.rmtree(own.store / "derived" / stage)
    said = own.ask("run", "--until", "features")
    assert said.code == 0, said.err
    assert layout_of(own) == layout
    [again] = pieces(own)
    assert pq.read_table(again).equals(whole)
    assert left_by(own.store) == made


def test_pieces_of_a_spoilt_layout_are_not_taken_over(own: World) -> None:
    [piece] = pieces(own)
    whole = pq.read_table(piece)
    turned_round(piece)
    arrears = own.data / "rent_arrears.parquet"
    pq.write_table(pq.read_table(arrears).slice(1), arrears)
    said = own.ask("run", "--until", "prepared")
    assert said.code == 0, said.err
    [again] = said.folder.glob("b*/ed_attendances.[0-9]*.parquet")
    assert again != piece
    assert pq.read_table(again).equals(whole)


def test_a_changed_extract_takes_over_the_pieces_of_the_others(own: World) -> None:
    [before] = pieces(own)
    arrears = own.data / "rent_arrears.parquet"
    pq.write_table(pq.read_table(arrears).slice(1), arrears)
    said = own.ask("run", "--until", "prepared")
    assert said.code == 0, said.err
    found = sorted(own.store.glob("derived/prepared/*/b*/ed_attendances.[0-9]*.parquet"))
    assert len(found) == 2
    assert {path.stat().st_ino for path in found} == {before.stat().st_ino}


@pytest.mark.parametrize(
    ("stage", "room"), [("prepared", 40_000), ("cohort", 40_000), ("features", 40_000)]
)
def test_a_full_disk_in_a_bucket_leaves_a_store_that_goes_on(
    own: World, stage: str, room: int
) -> None:
    made = left_by(own.store)
    stages = ("prepared", "cohort", "features", "cells")
    for name in stages[stages.index(stage) :]:
        shutil.rmtree(own.store / "derived" / name, ignore_errors=True)
    said = own.shell("run", "--until", "features", start=LIMIT.format(room))
    assert said.code == 74, said.err
    assert "free some space" in said.err
    assert own.left_behind() == []
    said = own.ask("run", "--until", "features")
    assert said.code == 0, said.err
    assert left_by(own.store) == made
    assert own.left_behind() == []


# -- killed in the middle of many buckets ----------------------------------------------------------

STAGES = """
import sys
from datetime import date
from pathlib import Path

from riskstrat.buckets import cut
from riskstrat.stages import features
from riskstrat.stages.cohort import cohort_stage
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import trace
from riskstrat.stages.prepared import prepared_stage
from riskstrat.store.artefacts import Store
from riskstrat.study import load_study

data, store, study = map(Path, sys.argv[1:])
for function in (cut.cut, cut.still_fit):  # a small county in many buckets
    function.__kwdefaults__["units"] = 250
features.SMALL = 0
study, store = load_study(study), Store(store)
with store.held():
    job = Job(study, trace(study, store, data), store, data, "2GB", 2)
    for name, stage in (
        ("prepared", prepared_stage),
        ("cohort", cohort_stage),
        ("features", features.features_stage),
    ):
        if store.artefact(name, job.lineage[name]) is None:
            stage(job, progress=lambda share, words="": None)
"""
DONE = {
    "prepared": "scratch/prepared/*/b[0-9]*",
    "cohort": "scratch/cohort/*/b*.json",
    "features": "scratch/features/*/b*.json",
}
"""stage -> what it leaves of each bucket that is done"""


def working(world: World) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STAGES, str(world.data), str(world.store), str(world.study)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def killed_after(world: World, stage: str, buckets: int) -> bool:
    """Kill the work when so many buckets of a stage are done; whether it came to that."""
    running = working(world)
    give_up = time.monotonic() + PATIENCE
    while running.poll() is None:
        if sum(1 for _ in world.store.glob(DONE[stage])) >= buckets:
            running.send_signal(signal.SIGKILL)
            running.communicate()
            return True
        assert time.monotonic() < give_up, f"{stage} never came to {buckets} buckets"
        time.sleep(0.005)
    raise AssertionError(f"it ended before {stage}: {running.communicate()[1]}")


def kept_files(world: World) -> dict[str, int]:
    """Finished files of buckets and cells by name, and which file on the disk each is."""
    found = {}
    for path in (*world.store.glob("scratch/prepared/*/b[0-9]*/*.parquet"),
                 *world.store.glob("derived/prepared/*/b[0-9]*/*.parquet"),
                 *world.store.glob("derived/cells/*/[!.]*.arrow")):  # fmt: skip
        found["/".join(path.parts[-2:])] = path.stat().st_ino
    return found


@pytest.mark.slow
def test_work_killed_again_and_again_in_its_buckets_goes_on_where_it_was(
    fresh: World, finished: World
) -> None:
    said = fresh.ask("run", "--until", "linkage")
    assert said.code == 0, said.err
    rng = np.random.default_rng(5)
    kept: dict[str, int] = {}
    for stage in DONE:
        for buckets in sorted(rng.integers(1, 15, 3).tolist()):
            killed_after(fresh, stage, buckets)
            now = kept_files(fresh)
            assert {name: now.get(name) for name in kept} == kept, f"made twice, in {stage}"
            kept = now
    running = working(fresh)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, err
    now = kept_files(fresh)
    assert {name: now.get(name) for name in kept} == kept
    assert len(list(fresh.store.glob("derived/prepared/*/b[0-9]*"))) >= 15
    assert fresh.left_behind() == []
    assert [p for p in (fresh.store / "scratch").rglob("*") if p.is_file()] == []
    assert left_by(fresh.store) == left_by(finished.store)
