"""Runs side by side: what the command line prints, and a small page of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from riskstrat.publish.pages import environment
from riskstrat.publish.tables import Record, Shown, records
from riskstrat.publish.wording import (
    METRICS,
    NOTHING,
    estimate,
    learner,
    metric,
    percent,
)
from riskstrat.vocabulary import Protected


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run in a comparison.

    Attributes:
        run_id: what heads its column.
        champion: the learner whose scores the run uses.
        verdict: how its gates ended, in words.
        performance, at_capacity: of `release.report_tables`, as in its report.
        facts: further rows, such as the digests of data and features.
    """

    run_id: str
    champion: str
    verdict: str
    performance: Protected
    at_capacity: Protected | None = None
    facts: tuple[tuple[str, str], ...] = ()


def compare_table(runs: Sequence[ComparedRun], *, split: str = "test") -> Shown:
    """Metrics down, runs across; each cell an estimate with its interval.

    Returns:
        Text ready to draw; a metric that a run lacks reads `n/a`.
    """
    lines = [_estimates(run, split) for run in runs]
    names = list(dict.fromkeys(name for line in lines for name in line))
    facts = list(dict.fromkeys(name for run in runs for name, _ in run.facts))
    rows = [
        ("Model", *(learner(run.champion) for run in runs)),
        ("Gates", *(run.verdict for run in runs)),
        *((name, *(line.get(name, NOTHING) for line in lines)) for name in names),
        *((name, *(dict(run.facts).get(name, NOTHING) for run in runs)) for name in facts),
    ]
    headers = (("", False), *((run.run_id, False) for run in runs))
    note = (
        "Each run is judged on its own held-out people. Where intervals overlap, the "
        "difference may be chance."
    )
    return Shown("Runs compared", headers, tuple(rows), note)


def render_compare(runs: Sequence[ComparedRun], *, title: str, split: str = "test") -> str:
    """The comparison as one self-contained page."""
    template = environment().get_template("compare.html.j2")
    return template.render(title=title, table=compare_table(runs, split=split))


def _estimates(run: ComparedRun, split: str) -> dict[str, str]:
    """Label -> estimate, of the run's champion."""
    overall = {
        row["metric"]: row for row in records(run.performance, split=split, learner=run.champion)
    }
    told = {metric(name): estimate(overall[name]) for name in METRICS if name in overall}
    at: Sequence[Record] = records(run.at_capacity, split=split, learner=run.champion)
    for row in sorted(at, key=lambda row: row["share"]):
        if row["metric"] in ("ppv", "sensitivity"):
            told[f"{metric(row['metric'])}, {percent(row['share'])} seen"] = estimate(row)
    return told
