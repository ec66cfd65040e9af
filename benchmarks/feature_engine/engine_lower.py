"""The lower bound: decode the columns and group by person. Nobody can read less."""

from __future__ import annotations

import duckdb
from engine import facts, phase, read_job

job = read_job()
con = duckdb.connect(config={"threads": job.threads})
phase("features")
rows = 0
for table in job.workload.tables:
    files = ", ".join(f"'{job.events(table.name, part)}'" for part in job.parts)
    [(found,)] = con.execute(
        "SELECT sum(n) FROM (SELECT person_id, count(*) AS n, max(happened_on), max(known_on), "
        f"max(code), sum(value) FROM read_parquet([{files}]) GROUP BY person_id)"
    ).fetchall()
    rows += found or 0
facts(events=int(rows))
