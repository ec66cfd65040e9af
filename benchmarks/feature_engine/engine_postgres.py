"""PostgreSQL, as triage's collate writes its SQL: a statement for each date and source.

Each date and source: ``CREATE TABLE AS SELECT ... FILTER (WHERE happened_on >= date - window) ...
GROUP BY person``; then the parts are joined to the cohort and copied out, a file for each date.
Two things are kinder than collate: ``known_on`` is in the WHERE clause, which collate has no word
for (it knows one date for each row), and codes are looked up by a mask.
The folder of the server's socket comes in PGHOST.
"""

from __future__ import annotations

import os
import subprocess

import duckdb
from engine import Job, facts, phase, read_job
from sql import conditions, filtered, wide_columns
from workload import Table


def psql(text: str, **more: object) -> None:
    """Run SQL."""
    words = ["psql", "-U", "bench", "-d", "postgres", "-qX", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*words, "-f", "-"], input=text, text=True, check=True, **more)


def load(job: Job, table: Table) -> None:
    """Copy a table in, index and analyse it, as a triage project's ETL would."""
    value = "integer" if table.value == "integer" else "double precision"
    psql(
        f"CREATE UNLOGGED TABLE {table.name} (person_id integer, happened_on date, known_on date, "
        f"code integer, value {value}, mask integer)"
    )
    con = duckdb.connect()
    masks = "(SELECT unnest(range(?))::INTEGER AS code, unnest(?)::INTEGER AS mask)"
    aside = job.out / f"{table.name}.csv"
    for part in job.parts:
        con.execute(
            f"COPY (SELECT person_id, happened_on, known_on, code, value, mask "
            f"FROM '{job.events(table.name, part)}' JOIN {masks} USING (code) "
            f"WHERE person_id < {job.people_of(part)[1]}) TO '{aside}' (FORMAT csv, HEADER false)",
            [table.codes, table.masks()],
        )
        psql(f"\\copy {table.name} from '{aside}' csv")
        aside.unlink()
    psql(f"CREATE INDEX ON {table.name} (person_id, happened_on); ANALYZE {table.name}")


def features(job: Job, table: Table, number: int) -> str:
    """SQL of a date and source."""
    day = job.workload.dates[number]
    columns = []
    for feature in job.workload.features(table.name):
        recent = f"happened_on >= DATE '{day}' - {{}}"
        where = conditions(feature, table, recent, masked=True)
        age = f"DATE '{day}' - happened_on"
        columns.append(f'CAST({filtered(feature, where, age)} AS real) AS "{feature.name}"')
    return (
        f"CREATE UNLOGGED TABLE {table.name}_{number} AS SELECT person_id, {', '.join(columns)} "
        f"FROM {table.name} WHERE happened_on < '{day}' AND known_on < '{day}' GROUP BY person_id"
    )


def main() -> None:
    """Load; features by date and source; join and copy out."""
    job = read_job()
    phase("load")
    people = [job.people_of(part) for part in job.parts]
    every = " UNION ALL ".join(f"SELECT generate_series({a}, {b - 1})" for a, b in people)
    psql(f"CREATE UNLOGGED TABLE cohort AS SELECT g AS person_id FROM ({every}) AS t(g)")
    for table in job.workload.tables:
        load(job, table)
    phase("features")
    for number in range(len(job.workload.dates)):
        for table in job.workload.tables:
            psql(features(job, table, number))
        joins = " ".join(
            f"LEFT JOIN {table.name}_{number} AS {table.name} "
            f"ON {table.name}.person_id = c.person_id"
            for table in job.workload.tables
        )
        columns = wide_columns(job.workload, "real")
        psql(
            f"\\copy (SELECT c.person_id, {number} AS date, {columns} FROM cohort AS c {joins}) "
            f"to '{job.out}/{number}.csv' csv header"
        )
    phase("not counted: Parquet for the comparison")
    con = duckdb.connect()
    kinds = ", ".join(f"'{f.name}': 'FLOAT'" for f in job.workload.features())
    for part, (low, high) in zip(job.parts, people, strict=True):
        con.execute(
            f"COPY (SELECT * FROM read_csv('{job.out}/*.csv', types = {{{kinds}}}) "
            f"WHERE person_id >= {low} AND person_id < {high}) TO '{job.result(part)}'"
        )
    facts(
        rows=sum(b - a for a, b in people) * len(job.workload.dates),
        version=os.environ["PGVERSION"],
    )


if __name__ == "__main__":
    main()
