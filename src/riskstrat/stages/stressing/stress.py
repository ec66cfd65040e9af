"""One drill in its child process, and all that were done put into the run's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from riskstrat.disk import read_json, write_bytes, write_json
from riskstrat.publish.report import render_report
from riskstrat.robustness.checks import findings
from riskstrat.signoff.binding import REVIEW
from riskstrat.stages.engine import as_rows
from riskstrat.stages.jobs import Job
from riskstrat.stages.reporting.pack_again import pack_again
from riskstrat.stages.reporting.review import review_tables
from riskstrat.stages.reporting.robustness_tables import FOUND, NAME
from riskstrat.stages.reporting.shown import report_data
from riskstrat.stages.stressing import drills
from riskstrat.stages.stressing.bench import set_up
from riskstrat.stages.stressing.missing_agency import missing_agency
from riskstrat.stages.stressing.planted_leaks import planted_leaks
from riskstrat.store.artefacts import Store
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.training.again import LEARNS

DRILLS: Mapping[str, Any] = MappingProxyType(
    {
        "ablation": drills.ablation,
        "transport": drills.transport,
        "later_year": drills.later_year,
        "stability": drills.stability,
        "missing_agency": missing_agency,
        "learning_curve": drills.learning_curve,
        "permutation": drills.permutation,
        "planted_leaks": planted_leaks,
    }
)
"""name -> the drill; `pipeline.stress.DRILLS` has the same names, and a test holds both to it"""
AS_IT_IS = frozenset({"missing_agency", "planted_leaks"})
"""drills that do not learn the model again"""


def drill(job: Job, name: str, quick: bool, *, progress: Progress) -> dict[str, Any]:
    """Do one drill: its numbers as plain rows, and what it cost."""
    progress(0.0, "setting the run out")
    bench = set_up(job, quick=quick)
    if bench.model.kind not in LEARNS and name not in AS_IT_IS:
        rows = [drills.undone(name, "the winner is a published score, which learns nothing")]
    else:
        rows = list(DRILLS[name](bench, progress))
    return {"rows": rows, "rows_out": len(rows), "peak_mb": peak_mb()}


def put(
    store: Store,
    results: Mapping[str, Sequence[Mapping[str, Any]]],
    quick: bool,
    folder: Path,
    again: bool,
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Write what drills found into a folder, with their findings; what it holds of others stays.

    Args:
        store: of the run.
        results: drill -> its rows.
        quick: whether they were done with fewer repetitions.
        folder: ``audit`` of a run's folder, or one beside it.
        again: make the run's report, what reviewers are shown and the pack again.
        progress: told how far it is.
    """
    known = read_json(folder / NAME)["drills"] if (folder / NAME).exists() else {}
    told = {name: {"quick": quick, "rows": list(rows)} for name, rows in results.items()}
    drilled = {**known, **told}
    rows = [row for name in DRILLS if name in drilled for row in drilled[name]["rows"]]
    found = findings(rows)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / NAME, {"drills": drilled})
    write_json(folder / FOUND, as_rows(found))
    if again:
        progress(0.3, "report")
        _renew(store, folder.parent, progress)
    counts: dict[str, int] = {}
    for each in found:
        counts[each.severity.value] = counts.get(each.severity.value, 0) + 1
    return {"findings": counts, "drills": sorted(drilled)}


def _renew(store: Store, run: Path, progress: Progress) -> None:
    """All that tells of a run's audit, from its files as they are now; its manifest last."""
    data = report_data(run, None, read_json(run / "report.json"))
    write_bytes(run / "report.html", render_report(data).page.encode())
    write_json(run / REVIEW, review_tables(data))
    pack_again(store, run, None, False, progress=progress)
