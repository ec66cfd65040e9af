"""Compute a plan over the cohort's pairs, a range of rows at a time, into one Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from riskstrat.asof import OPEN, known_attributes, literal, quoted, related
from riskstrat.features.coverage import coverage_rows, spans_of
from riskstrat.features.plan import KNOWN_LEVELS, Feature, FeaturePlan
from riskstrat.features.sql import SourceQuery
from riskstrat.features.write import SortedParquet
from riskstrat.vocabulary import ColumnType, FeatureKind, Unit

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Source

Progress = Callable[[float, str], None]
CELLS_PER_CHUNK = 8_000_000
"""rows times features computed at once: about half a gigabyte of aggregate state"""
MAX_CHUNK_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What was written: how many rows, and per feature how many cells are empty and why."""

    rows: int
    missing: Mapping[str, int]
    not_covered: Mapping[str, int]


def build_features(
    con: duckdb.DuckDBPyConnection,
    plan: FeaturePlan,
    sources: Mapping[str, Source],
    out: Path,
    *,
    pairs: str = "pairs",
    progress: Progress | None = None,
    chunk_rows: int | None = None,
) -> FeatureSummary:
    """Write every feature of every pair, sorted by (as_of, unit_id).

    The same pairs and sources give the same bytes, whatever the order of their rows, the number
    of threads or the size of the chunks.

    Args:
        con: a connection with ``pairs``, the views ``source_<name>``, and ``relations`` where a
            feature goes through one.
        plan: the plan.
        sources: the contracts, by name.
        out: the Parquet file to write (zstd); whoever calls renames it into place.
        pairs: the table of (unit_id, as_of), each pair once; ``cohort`` will do.
        progress: told the share done and a sentence.
        chunk_rows: rows computed at once; by default so many that memory stays bounded.
    """
    builder = _Builder(con, plan, sources)
    rows = builder.number_rows(pairs)
    step = chunk_rows or min(MAX_CHUNK_ROWS, max(1_000, CELLS_PER_CHUNK // len(plan.features)))
    missing = dict.fromkeys((feature.column.name for feature in plan.features), 0)
    not_covered = dict(missing)
    with SortedParquet(out, _schema(plan)) as file:
        for start in range(0, rows, step):
            table, uncovered = builder.chunk(start, min(start + step, rows))
            file.write(table)
            for name in missing:
                missing[name] += table.column(name).null_count
                not_covered[name] += uncovered[name]
            if progress:
                done = min(start + step, rows)
                progress(done / rows, f"features of {done:,} of {rows:,} units and dates")
    builder.drop()
    return FeatureSummary(rows, missing, not_covered)


def _schema(plan: FeaturePlan) -> pa.Schema:
    fields = [pa.field("unit_id", pa.string()), pa.field("as_of", pa.date32())]
    for column in plan.columns:
        is_number = column.kind is FeatureKind.NUMBER
        fields.append(pa.field(column.name, pa.float32() if is_number else pa.string()))
    return pa.schema(fields)


class _Builder:
    """The tables a build needs on the connection, and the queries over them."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, plan: FeaturePlan, sources: Mapping[str, Source]
    ) -> None:
        self.con, self.plan, self.sources = con, plan, sources
        self.spans = tuple(dict.fromkeys(s for f in plan.features for s in spans_of(f)))
        self.vias = tuple(dict.fromkeys(f.through for f in plan.features if f.through))
        self.attributes: dict[str, Attribute] = {
            feature.column.name: feature.attributes[0]
            for feature in plan.features
            if feature.function == "attribute"
        }
        self.queries = tuple(self._source_queries())
        self.tables: list[str] = []

    # -- once ------------------------------------------------------------------------------------

    def number_rows(self, pairs: str) -> int:
        """Create ``feature_rows`` (row_id in the order of the output) and ``feature_coverage``."""
        self._create(
            "feature_rows",
            "SELECT CAST(row_number() OVER (ORDER BY as_of, unit_id) - 1 AS INTEGER) AS row_id, "
            f"unit_id, as_of FROM {pairs}",
        )
        found = self.con.execute("SELECT DISTINCT as_of FROM feature_rows ORDER BY 1").fetchall()
        days = [day for (day,) in found]
        covered = coverage_rows(self.spans, self.sources, days, self.plan.min_covered)
        columns: dict[str, pa.Array] = {"as_of": pa.array(days, pa.date32())}
        for number in range(len(self.spans)):
            flags = [flags[number] for _, flags in covered]
            columns[f"c{number}"] = pa.array(flags, pa.bool_())
        self.con.register("feature_coverage_arrow", pa.table(columns))
        self._create("feature_coverage", "SELECT * FROM feature_coverage_arrow")
        self.con.unregister("feature_coverage_arrow")
        [(rows,)] = self.con.execute("SELECT count(*) FROM feature_rows").fetchall()
        return int(rows)

    def drop(self) -> None:
        for name in dict.fromkeys(self.tables):
            self.con.execute(f"DROP TABLE IF EXISTS {name}")

    def _create(self, name: str, sql: str) -> None:
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        self.tables.append(name)

    def _source_queries(self) -> list[SourceQuery]:
        """One per source and relation."""
        groups: dict[tuple[str, Unit | None], list[Feature]] = {}
        for feature in self.plan.features:
            reads_rows = feature.function != "attribute" and (
                feature.function != "known" or feature.window or feature.value
            )
            if reads_rows:
                groups.setdefault((feature.source, feature.through), []).append(feature)
        found = []
        for number, ((name, through), features) in enumerate(groups.items()):
            source = self.sources[name]
            rows = "feature_keys"
            if through:
                members = source.unit != through
                rows = f"feature_{'members' if members else 'homes'}_{through.value}"
            found.append(SourceQuery(source, features, rows, f"feature_part{number}"))
        return found

    # -- one chunk -------------------------------------------------------------------------------

    def chunk(self, start: int, stop: int) -> tuple[pa.Table, dict[str, int]]:
        """The features of rows ``[start, stop)``, and per feature how many are not covered."""
        self._create(
            "feature_chunk",
            f"SELECT * FROM feature_rows WHERE row_id >= {start} AND row_id < {stop}",
        )
        self._create("feature_keys", "SELECT row_id, as_of, unit_id AS key FROM feature_chunk")
        for via in self.vias:
            self._create_homes(via)
        for query in self.queries:
            for name, sql in query.queries.items():
                self._create(name, sql)
        if self.attributes:
            sql = known_attributes(
                "feature_chunk",
                self.attributes,
                self.sources,
                self.plan.age_bands,
                unit=self.plan.unit,
                seen=True,
            )
            self._create("feature_attributes", sql)
        return self._assembled(), self._uncovered()

    def _create_homes(self, via: Unit) -> None:
        """Who lives where: each row's household, and everyone of that household on the day."""
        homes = related("feature_chunk", "relations", via, self.plan.unit)
        self._create(
            f"feature_homes_{via.value}",
            "SELECT c.row_id, c.as_of, h.via_id AS key FROM feature_chunk AS c "
            f"JOIN ({homes}) AS h USING (unit_id, as_of) WHERE h.via_id IS NOT NULL",
        )
        if not any(query.rows == f"feature_members_{via.value}" for query in self.queries):
            return
        # Who else lived there is also only what was known on the day: a person seen in two
        # households, the first not yet known to have been left, counts in the second alone.
        seen = (
            "SELECT DISTINCT p.as_of, e.unit_id FROM "
            f"(SELECT DISTINCT as_of, key FROM feature_homes_{via.value}) AS p "
            f"JOIN relations AS e ON e.via_id = p.key AND e.via = {literal(via.value)} "
            f"AND e.unit = {literal(self.plan.unit.value)} AND {OPEN}"
        )
        living = related(f"({seen})", "relations", via, self.plan.unit)
        self._create(
            f"feature_members_{via.value}",
            "SELECT h.row_id, h.as_of, m.unit_id AS key "
            f"FROM feature_homes_{via.value} AS h "
            f"JOIN ({living}) AS m ON m.as_of = h.as_of AND m.via_id = h.key",
        )

    def _assembled(self) -> pa.Table:
        cells = [f"{self._cell(f)} AS {quoted(f.column.name)}" for f in self.plan.features]
        parts = [name for query in self.queries for name in query.queries]
        joins = [f"LEFT JOIN {name} ON {name}.row_id = r.row_id" for name in parts]
        if self.attributes:
            joins.append(
                "LEFT JOIN feature_attributes ON feature_attributes.unit_id = r.unit_id "
                "AND feature_attributes.as_of = r.as_of"
            )
        sql = f"SELECT r.unit_id, r.as_of, {', '.join(cells)} {self._from(joins)} ORDER BY r.row_id"
        return self.con.execute(sql).to_arrow_table()

    def _from(self, joins: Sequence[str] = ()) -> str:
        homes = [
            f"LEFT JOIN feature_homes_{via.value} ON feature_homes_{via.value}.row_id = r.row_id"
            for via in self.vias
        ]
        return (
            "FROM feature_chunk AS r JOIN feature_coverage AS c ON c.as_of = r.as_of "
            f"{' '.join([*homes, *joins])}"
        )

    def _covered(self, feature: Feature) -> str:
        """SQL: whether the agency's data say anything about this cell."""
        terms = [f"c.c{self.spans.index(span)}" for span in spans_of(feature)]
        if feature.through:
            terms.append(f"feature_homes_{feature.through.value}.key IS NOT NULL")
        return " AND ".join(terms)

    def _cell(self, feature: Feature) -> str:
        name = feature.column.name
        if feature.function == "known":
            return self._known_cell(feature)
        if feature.function == "attribute":
            return _attribute_cell(feature)
        value = next(q.values[name] for q in self.queries if name in q.values)
        return f"CAST(CASE WHEN {self._covered(feature)} THEN {value} END AS FLOAT)"

    def _known_cell(self, feature: Feature) -> str:
        name = feature.column.name
        seen = [f"({q.values[name]})" for q in self.queries if name in q.values]
        wanted = list(self.attributes)
        for number, column in enumerate(wanted):
            if any(attribute is self.attributes[column] for attribute in feature.attributes):
                seen.append(f"feature_attributes.seen_{number}")
        has_record, no_record, not_covered = map(literal, KNOWN_LEVELS)
        return (
            f"CASE WHEN {' OR '.join(dict.fromkeys(seen))} THEN {has_record} "
            f"WHEN {self._covered(feature)} THEN {no_record} ELSE {not_covered} END"
        )

    def _uncovered(self) -> dict[str, int]:
        """Per feature, how many of the chunk's cells are not covered."""
        covered = {f.column.name: self._covered(f) for f in self.plan.features}
        distinct = list(dict.fromkeys(covered.values()))
        counts = ", ".join(f"count_if(NOT ({condition}))" for condition in distinct)
        [row] = self.con.execute(f"SELECT {counts} {self._from()}").fetchall()
        found = dict(zip(distinct, row, strict=True))
        return {name: int(found[condition]) for name, condition in covered.items()}


def _attribute_cell(feature: Feature) -> str:
    """SQL: a number as FLOAT, a category as text; what is none of its levels is empty."""
    value = f"feature_attributes.{quoted(feature.column.name)}"
    if feature.column.kind is FeatureKind.NUMBER:
        return f"CAST({value} AS FLOAT)"
    if feature.attributes[0].type is ColumnType.BOOLEAN:
        return f"CASE WHEN {value} THEN 'yes' WHEN NOT {value} THEN 'no' END"
    return f"CAST({value} AS VARCHAR)"
