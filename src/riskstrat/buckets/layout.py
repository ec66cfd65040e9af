"""A bucket's files: who is in it, where they belonged, and every source's rows, sorted by unit.

A file that did not change since the layout before is taken over without being written again; one
that only gained rows gains a second piece with those. Rows carry ``key``, the number of their
unit in the bucket: small, dense, without meaning anywhere else, and kept from layout to layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.asof import literal, quoted
from riskstrat.buckets.cut import Bucket
from riskstrat.buckets.place import GUESTS, HOMES, OWN, Needed
from riskstrat.buckets.visible import COLUMNS, end_columns, visible_sql
from riskstrat.disk import place_file
from riskstrat.vocabulary import Unit

UNITS, RELATIONS, VISIBLE = "units", "relations", "visible"
MOST_PIECES = 6
"""a source in more pieces than this is written as one again"""
ROW_GROUP = 1_000_000


@dataclass(frozen=True, slots=True)
class BucketFiles:
    """One bucket of a finished layout."""

    folder: Path

    def pieces(self, name: str) -> tuple[Path, ...]:
        """The files of ``units``, ``relations`` or a source, oldest first."""
        return tuple(sorted(self.folder.glob(f"{name}.[0-9]*.parquet")))

    def sql(self, name: str) -> str:
        """SQL: the rows of a source, or of ``units`` or ``relations``."""
        listed = ", ".join(literal(path.as_posix()) for path in self.pieces(name))
        return f"read_parquet([{listed}])"

    def keys(self, kind: str) -> pa.Table:
        """Everyone of a kind (``person``, ``household``): unit_id, key, and whether its own."""
        return pq.read_table(self.pieces(UNITS)[0], filters=[("kind", "=", kind)])

    def own_sql(self, kind: str) -> str:
        """SQL: the unit ids of the bucket's own, without the others of their households."""
        return f"SELECT unit_id FROM {self.sql(UNITS)} WHERE kind = {literal(kind)} AND own"

    def own_units(self, kind: str) -> int:
        """How many are the bucket's own."""
        return int(self.keys(kind)["own"].to_numpy().sum())

    def visible(self, name: str) -> pa.Table:
        """The digests of what can be seen of a source, see ``buckets/visible.py``."""
        return pq.read_table(self.folder / f"{name}.{VISIBLE}.parquet")


