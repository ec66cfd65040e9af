"""Everybody: the whole population within little memory, and the same after being killed ten times.

python benchmarks/feature_engine/whole.py 100m --memory 2GB --kills 10
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from bench import RESULTS, SIZES, WORK
from extracts import write_config, write_extracts
from generate import generate
from ours import COMMAND, Run, facts_of, forget, run
from peers import KERNEL, Bench, cost
from render import whole, write_page
from turns import machine
from watch import Measured
from workload import WIDE

LIMIT = 4 * 3600.0
STAGES = ("contracts", "linkage", "prepared", "cohort", "features")


def bytes_of(file: Path) -> str:
    """SHA-256 of a file."""
    sha = hashlib.sha256()
    with file.open("rb") as handle:
        while piece := handle.read(1 << 22):
            sha.update(piece)
    return sha.hexdigest()


def whole_run(study: Path, extracts: Path, store: Path, memory: str) -> Run:
    """From the extracts to the features of everybody."""
    found = run(study, extracts, store, memory=memory, limit=LIMIT)
    if found.whole.code != 0 or found.features is None:
        sys.exit(f"the run ended with code {found.whole.code}: {found.whole.said}")
    return found


def killed_runs(
    study: Path, extracts: Path, store: Path, memory: str, kills: int, seconds: float
) -> list[float]:
    """Start the run, kill it at a random moment, and so on; the moments."""
    words = ["run", str(study), "--data", str(extracts), "--store", str(store), "--quiet"]
    words += ["--memory", memory, "--until", "features"]
    moments = []
    draw = random.Random(20260401)
    while len(moments) < kills:
        child = subprocess.Popen([*COMMAND, *words], start_new_session=True, env={**os.environ})
        wait = draw.uniform(2, max(4.0, 1.5 * seconds / kills))
        with suppress(subprocess.TimeoutExpired):
            child.wait(wait)
            break
        with suppress(psutil.Error):
            psutil.Process(child.pid).send_signal(signal.SIGKILL)
        child.wait()
        moments.append(round(wait, 1))
        time.sleep(1)
    return moments


def main() -> int:
    """Generate what is missing, run, kill, run again, compare, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("size", choices=SIZES)
    reader.add_argument("--memory", default="2GB")
    reader.add_argument("--kills", type=int, default=10)
    reader.add_argument("--parts", type=int, help="blocks of 18,750 people; default all")
    given = reader.parse_args()
    data, parts = WORK / given.size, given.parts or WIDE.parts
    generate("wide", SIZES[given.size].rows, data, parts)
    extracts, study = write_extracts(WIDE, data, parts), write_config(WIDE, data / "config")
    store, again = WORK / "store" / f"whole_{given.size}", WORK / "store" / f"killed_{given.size}"
    for each in (store, again):
        forget(each)
    on = machine()
    first = whole_run(study, extracts, store, given.memory)
    assert first.features is not None
    facts, digest = facts_of(first.features), bytes_of(first.features)
    told: dict[str, Any] = {
        "size": given.size,
        "machine": on,
        "people": WIDE.people_of(parts - 1)[1],
        "memory": given.memory,
        "wall": first.whole.wall,
        "cpu": first.whole.cpu,
        "peak_mb": first.whole.peak_mb,
        "events": facts["events"],
        "rows": facts["rows_out"],
        "features": facts["features"],
        "stages": [stage for stage in first.stages if stage["stage"] in STAGES],
    }
    forget(store)
    bare = Bench("wide", data, WORK, parts).run(KERNEL)
    if isinstance(bare, Measured) and bare.code == 0:
        told["bare"] = dict(zip(("wall", "cpu", "peak_mb"), cost(bare), strict=True))
    if given.kills:
        moments = killed_runs(study, extracts, again, given.memory, given.kills, first.whole.wall)
        last = whole_run(study, extracts, again, given.memory)
        assert last.features is not None
        told["kills"] = {"after_seconds": moments, "last_run_seconds": last.whole.wall}
        told["same_bytes"] = bytes_of(last.features) == digest
        forget(again)
    (RESULTS / f"feature_engine_whole_{given.size}.json").write_text(
        json.dumps(told, indent=2) + "\n", encoding="utf-8"
    )
    print("\n".join(whole(told)), write_page(RESULTS), sep="\n\n")
    return 0 if told.get("same_bytes", True) else 1


if __name__ == "__main__":
    sys.exit(main())
