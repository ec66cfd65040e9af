"""Cutting units into buckets: contiguous ranges of unit ids, of about equal work.

Pseudonyms are keyed hashes, so a range of them is as good as a hash bucket: units fall into it
without regard to who they are. Being ranges, buckets keep the order of the units, so what is
computed bucket by bucket is sorted when it is put together, and does not depend on where the
cuts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from riskstrat.asof import literal, quoted

UNITS = 32_768
"""units per bucket, about: with 4 dates and 250 features 130 MB of cells"""
ROWS = 4_000_000
"""rows per bucket, about: 100 to 200 MB while they are read"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Units from ``first`` (included) up to ``last`` (excluded; ``None``: no end)."""

    number: int
    first: str
    last: str | None

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"b{self.number:05d}"

    def holds(self, column: str) -> str:
        """SQL: whether a unit id falls into the bucket."""
        text = f"{column} >= {literal(self.first)}"
        return text if self.last is None else f"{text} AND {column} < {literal(self.last)}"


def weigh_units(con: duckdb.DuckDBPyConnection, sources: Sequence[str]) -> None:
    """Create ``units``: every unit of the given sources, and how many rows it has in them.

    Args:
        con: a connection with the views ``source_<name>``.
        sources: the sources whose rows are about the study's unit.
    """
    each = " UNION ALL ".join(
        f"SELECT unit_id, count(*) AS n FROM {quoted(f'source_{name}')} "
        "WHERE unit_id IS NOT NULL GROUP BY unit_id"
        for name in sources
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE units AS "
        f"SELECT unit_id, CAST(sum(n) AS BIGINT) AS n FROM ({each}) GROUP BY unit_id"
    )


def cut(
    con: duckdb.DuckDBPyConnection, *, units: int = UNITS, rows: int = ROWS
) -> tuple[Bucket, ...]:
    """Cut ``units`` into as many buckets as the sizes ask for, of about equal work.

    Args:
        con: a connection with the table ``units``.
        units: units per bucket, about.
        rows: rows per bucket, about; a unit is never divided.
    """
    found = con.execute("SELECT count(*), coalesce(sum(n), 0) FROM units").fetchone()
    people, events = (int(found[0]), int(found[1])) if found else (0, 0)
    wanted = max(1, -(-people // units), -(-events // rows))
    # Half of a unit's weight is its cells, the other half its rows; what is before it counts.
    weight = f"0.5 * sum(1.0 / {max(people, 1)}) OVER w + 0.5 * sum(n / {max(events, 1)}.0) OVER w"
    firsts = con.execute(
        f"SELECT min(unit_id) FROM (SELECT unit_id, "
        f"least(floor(coalesce({weight}, 0) * {wanted} + 1e-9), {wanted - 1}) AS bucket FROM units "
        "WINDOW w AS (ORDER BY unit_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) "
        "GROUP BY bucket ORDER BY 1"
    ).fetchall()
    return from_firsts([first for (first,) in firsts])


def from_firsts(firsts: Sequence[str]) -> tuple[Bucket, ...]:
    """Buckets that begin at these units; the first one takes all units before it, too."""
    ends: list[str | None] = [*firsts[1:], None]
    starts = ["", *firsts[1:]]
    return tuple(
        Bucket(i, first, last) for i, (first, last) in enumerate(zip(starts, ends, strict=True))
    )


def still_fit(
    con: duckdb.DuckDBPyConnection,
    buckets: Sequence[Bucket],
    *,
    units: int = UNITS,
    rows: int = ROWS,
) -> bool:
    """Whether earlier cuts still serve: no bucket twice too large, nor twice too many of them.

    Keeping them lets an extract with a few new rows touch a few buckets only.
    """
    firsts = ", ".join(f"({b.number}, {literal(b.first)})" for b in buckets)
    sizes = con.execute(
        f"SELECT count(*), sum(n) FROM units ASOF JOIN (VALUES {firsts}) AS b(bucket, first) "
        "ON units.unit_id >= b.first GROUP BY b.bucket"
    ).fetchall()
    if not sizes:
        return len(buckets) == 1
    people, events = sum(n for n, _ in sizes), sum(n for _, n in sizes)
    wanted = max(1, -(-people // units), -(-events // rows))
    return bool(
        max(n for n, _ in sizes) <= 2 * units
        and max(n for _, n in sizes) <= 2 * rows
        and len(buckets) <= 2 * wanted
    )
