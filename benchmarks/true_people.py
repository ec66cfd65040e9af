"""Who a pseudonym of a made-up county truly is: the linker's table, held against the sealed truth.

No stage of riskstrat may do this. The linker's entity table knows of each record the agency and the
row of its index (``seat``) and the pseudonym it was given; the index knows the row's local id; the
sealed truth knows whose local id that is.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

POPULATION = "icb"
"""whose record says who a pseudonym is: the agency that registers everybody"""


@dataclass(frozen=True, slots=True)
class TruePeople:
    """Pseudonyms and the people they are.

    Attributes:
        table: unit_id, person_id (text), each unit once.
        mixed: pseudonyms under which the population has records of several people; they are left
            out, for nobody can say which of them a row is about.
    """

    table: pa.Table
    mixed: int


def is_raw(data: Path) -> bool:
    """Whether a county's extracts were linked by its keepers, not made linked."""
    return "raw" in json.loads((data / "county.json").read_text(encoding="utf-8"))


def truth_folder(data: Path) -> Path:
    """Where the sealed truth of a made-up county lies: beside it."""
    facts = json.loads((data / "county.json").read_text(encoding="utf-8"))
    return data.parent / str(facts["truth"])


def true_people(data: Path, custody: Path) -> TruePeople:
    """Who is who in a county that was made raw.

    Args:
        data: the county, with its raw extracts.
        custody: the keepers' folders; the linker's is read.

    Raises:
        SystemExit: there is no entity table, or it is about other indexes.
    """
    index = data / "raw" / POPULATION / "people.parquet"
    tables = sorted(custody.glob("linker/entities/*/people.parquet"))
    if not tables or not index.exists():
        sys.exit(f"{custody}: no linker's table of people to hold against {index}; see --custody")
    with duckdb.connect() as con:
        con.execute(
            f"CREATE TABLE known AS SELECT seat, pseudonym FROM read_parquet('{tables[-1]}') "
            f"WHERE agency = '{POPULATION}'"
        )
        con.execute(
            f"CREATE TABLE named AS SELECT k.pseudonym, l.person FROM known AS k "
            f"JOIN (SELECT '{POPULATION}/' || lpad(CAST(file_row_number AS VARCHAR), 9, '0') "
            f"AS seat, CAST(local_id AS VARCHAR) AS local_id "
            f"FROM read_parquet('{index}', file_row_number=true)) USING (seat) "
            f"JOIN read_parquet('{truth_folder(data) / 'links.parquet'}') AS l USING (local_id) "
            f"WHERE l.agency = '{POPULATION}'"
        )
        counted = [
            con.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
            for source in ("known", "named", f"read_parquet('{index}')")
        ]
        if len(set(counted)) > 1:
            sys.exit(f"{tables[-1]} is not about the records of {index}: {counted}")
        con.execute(
            "CREATE TABLE people AS SELECT pseudonym AS unit_id, min(person) AS person_id, "
            "count(DISTINCT person) AS several FROM named GROUP BY pseudonym"
        )
        [(mixed,)] = con.execute("SELECT count(*) FROM people WHERE several > 1").fetchall()
        table = con.execute(
            "SELECT unit_id, person_id FROM people WHERE several = 1 ORDER BY unit_id"
        ).to_arrow_table()
    return TruePeople(table, int(mixed))
