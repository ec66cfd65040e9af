"""The records a linker works on: received and kept, each with one entity in the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from riskstrat.asof import literal
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header

BATCH = 262_144
BANDS = ("exact", "high", "medium", "low", "alone")
"""how sure a link is, the surest first; ``alone``: no other record was found"""
_MADE = ("entity", "probability", "band", "how", "pseudonym")
"""what linking adds to a record"""


def view(name: str) -> str:
    """The view of the records that an engine is shown: record key, agency, identifiers."""
    return f"{name}_shown"


def whole(name: str) -> str:
    """A query of every record with its identifiers, entity, band and pseudonym."""
    return (
        f"(SELECT records.*, links.entity, links.probability, links.band, links.how, "
        f"names.pseudonym FROM {name}_records AS records "
        f"JOIN {name}_links AS links USING (seat) JOIN {name}_names AS names USING (entity))"
    )


def gather(
    con: duckdb.DuckDBPyConnection,
    name: str,
    received: Mapping[str, tuple[Path, Header]],
    kept: Path,
) -> str | None:
    """Make the views of all records: what was received, and what other agencies sent before.

    To an engine a record goes by its *seat*, its agency and the row it had in the agency's index.
    Record keys are random: with them, who comes first among equals, and so who is called what,
    would differ from one hand-over of the same extract to the next.

    Returns:
        The view of seat (as ``record_key``) and ``entity`` of records that were linked before;
        ``None`` if there are none.

    Raises:
        CustodyError: RS1612, a record key is none, or not new, with the counts of each agency.
    """
    parts = [
        f"SELECT {literal(agency)} AS agency, {literal(header.hand_over)} AS hand_over, "
        f"{literal(agency)} || '/' || lpad(CAST(file_row_number AS VARCHAR), 9, '0') AS seat, "
        f"* EXCLUDE (file_row_number) FROM {_scan(path)}"
        for agency, (path, header) in received.items()
    ]
    _view(con, f"{name}_new", " UNION ALL BY NAME ".join(parts))
    if kept.exists():
        _view(con, f"{name}_kept", f"SELECT * EXCLUDE (file_row_number) FROM {_scan(kept)}")
    else:
        columns = ("agency", "hand_over", "seat", "record_key", *_MADE)
        nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in columns)
        _view(con, f"{name}_kept", f"SELECT {nothing} WHERE false")
    names = ", ".join(literal(agency) for agency in received)
    _view(con, f"{name}_before", f"SELECT * FROM {name}_kept WHERE agency NOT IN ({names})")
    before = f"SELECT * EXCLUDE ({', '.join(_MADE)}) FROM {name}_before"
    _view(con, f"{name}_records", f"SELECT * FROM {name}_new UNION ALL BY NAME {before}")
    shown = (
        f"SELECT seat AS record_key, * EXCLUDE (seat, record_key, hand_over) FROM {name}_records"
    )
    _view(con, view(name), shown)
    _view(con, f"{name}_known", f"SELECT seat AS record_key, entity FROM {name}_before")
    _refuse_reused(con, name)
    found = con.execute(f"SELECT count(*) FROM {name}_known").fetchone()
    return f"{name}_known" if found and found[0] else None


def _view(con: duckdb.DuckDBPyConnection, name: str, sql: str) -> None:
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")


def _scan(path: Path) -> str:
    name = literal(path.as_posix())
    return f"read_parquet({name}, hive_partitioning=false, file_row_number=true)"


def _refuse_reused(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """A record key is random and used once; one seen twice would give one person's rows to another.

    A hand-over that is linked again, because linking was interrupted, is not a new one.
    """
    found = con.execute(
        f"WITH new AS (SELECT agency, hand_over, record_key FROM {name}_new), "
        f"twice AS (SELECT record_key FROM new WHERE record_key IS NOT NULL "
        f"GROUP BY ALL HAVING count(*) > 1), "
        f"before AS (SELECT DISTINCT new.record_key FROM new JOIN {name}_kept AS kept "
        f"USING (record_key) WHERE kept.hand_over <> new.hand_over) "
        f"SELECT agency, count(*), "
        f"count(*) FILTER (NOT coalesce(regexp_full_match(record_key, '[0-9a-f]{{32}}'), false)), "
        f"count(*) FILTER (record_key IN (SELECT record_key FROM twice) "
        f"OR record_key IN (SELECT record_key FROM before)) "
        f"FROM new GROUP BY agency ORDER BY agency"
    ).fetchall()
    wrong = [
        f"{agency}: of {rows:,} {name}, {none:,} have no record key and {reused:,} have one that "
        "was used before"
        for agency, rows, none, reused in found
        if none or reused
    ]
    if wrong:
        raise CustodyError(
            "\n  ".join(wrong),
            fix="split the agency's extracts again: every hand-over has new record keys, each for "
            "one record",
            code="RS1612",
        )


def take(con: duckdb.DuckDBPyConnection, name: str, linked: pa.Table) -> None:
    """Take an engine's links in as the table ``<name>_links``.

    Raises:
        CustodyError: RS1615, some records have no entity, or several.
    """
    con.register("linked_now", linked)
    con.execute(
        f"CREATE TEMP TABLE {name}_links AS SELECT CAST(record_key AS VARCHAR) AS seat, "
        f"CAST(entity AS VARCHAR) AS entity, CAST(probability AS DOUBLE) AS probability, "
        f"CAST(band AS VARCHAR) AS band, CAST(how AS VARCHAR) AS how FROM linked_now"
    )
    con.unregister("linked_now")
    bands = ", ".join(literal(band) for band in BANDS)
    found = con.execute(
        f"SELECT count(*), count(*) FILTER (links.n IS NULL), count(*) FILTER (links.n > 1), "
        f"count(*) FILTER (links.unclear > 0) FROM {name}_records AS records LEFT JOIN ("
        f"SELECT seat, count(*) AS n, "
        f"count(*) FILTER (entity IS NULL OR NOT coalesce(band IN ({bands}), false)) AS unclear "
        f"FROM {name}_links GROUP BY seat) AS links USING (seat)"
    ).fetchone()
    total, none, several, unclear = found or (0, 0, 0, 0)
    if none or several or unclear:
        raise CustodyError(
            f"linkage of {total:,} {name}: {none:,} records have no entity, {several:,} have "
            f"several, {unclear:,} have no name or no band",
            fix="this is a fault of the linkage engine; report it with these counts",
            code="RS1615",
        )


def moved(name: str) -> str:
    """A query of pseudonyms that records linked before had, and have no more: ``old``, ``new``.

    New evidence gave their people another name, or showed two to be one. The analyst's rows about
    them are still under the old one until their agencies hand over again.
    """
    return (
        f"(SELECT before.pseudonym AS old, names.pseudonym AS new, count(*) AS records "
        f"FROM {name}_before AS before JOIN {name}_links AS links USING (seat) "
        f"JOIN {name}_names AS names ON names.entity = links.entity "
        f"WHERE names.pseudonym <> before.pseudonym GROUP BY ALL)"
    )
