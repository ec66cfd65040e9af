"""What DuckDB's types hold, in the words of a contract, and how each is read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.asof import literal
from riskstrat.contracts.spec import Source
from riskstrat.vocabulary import ColumnType

WORDS: Mapping[ColumnType, str] = MappingProxyType(
    {
        ColumnType.STRING: "text",
        ColumnType.INTEGER: "whole numbers",
        ColumnType.NUMBER: "numbers",
        ColumnType.BOOLEAN: "yes or no",
        ColumnType.DATE: "dates",
    }
)
_TYPES: Mapping[str, tuple[ColumnType, str]] = MappingProxyType(
    {
        "VARCHAR": (ColumnType.STRING, "VARCHAR"),
        "UUID": (ColumnType.STRING, "VARCHAR"),
        "ENUM": (ColumnType.STRING, "VARCHAR"),
        **dict.fromkeys(
            ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
            (ColumnType.INTEGER, "BIGINT"),
        ),
        "UBIGINT": (ColumnType.INTEGER, "HUGEINT"),
        "HUGEINT": (ColumnType.INTEGER, "HUGEINT"),
        "FLOAT": (ColumnType.NUMBER, "DOUBLE"),
        "DOUBLE": (ColumnType.NUMBER, "DOUBLE"),
        "DECIMAL": (ColumnType.NUMBER, "DOUBLE"),
        "BOOLEAN": (ColumnType.BOOLEAN, "BOOLEAN"),
        "DATE": (ColumnType.DATE, "DATE"),
        "TIMESTAMP": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_S": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_MS": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_NS": (ColumnType.DATE, "DATE"),
        "TIMESTAMP WITH TIME ZONE": (ColumnType.DATE, "DATE"),
    }
)
"""DuckDB's type of a physical column -> what it holds, and the type it is read as"""


def read_as(kind: str) -> tuple[ColumnType | None, str]:
    """What a DuckDB type holds and as which type it is read; ``None`` where it is not read."""
    base = kind.split("(")[0] if not kind.endswith("[]") else "LIST"
    return _TYPES.get(base, (None, "VARCHAR"))


def readable(name: str, read_as: str, source: Source) -> str:
    """One physical column with its missing values as NULL (pandas writes NaN for none)."""
    if read_as == "VARCHAR":
        nulls = ", ".join(literal(text) for text in dict.fromkeys(("", *source.format.null)))
        text = f"CAST({name} AS VARCHAR)"
        return f"CASE WHEN {text} NOT IN ({nulls}) THEN {text} END"
    if read_as == "DOUBLE":
        number = f"CAST({name} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END"
    return f"CAST({name} AS {read_as})"
