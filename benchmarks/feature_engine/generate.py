"""Write a workload's events: skewed, late, and the same bytes each time.

    python generate.py wide 10000000 FOLDER

``FOLDER/clustered/<table>/<part>.parquet`` is the peers' best case: one file for each block of
people, sorted by person and day, whole numbers for people and codes. ``FOLDER/extracts`` (made by
``extracts.py``) is the same rows as agencies send them.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from workload import EPOCH, WORKLOADS, Table, Workload

SEED = 20260401
EMPTY = 0.12
"""share of rows without a value"""


def weights(workload: Workload, table: Table, part: int) -> np.ndarray:
    """How often each person of a block meets an agency, mean 1: lognormal, and some never.

    Half of the spread is the person's own and the same for every agency.
    """
    low, high = workload.people_of(part)
    own = np.random.default_rng([SEED, part]).normal(0, 1.0, high - low)
    rng = np.random.default_rng([SEED, part, *table.name.encode()])
    spread = own + rng.normal(0, 0.6, high - low)
    meets = rng.random(high - low) >= table.never
    return meets * np.exp(spread - (1.0 + 0.36) / 2) / (1 - table.never)


def rows_of(workload: Workload, table: Table, part: int, rows: int) -> pa.Table:
    """The events of one table and block, sorted by person and day."""
    low, high = workload.people_of(part)
    rng = np.random.default_rng([SEED, rows, part, *table.name.encode()])
    each = rows * table.share / workload.people
    counts = rng.poisson(weights(workload, table, part) * each)
    person = np.repeat(np.arange(low, high, dtype=np.int32), counts)
    n = len(person)
    start, days = (workload.first - EPOCH).days, (workload.last - workload.first).days
    happened = start + (days * rng.random(n) ** 0.7).astype(np.int32)
    kind, tail = rng.random(n), rng.random(n)
    # Most rows arrive within a week, three in ten within six weeks, the rest with a long tail.
    lag = np.where(
        kind < 0.6, 7 * tail, np.where(kind < 0.9, 45 * tail, -120 * np.log1p(-0.999 * tail))
    )
    known = happened + (lag.astype(np.int32) if workload.late else 0)
    code = (table.codes * rng.random(n) ** 3).astype(np.int32)
    value = np.abs(rng.normal(60, 20, n)) if table.value == "integer" else rng.gamma(2, 30, n)
    empty = rng.random(n) < EMPTY
    order = np.lexsort((code, happened, person))
    whole = table.value == "integer"
    numbers = np.rint(value).astype(np.int32) if whole else np.round(value, 2)
    return pa.table(
        {
            "person_id": person,
            "happened_on": pa.array(happened[order].astype(np.int32)).cast(pa.date32()),
            "known_on": pa.array(known[order].astype(np.int32)).cast(pa.date32()),
            "code": code[order],
            "value": pa.array(numbers[order], mask=empty[order]),
        }
    )


def write_part(name: str, rows: int, folder: Path, part: int) -> int:
    """Write a block's files; return its number of rows."""
    workload = WORKLOADS[name]
    total = 0
    for table in workload.tables:
        found = rows_of(workload, table, part, rows)
        out = folder / "clustered" / table.name / f"{part:03d}.parquet"
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = out.with_suffix(".tmp")
        pq.write_table(found, aside, compression="zstd", row_group_size=500_000)
        aside.rename(out)
        total += found.num_rows
    return total


def generate(name: str, rows: int, folder: Path, parts: int | None = None) -> int:
    """Write what is missing of the first ``parts`` blocks (all of them by default).

    Returns:
        How many rows were written now.
    """
    workload = WORKLOADS[name]
    wanted = range(min(parts or workload.parts, workload.parts))
    last = folder / "clustered" / workload.tables[-1].name
    missing = [part for part in wanted if not (last / f"{part:03d}.parquet").exists()]
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(write_part, name, rows, folder, part) for part in missing]
        return sum(job.result() for job in jobs)


if __name__ == "__main__":
    print(generate(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
