"""Stages driven from a process of their own, on DuckDB or on a Spark; see `test_spark.py`.

Executors import this module, too: `dying_call` runs there.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import duckdb

from riskstrat.buckets import cut as cuts
from riskstrat.contracts.rows import (
    REASON,
    canonical_columns,
    first_columns,
    keep_first,
    order_by,
    sorting_columns,
)
from riskstrat.contracts.spec import Source
from riskstrat.spark.arrange import Arrangement, arrange
from riskstrat.spark.cluster import Desk, cluster_of
from riskstrat.spark.session import close
from riskstrat.stages import cohort, derive, features, prepared, spread
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Store
from riskstrat.study import load_study

MEMORY = "2GB"
UNITS = 800
"""units per bucket, so that a small county has several"""
DIES: dict[str, str] = {
    "pieces.test_slice": "worker",
    "prepared.write_bucket": "executor",
    "features.fill_bucket": "worker",
}
"""function -> what is killed when it is called for the first time"""


def quiet(share: float, words: str = "") -> None: ...


def small_buckets(con: duckdb.DuckDBPyConnection) -> tuple[cuts.Bucket, ...]:
    return cuts.cut(con, units=UNITS)


def stages(study_file: Path, data: Path, store: Path, master: str) -> None:
    """Contracts to features, in several buckets."""
    prepared.cut = small_buckets
    study, kept = load_study(study_file), Store(store)
    cluster = None if master == "duckdb" else cluster_of(master, threads=2, memory=2 * 10**9)
    job = Job(study, trace(study, kept, data), kept, data, MEMORY, 2, cluster=cluster)
    derive.contracts_stage(job, [source.source for source in study.sources], progress=quiet)
    derive.linkage_stage(job, progress=quiet)
    prepared.prepared_stage(job, progress=quiet)
    cohort.cohort_stage(job, progress=quiet)
    features.features_stage(job, progress=quiet)


# -- dying ---------------------------------------------------------------------------------------

call_named = spread.call_named


def dying_call(job: Job, function: str, code: str, item: Any, told: spread.Told) -> Any:
    """A call whose process is killed, the first time, when its work is done and not yet told."""
    flag = job.store.root / f"died-in-{function}"
    if function in DIES and not flag.exists():
        flag.touch()
        call_named(job, function, code, item, told)  # it is published, and nobody is told
        os.kill(executor() if DIES[function] == "executor" else os.getpid(), signal.SIGKILL)
        signal.pause()
    return call_named(job, function, code, item, told)


def executor() -> int:
    """The JVM that this worker of Python belongs to."""
    import psutil

    return next(p.pid for p in psutil.Process().parents() if "java" in p.name())


# -- rows ----------------------------------------------------------------------------------------

VISITS = Source.model_validate(
    {
        "source": "visits",
        "title": "Visits",
        "agency": "the hospital",
        "agreement": "hospital",
        "file": "visits.csv",
        "row": "visit",
        "shape": "events",
        "unit": "person",
        "unit_key": "person",
        "key": ["visit"],
        "happened_on": "seen_on",
        "known_on": "sent_on",
        "coverage": {"from": "2023-01-01", "to": "2024-01-01"},
        "columns": {
            "visit": {"type": "string"},
            "person": {"type": "string"},
            "seen_on": {"type": "date"},
            "sent_on": {"type": "date"},
            "told": {"type": "string"},
            "cost": {"type": "number"},
            "count": {"type": "integer"},
            "urgent": {"type": "boolean"},
        },
    }
)
PICK = "CREATE MACRO pick(i, seed, n) AS CAST(hash(i, seed) % n AS INTEGER)"
# Bytes of UTF-8 and units of UTF-16 order the last two texts differently.
TEXTS = "['', 'a', 'A', 'é', '豈', '😀', NULL]"
ROWS = f"""
    SELECT 'p' || pick(i, 1, 97) || {TEXTS}[1 + pick(i, 9, 6)] AS unit_id,
           DATE '1500-01-01' + pick(i, 2, 200000) AS happened_on,
           DATE '2023-01-01' + pick(i, 3, 5) AS known_on,
           'v' || pick(i, 4, 4000) AS visit,
           {TEXTS}[1 + pick(i, 5, 7)] AS told,
           CASE WHEN pick(i, 6, 9) > 0 THEN pick(i, 11, 2001) / 7 - 100 END AS cost,
           CAST(pick(i, 7, 5) - 2 AS BIGINT) AS count,
           [true, false, NULL][1 + pick(i, 8, 3)] AS urgent,
           CAST(CASE WHEN pick(i, 10, 11) = 0 THEN 3 ELSE 0 END AS SMALLINT) AS __reason
    FROM range(6000) AS r(i)
"""


def rows(folder: Path, master: str) -> None:
    """The same awkward rows, arranged by DuckDB into one file, and by a Spark into parts."""
    folder.mkdir(parents=True)
    con = duckdb.connect()
    con.execute(PICK)
    columns = dict.fromkeys((*canonical_columns(VISITS), REASON))
    table = (
        f"SELECT unit_id AS person, happened_on AS seen_on, known_on AS sent_on, * FROM ({ROWS})"
    )
    whole = folder / "checked.parquet"
    con.execute(f"COPY (SELECT {', '.join(columns)} FROM ({table})) TO '{whole}'")
    kept, repeated = keep_first(con, VISITS, whole, folder)
    names = ", ".join(canonical_columns(VISITS))
    expected = f"SELECT {names} FROM {kept} ORDER BY {order_by(VISITS)}"
    con.execute(f"COPY ({expected}) TO '{folder / 'expected.parquet'}'")
    pieces = []
    for n in range(3):
        pieces.append(folder / f"piece {{{n}}}.parquet")  # pattern characters
        con.execute(
            f"COPY (SELECT * FROM read_parquet('{whole}', file_row_number = true) "
            f"WHERE file_row_number % 3 = {n}) TO '{pieces[-1]}'"
        )
    asked = Arrangement(
        REASON,
        canonical_columns(VISITS),
        tuple(VISITS.key),
        first_columns(VISITS),
        sorting_columns(VISITS),
    )
    desk = Desk(cluster_of(master, threads=2, memory=2 * 10**9), folder)
    found = arrange(desk, pieces, asked, folder / "sorted", rows=6000)
    (folder / "repeated.txt").write_text(f"{repeated} {found}", encoding="ascii")


if __name__ == "__main__":
    what, *paths, asked_master = sys.argv[1:]
    try:
        if "dying" in what:
            import driver  # as executors know it

            spread.call_named = driver.dying_call
        stages(Path(paths[0]), Path(paths[1]), Path(paths[2]), asked_master)
        if "rows" in what:
            rows(Path(paths[2]).parent / "rows", asked_master)
    finally:
        close()
