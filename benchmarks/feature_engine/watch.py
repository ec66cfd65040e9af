"""Run a command and measure it: wall, CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

EVERY = 0.1
"""seconds between two looks at memory"""
PATIENCE = 10.0
"""seconds that what a command leaves behind has to end by itself"""
SET_CHILD_SUBREAPER = 36
"""see prctl(2)"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a command took. ``phases``: name -> (wall seconds, CPU seconds, peak MB)."""

    code: int | None
    """exit code; None if it was stopped when its time was up"""
    wall: float
    cpu: float
    peak_mb: float
    phases: Mapping[str, tuple[float, float, float]]
    facts: Mapping[str, Any]
    said: str
    """the last lines of what it complained about"""


def cpu_seconds(roots: Sequence[psutil.Process]) -> float:
    """CPU seconds of processes and all they started, ended ones included once waited for."""
    total = 0.0
    for process in _tree(roots):
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def held_bytes(roots: Sequence[psutil.Process]) -> int:
    """Memory of processes and all they started; what they share is counted once."""
    total = 0
    for process in _tree(roots):
        with suppress(psutil.Error):
            try:
                total += process.memory_full_info().pss
            except (psutil.AccessDenied, AttributeError):
                total += process.memory_info().rss
    return total


def _tree(roots: Sequence[psutil.Process]) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for root in roots:
        with suppress(psutil.Error):
            found |= {p.pid: p for p in (root, *root.children(recursive=True))}
    return list(found.values())


@dataclass(slots=True)
class _Marks:
    """Phases as the command announces them, with the clock and CPU at each."""

    roots: Sequence[psutil.Process]
    seen: list[tuple[str, float, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Note the memory held now."""
        name = self.seen[-1][0] if self.seen else "start"
        self.peaks[name] = max(self.peaks.get(name, 0), held_bytes(self.roots))

    def read(self, stream: Any) -> None:
        for line in stream:
            if line.startswith("phase "):
                self.seen.append((line[6:].strip(), time.monotonic(), cpu_seconds(self.roots)))
            elif line.startswith("{"):
                with suppress(json.JSONDecodeError):
                    self.facts |= json.loads(line)


def watch(
    command: Sequence[str],
    *,
    servers: Sequence[int] = (),
    limit: float = 600,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Measured:
    """Run a command to its end, or until ``limit`` seconds are over.

    Args:
        command: the words of the command.
        servers: process ids of servers that work for it; what they use meanwhile counts too.
        limit: seconds after which the command and all that it started are stopped.
        env: environment variables to add.
        cwd: where to run it.
    """
    # What a command leaves behind becomes our child, so that its CPU seconds can be told.
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    helpers = [psutil.Process(pid) for pid in servers]
    before, started = cpu_seconds(helpers), time.monotonic()
    complaints = Path(f"/proc/self/fd/{os.memfd_create('stderr')}")
    with complaints.open("w+") as errors:
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        roots = [psutil.Process(child.pid), *helpers]
        marks = _Marks(roots)
        reader = threading.Thread(target=marks.read, args=(child.stdout,))
        reader.start()
        usage, stopped = None, False
        while usage is None:
            marks.look()
            if time.monotonic() - started > limit and not stopped:
                stopped = True
                os.killpg(child.pid, signal.SIGKILL)
            pid, status, found = os.wait4(child.pid, os.WNOHANG)
            usage = found if pid else None
            if not pid:
                time.sleep(EVERY)
        ended = time.monotonic()
        reader.join()
        errors.seek(0)
        said = "\n".join(errors.read().splitlines()[-5:])
    child.returncode = os.waitstatus_to_exitcode(status)
    left = _reap({child.pid, *(helper.pid for helper in helpers)})
    cpu = usage.ru_utime + usage.ru_stime + left + cpu_seconds(helpers) - before
    return Measured(
        code=None if stopped else child.returncode,
        wall=ended - started,
        cpu=cpu,
        peak_mb=max(marks.peaks.values()) / 2**20,
        phases=_phases(marks, (started, before), (ended, cpu + before)),
        facts=marks.facts,
        said=said,
    )


def _reap(known: Set[int]) -> float:
    """Wait for what a command left behind; its CPU seconds."""
    total, patient_until = 0.0, time.monotonic() + PATIENCE
    while left := [p for p in psutil.Process().children() if p.pid not in known]:
        for process in left:
            if time.monotonic() > patient_until:
                with suppress(psutil.Error):
                    process.kill()
            with suppress(ChildProcessError):
                pid, _, usage = os.wait4(process.pid, os.WNOHANG)
                total += usage.ru_utime + usage.ru_stime if pid else 0.0
        time.sleep(0.01)
    return total


def _phases(
    marks: _Marks, start: tuple[float, float], end: tuple[float, float]
) -> dict[str, tuple[float, float, float]]:
    points = [("start", *start), *marks.seen, ("end", *end)]
    found: dict[str, tuple[float, float, float]] = {}
    for (name, wall, cpu), (_, next_wall, next_cpu) in pairwise(points):
        past = found.get(name, (0.0, 0.0, 0.0))
        peak = marks.peaks.get(name, 0) / 2**20
        found[name] = (past[0] + next_wall - wall, past[1] + next_cpu - cpu, peak)
    return found
