"""A plan's features as DuckDB SQL: one join of rows and source for all features of a source.

Windows are told apart inside the aggregates (``count_if``, ``CASE``): DuckDB's FILTER clause
measured two to three times slower. Distinct values over nested windows are counted in two steps,
from the most recent age of each value. Every aggregate is exact, so neither the order of rows nor
the number of threads changes a bit: sums of numbers run over integers of 2^-40.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from riskstrat.asof import OPEN, VISIBLE, literal, quoted
from riskstrat.features.plan import Feature
from riskstrat.vocabulary import ColumnType

if TYPE_CHECKING:
    from riskstrat.contracts.spec import Source

SCALE_BITS = 40
MOST_SUMMED = 2.0**55
"""a larger number is left out of sums, so that no sum of 2^31 numbers can overflow 128 bits"""
MOST_FLOAT = 3.4028234663852886e38
"""a larger number has no float32, and counts as none"""


@dataclass(slots=True)
class Names:
    """Gives each SQL text one short name, in the order first asked for."""

    prefix: str
    given: dict[str, str] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """The name of a text."""
        return self.given.setdefault(text, f"{self.prefix}{len(self.given)}")

    def select(self) -> list[str]:
        """Every text with its name, for a SELECT."""
        return [f"{text} AS {name}" for text, name in self.given.items()]


class SourceQuery:
    """The queries for all aggregated features that share a source and a relation.

    Args:
        source: the contract.
        features: the features, ``known`` companions included.
        rows: table of ``row_id, as_of, key``: which unit's rows each output row reads.
        prefix: what the names of the parts' tables begin with.
    """

    def __init__(self, source: Source, features: Sequence[Feature], rows: str, prefix: str) -> None:
        self.source, self.rows, self.prefix = source, rows, prefix
        self._carried = Names("x")
        self._joins = Names("m")
        self._totals = Names("n")
        self._distinct: dict[tuple[str, str, str | None], Names] = {}
        spans = [f.window * (2 if f.function == "trend" else 1) for f in features if f.window]
        # Without a window, whether a unit is known at all asks for every row there is.
        ever = any(f.function == "known" and not f.window for f in features)
        self._longest = None if ever else max(spans, default=0)
        self._opens = any("open" in (f.function, f.value) for f in features)
        self.values: Mapping[str, str] = {f.column.name: self._value(f) for f in features}

    @property
    def queries(self) -> dict[str, str]:
        """Name of a part's table -> SQL with ``row_id`` and the part's columns."""
        found = {}
        if self._totals.given:
            columns = ", ".join(["row_id", *self._totals.select()])
            found[f"{self.prefix}_t"] = f"SELECT {columns} FROM ({self._joined()}) GROUP BY row_id"
        for number, ((where, value, part), names) in enumerate(self._distinct.items()):
            split = f", {part} AS part" if part else ""
            groups = "row_id, v, part" if part else "row_id, v"
            inner = (
                f"SELECT row_id, {value} AS v{split}, min(age) AS age FROM ({self._joined()}) "
                f"WHERE {where} AND {value} IS NOT NULL GROUP BY {groups}"
            )
            columns = ", ".join(["row_id", *names.select()])
            found[f"{self.prefix}_d{number}"] = f"SELECT {columns} FROM ({inner}) GROUP BY row_id"
        return found

    # -- one feature -----------------------------------------------------------------------------

    def _value(self, feature: Feature) -> str:
        """SQL of a feature over the parts, before coverage is applied."""
        within = self._within(feature, feature.window)
        count = f"coalesce({self._total(f'count_if({within})')}, 0)"
        match feature.function:
            case "known":
                return f"{count} > 0"
            case "count" | "open":
                return count
            case "any":
                return f"CASE WHEN {count} > 0 THEN 1 ELSE 0 END"
            case "days_since_last":
                return self._total(f"min(CASE WHEN {within} THEN age END)")
            case "days_since_first":
                return self._total(f"max(CASE WHEN {within} THEN age END)")
            case "trend":
                both = self._total(f"count_if({self._within(feature, 2 * (feature.window or 0))})")
                return f"2 * {count} - coalesce({both}, 0)"
            case "distinct":
                return self._distinct_value(feature)
        return self._number(feature, within, count)

    def _number(self, feature: Feature, within: str, count: str) -> str:
        """Sum, mean, lowest and highest. A row without the value says nothing about it."""
        column = quoted(str(feature.value))
        whole = self.source.columns[str(feature.value)].type is not ColumnType.NUMBER
        if feature.function in ("min", "max"):
            value = self._carried(f"CAST({column} AS BIGINT)" if whole else _within_float(column))
            return self._total(f"{feature.function}(CASE WHEN {within} THEN {value} END)")
        exact = f"CAST({column} AS HUGEINT)" if whole else _scaled(column)
        value = self._carried(exact)
        total = f"CAST({self._total(f'sum(CASE WHEN {within} THEN {value} END)')} AS DOUBLE)"
        total = total if whole else f"{total} / {2**SCALE_BITS}"
        if feature.function == "sum":
            return f"CASE WHEN {count} = 0 THEN 0 ELSE {total} END"
        recorded = self._total(f"count_if({within} AND {value} IS NOT NULL)")
        return f"CASE WHEN {recorded} > 0 THEN {total} / {recorded} END"

    def _distinct_value(self, feature: Feature) -> str:
        column = quoted(str(feature.value))
        is_number = self.source.columns[str(feature.value)].type is ColumnType.NUMBER
        value = self._carried(_finite(column) if is_number else column)
        where = self._where(feature)
        part = self._part(feature)
        names = self._distinct.setdefault((where, value, part), Names("n"))
        number = list(self._distinct).index((where, value, part))
        chosen = f"part = {feature.split.part} AND " if feature.split else ""
        name = names(f"count_if({chosen}age <= {feature.window})")
        return f"coalesce({self.prefix}_d{number}.{name}, 0)"

    def _total(self, aggregate: str) -> str:
        return f"{self.prefix}_t.{self._totals(aggregate)}"

    # -- conditions ------------------------------------------------------------------------------

    def _within(self, feature: Feature, window: int | None) -> str:
        if feature.function == "known":
            recent = f"age <= {window}" if window else "true"
            return f"({recent} OR is_open)" if feature.value == "open" else recent
        terms = [self._where(feature)] if feature.where else []
        if feature.split:
            terms.append(f"{self._part(feature)} = {feature.split.part}")
        terms.append("is_open" if feature.function == "open" else f"age <= {window or 0}")
        return " AND ".join(terms)

    def _where(self, feature: Feature) -> str:
        if feature.where is None:
            return "true"
        return self._carried(f"coalesce({feature.where.sql(None)}, false)")

    def _part(self, feature: Feature) -> str | None:
        """The carried column that numbers a row's part: one lookup of its code."""
        if feature.split is None:
            return None
        codes = ", ".join(
            f"({literal(code)}, {part})"
            for part, group in enumerate(feature.split.groups)
            for code in group
        )
        text = f"CAST({quoted(feature.split.column)} AS VARCHAR)"
        join = self._joins(f"(VALUES {codes}) AS {{}}(code_, part_) ON {{}}.code_ = {text}")
        return self._carried(f"{join}.part_")

    # -- the join --------------------------------------------------------------------------------

    def _joined(self) -> str:
        """SQL: every visible row of the source beside each output row that may see it."""
        spells = self.source.shape == "spells"
        happened = "starts_on" if spells else "happened_on"
        dates = ["unit_id", f"{happened} AS happened_on", "known_on"]
        if self._opens:
            dates += ["starts_on", "ends_on", "end_known_on"]
        lookups = "".join(
            f" LEFT JOIN {text.replace('{}', name)}" for text, name in self._joins.given.items()
        )
        source = quoted(f"source_{self.source.source}")
        base = f"SELECT {', '.join([*dates, *self._carried.select()])} FROM {source}{lookups}"
        carried = "".join(f", e.{name}" for name in self._carried.given.values())
        age = "CAST(p.as_of - e.happened_on AS INTEGER)"
        is_open = f", ({OPEN}) AS is_open" if self._opens else ""
        recent = "true"
        if self._longest is not None:
            recent = f"p.as_of - e.happened_on <= {self._longest}"
            recent = f"({recent} OR ({OPEN}))" if self._opens else recent
        return (
            f"SELECT p.row_id, {age} AS age{is_open}{carried} FROM ({base}) AS e "
            f"JOIN {self.rows} AS p ON e.unit_id = p.key AND {VISIBLE} AND {recent}"
        )


def _finite(column: str) -> str:
    """A number, empty where it is not one; adding zero makes one zero of plus and minus zero."""
    return f"CASE WHEN isfinite({column}) THEN {column} + 0.0 END"


def _within_float(column: str) -> str:
    return f"CASE WHEN abs({column}) <= {MOST_FLOAT!r} THEN {column} + 0.0 END"


def _scaled(column: str) -> str:
    whole = f"TRY_CAST({column} * {2**SCALE_BITS} AS HUGEINT)"
    return f"CASE WHEN abs({column}) <= {MOST_SUMMED:.0f} THEN {whole} END"
