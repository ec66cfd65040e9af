"""Is the risk right: Brier score, log loss, calibration, net benefit, for weighted rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .estimate import BoolArray, FloatArray, IntArray
from .ranked import Cumulated, RankedRows, running

LOGIT_CLIP = 1e-12
"""For the calibration slope, risks are kept this far from 0 and 1."""
NEWTON_STEPS = 40
SMALL_MOVE = 1e-7
"""A Newton step that moves no row's log-odds by more is the last (its error is the square)."""


def squared_errors(y: BoolArray, p: FloatArray) -> FloatArray:
    """Each row's part of the Brier score (Brier 1950)."""
    error: FloatArray = p - y.astype(np.float64)
    return error * error


def log_losses(y: BoolArray, p: FloatArray) -> FloatArray:
    """Each row's negative log-likelihood, clipped as scikit-learn does for float64."""
    eps = np.finfo(np.float64).eps
    losses: FloatArray = -np.log(np.clip(np.where(y, p, 1 - p), eps, 1 - eps))
    return losses


def odds(threshold: float) -> float:
    """False positives one true positive is worth at a risk threshold; NaN outside [0, 1)."""
    return threshold / (1 - threshold) if 0 <= threshold < 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Runs:
    """Neighbouring ranked rows that share a risk, so that a fit looks at each risk once.

    Attributes:
        starts: int (n_runs,), where each run begins.
        x: float (n_runs,), log-odds of its risk.
        n_rows: rows in all runs together.
    """

    starts: IntArray
    x: FloatArray
    n_rows: int


def find_runs(risk_in_order: FloatArray) -> Runs:
    """Group neighbouring equal risks; float (n,) in the order the weights will come in."""
    change = np.flatnonzero(risk_in_order[1:] != risk_in_order[:-1]) + 1
    starts = np.concatenate(([0], change)).astype(np.int64)[: len(risk_in_order)]
    clipped = np.clip(risk_in_order[starts], LOGIT_CLIP, 1 - LOGIT_CLIP)
    return Runs(starts, np.log(clipped) - np.log1p(-clipped), len(risk_in_order))


def recalibrate(
    counts: Cumulated, runs: Runs, start: tuple[float, float] = (0.0, 1.0)
) -> tuple[FloatArray, FloatArray]:
    """Intercept and slope of the outcome on the log-odds of its risk, for each replicate.

    Unpenalised logistic regression (Cox 1958) by Newton's method, all replicates at once.

    Args:
        counts: weighted rows.
        runs: their risks, in the same order.
        start: intercept and slope to start from; the nearer, the fewer steps.

    Returns:
        Two float (replicates,), NaN where the risks do not vary, all outcomes agree, or the
        outcome is separated by the risk (the slope is then infinite).
    """
    replicates = len(counts.weights)
    if len(runs.x) < 2 or not np.isfinite(start).all():
        return np.full(replicates, np.nan), np.full(replicates, np.nan)
    grouped = runs.n_rows > len(runs.x)
    w = np.add.reduceat(counts.weights, runs.starts, axis=1) if grouped else counts.weights
    seen = np.repeat(runs.x, np.diff(runs.starts, append=runs.n_rows))[counts.ranked.positive_at]
    weight_of_positives = np.diff(counts.positives, axis=1)
    target = np.column_stack((counts.n_positive, weight_of_positives @ seen))
    beta = np.tile(np.asarray(start, dtype=np.float64), (replicates, 1))
    return _newton(w, runs.x, target, beta)


def point_fit(unit: Cumulated, runs: Runs) -> tuple[float, float]:
    """Intercept and slope for one row of unit weights; NaN when not estimable."""
    with np.errstate(all="ignore"):
        intercept, slope = recalibrate(unit, runs)
    return float(intercept[0]), float(slope[0])


