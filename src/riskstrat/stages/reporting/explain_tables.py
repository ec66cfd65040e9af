"""What a run's folder holds about explanations and the rival, as tables that a report may show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskstrat.audit.effects import MIDDLE
from riskstrat.audit.stability import AGENCY, FEATURE
from riskstrat.disk import read_json
from riskstrat.publish.tables import PlainTable, records
from riskstrat.release import evidence
from riskstrat.release.amounts import enough_beside
from riskstrat.release.disclosure import protect_estimates
from riskstrat.release.policies import Policy
from riskstrat.vocabulary import Protected

Row = Mapping[str, Any]
GLASS_BOX = "glass_box"
EFFECT = ("feature", "meaning", "place", "level", "effect", "low", "high", "n")
RANGED = (
    "name", "meaning", "agency", "importance", "importance_low", "importance_high", "rank",
    "rank_low", "rank_high", "refits",
)  # fmt: skip


def explanation_tables(folder: Path, policy: Policy) -> dict[str, Any]:
    """What the report says of explanations, by the names of ``ReportData``.

    Args:
        folder: of the run; a run of an older version may hold none of it.
        policy: of the report.
    """
    audit = folder / "audit"
    found: dict[str, Any] = {}
    if (audit / "stability.parquet").exists():
        rows = [_renamed(row) for row in pq.read_table(audit / "stability.parquet").to_pylist()]
        for name, kind in (("stability", FEATURE), ("stability_by_agency", AGENCY)):
            mine = [row for row in rows if row["kind"] == kind]
            found[name] = PlainTable.of("Ranks over refits", RANGED, mine)
    if (audit / "effects.json").exists():
        found["effects"] = effect_table(read_json(audit / "effects.json"), policy)
    if (audit / "glassbox.json").exists():
        found |= _rival(audit, policy)
    return found


def _renamed(row: Row) -> Row:
    shares = ("", "_low", "_high")
    return {**row, **{f"importance{end}": row[f"share{end}"] for end in shares}}


def effect_table(rows: Sequence[Row], policy: Policy) -> Protected:
    """How values act, a bin a row; a bin of too few people is listed and withheld.

    The ends of the middle 80% are quantiles: they are somebody's own where few are beyond them.

    Args:
        rows: as ``audit.effects.effects`` tells them.
    """
    shown = [_without_few_beyond({**row, "level": row["value"]}, policy) for row in rows]
    cells = [tuple(row[name] for name in EFFECT) for row in shown]
    return protect_estimates(
        "How values act", EFFECT, cells, policy=policy, estimates=("effect", "low", "high"),
        not_people=("place",),
    )  # fmt: skip


def _without_few_beyond(row: Row, policy: Policy) -> Row:
    """A bin without the ends of its middle 80%, where few people are beyond them."""
    if all(enough_beside(row["n"], share, policy) for share in MIDDLE):
        return row
    return {**row, "low": None, "high": None}


def _rival(audit: Path, policy: Policy) -> dict[str, Any]:
    """The rival beside the winner, the differences, and its curves."""
    told = read_json(audit / "glassbox.json")
    winner = read_json(audit.parent / "metrics.json")["test"][told["winner"]]
    beside = {
        "test": {
            name: {
                **{metric: found[which] for metric, found in told["metrics"].items()},
                "at_capacity": [_cut(at, which) for at in told["at_capacity"]],
                "rows_each": winner.get("rows_each"),
            }
            for name, which in ((told["winner"], "first"), (GLASS_BOX, "second"))
        }
    }
    performance = evidence.performance_table(beside, policy)
    at_capacity = evidence.capacity_table(beside, policy)
    importance = [
        {**row, "importance": row["share"]} for row in read_json(audit / "glassbox_importance.json")
    ]
    return {
        "rival_performance": performance,
        "rival_at_capacity": at_capacity,
        "rival_differences": _differences(told, performance, at_capacity, policy),
        "rival_effects": effect_table(read_json(audit / "glassbox_effects.json"), policy),
        "rival_importance": PlainTable.of(
            "What the glass box rests on",
            ("feature", "meaning", "agency", "importance"),
            importance,
        ),
    }


def _cut(at: Row, which: str) -> dict[str, Any]:
    named = {name: found[which] for name, found in at.items() if name != "share"}
    return {"share": at["share"], "selected": named["ppv"]["n"], **named}


def _differences(
    told: Row, performance: Protected, at_capacity: Protected, policy: Policy
) -> Protected:
    """The rival less the winner; withheld where either of the two is."""
    hidden = {
        (row["metric"], row.get("share"))
        for table in (performance, at_capacity)
        for row in records(table)
        if row["status"] == "withheld"
    }
    rows: list[tuple[str, float | None, Mapping[str, Any]]] = [
        (name, None, found["difference"]) for name, found in told["metrics"].items()
    ]
    rows += [
        (name, float(at["share"]), found["difference"])
        for at in told["at_capacity"]
        for name, found in at.items()
        if name != "share"
    ]
    return protect_estimates(
        "The glass box less the model in use",
        ("metric", "share", "value", "low", "high", "n"),
        [(name, at, d["value"], d["low"], d["high"], d["n"]) for name, at, d in rows],
        policy=policy,
        withhold=[(name, at) in hidden for name, at, _ in rows],
    )
