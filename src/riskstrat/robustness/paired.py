"""Two models on the same people: what each achieves, and what lies between them.

The same resamples serve both, so what they have in common cancels out: the interval of a
difference is far narrower than the difference of two intervals. Whole clusters are resampled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstrat.statistics.capacity import checked_share
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, IntArray, both_classes
from riskstrat.statistics.ranked import (
    Cumulated,
    RankedRows,
    cumulate,
    cut_point,
    rank_rows,
    ranked_auroc,
    ranked_average_precision,
    taken,
)
from riskstrat.statistics.resample import Clusters, Key, Replicates, find_clusters, replicate

FIRST, SECOND, GAINED = "first", "second", "difference"


@dataclass(frozen=True, slots=True)
class Scored:
    """What a model says of some people.

    Attributes:
        raw: float (n,), ranks them.
        risk: float (n,), calibrated.
    """

    raw: FloatArray
    risk: FloatArray


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
    first: Scored,
    second: Scored,
    *,
    clusters: IntArray,
    shares: Sequence[float],
    replicates: int,
    rng: np.random.Generator,
) -> list[Compared]:
    """Discrimination, what a list of each length finds, and the Brier score, of two models.

    Args:
        y: bool (n,), the outcome.
        first, second: what the models say of the same people.
        clusters: int (n,), what is resampled whole.
        shares: capacities.
        replicates: resamples.
        rng: source of the resamples.

    Raises:
        NotEstimable: one class only, or a share outside (0, 1].
    """
    outcome = both_classes(y)
    who = find_clusters(clusters, len(outcome))
    cuts = [checked_share(share) for share in shares]
    sides = {FIRST: _Side.of(outcome, first, who), SECOND: _Side.of(outcome, second, who)}

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        found: dict[Key, FloatArray] = {}
        for name, side in sides.items():
            found |= {(name, *key): values for key, values in side.measures(weights, cuts).items()}
        for key in [key[1:] for key in found if key[0] == FIRST]:
            found[GAINED, *key] = found[FIRST, *key] - found[SECOND, *key]
        return found

    drawn = replicate(kernel, len(outcome), who.count, replicates, rng)
    keys = dict.fromkeys(key[1:] for key in drawn.point)
    return [_compared(drawn, key, outcome) for key in keys]


@dataclass(frozen=True, slots=True)
class _Side:
    """One model's rows in rank order, and what each adds to its Brier score."""

    ranked: RankedRows
    squared: FloatArray
    expected: FloatArray

    @classmethod
    def of(cls, y: BoolArray, scored: Scored, who: Clusters) -> _Side:
        ranked = rank_rows(y, scored.raw, who, risk=scored.risk)
        risk = scored.risk[ranked.rows]
        return cls(ranked, (risk - y[ranked.rows]) ** 2, risk)

    def measures(self, weights: FloatArray, cuts: Sequence[float]) -> dict[Key, FloatArray]:
        counts = cumulate(self.ranked, weights)
        found: dict[Key, FloatArray] = {
            ("auroc",): ranked_auroc(counts),
            ("average_precision",): ranked_average_precision(counts),
            ("brier",): counts.weights @ self.squared / counts.n,
            ("calibration_in_the_large",): counts.n_positive / (counts.weights @ self.expected),
        }
        for share in cuts:
            found |= _at(counts, share)
        return found


def _at(counts: Cumulated, share: float) -> dict[Key, FloatArray]:
    cut = cut_point(counts, share)
    _, true = taken(counts, cut)
    return {
        ("ppv", repr(share)): true / cut.k,
        ("sensitivity", repr(share)): true / counts.n_positive,
    }


def _compared(drawn: Replicates, key: Key, y: BoolArray) -> Compared:
    metric, at = key[0], float(key[1]) if len(key) > 1 else None
    n, positives = len(y), int(y.sum())
    if metric == "ppv" and at is not None:
        n = max(1, round(at * n))
    if metric == "sensitivity":
        n = positives
    first, second, gained = (drawn.estimate((side, *key), n) for side in (FIRST, SECOND, GAINED))
    return Compared(metric, at, first, second, gained)
