"""Pseudonymising: rows a minute and memory, beside the way one writes it first.

    python benchmarks/custody.py --people 50000

A made-up county's extracts are split, named and joined by riskstrat's three keepers, and by pandas:
read everything, merge, hash each row. Both are given the true links, so that linkage, which has a
benchmark of its own, is not in these figures. Each works in a process of its own on the same files
in one run, and their answers are compared. Kept in `results/custody.md` and `.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "feature_engine"))

from custody_engines import differing  # noqa: E402
from main_job import machine  # noqa: E402
from routes import ask  # noqa: E402
from watch import Measured, watch  # noqa: E402

WAYS: Mapping[str, tuple[str, ...]] = {
    "riskstrat": ("split", "link", "join"),
    "pandas": ("read", "hash and merge"),
}
"""way -> its phases, in order"""
WORK = HERE / ".work" / "custody"
SEED = 20260401
A_MINUTE = 1_000_000
"""rows that must be pseudonymised in a minute"""


def county(people: int) -> Path:
    """The raw extracts of a county, made once."""
    data = WORK / f"county{people}"
    if not (data / "county.json").exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        ask("synth", str(data), "--people", str(people), "--seed", str(SEED))
    return data


def measured(people: int, limit: float) -> dict[str, Any]:
    """Both ways on one county.

    Raises:
        SystemExit: riskstrat did not finish, or the answers differ.
    """
    data, on = county(people), machine()
    told: dict[str, Any] = {"people": people, "machine": on, "ways": {}}
    with tempfile.TemporaryDirectory(prefix="riskstrat-bench-", dir=WORK) as folder:
        for way in WAYS:
            command = [sys.executable, str(HERE / "custody_engines.py"), way, str(data)]
            found = watch(
                [*command, str(Path(folder) / way)], limit=limit, env={"PYTHONPATH": _path()}
            )
            told["ways"][way] = _figures(way, found, limit)
            print(people, way, told["ways"][way], file=sys.stderr)
        if "why" in told["ways"]["riskstrat"]:
            sys.exit(f"riskstrat: {told['ways']['riskstrat']['why']}")
        if "why" not in told["ways"]["pandas"]:
            extracts = [Path(folder) / way / "extracts" for way in WAYS]
            if differ := differing(*extracts):
                sys.exit(f"the two ways tie rows to other people: {differ}")
            told["ratio"] = round(_seconds(told, "pandas") / _seconds(told, "riskstrat"), 1)
    return told


def _path() -> str:
    return os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])


def _figures(way: str, found: Measured, limit: float) -> dict[str, Any]:
    if found.code != 0:
        ended = f"stopped after {limit:,.0f} s" if found.code is None else found.said[-300:]
        return {"why": ended, "peak_mb": round(found.peak_mb)}
    phases = {name: found.phases[name] for name in WAYS[way]}
    wall, cpu = (sum(each[i] for each in phases.values()) for i in (0, 1))
    return {
        **found.facts,
        "wall": round(wall, 2),
        "cpu": round(cpu, 2),
        "peak_mb": round(max(each[2] for each in phases.values())),
        "rows_a_minute": round(found.facts["rows"] / wall * 60),
        "phases": {
            name: {"wall": round(w, 2), "cpu": round(c, 2), "peak_mb": round(peak)}
            for name, (w, c, peak) in phases.items()
        },
    }


def _seconds(told: Mapping[str, Any], way: str) -> float:
    return float(told["ways"][way]["wall"])


def as_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """The page."""
    lines = [
        "# Pseudonymising",
        "",
        "Made by `benchmarks/custody.py`. riskstrat: providers split, the linker names, the "
        "analyst joins, each streaming. pandas: read everything, merge, hash each row. Both are "
        "given the true links and tie every row to the same person and home. Seconds and memory "
        "are those of whole processes, without imports. Rows are those of content; of `link`, "
        "records of people and addresses.",
    ]
    for told in found:
        lines += ["", *_section(told)]
    return "\n".join(lines) + "\n"


def _section(told: Mapping[str, Any]) -> list[str]:
    ours, on = told["ways"]["riskstrat"], told["machine"]
    lines = [
        f"## {told['people']:,} people",
        "",
        f"{on['cores']} cores, {on['memory_gb']} GB of memory, load average "
        f"{on['load_before']} before the start. {ours['rows']:,} rows of content, "
        f"{ours['records']:,} records of people and addresses.",
        "",
        "| | wall s | CPU s | peak MB | rows a minute |",
        "|---|---:|---:|---:|---:|",
    ]
    for way, figures in told["ways"].items():
        if "why" in figures:
            lines.append(f"| {way} | {figures['why']} | | {figures['peak_mb']:,} | |")
            continue
        for name, each in figures["phases"].items():
            rows = figures["records" if name == "link" else "rows"]
            rate = rows / each["wall"] * 60 if each["wall"] else 0
            lines.append(f"| {way}: {name} {_costs(each)} {rate:,.0f} |")
        lines.append(f"| **{way}** {_costs(figures)} **{figures['rows_a_minute']:,}** |")
    if "ratio" in told:
        lines += ["", f"pandas takes {told['ratio']} times as long."]
    return lines


def _costs(each: Mapping[str, Any]) -> str:
    return f"| {each['wall']:.1f} | {each['cpu']:.1f} | {each['peak_mb']:,} |"


def main() -> int:
    """Measure, print, keep; 1 if fewer rows a minute are pseudonymised than must be."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--people", type=int, nargs="+", default=[50_000])
    reader.add_argument("--limit", type=float, default=3600.0, help="seconds for each way")
    reader.add_argument("--results", type=Path, default=HERE / "results")
    reader.add_argument("--forget", action="store_true", help="remove the counties afterwards")
    given = reader.parse_args()
    found = [measured(people, given.limit) for people in given.people]
    text = as_markdown(found)
    given.results.mkdir(parents=True, exist_ok=True)
    for ending, content in ((".md", text), (".json", json.dumps(found, indent=2) + "\n")):
        (given.results / f"custody{ending}").write_text(content, encoding="utf-8")
    print(text)
    if given.forget:
        shutil.rmtree(WORK)
    return 0 if all(f["ways"]["riskstrat"]["rows_a_minute"] >= A_MINUTE for f in found) else 1


if __name__ == "__main__":
    sys.exit(main())
