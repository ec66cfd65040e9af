"""Two models on the same rows: every measure of each, and their difference, paired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.statistics.capacity import capacity_kernel, plan_capacities
from riskstrat.statistics.probability import find_runs, point_fit, recalibrate
from riskstrat.statistics.ranked import cumulate, rank_rows, ranked_auroc
from riskstrat.statistics.resample import Clusters, find_clusters, replicate

REPLICATES, SEED = 1000, 1
Kernel = Callable[[NDArray[Any]], dict[Any, NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model says of some rows, and what then happened.

    Attributes:
        y: bool (n,), the outcome.
        risk: float (n,), calibrated.
        raw: float (n,), by which rows are ranked.
    """

    y: NDArray[Any]
    risk: NDArray[Any]
    raw: NDArray[Any]


def measures(scored: Scored, who: Clusters, shares: Sequence[float]) -> Kernel:
    """AUROC, calibration slope, and PPV and sensitivity of lists, for every resample."""
    ranked = rank_rows(scored.y, scored.raw, who, risk=scored.risk)
    by_risk = rank_rows(scored.y, scored.risk, who)
    plan = plan_capacities(shares, ranked, scored.risk, probability=True)
    steps = find_runs(scored.risk[by_risk.rows])
    start = point_fit(cumulate(by_risk, np.ones((1, who.count))), steps)

    def kernel(weights: NDArray[Any]) -> dict[Any, NDArray[Any]]:
        counts = cumulate(ranked, weights)
        slope = recalibrate(cumulate(by_risk, weights), steps, start)[1]
        told = {"AUROC": ranked_auroc(counts), "calibration slope": slope}
        at = capacity_kernel(counts, plan)
        for cut in plan.cuts:
            told[f"PPV at {cut.share:.1%}"] = at[cut.name, "ppv"]
            told[f"sensitivity at {cut.share:.1%}"] = at[cut.name, "sensitivity"]
        return told

    return kernel


def compare(
    models: Mapping[str, Scored], clusters: NDArray[Any], shares: Sequence[float]
) -> dict[str, dict[str, Any]]:
    """Each measure by each of two models, and under ``lost`` the first's less the second's.

    Args:
        models: name -> scores, of the same rows in the same order.
        clusters: (n,), what is resampled whole.
        shares: lengths of lists.

    Returns:
        measure -> the models' names and ``lost`` -> value, low, high, n.
    """
    first, second = models
    who = find_clusters(clusters, len(clusters))
    kernels = {name: measures(each, who, shares) for name, each in models.items()}

    def kernel(weights: NDArray[Any]) -> dict[Any, NDArray[Any]]:
        told = {name: each(weights) for name, each in kernels.items()}
        out = {(n, name): v for name, found in told.items() for n, v in found.items()}
        return out | {(n, "lost"): v - told[second][n] for n, v in told[first].items()}

    found = replicate(kernel, len(clusters), who.count, REPLICATES, np.random.default_rng(SEED))
    estimates = {key: found.estimate(key, len(clusters)).as_dict() for key in found.point}
    names = dict.fromkeys(name for name, _ in estimates)
    return {name: {w: estimates[name, w] for w in (first, second, "lost")} for name in names}
