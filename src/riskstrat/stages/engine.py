"""What every stage does with the store and the database engine, within the memory it was given."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from riskstrat.asof import literal, quoted
from riskstrat.contracts.check import birth_view_sql, death_view_sql
from riskstrat.contracts.optouts import as_of, opted_out_sql
from riskstrat.contracts.spec import Source
from riskstrat.stages.jobs import Job, amount
from riskstrat.stages.lineage import in_checking_order
from riskstrat.store.worker import peak_mb
from riskstrat.vocabulary import Finding, Unit

OWN_BYTES = 400 * 2**20
"""what the program and its libraries take before they have read a row"""
LEAST_BYTES = 128 * 2**20
"""the database engine does not work with less"""


def left_over(job: Job) -> int:
    """Bytes of the job's memory that are not the program's own."""
    return max(amount(job.memory) - OWN_BYTES, LEAST_BYTES)


def give_back() -> None:
    """Give memory that is no longer used back to the system; allocators keep it for later."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # where the C library is another
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def making(job: Job, stage: str, facts: dict[str, Any]) -> Iterator[Path]:
    """Publish a stage's output folder with its cost."""
    started, worked = time.monotonic(), time.process_time()
    with job.store.making(stage.split("/")[0], job.lineage[stage], facts) as folder:
        yield folder
        facts["seconds"] = round(time.monotonic() - started, 3)
        facts["cpu_seconds"] = round(time.process_time() - worked, 3)
        facts["peak_mb"] = max(facts.get("peak_mb", 0.0), peak_mb())


@contextmanager
def engine(
    job: Job, stage: str, *, share: float = 0.7, apart: str = ""
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection within the job's memory and threads, spilling into scratch.

    Args:
        job: memory and threads; for one of several at once, its part of both.
        stage: whose work it is.
        share: of the memory left over; the rest is for what the engine does not count, and for
            arrays beside it.
        apart: tells connections of one stage apart that are open at the same time.
    """
    name = "spill" + (f"/{apart}" if apart else "")
    spill = job.store.scratch(name, job.lineage[stage])
    con = duckdb.connect(
        config={
            "memory_limit": f"{max(int(left_over(job) * share), LEAST_BYTES)}B",
            "threads": job.threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": True,
        }
    )
    con.execute("SET enable_progress_bar = false")
    try:
        yield con
    finally:
        con.close()
        give_back()
        job.store.drop_scratch(name, job.lineage[stage])


def view(con: duckdb.DuckDBPyConnection, name: str, file: Path) -> None:
    """A view over a finished Parquet file."""
    view_of(con, name, f"SELECT * FROM read_parquet({literal(file.as_posix())})")


def view_of(con: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    """A view of a query."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {sql}")


def accepted_views(con: duckdb.DuckDBPyConnection, job: Job, sources: Sequence[Source]) -> None:
    """A view `source_<name>` over the accepted rows of each source, whole or in ordered parts."""
    for source in sources:
        files = job.folder(f"contracts/{source.source}") / "accepted*.parquet"
        scan = f"read_parquet({literal(files.as_posix())}, hive_partitioning=false)"
        view_of(con, f"source_{source.source}", f"SELECT * FROM {scan}")


def vital_views(
    con: duckdb.DuckDBPyConnection, job: Job, source: Source
) -> tuple[str | None, str | None]:
    """Births and deaths from the sources that come before this one in the order of checking."""
    names: list[str | None] = [None, None]
    for other in in_checking_order(job.study):
        if other.source == source.source:
            break
        if other.unit is not source.unit:
            continue
        # `check` goes on after a refusal, and holds the rest against what there is.
        if job.store.artefact("contracts", job.lineage[f"contracts/{other.source}"]) is None:
            continue
        if other.born_on:
            accepted_views(con, job, [other])
            con.execute(f"CREATE OR REPLACE VIEW births AS {birth_view_sql(other)}")
            names[0] = "births"
        if other.status == "death":
            accepted_views(con, job, [other])
            con.execute(f"CREATE OR REPLACE VIEW deaths AS {death_view_sql(other)}")
            names[1] = "deaths"
    return names[0], names[1]


def opted_out_view(con: duckdb.DuckDBPyConnection, job: Job, source: Source) -> str | None:
    """A view of everyone whose rows of a source are withheld: bound by an opt-out in force.

    In force on the last day that the list tells of: what counts is whether the person objects
    now, not whether they did on a day of the past.
    """
    lists = job.study.opt_outs
    if source.role or source.unit is not Unit.PERSON or not lists:
        return None
    accepted_views(con, job, lists)
    kinds = job.study.bound_by
    each = [opted_out_sql(quoted(f"source_{one.source}"), kinds, as_of(one)) for one in lists]
    con.execute(f"CREATE OR REPLACE VIEW opted_out AS {' UNION '.join(each)}")
    return "opted_out"


def as_rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as plain values, for JSON."""
    return [{**asdict(finding), "severity": finding.severity.value} for finding in findings]
