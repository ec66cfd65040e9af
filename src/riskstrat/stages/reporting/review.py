"""What a reviewer is shown of a run: kept with it, and so among the bytes that are signed."""

from __future__ import annotations

from typing import Any

from riskstrat.publish.report_data import ReportData
from riskstrat.vocabulary import Protected

COLUMNS = {
    "Gates": ("text", "verdict", "value", "low", "high", "n"),
    "Findings": ("code", "severity", "where", "message"),
}
"""table -> its columns that a reviewer sees, in their order"""


def review_tables(data: ReportData) -> dict[str, Any]:
    """Gates and findings under disclosure control, as plain values; numbers to three places.

    Args:
        data: of the report, whose tables are protected.
    """
    found = (table for table in (data.gates, data.findings) if table is not None)
    return {"policy": data.policy, "tables": [_plain(table) for table in found]}


def _plain(table: Protected) -> dict[str, Any]:
    columns = COLUMNS[table.title]
    at = [table.columns.index(name) for name in columns]
    rows = [[_rounded(row[place]) for place in at] for row in table.rows]
    return {"title": table.title, "columns": list(columns), "rows": rows}


def _rounded(cell: Any) -> Any:
    return round(cell, 3) if isinstance(cell, float) else cell
