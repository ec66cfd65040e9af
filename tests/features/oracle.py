"""Features the slow and obvious way: loops over rows and dates, one cell at a time.

Rows are dictionaries with ``unit_id``, the canonical dates and the source's columns. It shares
nothing with the SQL but the plan.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np

from riskstrat.contracts.spec import Lag, Source
from riskstrat.features.plan import Feature, FeaturePlan
from riskstrat.vocabulary import FeatureKind

Row = dict[str, Any]
FILTERS = {
    "urgent": lambda row: row["urgent"] is True,
    "cost > 1": lambda row: row["cost"] is not None and not row["cost"] <= 1,
    "kind = 'a' or urgent": lambda row: row["kind"] == "a" or row["urgent"] is True,
}


def cells(
    plan: FeaturePlan,
    pairs: list[tuple[str, date]],
    sources: dict[str, Source],
    rows: dict[str, list[Row]],
    relations: list[Row],
) -> list[dict[str, Any]]:
    """One dictionary per pair, sorted by date and unit."""
    found = []
    for unit, as_of in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        row: Row = {"unit_id": unit, "as_of": as_of}
        for feature in plan.features:
            value = cell(feature, plan, unit, as_of, sources[feature.source], rows, relations)
            if feature.column.kind is FeatureKind.NUMBER and value is not None:
                value = float(np.float32(value))
            row[feature.column.name] = value
        found.append(row)
    return found


def cell(feature, plan, unit, as_of, source, rows, relations):
    home = None
    keys = [unit]
    if feature.through:
        home = lives_at(unit, as_of, relations)
        keys = [home]
        if home is not None and source.unit != feature.through:
            people = sorted({r["unit_id"] for r in relations})
            keys = [who for who in people if lives_at(who, as_of, relations) == home]
    nowhere = feature.through is not None and home is None
    there = [] if nowhere else [r for r in rows[source.source] if r["unit_id"] in keys]
    seen = [r for r in there if happened(r, source) < as_of and r["known_on"] < as_of]
    covered = not nowhere and is_covered(feature, source, as_of, plan.min_covered)
    if feature.function == "known":
        recent = [r for r in seen if not feature.window or age(r, source, as_of) <= feature.window]
        if feature.value == "open":
            recent += [r for r in seen if is_open(r, as_of)]
        if feature.attributes:
            recent = seen if source.shape != "spells" else [r for r in seen if is_open(r, as_of)]
        if recent:
            return "has_record"
        return "no_record" if covered else "not_covered"
    if feature.function == "attribute":
        return attribute(feature, source, seen, as_of)
    return aggregate(feature, source, seen, as_of) if covered else None


def aggregate(feature, source, seen, as_of):
    """One aggregate over the rows that were visible."""
    if feature.where:
        seen = [r for r in seen if FILTERS[feature.where.text](r)]
    if feature.split:
        codes = feature.split.groups[feature.split.part]
        seen = [r for r in seen if as_code(r[feature.split.column]) in codes]
    if feature.function == "open":
        return sum(is_open(r, as_of) for r in seen)
    ages = [age(r, source, as_of) for r in seen]
    within = [r for r, days in zip(seen, ages, strict=True) if days <= feature.window]
    values = [r[feature.value] for r in within if feature.value and says(r[feature.value])]
    match feature.function:
        case "count":
            return len(within)
        case "any":
            return int(bool(within))
        case "days_since_last":
            return min((age(r, source, as_of) for r in within), default=None)
        case "days_since_first":
            return max((age(r, source, as_of) for r in within), default=None)
        case "trend":
            before = [days for days in ages if feature.window < days <= 2 * feature.window]
            return len(within) - len(before)
        case "distinct":
            return len(set(values))
        case "sum":
            parts = exact(values)
            return 0 if not within else float(sum(parts)) if parts else None
        case "mean":
            parts = exact(values)
            return float(sum(parts) / len(parts)) if parts else None
        case "min":
            return min((v for v in values if abs(v) <= MOST_FLOAT), default=None)
        case "max":
            return max((v for v in values if abs(v) <= MOST_FLOAT), default=None)


MOST_FLOAT = float(np.finfo(np.float32).max)


def says(value: Any) -> bool:
    """Whether there is a value: neither NULL, nor infinite, nor no number at all."""
    return value is not None and (not isinstance(value, float) or math.isfinite(value))


def exact(values: list[Any]) -> list[Fraction]:
    """What is summed: whole numbers, and numbers up to 2^55 to the nearest 2^-40."""
    return [
        Fraction(round(Fraction(value) * 2**40), 2**40) if isinstance(value, float) else value
        for value in values
        if not isinstance(value, float) or abs(value) <= 2**55
    ]


def attribute(feature, source, seen, as_of):
    """The value of the latest visible row."""
    said = feature.attributes[0]
    if source.shape == "spells" and said.kind == "column":
        seen = [r for r in seen if is_open(r, as_of)]
    column = said.column if said.kind == "column" else source.born_on
    if not seen:
        return None
    value = max(seen, key=lambda row: latest(row, source))[column]
    if value is None or said.kind == "column":
        return value if not isinstance(value, bool) else "yes" if value else "no"
    if value > as_of:
        return None
    years = as_of.year - value.year - ((as_of.month, as_of.day) < (value.month, value.day))
    if said.kind == "age":
        return years
    return said.levels[sum(years >= low for low in AGE_BANDS) - 1]


def latest(row: Row, source: Source) -> tuple[Any, ...]:
    """What orders the rows of a unit: the dates, then all it says, column by column."""
    ends = (source.ends_on, source.end_known_on)
    said = [row[name] for name in sorted(source.columns) if name not in ends]
    return happened(row, source), row["known_on"], *((v is None, v) for v in said)


AGE_BANDS = (0, 18, 65)


def as_code(value):
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def happened(row: Row, source: Source) -> date:
    return row["starts_on"] if source.shape == "spells" else row["happened_on"]


def age(row: Row, source: Source, as_of: date) -> int:
    return (as_of - happened(row, source)).days


def is_open(row: Row, as_of: date) -> bool:
    if row["starts_on"] >= as_of or row["known_on"] >= as_of:
        return False
    if row["ends_on"] is None or row["ends_on"] >= as_of:
        return True
    return row["end_known_on"] is not None and row["end_known_on"] >= as_of


def lives_at(unit: str, as_of: date, relations: list[Row]) -> str | None:
    homes = [r for r in relations if r["unit_id"] == unit and is_open(r, as_of)]
    newest = max(homes, key=lambda r: (r["starts_on"], r["known_on"], r["via_id"]), default=None)
    return newest["via_id"] if newest else None


def is_covered(feature: Feature, source: Source, as_of: date, share: float) -> bool:
    lag = source.known_on.lag_days if isinstance(source.known_on, Lag) else 0

    def there(days_before: int) -> bool:
        day = as_of - timedelta(days=days_before)
        in_time = days_before > lag
        return in_time and any(c.start <= day < c.end for c in source.coverage)

    if feature.window is None:
        return there(1 + lag)
    spans = [(1, feature.window)]
    if feature.function == "trend":
        spans.append((feature.window + 1, 2 * feature.window))
    return all(
        sum(there(day) for day in range(first, last + 1)) >= share * feature.window
        for first, last in spans
    )
