"""Linkage beside plain Splink: how right, how long, how much memory, how many pairs.

    python benchmarks/linkage/bench.py open --data ../shared/data
    python benchmarks/linkage/bench.py county 50000 300000 1200000

Each linkage runs in a process of its own, watched from outside, on the same records in one run. The
figures are kept in `benchmarks/results/linkage.json`, and as a page in `linkage.md` beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "feature_engine"))

from page import write_page  # noqa: E402
from turns import machine  # noqa: E402
from watch import Measured, watch  # noqa: E402
from workloads import OPEN_SETS, make_county  # noqa: E402

RESULTS = HERE.parent / "results"
TOKENS_UP_TO = 300_000
"""people; tokens are measured on counties up to here"""


def main() -> int:
    """Measure what was asked for, keep it, write the page."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = reader.add_subparsers(dest="what", required=True)
    opened = what.add_parser("open", help="published datasets with truth")
    opened.add_argument("--data", type=Path, required=True)
    county = what.add_parser("county", help="the made-up county")
    county.add_argument("people", type=int, nargs="+")
    for each in (opened, county):
        each.add_argument("--only", default="", help="engines whose name holds this word")
        each.add_argument("--limit", type=float, default=3600.0, help="seconds for each engine")
    given = reader.parse_args()
    found = [
        _measure(name, given)
        for name in (OPEN_SETS if given.what == "open" else map(str, given.people))
    ]
    _keep(found)
    print(write_page(RESULTS))
    return 0


def _measure(name: str, given: Any) -> dict[str, Any]:
    """Every engine on one workload."""
    data = ["--data", str(given.data.resolve())] if name in OPEN_SETS else []
    if not data:
        make_county(int(name))
    engines = {"riskstrat": ("engine_ours.py",), "plain Splink": ("engine_plain.py",)}
    if not data and int(name) <= TOKENS_UP_TO:
        engines["riskstrat on tokens"] = ("engine_ours.py", "--tokens")
    told: dict[str, Any] = {"workload": name, "machine": machine(), "engines": {}}
    for engine, (script, *more) in engines.items():
        if given.only not in engine:
            continue
        command = [sys.executable, str(HERE / script), name, *data, *more]
        measured = watch(command, limit=given.limit, env={"PYTHONPATH": _path()})
        told["engines"][engine] = _row(measured, given.limit)
        print(name, engine, {k: v for k, v in told["engines"][engine].items() if k != "quality"})
    return told


def _path() -> str:
    return os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])


def _row(measured: Measured, limit: float) -> dict[str, Any]:
    if measured.code is None:
        return {"why": f"stopped after {limit:,.0f} s", "peak_mb": round(measured.peak_mb)}
    if measured.code:
        return {"why": "did not finish", "said": measured.said[-400:]}
    wall, cpu, peak = measured.phases["link"]
    return {
        "wall": round(wall, 2),
        "cpu": round(cpu, 2),
        "peak_mb": round(peak),
        **measured.facts,
    }


def _keep(found: list[dict[str, Any]]) -> None:
    """Put new figures in the place of old ones of the same workload."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "linkage.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for each in found:
        before = kept.get(each["workload"], {}).get("engines", {})
        each["engines"] = before | each["engines"]
        kept[each["workload"]] = each
    file.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
