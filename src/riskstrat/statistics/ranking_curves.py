"""The table behind the chart of a ranking: what a list of each length finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capacity import AtCapacity, capacity_kernel, plan_capacities
from .estimate import binary, both_classes, finite, same_length
from .ranked import cumulate, find_lists, rank_rows
from .resample import find_clusters, replicate


def lift_curve(
    y: NDArray[Any],
    ranking: NDArray[Any],
    shares: Sequence[float],
    *,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    rng: np.random.Generator,
    lists: NDArray[Any] | None = None,
) -> tuple[AtCapacity, ...]:
    """Lift, sensitivity and PPV over capacities: ``evaluate``'s ``at_capacity`` alone.

    The score is taken as a ranking only, so ``net_benefit`` and ``risk_threshold`` are NaN.
    ``lists`` are those of ``evaluate``.

    Raises:
        NotEstimable: one class, a missing score, or a share outside (0, 1].
    """
    same_length(y=y, ranking=ranking, clusters=y if clusters is None else clusters)
    outcome, score = both_classes(binary(y)), finite("ranking", ranking)
    who = find_clusters(clusters, len(outcome))
    ranked = rank_rows(outcome, score, who, lists=find_lists(lists, len(outcome)))
    plan = plan_capacities(shares, ranked, score, probability=False)
    found = replicate(
        lambda weights: capacity_kernel(cumulate(ranked, weights), plan),
        len(outcome),
        who.count,
        replicates,
        rng,
    )
    return plan.estimates(found, score[ranked.rows])
