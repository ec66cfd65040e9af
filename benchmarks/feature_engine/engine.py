"""What every engine's script shares: its arguments, and the marks the watcher reads.

A script prints ``phase <name>`` when a new part of its work begins (imports and compilation come
before the first), and one JSON object of facts at the end.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from workload import WORKLOADS, Workload


@dataclass(frozen=True, slots=True)
class Job:
    """What one engine has to do."""

    workload: Workload
    data: Path
    parts: tuple[int, ...]
    people: int | None
    """only the first so many people of each block; for peers that are slow"""
    out: Path
    threads: int
    variant: str

    def events(self, table: str, part: int) -> Path:
        """The file of one table and block."""
        return self.data / "clustered" / table / f"{part:03d}.parquet"

    def result(self, part: int) -> Path:
        """Where the features of a block go: person_id, date (its number), and the columns."""
        return self.out / f"{part:03d}.parquet"

    def people_of(self, part: int) -> tuple[int, int]:
        """The people of a block, [from, to)."""
        low, high = self.workload.people_of(part)
        return low, high if self.people is None else min(high, low + self.people)


def read_job() -> Job:
    """The job as the command line gives it."""
    reader = argparse.ArgumentParser()
    reader.add_argument("workload", choices=WORKLOADS)
    reader.add_argument("data", type=Path)
    reader.add_argument("out", type=Path)
    reader.add_argument("--parts", type=int, default=1, help="the first so many blocks")
    reader.add_argument("--people", type=int)
    reader.add_argument("--threads", type=int, default=2)
    reader.add_argument("--variant", default="")
    given = reader.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return Job(
        WORKLOADS[given.workload],
        given.data,
        tuple(range(given.parts)),
        given.people,
        given.out,
        given.threads,
        given.variant,
    )


def phase(name: str) -> None:
    """A new part of the work begins."""
    print("phase", name, flush=True)


def facts(**found: object) -> None:
    """What the engine wants to tell, at the end."""
    print(json.dumps(found), flush=True)
