"""One scorer on one split: every overall metric, and what it does at each capacity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capacity import AtCapacity, CapacityPlan, capacity_kernel, plan_capacities
from .estimate import (
    BoolArray,
    Estimate,
    FloatArray,
    binary,
    both_classes,
    finite,
    folded_estimate,
    same_length,
)
from .probability import (
    ece_parts,
    find_runs,
    log_losses,
    odds,
    point_fit,
    recalibrate,
    squared_errors,
    weighted_ece,
)
from .ranked import (
    Cumulated,
    RankedRows,
    cumulate,
    find_lists,
    rank_rows,
    ranked_auroc,
    ranked_average_precision,
)
from .resample import Clusters, Kernel, Key, Replicates, find_clusters, replicate

RANKING_METRICS = ("auroc", "average_precision")
RISK_METRICS = (
    "brier",
    "log_loss",
    "calibration_slope",
    "calibration_in_the_large",
    "ece",
    "net_benefit",
)
METRICS = RANKING_METRICS + RISK_METRICS
SLOW_METRICS = ("calibration_slope", "ece")
"""what takes a fit, or bins, in every resample"""
ECE_NOISE: Key = ("overall", "noise of ece")
"""the calibration error of what a resample adds to the gaps of the bins"""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one scorer achieves on one set of rows.

    Attributes:
        metrics: every name in ``METRICS``. ``auroc`` and ``average_precision`` come from
            ``ranking``; the others from ``risk``, and are NaN when it is not a probability.
            ``net_benefit`` is taken at ``risk_threshold``.
        at_capacity: one entry per share asked for, in that order, from ``ranking``.
        n, positives, clusters: rows, rows with the outcome, and what was resampled.
        risk_threshold: where ``net_benefit`` was taken; by default the observed prevalence,
            where selecting everyone and selecting no one are both worth exactly 0.
        replicates: resamples behind the intervals.
    """

    metrics: Mapping[str, Estimate]
    at_capacity: tuple[AtCapacity, ...]
    n: int
    positives: int
    clusters: int
    risk_threshold: float
    replicates: int

    def as_dict(self) -> dict[str, Any]:
        """The entry of metrics.json for one learner and split; NaN and infinity become None."""
        overall: dict[str, Any] = {name: e.as_dict() for name, e in self.metrics.items()}
        return overall | {"at_capacity": [at.as_dict() for at in self.at_capacity]}


@dataclass(frozen=True, slots=True)
class _Rows:
    """The checked arrays, sorted both ways."""

    y: BoolArray
    risk: FloatArray
    clusters: Clusters
    by_ranking: RankedRows
    by_risk: RankedRows
    by_list: RankedRows
    """by the ranking within each list; ``by_ranking`` where there is one list"""
    probability: bool
    risk_threshold: float


def evaluate(
    y: NDArray[Any],
    risk: NDArray[Any],
    *,
    ranking: NDArray[Any] | None = None,
    clusters: NDArray[Any] | None = None,
    shares: Sequence[float] = (),
    replicates: int = 1000,
    rng: np.random.Generator,
    score_is_probability: bool = True,
    risk_threshold: float | None = None,
    lists: NDArray[Any] | None = None,
) -> Evaluation:
    """Every overall metric and every capacity, with clustered 95% percentile intervals.

    That of ``ece``, to which noise can only add, is ``folded_estimate``'s.

    Args:
        y: bool or 0/1 (n,), the outcome; rows not yet known must be left out.
        risk: float (n,), calibrated probability. Used for ``RISK_METRICS``, and to turn a
            capacity into a risk threshold.
        ranking: float (n,), used for ``RANKING_METRICS`` and the capacities; default ``risk``.
            A raw score breaks ties that an isotonic risk makes.
        clusters: (n,) labels of what is resampled whole (unit or household); None: each row.
        shares: capacities in (0, 1].
        replicates: resamples; 0 gives NaN limits.
        rng: source of the resamples; the same generator state gives the same Evaluation.
        score_is_probability: False for a published score: ``RISK_METRICS`` become NaN.
        risk_threshold: where to take ``net_benefit``; default the observed prevalence.
        lists: (n,) labels of the lists that are made one by one, such as as-of dates: capacities
            are cut within each; None: one list.

    Raises:
        NotEstimable: no rows, one class, arrays of different lengths, scores missing, risks
            outside 0 to 1, or a share outside (0, 1].
    """
    rows = prepare(y, risk, ranking, clusters, score_is_probability, risk_threshold, lists)
    plan = plan_capacities(shares, rows.by_list, rows.risk, probability=rows.probability)
    score = np.asarray(risk if ranking is None else ranking, dtype=np.float64)
    found = _resample(rows, plan, replicates, rng)
    n, positives = len(rows.y), int(rows.y.sum())
    metrics = {
        name: found.estimate(("overall", name), n)
        if rows.probability or name in RANKING_METRICS
        else Estimate.unknown(n)
        for name in METRICS
    }
    if rows.probability:
        ece = found.point["overall", "ece"]
        metrics["ece"] = folded_estimate(ece, found.draws[ECE_NOISE], n)
    return Evaluation(
        metrics=MappingProxyType(metrics),
        at_capacity=plan.estimates(found, score[rows.by_list.rows]),
        n=n,
        positives=positives,
        clusters=rows.clusters.count,
        risk_threshold=rows.risk_threshold,
        replicates=replicates,
    )


