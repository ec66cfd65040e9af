"""Weighted counts and metrics of every group, for a chunk of replicates at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .cuts import RANKING, Cut, Level
from .estimate import BoolArray, FloatArray, IntArray, finite
from .probability import Runs, find_runs, point_fit, recalibrate, squared_errors
from .ranked import (
    Cumulated,
    CutPoint,
    RankedRows,
    cumulate,
    cut_point,
    rank_rows,
    ranked_auroc,
    ranked_average_precision,
    restrict,
    taken,
)
from .resample import Clusters, Kernel, Key

RATES = (
    "selection_rate",
    "ppv",
    "sensitivity",
    "specificity",
    "false_positive_rate",
    "false_negative_rate",
)
LARGE = 20_000_000
"""rows times replicates from which on compiled code, or loading it, pays"""
SCORES = (
    "prevalence",
    "auroc",
    "average_precision",
    "brier",
    "calibration_in_the_large",
    "calibration_slope",
)


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """What the groups are compared on.

    Attributes:
        y: bool (n,), the outcome.
        risk: float (n,), or None when there is no probability.
        scores: every score a cut may name, ``ranking`` among them; float (n,) each.
        cuts: the decision rules.
        lists: int (n,), the list of each row; None where there is one.
    """

    y: BoolArray
    risk: FloatArray | None
    scores: Mapping[str, FloatArray]
    cuts: tuple[Cut, ...]
    lists: IntArray | None = None


@dataclass(frozen=True, slots=True)
class _LevelRows:
    """One level's rows under each ranking in use, and what each row adds to the sums.

    Attributes:
        level: the level.
        ranked: the level's rows by the ranking, whatever their list.
        listed: score name to the level's rows by that score within each list.
        columns: float (n_level, 2 + 2 * fixed cuts), in order of the ranking.
        runs: its risks in that order, with where to start the calibration fit.
        start: intercept and slope on the data as they are.
    """

    level: Level
    ranked: RankedRows
    listed: Mapping[str, RankedRows]
    columns: FloatArray
    runs: Runs
    start: tuple[float, float]


def group_kernel(counts: GroupCounts, levels: Sequence[Level], clusters: Clusters) -> Kernel:
    """The kernel behind ``evaluate_groups``.

    Its keys are (attribute, level, cut name or "", metric); the metrics are ``SCORES`` without a
    cut, ``RATES`` and ``selected`` with one.
    """
    by_share = [cut for cut in counts.cuts if cut.share is not None]
    main = _ranked(counts, RANKING, clusters, None)
    listed = {
        name: main
        if name == RANKING and counts.lists is None
        else _ranked(counts, name, clusters, counts.lists)
        for name in dict.fromkeys(cut.score for cut in by_share)
    }
    rows = [_level_rows(counts, level, main, listed, clusters) for level in levels]

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        points: dict[str, CutPoint] = {}
        for name in dict.fromkeys(cut.score for cut in by_share):
            ranked = cumulate(listed[name], weights)
            points |= {c.name: cut_point(ranked, c.share or 0) for c in by_share if c.score == name}
        out: dict[Key, FloatArray] = {}
        for level in rows:
            out |= _level_kernel(counts, level, points, weights)
        return out

    return kernel


def _ranked(
    counts: GroupCounts, name: str, clusters: Clusters, lists: IntArray | None
) -> RankedRows:
    score = finite(name, counts.scores[name])
    return rank_rows(counts.y, score, clusters, risk=counts.risk, lists=lists)


def is_large(n_rows: int, cuts: Sequence[Cut], replicates: int) -> bool:
    """Whether ``group_counts`` should do the work; it knows shares of the ranking only."""
    elsewhere = any(cut.share is not None and cut.score != RANKING for cut in cuts)
    return n_rows * replicates >= LARGE and not elsewhere


def _level_rows(
    counts: GroupCounts,
    level: Level,
    main: RankedRows,
    listed: Mapping[str, RankedRows],
    clusters: Clusters,
) -> _LevelRows:
    ranked = restrict(main, counts.y, clusters, level.members)
    own = {
        name: ranked if rows is main else restrict(rows, counts.y, clusters, level.members)
        for name, rows in listed.items()
    }
    order = ranked.rows
    y = counts.y[order]
    risk = np.full(len(order), np.nan) if counts.risk is None else counts.risk[order]
    columns = [squared_errors(y, risk), risk]
    for cut in counts.cuts:
        if cut.threshold is not None:
            selected = counts.scores[cut.score][order] >= cut.threshold
            columns += [selected.astype(np.float64), (selected & y).astype(np.float64)]
    runs = find_runs(risk)
    unit = cumulate(ranked, np.ones((1, clusters.count)))
    return _LevelRows(level, ranked, own, np.column_stack(columns), runs, point_fit(unit, runs))


def _level_kernel(
    counts: GroupCounts, rows: _LevelRows, points: Mapping[str, CutPoint], weights: FloatArray
) -> dict[Key, FloatArray]:
    level, main = rows.level, cumulate(rows.ranked, weights)
    by_score = {
        name: main if ranked is rows.ranked else cumulate(ranked, weights)
        for name, ranked in rows.listed.items()
    }
    sums = iter((main.weights @ rows.columns).T)
    found = {"": _scores(main, rows, squared=next(sums), expected=next(sums))}
    for cut in counts.cuts:
        if cut.name in points:
            selected, true = taken(by_score[cut.score], points[cut.name])
        else:
            selected, true = next(sums), next(sums)
        found[cut.name] = rates(main.n, main.n_positive, selected, true)
    return {
        (level.attribute, level.name, cut_name, metric): values
        for cut_name, metrics in found.items()
        for metric, values in metrics.items()
    }


def _scores(
    counts: Cumulated, rows: _LevelRows, *, squared: FloatArray, expected: FloatArray
) -> dict[str, FloatArray]:
    return scores(
        n=counts.n,
        positives=counts.n_positive,
        auroc=ranked_auroc(counts),
        precision=ranked_average_precision(counts),
        squared=squared,
        expected=expected,
        slope=recalibrate(counts, rows.runs, rows.start)[1],
    )


def scores(
    *,
    n: FloatArray,
    positives: FloatArray,
    auroc: FloatArray,
    precision: FloatArray,
    squared: FloatArray,
    expected: FloatArray,
    slope: FloatArray,
) -> dict[str, FloatArray]:
    """``SCORES`` from their sums; (replicates,) each."""
    return {
        "prevalence": positives / n,
        "auroc": auroc,
        "average_precision": precision,
        "brier": squared / n,
        "calibration_in_the_large": positives / expected,
        "calibration_slope": slope,
    }


def rates(
    n: FloatArray, positives: FloatArray, selected: FloatArray, true: FloatArray
) -> dict[str, FloatArray]:
    """``RATES``, and ``selected``, from counts; (replicates,) each."""
    negatives, false = n - positives, selected - true
    return {
        "selected": selected,
        "selection_rate": selected / n,
        "ppv": true / selected,
        "sensitivity": true / positives,
        "specificity": 1 - false / negatives,
        "false_positive_rate": false / negatives,
        "false_negative_rate": 1 - true / positives,
    }


def level_point_fits(
    counts: GroupCounts, levels: Sequence[Level], everyone: RankedRows, clusters: Clusters
) -> list[tuple[float, float]]:
    """Each level's calibration intercept and slope on the data as they are."""
    found = []
    for level in levels:
        ranked = restrict(everyone, counts.y, clusters, level.members)
        risk = (
            np.full(len(ranked.rows), np.nan) if counts.risk is None else counts.risk[ranked.rows]
        )
        unit = cumulate(ranked, np.ones((1, clusters.count)))
        found.append(point_fit(unit, find_runs(risk)))
    return found
