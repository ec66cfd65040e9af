"""Hand-written DuckDB SQL over a join of events and dates.

``--variant naive``  what one writes first: IN lists, FILTER and COUNT(DISTINCT) FILTER.
``--variant filter`` the same with a lookup table of groups and distinct in two steps.
``--variant best``   that, and CASE or count_if instead of FILTER.
"""

from __future__ import annotations

import duckdb
from engine import Job, facts, phase, read_job
from sql import cased, conditions, filtered, wide_columns
from workload import Table


def part_sql(job: Job, table: Table, part: int) -> str:
    """One row per person and date with any visible row of the table."""
    masked = job.variant != "naive"
    features = job.workload.features(table.name)
    two_steps = [f for f in features if f.op == "distinct" and masked]
    one = [f for f in features if f not in two_steps]
    _, high = job.people_of(part)
    lookup = f" JOIN codes_{table.name} AS m USING (code)" if masked else ""
    source = f"(SELECT * FROM '{job.events(table.name, part)}' WHERE person_id < {high})"
    joined = (
        "SELECT e.person_id, d.date, code, value, d.as_of - e.happened_on AS age"
        f"{', mask' if masked else ''} FROM {source} AS e{lookup} "
        "JOIN dates AS d ON e.happened_on < d.as_of AND e.known_on < d.as_of"
    )
    columns = []
    for feature in one:
        where = conditions(feature, table, "age <= {}", masked=masked)
        best = job.variant == "best"
        text = cased(feature, where) if best else filtered(feature, where, "age")
        columns.append(f'{text} AS "{feature.name}"')
    query = f"SELECT person_id, date, {', '.join(columns)} FROM j GROUP BY person_id, date"
    if two_steps:
        kinds = ", ".join(f'count_if(a <= {f.window}) AS "{f.name}"' for f in two_steps)
        query = (
            f"SELECT * FROM ({query}) JOIN (SELECT person_id, date, {kinds} FROM (SELECT "
            "person_id, date, code, min(age) AS a FROM j GROUP BY person_id, date, code) "
            "GROUP BY person_id, date) USING (person_id, date)"
        )
    return f"(WITH j AS ({joined}) {query})"


def main() -> None:
    """One query for each block."""
    job = read_job()
    con = duckdb.connect(config={"threads": job.threads, "memory_limit": "4GB"})
    con.execute("SET preserve_insertion_order = false")
    phase("features")
    days = ", ".join(f"({n}, DATE '{day}')" for n, day in enumerate(job.workload.dates))
    con.execute(f"CREATE TABLE dates AS SELECT * FROM (VALUES {days}) AS t(date, as_of)")
    for table in job.workload.tables:
        con.execute(
            f"CREATE TABLE codes_{table.name} AS SELECT unnest(range({table.codes}))::INTEGER "
            "AS code, unnest(?)::INTEGER AS mask",
            [table.masks()],
        )
    rows = 0
    for part in job.parts:
        low, high = job.people_of(part)
        joins = " ".join(
            f"LEFT JOIN {part_sql(job, table, part)} AS {table.name} "
            f"ON {table.name}.person_id = c.person_id AND {table.name}.date = c.date"
            for table in job.workload.tables
        )
        cohort = (
            f"(SELECT p.person_id, d.date FROM (SELECT unnest(range({low}, {high}))::INTEGER "
            "AS person_id) AS p CROSS JOIN dates AS d)"
        )
        found = con.execute(
            f"COPY (SELECT c.person_id, c.date, {wide_columns(job.workload, 'FLOAT')} "
            f"FROM {cohort} AS c {joins}) TO '{job.result(part)}' "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)"
        ).fetchall()
        rows += found[0][0]
    facts(rows=rows, version=duckdb.__version__)


if __name__ == "__main__":
    main()