def prepare(
    y: NDArray[Any],
    risk: NDArray[Any],
    ranking: NDArray[Any] | None,
    clusters: NDArray[Any] | None,
    probability: bool,
    risk_threshold: float | None,
    lists: NDArray[Any] | None = None,
) -> _Rows:
    """The arguments of ``evaluate``, checked and sorted both ways."""
    score = risk if ranking is None else ranking
    same_length(y=y, risk=risk, ranking=score, clusters=y if clusters is None else clusters)
    outcome = both_classes(binary(y))
    p = finite("risk", risk, probability=probability)
    who = find_clusters(clusters, len(outcome))
    by_ranking = rank_rows(outcome, finite("ranking", score), who, risk=p)
    shared_order = ranking is None or not probability
    which = find_lists(lists, len(outcome))
    by_list = by_ranking
    if which is not None:
        by_list = rank_rows(outcome, finite("ranking", score), who, risk=p, lists=which)
    return _Rows(
        y=outcome,
        risk=p,
        clusters=who,
        by_ranking=by_ranking,
        by_risk=by_ranking if shared_order else rank_rows(outcome, p, who),
        by_list=by_list,
        probability=probability,
        risk_threshold=float(outcome.mean()) if risk_threshold is None else risk_threshold,
    )


def _resample(
    rows: _Rows, plan: CapacityPlan, replicates: int, rng: np.random.Generator
) -> Replicates:
    return replicate(kernel_of(rows, plan), len(rows.y), rows.clusters.count, replicates, rng)


def kernel_of(rows: _Rows, plan: CapacityPlan, *, slow: bool = True) -> Kernel:
    """Weights to the overall metrics and every capacity's, of one scorer.

    Args:
        rows, plan: from ``prepare`` and ``plan_capacities``.
        slow: with ``SLOW_METRICS``, too.
    """
    if not slow:  # what is left are sums, in whatever order
        rows = replace(rows, by_risk=rows.by_ranking)
    risk_kernel = _risk_kernel(rows, slow) if rows.probability else None

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        ranked = cumulate(rows.by_ranking, weights)
        out: dict[Key, FloatArray] = {
            ("overall", "auroc"): ranked_auroc(ranked),
            ("overall", "average_precision"): ranked_average_precision(ranked),
        }
        one_list = rows.by_list is rows.by_ranking
        out |= capacity_kernel(ranked if one_list else cumulate(rows.by_list, weights), plan)
        if risk_kernel is not None:
            same_order = rows.by_risk is rows.by_ranking
            out |= risk_kernel(ranked if same_order else cumulate(rows.by_risk, weights))
        return out

    return kernel


def _risk_kernel(rows: _Rows, slow: bool) -> Callable[[Cumulated], dict[Key, FloatArray]]:
    """The metrics of the risk itself, from weighted rows in order of risk."""
    order = rows.by_risk.rows
    risk = rows.risk[order]
    columns = _columns(rows.y[order], risk, rows.risk_threshold)

    def sums(counts: Cumulated) -> dict[Key, FloatArray]:
        squared, loss, expected, benefit = (counts.weights @ columns).T
        return {
            ("overall", "brier"): squared / counts.n,
            ("overall", "log_loss"): loss / counts.n,
            ("overall", "calibration_in_the_large"): counts.n_positive / expected,
            ("overall", "net_benefit"): benefit / counts.n,
        }

    if not slow:
        return sums
    runs = find_runs(risk)
    start = point_fit(cumulate(rows.by_risk, np.ones((1, rows.clusters.count))), runs)
    parts = ece_parts(rows.by_risk, rows.y[order], risk)
    gaps = parts.mean(axis=0)

    def every(counts: Cumulated) -> dict[Key, FloatArray]:
        return sums(counts) | {
            ("overall", "calibration_slope"): recalibrate(counts, runs, start)[1],
            ("overall", "ece"): weighted_ece(counts, risk),
            ECE_NOISE: np.abs(counts.weights @ parts / counts.n[:, None] - gaps).sum(axis=1),
        }

    return every


def _columns(y: BoolArray, risk: FloatArray, threshold: float) -> FloatArray:
    """What each row adds to the metrics that are sums: (n, 4)."""
    benefit = np.where(risk >= threshold, np.where(y, 1.0, -odds(threshold)), 0.0)
    return np.column_stack((squared_errors(y, risk), log_losses(y, risk), risk, benefit))
