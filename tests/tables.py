"""Test data drawn as a small table in the test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from riskstrat.contracts.spec import Source
from riskstrat.expressions import Expression, parse
from riskstrat.vocabulary import Codelist, ColumnType

_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
TYPES: Mapping[str, tuple[pa.DataType, Callable[[str], Any]]] = MappingProxyType(
    {
        "string": (pa.string(), str),
        "date": (pa.date32(), date.fromisoformat),
        "integer": (pa.int64(), int),
        "number": (pa.float64(), float),
        "boolean": (pa.bool_(), _YES_NO.__getitem__),
    }
)


def table(drawing: str) -> pa.Table:
    """Read a drawing: a header of ``name:type`` (string by default), a rule, then rows.

    Columns are told apart by ``|``; an empty cell, or one with only a dash, is NULL.

    Examples:
        >>> table('''
        ...     unit_id | happened_on:date | cost:number
        ...     --------+------------------+------------
        ...     ann     | 2024-03-31       | 2.5
        ...     bob     | 2024-04-01       |
        ... ''').num_rows
        2
    """
    lines = [line.strip() for line in drawing.strip().splitlines() if line.strip()]
    header, *rows = [line for line in lines if set(line) - set("-+|= ")]
    named = [cell.strip().partition(":") for cell in header.split("|")]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    for row in cells:
        if len(row) != len(named):
            raise ValueError(f"a row has {len(row)} cells, the header {len(named)}")
    columns = {}
    for place, (name, _, kind) in enumerate(named):
        arrow, read = TYPES[kind.strip() or "string"]
        values = [read(row[place]) if row[place] not in ("", "-") else None for row in cells]
        columns[name.strip()] = pa.array(values, arrow)
    return pa.table(columns)


def register(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | str) -> None:
    """Make a table, or a drawing of one, a view of the connection."""
    con.register(name, table(rows) if isinstance(rows, str) else rows)


def connection(**views: pa.Table | str) -> duckdb.DuckDBPyConnection:
    """A small DuckDB with these views."""
    con = duckdb.connect()
    con.execute("SET TimeZone='UTC'; SET threads=2")
    for name, rows in views.items():
        register(con, name, rows)
    return con


def rows_of(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    found: Iterable[tuple[Any, ...]] = con.execute(sql).fetchall()
    return list(found)


def contract(name: str, columns: Mapping[str, Any], **says: Any) -> Source:
    """A source's contract with only what the test is about.

    ``columns`` gives each column's type, or all it says. By default the source is about people,
    is complete for 2000 to 2030, and a row is known when the column ``known_on`` says.
    """
    declared: dict[str, Any] = {"unit_id": "string", **columns}
    if isinstance(says.setdefault("known_on", "known_on"), str):
        declared["known_on"] = "date"
    spells = says.get("shape") == "spells"
    for day in ("starts_on", "ends_on") if spells else ("happened_on",):
        declared.setdefault(says.setdefault(day, day), "date")
    says = {
        "title": name.replace("_", " "),
        "agency": "the agency",
        "agreement": "agreement",
        "file": f"{name}.parquet",
        "row": name.removesuffix("s").replace("_", " "),
        "shape": "events",
        "unit": "person",
        "unit_key": "unit_id",
        "coverage": {"from": "2000-01-01", "to": "2030-01-01"},
        "columns": {c: {"type": k} if isinstance(k, str) else k for c, k in declared.items()},
        **says,
    }
    return Source.model_validate({"source": name, **says})


def expression(text: str, columns: Mapping[str, str], **codelists: Codelist) -> Expression:
    """A parsed expression over columns of these types."""
    types = {name: ColumnType(kind) for name, kind in columns.items()}
    return parse(text, types, codelists, "test")
