"""The attributes that audits, folds and baselines tell units apart by, as known on the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from riskstrat.asof import known_attributes, literal, quoted
from riskstrat.vocabulary import ColumnType, Unit

if TYPE_CHECKING:
    from riskstrat.attributes import Attribute
    from riskstrat.contracts.spec import Source

NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.NUMBER})


def build_groups(
    con: duckdb.DuckDBPyConnection,
    attributes: Mapping[str, Attribute],
    sources: Mapping[str, Source],
    unit: Unit,
    age_bands: Sequence[int],
    out: Path,
    *,
    pairs: str = "pairs",
) -> int:
    """Write one column per attribute for every pair, sorted by (as_of, unit_id).

    Args:
        con: a connection with ``pairs``, the views ``source_<name>`` and ``relations``.
        attributes: column, as the study spells it -> attribute.
        sources: the contracts, by name.
        unit: the study's unit.
        age_bands: lowest age of each band.
        out: the Parquet file to write (zstd); whoever calls renames it into place.
        pairs: the table of (unit_id, as_of), each pair once; ``cohort`` will do.

    Returns:
        How many rows were written. Categories are VARCHAR (booleans ``yes`` and ``no``, dates
        in ISO form), numbers without codes DOUBLE; what was not known on the day is NULL.
    """
    known = known_attributes(pairs, attributes, sources, age_bands, unit=unit)
    columns = "".join(f", {_cell(name, attribute)}" for name, attribute in attributes.items())
    con.execute(
        f"COPY (SELECT unit_id, as_of{columns} FROM ({known}) ORDER BY as_of, unit_id) "
        f"TO {literal(out.as_posix())} (FORMAT parquet, COMPRESSION zstd)"
    )
    [(rows,)] = con.execute(f"SELECT count(*) FROM {pairs}").fetchall()
    return int(rows)


def _cell(name: str, attribute: Attribute) -> str:
    column = quoted(name)
    if attribute.type is ColumnType.BOOLEAN:
        value = f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    elif attribute.type in NUMERIC and not attribute.levels:
        value = f"CAST({column} AS DOUBLE)"
    else:
        value = f"CAST({column} AS VARCHAR)"
    return f"{value} AS {column}"
