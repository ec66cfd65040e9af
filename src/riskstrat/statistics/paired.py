"""Two scorers on the same people: how much better one does, with an interval of the difference.

Both are computed in every resample, so that what makes a resample easy or hard for both cancels
out; two intervals side by side would hide a difference that all resamples agree on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capacity import CapacityPlan, plan_capacities
from .estimate import Estimate, FloatArray, folded_estimate, same_length
from .overall import ECE_NOISE, METRICS, SLOW_METRICS, kernel_of, prepare
from .resample import Key, replicate

AT_CAPACITY = ("ppv", "sensitivity", "net_benefit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """One scorer's view of the rows.

    Attributes:
        risk: float (n,), calibrated.
        raw: float (n,), what it ranks by.
    """

    risk: NDArray[Any]
    raw: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two scorers.

    Attributes:
        first, second: with their own intervals, from the same resamples.
        difference: second less first.
    """

    first: Estimate
    second: Estimate
    difference: Estimate

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name).as_dict() for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every metric of two scorers on the same rows.

    Attributes:
        metrics: every name in ``METRICS``, or those of them that are quick.
        at_capacity: share -> metric of ``AT_CAPACITY``. A false positive costs both scorers the
            same there: what the risk at the first one's cut says.
    """

    metrics: Mapping[str, Difference]
    at_capacity: Mapping[float, Mapping[str, Difference]]


def compare(
    y: NDArray[Any],
    first: Scorer,
    second: Scorer,
    *,
    clusters: NDArray[Any] | None = None,
    shares: Sequence[float] = (),
    replicates: int = 1000,
    rng: np.random.Generator,
    slow: bool = True,
    lists: NDArray[Any] | None = None,
) -> Comparison:
    """Every metric of ``evaluate`` for both, and the difference, by a paired clustered bootstrap.

    Args:
        y: bool or 0/1 (n,), the outcome.
        first, second: their scores of the same rows; risks are probabilities.
        clusters: (n,) labels of what is resampled whole; None: each row.
        shares: capacities in (0, 1].
        replicates: resamples; 0 gives NaN limits.
        rng: source of the resamples.
        slow: with ``SLOW_METRICS``; many comparisons of many models can do without.
        lists: (n,) as in ``evaluate``; None: one list.

    Raises:
        NotEstimable: as ``evaluate``.
    """
    same_length(y=y, first=first.risk, second=second.risk)
    one = prepare(y, first.risk, first.raw, clusters, True, None, lists)
    other = prepare(y, second.risk, second.raw, clusters, True, None, lists)
    plans = [plan_capacities(shares, x.by_list, x.risk, probability=True) for x in (one, other)]
    plans[1] = _at_the_same_price(plans[0], plans[1])
    sides = zip((one, other), plans, strict=True)
    kernels = [kernel_of(rows, plan, slow=slow) for rows, plan in sides]

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        found = [each(weights) for each in kernels]
        out: dict[Key, FloatArray] = {}
        for key, value in found[0].items():
            out["first", *key], out["second", *key] = value, found[1][key]
            out["difference", *key] = found[1][key] - value
        return out

    drawn = replicate(kernel, len(one.y), one.clusters.count, replicates, rng)
    n, positives = len(one.y), int(one.y.sum())

    def of(key: Key, rows: int) -> Difference:
        told = (drawn.estimate((who, *key), rows) for who in ("first", "second", "difference"))
        return Difference(*told)

    by_share = {
        cut.share: MappingProxyType(
            {
                name: of(
                    (cut.name, name), {"ppv": cut.selected, "sensitivity": positives}.get(name, n)
                )
                for name in AT_CAPACITY
            }
        )
        for cut in plans[0].cuts
    }
    told = METRICS if slow else [name for name in METRICS if name not in SLOW_METRICS]
    metrics = {name: of(("overall", name), n) for name in told}
    if slow:
        own = {
            who: folded_estimate(
                drawn.point[who, "overall", "ece"], drawn.draws[(who, *ECE_NOISE)], n
            )
            for who in ("first", "second")
        }
        metrics["ece"] = replace(metrics["ece"], **own)
    return Comparison(MappingProxyType(metrics), MappingProxyType(by_share))


def _at_the_same_price(first: CapacityPlan, second: CapacityPlan) -> CapacityPlan:
    cuts = tuple(
        replace(cut, risk_threshold=theirs.risk_threshold)
        for cut, theirs in zip(second.cuts, first.cuts, strict=True)
    )
    return replace(second, cuts=cuts)
