"""What the main job costs: each stage's seconds, memory and rows, from an empty store.

    python benchmarks/main_job.py            (or `make bench`)

Results are printed, and kept in `benchmarks/results/` as Markdown and JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

STUDIES = ("emergency_admission", "school_readiness")
HERE = Path(__file__).parent
ROOT = HERE.parent
GATE_FAILED = 20
"""exit code of a run that is complete, but whose model is not promoted"""
EVERY = 1.0
"""seconds between two looks at memory, which cost a few hundredths of one themselves"""
COMMAND = (sys.executable, "-c", "from riskstrat.cli import main; main()")


def machine() -> dict[str, Any]:
    """The machine, by what matters for these figures."""
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(psutil.getloadavg()[0], 1),
    }


def held(process: psutil.Process) -> int:
    """Bytes a process holds; what it shares with others is counted in part, where that is told."""
    with suppress(psutil.Error, AttributeError):
        return int(process.memory_full_info().pss)
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def tree_bytes(root: psutil.Process) -> int:
    """Bytes a process and all that it started hold."""
    with suppress(psutil.Error):
        return sum(map(held, (root, *root.children(recursive=True))))
    return 0


def measured(study: str, data: Path, store: Path, more: Sequence[str]) -> dict[str, Any]:
    """Run a study in processes of its own, watching them.

    Raises:
        SystemExit: the run did not finish.
    """
    words = ["run", f"configs/studies/{study}.yaml", "--data", str(data), "--store", str(store)]
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        child = subprocess.Popen(
            [*COMMAND, *words, "--quiet", *more], stdout=printed, cwd=ROOT, encoding="utf-8"
        )
        root, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            peak = max(peak, tree_bytes(root))
            with suppress(subprocess.TimeoutExpired):
                child.wait(EVERY)
        seconds = time.monotonic() - started
        printed.seek(0)
        folder = printed.read().strip()
    if child.returncode not in (0, GATE_FAILED):
        sys.exit(f"{study}: the run ended with code {child.returncode}")
    facts = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))
    return {
        "study": study,
        "seconds": round(seconds, 1),
        "peak_mb_of_all_processes": round(peak / 2**20),
        "gates_passed": facts["verdict"]["passed"],
        # What a stage says in words may name a folder of this machine.
        "stages": [{k: v for k, v in stage.items() if k != "summary"} for stage in facts["stages"]],
    }


def as_markdown(found: Sequence[dict[str, Any]], on: dict[str, Any], people: int) -> str:
    """The tables, as they are printed."""
    total = sum(each["seconds"] for each in found)
    lines = [
        "# The main job",
        "",
        f"A made-up county of {people:,} people; {on['cores']} cores, {on['memory_gb']} GB of "
        f"memory; load average before the start {on['load_before']:.1f} (0: nothing else ran). "
        f"Both studies from an empty store: **{total:.0f} s**.",
        "",
        "A stage that the second study shares with the first is not run again: it is marked",
        "`reused`, with the seconds it took then.",
    ]
    for each in found:
        lines += [
            "",
            f"## {each['study']}",
            "",
            f"{each['seconds']:.0f} s from start to finish; at most "
            f"{each['peak_mb_of_all_processes']:,} MB over all its processes at once.",
            "",
            "| stage | seconds | peak MB | rows in | rows out | |",
            "|---|---:|---:|---:|---:|---|",
        ]
        lines += [_line(stage) for stage in each["stages"]]
    return "\n".join(lines) + "\n"


def _line(stage: dict[str, Any]) -> str:
    rows = [
        f"{stage[key]:,}" if stage.get(key) is not None else "" for key in ("rows_in", "rows_out")
    ]
    return (
        f"| {stage['stage']} | {stage['seconds']:.1f} | {stage['peak_mb']:,.0f} | {rows[0]} | "
        f"{rows[1]} | {'reused' if stage.get('reused') else ''} |"
    )


def main() -> int:
    """Measure, print, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--data", type=Path, default=Path("data/demo"))
    reader.add_argument("--results", type=Path, default=HERE / "results")
    reader.add_argument("--set", action="append", default=[], help="passed on to `riskstrat run`")
    given = reader.parse_args()
    data = given.data.resolve()
    if not (data / "county.json").exists():
        sys.exit(f"there is no made-up county in {given.data}; `make data` makes one")
    people = json.loads((data / "county.json").read_text(encoding="utf-8"))["people"]
    more = [word for change in given.set for word in ("--set", change)]
    on = machine()
    with tempfile.TemporaryDirectory(prefix="riskstrat-bench-") as folder:
        found = [measured(study, data, Path(folder) / "store", more) for study in STUDIES]
    text = as_markdown(found, on, people)
    given.results.mkdir(parents=True, exist_ok=True)
    (given.results / "main_job.md").write_text(text, encoding="utf-8")
    whole = {"people": people, "machine": on, "changes": given.set, "studies": found}
    (given.results / "main_job.json").write_text(
        json.dumps(whole, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
