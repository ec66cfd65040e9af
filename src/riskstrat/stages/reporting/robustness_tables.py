"""What drills found, as a table that a report may show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.policies import Policy

NAME, FOUND = "robustness.json", "robustness_findings.json"
FILE = f"audit/{NAME}"
DRILLED = (FILE, f"audit/{FOUND}")
"""what drills put into a run's folder"""
COLUMNS = ("drill", "case", "metric", "at", "role", "value", "low", "high", "n", "positives")


def robustness_tables(folder: Path, policy: Policy) -> dict[str, Any]:
    """What the report says of the drills, by the names of ``ReportData``.

    Args:
        folder: of the run; nothing is said where no drill was done.
        policy: of the report.
    """
    if not (folder / FILE).exists():
        return {}
    drills: Mapping[str, Any] = read_json(folder / FILE)["drills"]
    rows = [_behind(row) for name in drills for row in drills[name]["rows"]]
    table = protect_estimates(
        "Drills", COLUMNS, [[row.get(name) for name in COLUMNS] for row in rows],
        policy=policy, positives="positives",
    )  # fmt: skip
    quick = sorted(name for name, told in drills.items() if told["quick"])
    return {"robustness": table, "robustness_quick": tuple(quick)}


def _behind(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the count behind a share of people: of two lists, those on both."""
    told = {**row, "at": None if row["at"] is None else float(row["at"])}
    if row["metric"] == "jaccard" and row["value"] is not None:
        alike = float(row["value"])
        on_both = round(row["n"] * 2 * alike / (1 + alike))
        # Two equal lists tell of nobody in particular.
        told["positives"] = on_both if on_both < row["n"] else None
    if row["metric"] == "always_listed" and row["value"] == 1:
        told["positives"] = None
    if row["metric"] == "named":
        told |= {"n": None, "value": float(row["value"])}
    return told
