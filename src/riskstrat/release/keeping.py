"""Protected tables as the store keeps them, and as their policy would have made them."""

from __future__ import annotations

from typing import Any

from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Counted, Protected


def kept(table: Protected) -> dict[str, Any]:
    """A protected table as plain JSON values, for `disclosure.restored`.

    It is for the store, and does not leave: it tells which counts are hidden for others' sake.
    """
    counted = table.counted
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
        "policy": table.policy,
        "suppressed": table.suppressed,
        "note": table.note,
        "counts": list(table.counts),
        "has_total": table.has_total,
        "counted": {name: getattr(counted, name) for name in Counted.__dataclass_fields__}
        if counted
        else None,
        "hidden": sorted(list(cell) for cell in table.hidden),
        "unsure": sorted(list(cell) for cell in table.unsure),
        "few_left": sorted(table.few_left),
    }


def unlike_its_policy(table: Protected, policy: Policy) -> dict[str, int]:
    """Column -> how many of its counts are shown in a way that a policy would not."""
    last = len(table.rows) - table.has_total
    found = {}
    for column in table.counts:
        place = table.columns.index(column)
        cells = [row[place] for row in table.rows]
        wrong = sum(
            cell is not None
            and (policy.rounded(cell) if number < last else policy.total(cell)) != cell
            for number, cell in enumerate(cells)
        )
        if wrong:
            found[column] = wrong
    return found
