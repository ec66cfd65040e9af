"""What the audit left on fairness, as tables and sentences that a report may show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskstrat.audit.comparisons import check_comparisons
from riskstrat.disk import read_json
from riskstrat.release import equity_tables as make
from riskstrat.release import evidence
from riskstrat.release.mitigation_tables import mitigation_table
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Protected

EVERYONE, NOBODY, GAINED = "everyone", "nobody", "_gained"
NOT_DRAWN = ("base_rate",)
"""its line is that of acting for everybody, and then for nobody"""


def equity_tables(
    folder: Path, told: Mapping[str, Any], policy: Policy, fairness: Protected, capacity: float
) -> dict[str, Any]:
    """What the report says of kinds of fairness, by the names of ``ReportData``.

    Args:
        folder: of the run; one of an earlier version has none of this, and nothing is told.
        told: the study file's facts.
        policy: of the report.
        fairness: what is withheld there is withheld here too.
        capacity: the share at which the report speaks.
    """
    if not (folder / "audit/tradeoffs.parquet").exists():
        return {}
    hidden = make.hidden_levels(fairness)
    benefit = _rows(folder, "net_benefit")
    by_group = [r for r in benefit if r["group"] != EVERYONE and r["policy"] != NOBODY]
    found: dict[str, Any] = {
        "tradeoffs": make.tradeoff_table(_rows(folder, "tradeoffs"), policy, fairness, capacity),
        "curves": make.curve_table_by_group(_rows(folder, "calibration_curves"), policy, hidden),
        "need": make.need_table(_rows(folder, "need"), policy, hidden),
        "proxies": make.proxy_table(_rows(folder, "proxies"), policy, hidden),
        "benefit": make.benefit_table(by_group, policy, hidden),
        "compared": _compared(folder),
        "label_bias": str(told["audit"].get("label_bias") or "").strip(),
    }
    if benefit:
        found["decision"] = _decision(benefit, policy)
    tried = folder / "audit/mitigation.json"
    if tried.exists():
        groups = read_json(tried)["groups"]
        found["mitigation"] = mitigation_table(groups, policy)
        found["remedies"] = tuple(_remedies(one) for one in groups)
    return found


def _remedies(one: Mapping[str, Any]) -> dict[str, Any]:
    """What remedies are, without a count of people."""
    kept = ("group", "at", "too_few", "dropped", "remedies", "notes")
    return {name: one[name] for name in kept}


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / f"audit/{name}.parquet").to_pylist()
    return rows


def _compared(folder: Path) -> tuple[str, ...]:
    table = pq.read_table(folder / "audit/comparisons.parquet")
    return tuple(
        f"{found.message[:1].upper()}{found.message[1:]}." for found in check_comparisons(table)
    )


def _decision(rows: list[dict[str, Any]], policy: Policy) -> Protected:
    """The decision curve of everybody: the model, rules of thumb, acting for all and for none."""
    drawn = [
        {
            "learner": row["policy"],
            "probability_threshold": row["threshold"],
            "net_benefit": row["value"],
            "n": row["n"],
        }
        for row in rows
        if row["group"] == EVERYONE
        and not row["policy"].endswith(GAINED)
        and row["policy"] not in NOT_DRAWN
    ]
    return evidence.curve_table(
        "Net benefit", drawn, policy, values=("probability_threshold", "net_benefit")
    )
