"""A run that is killed: the same command goes on, and ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pipeline.world import Said, World, fingerprints, lists_of

FILES = ("predictions.parquet", "metrics.json", "features.parquet", "features.json")
PATIENCE = 120.0

WHEN = {
    "contracts": "derived/contracts/.*.part/*",
    "prepared": "scratch/prepared/*/.b*.part/*",
    "cohort": "derived/cohort/.*.part",
    "features": "derived/features/.*.part/*",
    "training": "scratch/training/*/*",
    "audit": "derived/audit/.*.part",
    "register": "artifacts/small/models/*/artifacts/*",
    "release": "releases/small/.*.part/*",
    "report": "runs/small/.*.part/report.json",
}
"""stage -> what is in the store while it works"""


def wait_for(world: World, pattern: str, running: subprocess.Popen[str]) -> bool:
    """True when the store holds such a file; False when the command ended before."""
    give_up = time.monotonic() + PATIENCE
    while running.poll() is None:
        if next(world.store.glob(pattern), None):
            return True
        assert time.monotonic() < give_up, f"{pattern} never appeared"
        time.sleep(0.002)
    return False


def killed_during(world: World, stage: str, how: signal.Signals = signal.SIGKILL) -> Said:
    """Start a run and kill its whole process group while the stage works."""
    running = world.start("run")
    caught = wait_for(world, WHEN[stage], running)
    os.killpg(running.pid, how)
    out, err = running.communicate(timeout=PATIENCE)
    assert caught, f"the run ended before {stage}:\n{err}"
    return Said(running.returncode, out, err)


def ends_as_if_nothing_had_happened(world: World, undisturbed: World, folder: Path) -> None:
    from riskstrat.store.registry import Registry

    said = world.ask("run")
    assert said.code == 0, said.err
    assert fingerprints(said.folder, FILES) == fingerprints(folder, FILES)
    lists = lists_of(undisturbed.store)
    assert fingerprints(world.store, lists) == fingerprints(undisturbed.store, lists)
    assert world.left_behind() == []
    assert [p for p in (world.store / "scratch").rglob("*") if p.is_file()] == []
    [version] = Registry.of_store(world.store).versions("small")
    assert (version.version, version.aliases) == (1, ("challenger",))
    assert world.ask("log", "--verify").code == 0


@pytest.mark.parametrize(
    "stages",
    [
        pytest.param(("training", "register"), id="training and register"),
        pytest.param(tuple(WHEN), id="every stage in turn", marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_at_any_moment_goes_on(
    fresh: World, finished: World, first: Said, stages: tuple[str, ...]
) -> None:
    for stage in stages:
        said = killed_during(fresh, stage)
        assert said.code == -signal.SIGKILL
        assert said.out == ""
    ends_as_if_nothing_had_happened(fresh, finished, first.folder)


@pytest.mark.slow
@pytest.mark.parametrize("stage", WHEN)
def test_a_run_killed_during_one_stage_goes_on(
    fresh: World, finished: World, first: Said, stage: str
) -> None:
    killed_during(fresh, stage)
    ends_as_if_nothing_had_happened(fresh, finished, first.folder)


def test_a_run_stopped_by_hand_says_so_and_can_go_on(fresh: World) -> None:
    said = killed_during(fresh, "training", signal.SIGINT)
    assert said.code == 130
    assert said.out == ""
    assert "the same command resumes" in said.err
    assert "Traceback" not in said.err
    assert fresh.outcomes() == []
    assert [p for p in fresh.store.glob("derived/contracts/*") if p.is_dir()]


def test_a_child_killed_for_want_of_memory_is_told_plainly(fresh: World) -> None:
    running = fresh.start("run")
    assert wait_for(fresh, WHEN["training"], running)
    for child in workers_of(running.pid):
        os.kill(child, signal.SIGKILL)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 137, err
    assert "--memory" in err
    assert "to fix:" in err
    assert "Traceback" not in err


def test_no_child_outlives_its_run(fresh: World) -> None:
    running = fresh.start("run")
    assert wait_for(fresh, WHEN["training"], running)
    children = workers_of(running.pid)
    running.kill()  # the parent alone: its group is left to notice
    running.communicate(timeout=PATIENCE)
    give_up = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < give_up, "a child goes on working"
        time.sleep(0.01)


def workers_of(run: int) -> list[int]:
    """The processes that the run's fork server has started."""
    servers = _children(run)
    found = [child for server in servers for child in _children(server)]
    assert found, "no child is at work"
    return found


def _children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(number) for number in path.read_text().split()] if path.exists() else []