def _newton(
    w: FloatArray, x: FloatArray, target: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Solve sum(w * (y - expit(a + b x)) * [1, x]) = 0 for each row of ``w``."""
    powers = np.column_stack((np.ones_like(x), x, x * x))
    ends = np.array([x.min(), x.max()])
    answer = np.full(beta.shape, np.nan)
    busy = np.arange(len(w))
    for _ in range(NEWTON_STEPS):
        chance = _expit(beta[:, :1] + beta[:, 1:] * x)
        expected = w * chance
        gradient = target - expected @ powers[:, :2]
        chance *= expected
        expected -= chance
        move = _newton_step(expected @ powers, gradient)
        farthest = np.abs(move[:, :1] + move[:, 1:] * ends).max(axis=1)
        beta = beta + move * _damping(farthest)[:, None]
        settled = farthest < SMALL_MOVE
        answer[busy[settled]] = beta[settled]
        going = ~settled & np.isfinite(farthest)
        if not going.any():
            break
        if not going.all():
            busy, w, target, beta = busy[going], w[going], target[going], beta[going]
    return answer[:, 0], answer[:, 1]


def _expit(eta: FloatArray) -> FloatArray:
    """1 / (1 + exp(-eta)), overwriting ``eta``; several times faster than scipy's."""
    np.negative(eta, out=eta)
    np.exp(eta, out=eta)
    eta += 1
    return np.divide(1.0, eta, out=eta)


def _newton_step(curvature: FloatArray, gradient: FloatArray) -> FloatArray:
    """Solve the 2 x 2 systems; NaN where the risks do not vary."""
    h0, h1, h2 = curvature.T
    mean = h1 / h0
    spread = h2 - h1 * mean
    spread = np.where(spread > 1e-12 * h2, spread, np.nan)
    slope = (gradient[:, 1] - mean * gradient[:, 0]) / spread
    return np.column_stack((gradient[:, 0] / h0 - mean * slope, slope))


def _damping(farthest: FloatArray) -> FloatArray:
    """Shorten long steps so that Newton cannot overshoot (Bach 2010, doi:10.1214/09-EJS521)."""
    long = farthest > 1.5
    return np.where(long, np.log1p(farthest) / np.where(long, farthest, 1.0), 1.0)


def weighted_ece(counts: Cumulated, risk_in_order: FloatArray, bins: int = 10) -> FloatArray:
    """Expected calibration error over equal-count bins of risk, for each replicate.

    The mean over ``bins`` of |observed - expected| share. Bins hold exactly n / bins people:
    a row, or a group of tied risks, on an edge is shared between its two bins in proportion
    (Naeini et al. 2015, with the bins made equal in count; Nixon et al. 2019, arXiv:1904.01685).

    Args:
        counts: weighted rows ranked by risk.
        risk_in_order: float (n,), their risks in that order.
        bins: number of bins.
    """
    expected = running(counts.weights * risk_in_order)
    ranked = counts.ranked
    edges = np.arange(1, bins) / bins
    gaps = np.empty((len(expected), bins + 1))
    gaps[:, 0] = 0
    gaps[:, -1] = counts.n_positive - expected[:, -1]
    for r, people in enumerate(counts.people):
        wanted = edges * people[-1]
        tie = ranked.tie[np.minimum(np.searchsorted(people[1:], wanted), len(ranked.rows) - 1)]
        start, end = ranked.first[tie], ranked.first[tie + 1]
        share = (wanted - people[start]) / (people[end] - people[start])
        before = ranked.positives_before
        gap_start = counts.positives[r, before[start]] - expected[r, start]
        gap_end = counts.positives[r, before[end]] - expected[r, end]
        gaps[r, 1:-1] = gap_start + share * (gap_end - gap_start)
    size: FloatArray = np.abs(np.diff(gaps, axis=1)).sum(axis=1)
    return size / counts.n


def ece_parts(ranked: RankedRows, y: BoolArray, risk_in_order: FloatArray) -> FloatArray:
    """What each row adds to the gap of each of ten bins of the data as they are: (n, 10).

    The bins are those of ``weighted_ece``, but a tie is in one of them as a whole: they are for
    how much the gaps vary from resample to resample, not for the value.
    """
    n = len(risk_in_order)
    middle = (ranked.first[ranked.tie] + ranked.first[ranked.tie + 1]) / 2
    bins = np.minimum((10 * middle / n).astype(np.int64), 9)
    gap = y.astype(np.float64) - risk_in_order
    return np.asarray(np.where(bins[:, None] == np.arange(10), gap[:, None], 0.0))