@dataclass(frozen=True, slots=True)
class BucketWriter:
    """Writes one bucket.

    Attributes:
        con: a connection with ``relations`` and the views ``source_<name>``.
        bucket: which units.
        unit: the study's unit.
        placed: the folder of :func:`riskstrat.buckets.place.place`.
        before: the same bucket of the layout before, if its cuts were the same.
        out: the existing folder to write into.
    """

    con: duckdb.DuckDBPyConnection
    bucket: Bucket
    unit: Unit
    placed: Path
    before: BucketFiles | None
    out: Path

    def write(self, needed: Sequence[Needed]) -> dict[str, int]:
        """Write everything; returns how many rows there are of each source."""
        self._write_units()
        ours = literal(self.unit.value)
        rows = (
            f"SELECT r.* FROM relations AS r SEMI JOIN (SELECT unit_id FROM bucket_units "
            f"WHERE kind = {ours}) AS u ON u.unit_id = r.unit_id WHERE r.unit = {ours}"
        )
        spell = ("starts_on", "known_on", "via", "via_id")
        counted = {RELATIONS: self._keep(RELATIONS, rows, self.unit, spell, spells=True)}
        for each in needed:
            source = each.source
            spells = source.shape == "spells"
            order = ("starts_on" if spells else "happened_on", "known_on", *source.key)
            counted[source.source] = self._keep(
                source.source,
                self._rows(each),
                source.unit,
                order,
                spells=spells,
                ends=end_columns(source),
            )
        self.con.execute("DROP TABLE bucket_units")
        return counted

    def _write_units(self) -> None:
        """Number everyone of the bucket; whoever had a number keeps it."""
        here = " UNION ALL ".join(
            f"SELECT kind, unit_id, {str(whose == OWN).lower()} AS own "
            f"FROM {self._placed(whose)} WHERE bucket = {self.bucket.number}"
            for whose in (OWN, HOMES, GUESTS)
        )
        known = "SELECT CAST(NULL AS VARCHAR) AS kind, NULL AS unit_id, 0 AS key WHERE false"
        if self.before is not None:
            known = f"SELECT kind, unit_id, key FROM {self.before.sql(UNITS)}"
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE bucket_units AS "
            "SELECT n.kind, CAST(coalesce(k.key, coalesce(t.next, 0) - 1 + row_number() OVER "
            "(PARTITION BY n.kind, k.key IS NULL ORDER BY n.unit_id)) AS INTEGER) AS key, "
            f"n.unit_id, n.own FROM ({here}) AS n "
            f"LEFT JOIN ({known}) AS k ON k.kind = n.kind AND k.unit_id = n.unit_id "
            f"LEFT JOIN (SELECT kind, max(key) + 1 AS next FROM ({known}) GROUP BY kind) AS t "
            "ON t.kind = n.kind"
        )
        self._copy("SELECT * FROM bucket_units ORDER BY kind, key", self._piece(UNITS, 0))

    def _rows(self, each: Needed) -> str:
        name = each.source.source
        arms = [
            f"SELECT * EXCLUDE (bucket) FROM {self._placed(f'{name}.{whose}')} "
            f"WHERE bucket = {self.bucket.number}"
            for whose in sorted(each.whose - {OWN})
        ]
        if OWN in each.whose:
            arms.append(
                f"SELECT * FROM {quoted(f'source_{name}')} WHERE {self.bucket.holds('unit_id')}"
            )
        return " UNION ALL ".join(arms)

    def _keep(
        self,
        name: str,
        rows: str,
        unit: Unit,
        order: Sequence[str],
        *,
        spells: bool,
        ends: Sequence[str] = end_columns(),
    ) -> int:
        """Take over, append or write a source's rows; returns how many there are."""
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE bucket_rows AS SELECT u.key, e.* "
            f"FROM ({rows}) AS e JOIN bucket_units AS u ON u.unit_id = e.unit_id "
            f"AND u.kind = {literal(unit.value)}"
        )
        columns = self._columns("bucket_rows")
        sql = visible_sql("bucket_rows", list(columns)[1:], spells=spells, ends=ends)
        seen = self.con.execute(sql).to_arrow_table()
        seen = seen.replace_schema_metadata({COLUMNS: repr(list(columns.items())[1:])})
        kept, added = self._taken_over(name, columns, seen)
        for number, piece in enumerate(kept):
            place_file(piece, self._piece(name, number))
        if added:
            by = ", ".join(map(quoted, ("key", *order)))
            self._copy(f"SELECT * FROM {added} ORDER BY {by}", self._piece(name, len(kept)))
        pq.write_table(seen, self.out / f"{name}.{VISIBLE}.parquet", compression="zstd")
        found = self.con.execute("SELECT count(*) FROM bucket_rows").fetchone()
        self.con.execute("DROP TABLE bucket_rows")
        return int(found[0]) if found else 0

    def _taken_over(
        self, name: str, columns: Mapping[str, str], seen: pa.Table
    ) -> tuple[tuple[Path, ...], str | None]:
        """The pieces of the layout before that still hold, and the rows they lack (or none)."""
        old = self.before.pieces(name) if self.before is not None else ()
        if self.before is None or not old:
            return (), "bucket_rows"
        if list(self._columns(self.before.sql(name)).items()) != list(columns.items()):
            return (), "bucket_rows"
        if self.before.visible(name).equals(seen):
            return old, None
        gone = self.con.execute(
            f"SELECT 1 FROM (SELECT * FROM {self.before.sql(name)} EXCEPT ALL "
            "SELECT * FROM bucket_rows) LIMIT 1"
        ).fetchone()
        if gone or len(old) >= MOST_PIECES:
            return (), "bucket_rows"
        return old, f"(SELECT * FROM bucket_rows EXCEPT ALL SELECT * FROM {self.before.sql(name)})"

    def _columns(self, rows: str) -> dict[str, str]:
        """Name and type of each column."""
        described = self.con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
        return {column[0]: column[1] for column in described}

    def _placed(self, name: str) -> str:
        return f"read_parquet({literal((self.placed / f'{name}.parquet').as_posix())})"

    def _piece(self, name: str, number: int) -> Path:
        return self.out / f"{name}.{number:03d}.parquet"

    def _copy(self, sql: str, path: Path) -> None:
        self.con.execute(
            f"COPY ({sql}) TO {literal(path.as_posix())} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
