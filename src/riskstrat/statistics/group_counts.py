"""Every group's counts under every resample, in one compiled pass over the ranked rows.

The same statistics as ``group_kernel``, which says what they mean in plain NumPy and stays the
smaller inputs' way; a test holds the two together. Here each resample walks down the ranking once
and bumps the counters of each row's levels. Nothing but the draws grows with the replicates. Rows
of several lists are walked a second time, list by list, as far as the longest share of each.

The log-odds that the calibration slope is fitted on are put into at most ``BINS`` steps in the
resamples (never in the point value). Beside their spread the steps are so small that a limit moves
by less than a thousandth of the interval's width; a test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from os import sched_getaffinity

import numpy as np
from numpy.typing import NDArray

from .cuts import RANKING, Cut, Level
from .estimate import FloatArray, IntArray, finite
from .group_kernel import GroupCounts, level_point_fits, rates, scores
from .group_walk import Found, Listed, Ranked, drawn_of, tally, walk, walk_lists
from .probability import LOGIT_CLIP
from .ranked import places, rank_rows
from .resample import Clusters, Key, Replicates

BINS = 8_192
MOST_WORKERS = 4


def load() -> None:
    """Compile what is compiled, or load it from the last time; a few seconds once a machine."""
    y, risk = np.array([True, False]), np.array([0.6, 0.4])
    cuts = (Cut.top(0.5), Cut.at_least(0.5, score=RANKING))
    levels = (Level("everyone", "everyone", np.ones(2, dtype=np.bool_)),)
    for lists in (None, np.arange(2)):
        counts = GroupCounts(y, risk, {RANKING: risk}, cuts, lists)
        count_replicates(counts, levels, Clusters(np.arange(2), 2), 1, np.random.default_rng(0))


def count_replicates(
    counts: GroupCounts,
    levels: Sequence[Level],
    clusters: Clusters,
    replicates: int,
    rng: np.random.Generator,
    workers: int | None = None,
) -> Replicates:
    """The statistics of ``group_kernel`` on the data and on every resample, from the same draws.

    Args:
        counts, levels, clusters: as for ``group_kernel``.
        replicates: resamples; none are drawn from fewer than two clusters.
        rng: source of the draws.
        workers: threads; default one for each core, at most ``MOST_WORKERS``. No figure depends
            on their number.
    """
    plan = _plan(counts, levels, clusters)
    unit = np.ones(clusters.count, dtype=np.uint16)
    point = dict(plan.metrics([plan.one(unit)], exact=True))
    wanted = replicates if clusters.count > 1 else 0
    many = workers or min(MOST_WORKERS, len(sched_getaffinity(0)))
    found = list(_resampled(plan, clusters.count, wanted, rng, many))
    draws = plan.metrics(found) if found else {key: np.empty(0) for key in point}
    return Replicates({key: float(value[0]) for key, value in point.items()}, draws)


def _resampled(
    plan: _Plan, n_clusters: int, replicates: int, rng: np.random.Generator, workers: int
) -> Iterator[Found]:
    """Results in the order of the draws; a few draws are alive at once."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[Found]] = []
        for _ in range(replicates):
            # One row after another: the same stream as ``resample.cluster_weights`` in any chunk.
            drawn = rng.integers(0, n_clusters, size=n_clusters)
            waiting.append(pool.submit(plan.drawn, drawn))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for each in waiting:
            yield each.result()


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that does not change between resamples."""

    counts: GroupCounts
    levels: tuple[Level, ...]
    ranked: Ranked
    listed: Listed | None
    """the rows list by list; None where there is one list"""
    clusters: Clusters
    sizes: IntArray
    """rows of each cluster"""
    starts: FloatArray
    """float (levels, 2), intercept and slope on the data as they are"""
    shares: tuple[float, ...]
    names: tuple[str, ...]
    """of the cuts: the shares, then the fixed ones"""

    def drawn(self, clusters: IntArray) -> Found:
        """One resample, from the clusters drawn."""
        weights = np.zeros(self.clusters.count, dtype=np.uint16)
        tally(clusters, weights)
        return self.one(weights)

    def one(self, weights: NDArray[np.uint16]) -> Found:
        """One resample, from how often each cluster was drawn."""
        if self.listed is not None:
            return self._list_by_list(self.listed, weights)
        n = float(np.dot(weights.astype(np.int64), self.sizes))
        seats = np.array([places(share, np.array([n]))[0] for share in self.shares])
        return Found(*walk(self.ranked, weights, seats, len(self.levels), self.starts))

    def _list_by_list(self, listed: Listed, weights: NDArray[np.uint16]) -> Found:
        n = drawn_of(listed, weights).astype(np.float64)
        seats = np.empty((len(n), len(self.shares)))
        for column, share in enumerate(self.shares):
            seats[:, column] = np.where(n > 0, places(share, n), 0.0)
        selected, true = walk_lists(listed, weights, seats, len(self.levels))
        found = Found(*walk(self.ranked, weights, np.empty(0), len(self.levels), self.starts))
        return found._replace(
            selected=np.hstack((selected, found.selected)), true=np.hstack((true, found.true))
        )

    def metrics(self, found: Sequence[Found], *, exact: bool = False) -> Mapping[Key, FloatArray]:
        """(attribute, level, cut or "", metric) -> float (replicates,)."""
        stacked = Found(*(np.stack(column, axis=-1) for column in zip(*found, strict=True)))
        out: dict[Key, FloatArray] = {}
        for i, level in enumerate(self.levels):
            n, positives = (x[i].astype(np.float64) for x in (stacked.people, stacked.positives))
            slope = self.starts[i, 1:] if exact else stacked.slope[i]
            with np.errstate(divide="ignore", invalid="ignore"):
                parts = {
                    "": scores(
                        n=n,
                        positives=positives,
                        auroc=1 - stacked.lost[i] / 2 / (positives * (n - positives)),
                        precision=stacked.precision[i] / positives,
                        squared=stacked.squared[i],
                        expected=stacked.expected[i],
                        slope=slope,
                    )
                }
                for c, name in enumerate(self.names):
                    parts[name] = rates(n, positives, stacked.selected[i, c], stacked.true[i, c])
            for cut, metrics in parts.items():
                for metric, values in metrics.items():
                    out[level.attribute, level.name, cut, metric] = values
        return out


def _plan(counts: GroupCounts, levels: Sequence[Level], clusters: Clusters) -> _Plan:
    ranking = finite("ranking", counts.scores[RANKING])
    everyone = rank_rows(counts.y, ranking, clusters, risk=counts.risk)
    order = everyone.rows
    shares = [cut for cut in counts.cuts if cut.share is not None]
    fixed = [cut for cut in counts.cuts if cut.threshold is not None]
    flags = [
        (counts.scores[cut.score][order] >= float(cut.threshold or 0.0)).astype(np.int8)
        for cut in fixed
    ]
    risk = np.full(len(order), np.nan) if counts.risk is None else counts.risk[order]
    step, x = _steps(risk)
    ranked = Ranked(
        cluster=everyone.cluster.astype(np.int32),
        tie=everyone.tie.astype(np.int32),
        positive=counts.y[order].astype(np.int8),
        level=_codes(levels, order),
        risk=risk,
        step=step,
        x=x,
        fixed=np.column_stack(flags) if flags else np.empty((len(order), 0), dtype=np.int8),
    )
    return _Plan(
        counts=counts,
        levels=tuple(levels),
        ranked=ranked,
        listed=_listed(counts, levels, clusters) if shares else None,
        clusters=clusters,
        sizes=np.bincount(clusters.of_row, minlength=clusters.count).astype(np.int64),
        starts=np.array(level_point_fits(counts, levels, everyone, clusters)).reshape(-1, 2),
        shares=tuple(cut.share or 0.0 for cut in shares),
        names=tuple(cut.name for cut in (*shares, *fixed)),
    )


def _listed(counts: GroupCounts, levels: Sequence[Level], clusters: Clusters) -> Listed | None:
    if counts.lists is None:
        return None
    found = rank_rows(
        counts.y, counts.scores[RANKING], clusters, risk=counts.risk, lists=counts.lists
    )
    return Listed(
        cluster=found.cluster.astype(np.int32),
        tie=found.tie.astype(np.int32),
        positive=counts.y[found.rows].astype(np.int8),
        level=_codes(levels, found.rows),
        first=found.first[found.lists],
    )


def _codes(levels: Sequence[Level], order: IntArray) -> NDArray[np.int16]:
    """int16 (n, attributes): the number of each row's level among all levels."""
    attributes = list(dict.fromkeys(level.attribute for level in levels))
    codes = np.empty((len(order), len(attributes)), dtype=np.int16)
    for number, level in enumerate(levels):
        codes[level.members[order], attributes.index(level.attribute)] = number
    return codes


def _steps(risk: FloatArray) -> tuple[NDArray[np.int16], FloatArray]:
    """The step of each risk, and the log-odds of each step: the risks themselves where few."""
    clipped = np.clip(risk, LOGIT_CLIP, 1 - LOGIT_CLIP)
    odds = np.log(clipped) - np.log1p(-clipped)
    if np.isnan(odds).any():
        return np.zeros(len(risk), dtype=np.int16), np.zeros(1)
    distinct, step = np.unique(odds, return_inverse=True)
    if len(distinct) > BINS:
        width = (distinct[-1] - distinct[0]) / BINS
        step = np.minimum((odds - distinct[0]) / width, BINS - 1).astype(np.int64)
        _, step = np.unique(step, return_inverse=True)
        distinct = np.bincount(step, weights=odds) / np.bincount(step)
    return step.reshape(-1).astype(np.int16), distinct
