"""Which rows each bucket needs, so that nobody in it is looked up anywhere else.

A bucket holds the rows of its own units; the rows of every household, area ... they ever belonged
to; and, where a study asks for what happened to others of the household, the rows of everyone who
ever belonged to it, too. What two buckets need is in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.buckets.cut import Bucket
from riskstrat.disk import file_aside
from riskstrat.vocabulary import Unit

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

OWN, HOMES, GUESTS = "own", "homes", "guests"


@dataclass(frozen=True, slots=True)
class Needed:
    """What a study needs of a source: whose rows."""

    source: Source
    whose: frozenset[str]
    """``own`` units, their ``homes``, and ``guests``: others who ever belonged to those"""


def needed_rows(
    sources: Sequence[Source], unit: Unit, members: Mapping[str, Iterable[Unit]]
) -> tuple[Needed, ...]:
    """Whose rows of each source are needed; sources that nothing can reach are left out.

    Args:
        sources: the contracts.
        unit: the study's unit.
        members: source -> relations through which features read the rows of others.
    """
    reached = {via for source in sources if source.unit is unit for via in source.relates or {}}
    found = []
    for source in sources:
        if source.unit is unit:
            more = {GUESTS} if members.get(source.source) else set()
            found.append(Needed(source, frozenset({OWN, *more})))
        elif source.unit in reached:
            found.append(Needed(source, frozenset({HOMES})))
    return tuple(found)


def place(
    con: duckdb.DuckDBPyConnection,
    buckets: Sequence[Bucket],
    needed: Sequence[Needed],
    unit: Unit,
    members: Mapping[str, Iterable[Unit]],
    out: Path,
) -> None:
    """Write who is where, and the rows that more than one bucket may need, sorted by bucket.

    Leaves ``own.parquet``, ``homes.parquet`` and ``guests.parquet`` (bucket, kind, unit_id) in
    ``out``, and ``<source>.<whose>.parquet`` with a column ``bucket`` in front.

    Args:
        con: a connection with ``units``, ``relations`` and the views ``source_<name>``.
        buckets: the cuts.
        needed: whose rows of each source.
        unit: the study's unit.
        members: source -> relations through which features read the rows of others.
        out: an existing folder; a file that is there is kept, it was renamed into place whole.
    """
    arms = ", ".join(f"({b.number}, {literal(b.first)})" for b in buckets)
    ours = f"kind = {literal(unit.value)}"
    _write(
        con,
        out / f"{OWN}.parquet",
        f"SELECT b.bucket, {literal(unit.value)} AS kind, u.unit_id, u.n FROM units AS u "
        f"ASOF JOIN (VALUES {arms}) AS b(bucket, first) ON u.unit_id >= b.first "
        "ORDER BY b.bucket, u.unit_id",
    )
    own = _file(out / f"{OWN}.parquet")
    _write(
        con,
        out / f"{HOMES}.parquet",
        f"SELECT DISTINCT o.bucket, r.via AS kind, r.via_id AS unit_id FROM relations AS r "
        f"JOIN {own} AS o ON o.unit_id = r.unit_id WHERE r.unit = {literal(unit.value)} "
        "ORDER BY ALL",
    )
    homes = _file(out / f"{HOMES}.parquet")
    through = sorted({via.value for vias in members.values() for via in vias})
    listed = ", ".join(map(literal, through)) or "NULL"
    _write(
        con,
        out / f"{GUESTS}.parquet",
        f"SELECT DISTINCT h.bucket, {literal(unit.value)} AS kind, r.unit_id FROM relations AS r "
        f"JOIN {homes} AS h ON h.kind = r.via AND h.unit_id = r.via_id "
        f"JOIN {own} AS o ON o.unit_id = r.unit_id "
        f"WHERE r.unit = {literal(unit.value)} AND r.via IN ({listed}) AND o.bucket <> h.bucket "
        "ORDER BY ALL",
    )
    for each in needed:
        for whose in sorted(each.whose - {OWN}):
            kind = ours if whose == GUESTS else f"kind = {literal(each.source.unit.value)}"
            _write(
                con,
                out / f"{each.source.source}.{whose}.parquet",
                f"SELECT w.bucket, e.* FROM {quoted(f'source_{each.source.source}')} AS e "
                f"JOIN (SELECT * FROM {_file(out / f'{whose}.parquet')} WHERE {kind}) AS w "
                "ON w.unit_id = e.unit_id ORDER BY w.bucket",
            )


def _file(path: Path) -> str:
    return f"read_parquet({literal(path.as_posix())})"


def _write(con: duckdb.DuckDBPyConnection, path: Path, sql: str) -> None:
    if path.exists():
        return
    with file_aside(path) as aside:
        out = literal(aside.as_posix())
        con.execute(f"COPY ({sql}) TO {out} (FORMAT parquet, COMPRESSION lz4)")
