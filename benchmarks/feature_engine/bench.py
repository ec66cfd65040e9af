"""Seconds, CPU and memory of the features of a million people, beside other ways to make them.

    python benchmarks/feature_engine/bench.py 10m       (or `make bench SIZE=10m`)

Engines take turns on the same slice of people; the figures are medians. Results are kept in
`benchmarks/results/feature_engine_<size>.json`, and all of them in one page of Markdown.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from generate import generate
from peers import ENGINES, KERNEL, KERNEL_ONLY, LOWER, Bench, Engine
from render import wide, write_page
from turns import Mine, machine, side_by_side
from workload import WIDE
from write_settings import measure as measure_writes

HERE = Path(__file__).parent
WORK = HERE.parent / ".work"
RESULTS = HERE.parent / "results"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is generated, and the slice that every engine works on."""

    rows: int
    """events of the whole population"""
    parts: int
    """blocks of 18,750 people in the slice"""
    repeat: int
    engines: tuple[Engine, ...] = ENGINES


SIZES = {
    "10m": Size(10_000_000, 4, 2),
    "100m": Size(100_000_000, 4, 1),
    "500m": Size(500_000_000, 4, 1, (LOWER, KERNEL_ONLY, KERNEL)),
}


def main() -> int:
    """Generate what is missing, measure, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("size", choices=SIZES)
    reader.add_argument("--only", default="", help="engines whose name holds one of these words")
    reader.add_argument("--repeat", type=int)
    reader.add_argument("--without-ours", action="store_true")
    reader.add_argument("--spark", action="store_true", help="riskstrat on local Spark too")
    given = reader.parse_args()
    size, data = SIZES[given.size], WORK / given.size
    generate("wide", size.rows, data, size.parts)
    bench = Bench("wide", data, WORK, size.parts)
    engines = [e for e in size.engines if any(w in e.name for w in given.only.split(","))]
    own = [] if given.without_ours else [Mine(bench, WIDE)]
    if given.spark:
        own.append(Mine(bench, WIDE, "riskstrat on Spark", ("--engine", "spark")))
    whole = {
        "size": given.size,
        "machine": machine(),
        "rows_of_the_population": size.rows,
        **side_by_side(
            bench,
            WIDE,
            engines,
            given.repeat or size.repeat,
            own,
        ),
        "writes": measure_writes("wide", data),
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"feature_engine_{given.size}.json"
    file.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print("\n".join(wide(whole)), write_page(RESULTS), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
