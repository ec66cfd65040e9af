"""riskstrat links one workload; run by bench.py in a process of its own.

python engine_ours.py febrl4 --data DIR
python engine_ours.py 50000 [--tokens]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
from workloads import CONFIGS, OPEN_SETS, WORK, judge_county, judge_open, make_county, read_county

KEY = bytes(range(32))
"""of the tokens of made-up people"""


def main() -> int:
    """Link, then judge; phases and facts go to stdout for the one who watches."""
    reader = argparse.ArgumentParser()
    reader.add_argument("workload")
    reader.add_argument("--data", type=Path, default=Path())
    reader.add_argument("--tokens", action="store_true")
    reader.add_argument("--memory", default="4GB")
    given = reader.parse_args()
    # What is imported and compiled comes before the clock.
    import splink  # noqa: F401

    from riskstrat.linkage.engine import link_people
    from riskstrat.linkage.spec import read_linkage

    with tempfile.TemporaryDirectory(dir=_work()) as scratch:
        con = duckdb.connect(config={"memory_limit": given.memory, "temp_directory": scratch})
        name = given.workload
        county = name not in OPEN_SETS
        file = "mid_county_tokens" if given.tokens else "mid_county" if county else name
        spec = read_linkage(CONFIGS / f"{file}.yaml")
        _read(con, name, given.data, spec)
        people = _tokens(con, spec) if given.tokens else "people"
        print("phase link", flush=True)
        linked = link_people(con, people, spec, scratch=Path(scratch))
        con.register("links", linked.table)
        print("phase judge", flush=True)
        quality = (
            judge_county(con, make_county(int(name)), "links")
            if county
            else judge_open(con, "links", "truth")
        )
    facts = {
        "records": linked.counts["records"],
        "pairs": linked.counts["candidates"]["pairs"],
        "blocks_left_out": linked.counts["candidates"]["blocks_left_out"],
        "quality": quality,
    }
    print(json.dumps(facts), flush=True)
    return 0


def _work() -> Path:
    WORK.mkdir(parents=True, exist_ok=True)
    return WORK


def _read(con: duckdb.DuckDBPyConnection, name: str, data: Path, spec: Any) -> None:
    if name not in OPEN_SETS:
        read_county(con, make_county(int(name)))
        return
    workload = OPEN_SETS[name]
    parts = [
        f"SELECT '{agency}' AS agency, '{agency}:' || {workload.record} AS record_key, *, "
        f"{workload.truth} AS person FROM read_parquet('{data / file}')"
        for agency, file in workload.files
    ]
    con.execute(f"CREATE VIEW people AS {' UNION ALL BY NAME '.join(parts)}")
    con.execute("CREATE VIEW truth AS SELECT record_key, person FROM people")


def _tokens(con: duckdb.DuckDBPyConnection, spec: Any) -> str:
    """The providers' part: tokens of every index, as the linker would get them."""
    from riskstrat.linkage.tokens import make_tokens

    print("phase tokens", flush=True)
    parts = []
    for (agency,) in con.execute("SELECT DISTINCT agency FROM people ORDER BY ALL").fetchall():
        raw = con.execute("SELECT * FROM people WHERE agency = ?", [agency]).to_arrow_table()
        con.register(f"tokens_of_{agency}", make_tokens(raw, KEY, spec).table)
        parts.append(f"SELECT '{agency}' AS agency, * FROM tokens_of_{agency}")
    con.execute(f"CREATE VIEW tokenised AS {' UNION ALL BY NAME '.join(parts)}")
    return "tokenised"


if __name__ == "__main__":
    sys.exit(main())
