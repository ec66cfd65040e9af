"""The slow and obvious meaning of a plan: one SQL query per part, joined row by row.

The compiled kernel must give the same cells; small inputs are computed here, since they would pay
more for loading it than they gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from riskstrat.asof import known_attributes, literal, quoted
from riskstrat.attributes import Attribute
from riskstrat.features.coverage import Span, spans_of
from riskstrat.features.frame import ROWS, Frame
from riskstrat.features.plan import KNOWN_LEVELS, Feature
from riskstrat.features.sql import SourceQuery
from riskstrat.vocabulary import ColumnType, FeatureKind, Unit

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source


def reference_table(frame: Frame, features: Sequence[Feature]) -> pa.Table:
    """Every feature of every row of the frame, in the frame's order.

    Args:
        frame: the rows.
        features: which features.

    Returns:
        One column per feature, float32 or string, by the feature's name.
    """
    return _Reference(frame, features).table()


class _Reference:
    def __init__(self, frame: Frame, features: Sequence[Feature]) -> None:
        self.frame, self.features = frame, tuple(features)
        self.attributes = self._attributes()
        self.queries = tuple(self._source_queries())
        self.spans: dict[Span, str] = {}

    def table(self) -> pa.Table:
        frame = self.frame
        for query in self.queries:
            for name, sql in query.queries.items():
                frame.create(name, sql)
        joins = [
            f"LEFT JOIN {name} ON {name}.row_id = r.row_id"
            for query in self.queries
            for name in query.queries
        ]
        if self.attributes:
            known = known_attributes(
                ROWS,
                self.attributes,
                frame.sources,
                frame.plan.age_bands,
                unit=frame.plan.unit,
                seen=True,
            )
            frame.create("feature_attributes", known)
            joins.append(
                "LEFT JOIN feature_attributes ON feature_attributes.unit_id = r.unit_id "
                "AND feature_attributes.as_of = r.as_of"
            )
        for via in dict.fromkeys(f.through for f in self.features if f.through):
            homes = frame.homes_table(via)
            joins.append(f"LEFT JOIN {homes} ON {homes}.row_id = r.row_id")
        cells = [f"{self._cell(f)} AS {quoted(f.column.name)}" for f in self.features]
        sql = f"SELECT {', '.join(cells)} FROM {ROWS} AS r {' '.join(self._coverage())} "
        return frame.con.execute(f"{sql}{' '.join(joins)} ORDER BY r.row_id").to_arrow_table()

    # -- what is read ----------------------------------------------------------------------------

    def _attributes(self) -> dict[str, Attribute]:
        """Those that are features, by name; and those only a ``known`` companion asks for."""
        found = {
            feature.column.name: feature.attributes[0]
            for feature in self.features
            if feature.function == "attribute"
        }
        for feature in self.features:
            for number, attribute in enumerate(feature.attributes):
                if all(attribute is not other for other in found.values()):
                    found[f"{feature.column.name} {number}"] = attribute
        return found

    def _source_queries(self) -> list[SourceQuery]:
        """One per source and relation."""
        groups: dict[tuple[str, Unit | None], list[Feature]] = {}
        for feature in self.features:
            if reads_rows(feature):
                groups.setdefault((feature.source, feature.through), []).append(feature)
        found = []
        for number, ((name, through), features) in enumerate(groups.items()):
            source = self.frame.sources[name]
            found.append(
                SourceQuery(source, features, self._keys(source, through), f"feature_part{number}")
            )
        return found

    def _keys(self, source: Source, through: Unit | None) -> str:
        """SQL: (row_id, as_of, key), which unit's rows each output row reads."""
        if through is None:
            return f"(SELECT row_id, as_of, unit_id AS key FROM {ROWS})"
        homes = self.frame.homes_table(through)
        if source.unit == through:
            return homes
        members = self.frame.members_table(through)
        return (
            f"(SELECT h.row_id, h.as_of, m.key FROM {homes} AS h "
            f"JOIN {members} AS m ON m.as_of = h.as_of AND m.home = h.key)"
        )

    # -- cells -----------------------------------------------------------------------------------

    def _coverage(self) -> list[str]:
        """A join that says for each as-of date which spans are covered."""
        if not self.spans:
            return []
        rows = []
        for day in self.frame.days:
            flags = [str(self.frame.spans_covered((span,), day)).lower() for span in self.spans]
            rows.append(f"(DATE {literal(day.isoformat())}, {', '.join(flags)})")
        names = ", ".join(self.spans.values())
        return [f"JOIN (VALUES {', '.join(rows)}) AS c(as_of, {names}) ON c.as_of = r.as_of"]

    def _covered(self, feature: Feature) -> str:
        """SQL: whether the agency's data say anything about this cell."""
        terms = [
            f"c.{self.spans.setdefault(span, f'c{len(self.spans)}')}" for span in spans_of(feature)
        ]
        if feature.through:
            terms.append(f"{self.frame.homes_table(feature.through)}.key IS NOT NULL")
        return " AND ".join(terms)

    def _cell(self, feature: Feature) -> str:
        if feature.function == "known":
            return self._known_cell(feature)
        if feature.function == "attribute":
            return _attribute_cell(feature)
        name = feature.column.name
        value = next(q.values[name] for q in self.queries if name in q.values)
        return f"CAST(CASE WHEN {self._covered(feature)} THEN {value} END AS FLOAT)"

    def _known_cell(self, feature: Feature) -> str:
        name = feature.column.name
        seen = [f"({q.values[name]})" for q in self.queries if name in q.values]
        seen += [
            f"feature_attributes.seen_{number}"
            for number, attribute in enumerate(self.attributes.values())
            if any(attribute is other for other in feature.attributes)
        ]
        has_record, no_record, not_covered = map(literal, KNOWN_LEVELS)
        return (
            f"CASE WHEN {' OR '.join(dict.fromkeys(seen))} THEN {has_record} "
            f"WHEN {self._covered(feature)} THEN {no_record} ELSE {not_covered} END"
        )


def reads_rows(feature: Feature) -> bool:
    """Whether a feature is computed from the rows of a source, not from attributes alone."""
    if feature.function == "known":
        return bool(feature.window or feature.value)
    return feature.function != "attribute"


def _attribute_cell(feature: Feature) -> str:
    """SQL: a number as FLOAT, a category as text; what is none of its levels is empty."""
    value = f"feature_attributes.{quoted(feature.column.name)}"
    if feature.column.kind is FeatureKind.NUMBER:
        return f"TRY_CAST({value} AS FLOAT)"  # a number beyond float32 says nothing
    if feature.attributes[0].type is ColumnType.BOOLEAN:
        return f"CASE WHEN {value} THEN 'yes' WHEN NOT {value} THEN 'no' END"
    return f"CAST({value} AS VARCHAR)"
