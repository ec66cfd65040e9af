"""Two models on the same people: what each achieves, and what lies between them.

The same resamples serve both, so what they have in common cancels out: the interval of a
difference is far narrower than the difference of two intervals. Whole clusters are resampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstrat.statistics import paired
from riskstrat.statistics.estimate import BoolArray, Estimate, IntArray
from riskstrat.statistics.paired import Scorer

OVERALL = ("auroc", "average_precision", "brier", "calibration_in_the_large")
AT = ("ppv", "sensitivity")
FIRST, SECOND, GAINED = "first", "second", "difference"


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of two models on the same people.

    Attributes:
        metric: its name.
        at: the capacity it is taken at, or None.
        first, second: of each model.
        difference: first less second.
    """

    metric: str
    at: float | None
    first: Estimate
    second: Estimate
    difference: Estimate

    def rows(self, drill: str, case: str) -> Iterable[dict[str, Any]]:
        """As rows of the table of drills; a proportion tells the count behind it."""
        counted = self.metric in ("ppv", "sensitivity")
        for role, number in ((FIRST, self.first), (SECOND, self.second), (GAINED, self.difference)):
            behind = round(number.value * number.n) if counted and number.estimable else None
            count = None if role == GAINED else behind
            yield row(drill, case, self.metric, role, number, at=self.at, positives=count)


def row(
    drill: str,
    case: str,
    metric: str,
    role: str,
    number: Estimate,
    *,
    at: float | None = None,
    positives: int | None = None,
) -> dict[str, Any]:
    """One number of a drill: drill, case, metric, at, role, value, low, high, n, positives."""
    told = {"drill": drill, "case": case, "metric": metric, "at": at, "role": role}
    return {**told, **number.as_dict(), "positives": positives}


def compare(
    y: BoolArray,
    first: Scorer,
    second: Scorer,
    *,
    clusters: IntArray,
    shares: Sequence[float],
    replicates: int,
    rng: np.random.Generator,
    lists: IntArray | None = None,
) -> list[Compared]:
    """Discrimination, what a list of each length finds, and the Brier score, of two models.

    Args:
        y: bool (n,), the outcome.
        first, second: what the models say of the same people.
        clusters: int (n,), what is resampled whole.
        shares: capacities.
        replicates: resamples.
        rng: source of the resamples.
        lists: int (n,), the list of each row; None: one list.

    Raises:
        NotEstimable: one class only, or a share outside (0, 1].
    """
    found = paired.compare(
        y, second, first, clusters=clusters, shares=shares, replicates=replicates, rng=rng,
        slow=False, lists=lists,
    )  # fmt: skip
    overall = [(name, None, found.metrics[name]) for name in OVERALL]
    at = [(name, share, told[name]) for share, told in found.at_capacity.items() for name in AT]
    return [
        Compared(name, share, told.second, told.first, told.difference)
        for name, share, told in (*overall, *at)
    ]
