"""Which learner wins: of those as good as the best on validation, the simplest.

The best number of two that lie within chance of each other is a toss of a coin, and it would fall
otherwise for the same people under other pseudonyms. So the simplest learner wins that is within
one standard error of the best, the error being that of the paired difference (the one-standard-
error rule: Breiman et al. 1984, Classification and Regression Trees, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from riskstrat.statistics.estimate import NORMAL_QUANTILE
from riskstrat.statistics.paired import Scorer, compare
from riskstrat.training.results import SPLITS, Scored
from riskstrat.training.rows import Rows
from riskstrat.training.spec import TrainingSpec
from riskstrat.training.tune import DIRECTION

SIMPLICITY = MappingProxyType({"existing_score": 0, "logistic_regression": 1, "lightgbm": 2})
"""kind of learner -> how much there is to understand; the lower, the simpler"""
REPLICATES = 200
"""resamples; a standard error needs fewer than the ends of an interval"""


def choose(
    scored: Sequence[Scored],
    metrics: Mapping[str, Any],
    rows: Rows,
    spec: TrainingSpec,
    *,
    seed: int,
) -> tuple[str, tuple[str, ...]]:
    """The learner that wins, and a sentence if a better number was passed over.

    Args:
        scored: predictions of every learner, of which those on validation are read.
        metrics: of ``judge``; the study's ``tune.metric`` says which is best.
        rows: the rows they are about.
        spec: names the learners, the metric and the clusters.
        seed: of the resamples.
    """
    metric = spec.tune.metric
    sign = 1.0 if DIRECTION[metric] == "maximize" else -1.0
    values = {
        learner.name: sign * found
        for learner in sorted(spec.learners, key=lambda learner: SIMPLICITY[learner.kind])
        if (found := metrics["validation"][learner.name][metric]["value"]) is not None
    }
    if not values:
        return spec.learners[0].name, ()
    best = max(values, key=lambda name: values[name])
    seen = {one.learner: one for one in scored if one.split == "validation"}
    for name in list(values)[: list(values).index(best)]:
        ahead = values[best] - values[name]
        if ahead <= _standard_error(seen[name], seen[best], rows, spec, seed=seed):
            return name, (
                f"{name} is used: {best} is ahead on validation by {ahead:.4f} of "
                f"{metric.replace('_', ' ')}, which is within one standard error.",
            )
    return best, ()


def _standard_error(
    one: Scored, other: Scored, rows: Rows, spec: TrainingSpec, *, seed: int
) -> float:
    """Of the difference between two learners, by a paired clustered bootstrap; NaN without one."""
    found = compare(
        rows.outcome[one.rows],
        Scorer(risk=one.risk, raw=one.raw),
        Scorer(risk=other.risk, raw=other.raw),
        clusters=rows.clusters(spec.cluster, one.rows),
        replicates=REPLICATES,
        rng=np.random.default_rng([seed, len(SPLITS)]),
    )
    difference = found.metrics[spec.tune.metric].difference
    return (difference.high - difference.low) / (2 * NORMAL_QUANTILE)
