"""Predictions as a table, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from riskstrat.statistics.overall import evaluate
from riskstrat.training.rows import FloatArray, IntArray, Rows
from riskstrat.training.spec import TrainingSpec

SPLITS = ("test", "validation")

PREDICTIONS = pa.schema(
    [
        ("unit_id", pa.string()),
        ("as_of", pa.date32()),
        ("split", pa.string()),
        ("learner", pa.string()),
        ("outcome", pa.bool_()),
        ("risk", pa.float64()),
        ("raw_score", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions of one entrant on one split; ``rows`` rise."""

    split: str
    learner: str
    rows: IntArray
    risk: FloatArray
    raw: FloatArray


def judge(
    scored: Sequence[Scored],
    rows: Rows,
    spec: TrainingSpec,
    capacity: Sequence[float],
    *,
    seed: int,
    judged_one: Callable[[Scored], None],
    by_date: bool = False,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Every metric with its interval; the same resamples for all learners of a split.

    Ranking metrics and capacities are taken on the raw score, which has fewer ties than the
    risk; all others on the risk.

    Args:
        scored: predictions of every learner and baseline.
        rows: the rows they are about.
        spec: names the clusters and the number of resamples.
        capacity: shares to report.
        seed: of the resamples.
        judged_one: told after each.
        by_date: whether each date has a list of its own; else all rows are one ranking.
    """
    units = rows.labels("unit")
    found: dict[str, dict[str, dict[str, Any]]] = {split: {} for split in SPLITS}
    for one in scored:
        outcome = rows.outcome[one.rows]
        judged = evaluate(
            outcome,
            one.risk,
            ranking=one.raw,
            clusters=rows.clusters(spec.cluster, one.rows),
            shares=capacity,
            replicates=spec.replicates,
            rng=np.random.default_rng([seed, SPLITS.index(one.split)]),
            lists=rows.as_of[one.rows] if by_date else None,
        )
        found[one.split][one.learner] = judged.as_dict() | {
            "n": judged.n,
            "outcomes": judged.positives,
            "prevalence": judged.positives / judged.n,
            # Where several dates are judged on, the same people are told of several times.
            "rows_each": int(np.unique(units[one.rows], return_counts=True)[1].max(initial=0)),
        }
        judged_one(one)
    return found


def as_table(rows: Rows, one: Scored) -> pa.Table:
    """One entrant's predictions on one split as ``PREDICTIONS``."""
    n = len(one.rows)
    return pa.table(
        [
            *rows.keys(one.rows).columns,
            pa.repeat(one.split, n),
            pa.repeat(one.learner, n),
            pa.array(rows.outcome[one.rows]),
            pa.array(one.risk),
            pa.array(one.raw),
        ],
        schema=PREDICTIONS,
    )
