"""`--memory` is what all processes of a run may use together."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipeline.world import MAIN

STUDY = Path(__file__).parents[2] / "configs" / "studies" / "emergency_admission.yaml"
PEOPLE = 60_000
LIMIT = 700 * 10**6


@pytest.mark.slow
def test_a_run_up_to_the_features_keeps_to_the_memory_it_was_given(tmp_path: Path) -> None:
    data = tmp_path / "county"
    ask("synth", str(data), "--people", str(PEOPLE), "--seed", "5", "--linked", "--quiet")
    where = (str(STUDY), "--data", str(data), "--store", str(tmp_path / "store"))
    ask("run", *where, "--until", "linkage", "--memory", "2GB")
    peak = ask("run", *where, "--until", "features", "--memory", "700MB", "--threads", "2")
    assert peak > 10**8
    assert peak <= LIMIT, f"{peak / 10**6:,.0f} MB"


def ask(*words: str) -> int:
    """Run a command; bytes its processes held at most, shared pages counted once."""
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        peak = 0
        while running.poll() is None:
            peak = max(peak, held(psutil.Process(running.pid)))
            time.sleep(0.05)
        assert running.stderr is not None
        assert running.returncode == 0, running.stderr.read()
    return peak


def held(run: psutil.Process) -> int:
    """Memory of a process and all it started: pages that several share are shared out."""
    found = 0
    try:
        everyone = [run, *run.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in everyone:
        try:
            found += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
