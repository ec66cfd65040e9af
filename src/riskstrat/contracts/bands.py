"""How surely a row belongs to its unit, where the linker said so: a column of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from riskstrat.asof import literal, quoted
from riskstrat.contracts.tables import RawTable

LINK_BAND = "link_band"
"""the column of a linked extract that no contract names: exact, high, medium, low or alone; empty
where a row names nobody"""


def of_bands(table: RawTable, bands: Sequence[str]) -> RawTable:
    """Of an extract's rows, those whose link is in one of the bands, or that have none.

    Args:
        table: an extract; one without the column stays as it is.
        bands: those to keep; none given keeps every row.
    """
    if not bands or LINK_BAND not in table.columns:
        return table
    listed = ", ".join(map(literal, bands))
    kept = f"coalesce({quoted(LINK_BAND)} IN ({listed}), true)"
    where = f"({table.where}) AND {kept}" if table.where else kept
    return replace(table, sql=f"SELECT * FROM ({table.sql}) AS linked WHERE {kept}", where=where)
