"""Finished runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.publish.compare import ComparedRun, compare_table
from riskstrat.release import evidence
from riskstrat.release.policies import policy_named
from riskstrat.store.worker import Progress


def compare(folders: Sequence[Path], split: str, *, progress: Progress) -> dict[str, Any]:
    """Runs side by side: metrics with intervals, gates, and what each was made from."""
    progress(0.1, "comparing")
    runs = [_compared(folder) for folder in folders]
    shown = compare_table(runs, split=split)
    return {
        "title": shown.caption,
        "columns": [text for text, _ in shown.headers],
        "rows": [list(row) for row in shown.rows],
        "note": shown.note,
    }


def _compared(folder: Path) -> ComparedRun:
    run, metrics = read_json(folder / "run.json"), read_json(folder / "metrics.json")
    policy = policy_named(read_json(folder / "report.json")["policy"])
    gates = run["verdict"]["gates"]
    digests = run["digests"]
    kept = (
        f"{sum(gate['passed'] for gate in gates)} of {len(gates)} passed" if gates else "none set"
    )
    return ComparedRun(
        run_id=run["run_id"],
        champion=read_json(folder / "training.json")["winner"],
        verdict=kept,
        performance=evidence.performance_table(metrics, policy),
        at_capacity=evidence.capacity_table(metrics, policy),
        facts=tuple(
            (f"{name} digest", digests[name][:12]) for name in ("study", "data", "features")
        ),
    )
