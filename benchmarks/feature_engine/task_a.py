"""Ten thousand people, twelve months, thirty columns: with and without records that come late.

python benchmarks/feature_engine/task_a.py
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from generate import generate
from peers import ENGINES, KERNEL, Bench, Engine
from render import task_a, write_page
from turns import Mine, machine, side_by_side
from workload import WORKLOADS

HERE = Path(__file__).parent
WORK = HERE.parent / ".work"
RESULTS = HERE.parent / "results"
ROWS = 300_000
TITLES = {
    "small_prompt": "Every record known at once",
    "small_late": "Records that come late",
}


def engines_for(name: str) -> list[Engine]:
    """Everybody, on everybody; late records also as the peers' manuals would have it."""
    found = [replace(engine, slow=0) for engine in ENGINES if engine.answers]
    if name == "small_prompt":
        return found
    manual = "as its manual says: one time, when it happened, so late records are seen too soon"
    return found + [
        replace(engine, name=f"{engine.name}, one time", variant="one_time", remark=manual)
        for engine in found
        if engine.env in ("temporian", "featuretools")
    ]


def main() -> int:
    """Generate, measure, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--without-ours", action="store_true")
    given = reader.parse_args()
    on, parts = machine(), []
    for name, title in TITLES.items():
        workload, data = WORKLOADS[name], WORK / name
        generate(name, ROWS, data)
        bench = Bench(name, data, WORK, workload.parts)
        engines = engines_for(name)
        assert KERNEL in engines
        own = [] if given.without_ours else [Mine(bench, workload)]
        parts.append({"title": title, **side_by_side(bench, workload, engines, 1, own)})
    RESULTS.mkdir(exist_ok=True)
    whole = {"machine": on, "parts": parts}
    text = json.dumps(whole, indent=2) + "\n"
    (RESULTS / "feature_engine_task_a.json").write_text(text, encoding="utf-8")
    print("\n".join(task_a(whole)), write_page(RESULTS), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
