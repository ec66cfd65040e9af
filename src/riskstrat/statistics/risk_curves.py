"""Tables behind the charts of risk: decision curve and calibration curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .estimate import (
    BoolArray,
    Estimate,
    FloatArray,
    IntArray,
    NotEstimable,
    binary,
    finite,
    same_length,
    wilson_interval,
)
from .probability import odds
from .ranked import RankedRows, cumulate, rank_rows
from .resample import Kernel, Key, find_clusters, replicate

DEFAULT_THRESHOLDS = tuple(round(0.01 * i, 2) for i in range(1, 51))


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """Net benefit at one risk threshold, per person (Vickers & Elkin 2006).

    Attributes:
        threshold: risk at or above which people are selected.
        model: selecting those with risk >= threshold.
        treat_all: selecting everyone; treat_none is worth 0 by definition.
        advantage: model minus the better of everyone and no one, in the same replicates.
    """

    threshold: float
    model: Estimate
    treat_all: Estimate
    treat_none: float
    advantage: Estimate


def decision_curve(
    y: NDArray[Any],
    p: NDArray[Any],
    *,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    rng: np.random.Generator,
) -> tuple[DecisionPoint, ...]:
    """Net benefit over risk thresholds, with clustered 95% intervals.

    Args:
        y, p: outcome and probability, (n,) each.
        thresholds: in [0, 1).
        clusters, replicates, rng: as in ``evaluate``.

    Raises:
        NotEstimable: no rows, p outside 0 to 1, or a threshold outside [0, 1).
    """
    same_length(y=y, p=p, clusters=y if clusters is None else clusters)
    outcome, risk = binary(y), finite("p", p, probability=True)
    if outside := [t for t in thresholds if not 0 <= t < 1]:
        raise NotEstimable.bad_argument("thresholds", outside, "numbers in [0, 1)")
    who = find_clusters(clusters, len(outcome))
    ranked = rank_rows(outcome, risk, who)
    kernel = _decision_kernel(ranked, risk[ranked.rows], thresholds)
    n = len(outcome)
    found = replicate(kernel, n, who.count, replicates, rng)
    return tuple(
        DecisionPoint(
            threshold=t,
            model=found.estimate((repr(t), "model"), n),
            treat_all=found.estimate((repr(t), "all"), n),
            treat_none=0.0,
            advantage=found.estimate((repr(t), "advantage"), n),
        )
        for t in thresholds
    )


def _decision_kernel(
    ranked: RankedRows, falling_risk: FloatArray, thresholds: Sequence[float]
) -> Kernel:
    taken = [int(np.searchsorted(-falling_risk, -t, side="right")) for t in thresholds]

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        counts = cumulate(ranked, weights)
        n, positives = counts.n, counts.n_positive
        out: dict[Key, FloatArray] = {}
        for t, rows in zip(thresholds, taken, strict=True):
            true = counts.positives[:, ranked.positives_before[rows]]
            model = (true - (counts.people[:, rows] - true) * odds(t)) / n
            everyone = (positives - (n - positives) * odds(t)) / n
            out[repr(t), "model"], out[repr(t), "all"] = model, everyone
            out[repr(t), "advantage"] = model - np.maximum(everyone, 0)
        return out

    return kernel


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """People of similar risk: what was expected and what happened.

    Attributes:
        low, high: smallest and largest risk in the bin.
        expected: mean risk.
        observed: share with the outcome; n is the people in the bin.
        positives: people with the outcome.
    """

    low: float
    high: float
    expected: float
    observed: Estimate
    positives: int


def calibration_curve(
    y: NDArray[Any],
    p: NDArray[Any],
    bins: int = 10,
    *,
    min_count: int = 10,
    clusters: NDArray[Any] | None = None,
    replicates: int = 1000,
    rng: np.random.Generator | None = None,
    enough: Callable[[int, int], bool] | None = None,
) -> tuple[CalibrationBin, ...]:
    """Observed against expected risk in about equal-count bins, lowest risk first.

    Equal risks stay together, and a bin with fewer than ``min_count`` people is merged with its
    lower neighbour, so there may be fewer than ``bins``. All bins together are the whole sample.

    Args:
        y, p: outcome and probability, (n,) each.
        bins: bins wanted, at least 1.
        min_count: least people in a bin, unless there are fewer in all.
        clusters, replicates, rng: with ``rng``, intervals are clustered bootstrap over fixed
            bins; without, Wilson's. Wilson's is also used in bins with none or all positive,
            where resampling sees no variation.
        enough: told people and positives of a bin; one that it refuses is joined to its neighbour
            before any interval is made.
    """
    same_length(y=y, p=p, clusters=y if clusters is None else clusters)
    if bins < 1:
        raise NotEstimable.bad_argument("bins", bins, "1 or more")
    outcome, risk = binary(y), finite("p", p, probability=True)
    code = _bins(risk, bins, min_count)
    if enough is not None:
        code = _joined(outcome, code, enough)
    rates = _wilson_rates(outcome, code)
    if rng is not None:
        rates = _resampled_rates(outcome, code, rates, clusters, replicates, rng)
    return tuple(
        CalibrationBin(
            low=float(risk[code == b].min()),
            high=float(risk[code == b].max()),
            expected=float(risk[code == b].mean()),
            observed=rate,
            positives=int(outcome[code == b].sum()),
        )
        for b, rate in enumerate(rates)
    )


def _bins(risk: FloatArray, bins: int, min_count: int) -> IntArray:
    """Bin number of each row, 0 the lowest risk; ties are never split."""
    _, code, size = np.unique(risk, return_inverse=True, return_counts=True)
    middle = np.cumsum(size) - size / 2
    wanted = np.minimum((middle * bins / len(risk)).astype(np.int64), bins - 1)
    number, people = -1, min_count
    merged = np.empty(len(size), dtype=np.int64)
    for b in np.unique(wanted):
        members = wanted == b
        here = int(size[members].sum())
        if people >= min_count and (here >= min_count or number < 0):
            number, people = number + 1, 0
        merged[members] = number
        people += here
    return merged[code.reshape(-1)]


def _joined(y: BoolArray, code: IntArray, enough: Callable[[int, int], bool]) -> IntArray:
    """Bins joined upwards until each has enough; what is left at the top joins the one below."""
    people, positives = np.bincount(code), np.bincount(code, weights=y).astype(np.int64)
    found: list[list[int]] = []
    for b in range(len(people)):
        if found and not enough(int(people[found[-1]].sum()), int(positives[found[-1]].sum())):
            found[-1].append(b)
        else:
            found.append([b])
    last = found[-1]
    if len(found) > 1 and not enough(int(people[last].sum()), int(positives[last].sum())):
        found[-2:] = [found[-2] + last]
    number = np.empty(len(people), dtype=np.int64)
    for place, members in enumerate(found):
        number[members] = place
    return number[code]


def _wilson_rates(y: BoolArray, code: IntArray) -> tuple[Estimate, ...]:
    positives = np.bincount(code, weights=y)
    return tuple(
        wilson_interval(int(k), int(n)) for k, n in zip(positives, np.bincount(code), strict=True)
    )


def _resampled_rates(
    y: BoolArray,
    code: IntArray,
    wilson: tuple[Estimate, ...],
    clusters: NDArray[Any] | None,
    replicates: int,
    rng: np.random.Generator,
) -> tuple[Estimate, ...]:
    who = find_clusters(clusters, len(y))
    member = (code[:, None] == np.arange(len(wilson))).astype(np.float64)
    columns = np.hstack((member, member * y[:, None]))

    def kernel(weights: FloatArray) -> dict[Key, FloatArray]:
        sums = weights.take(who.of_row, axis=1) @ columns
        n, positives = np.hsplit(sums, 2)
        return {(str(b),): positives[:, b] / n[:, b] for b in range(len(wilson))}

    found = replicate(kernel, len(y), who.count, replicates, rng)
    return tuple(
        rate if rate.value in (0, 1) else found.estimate((str(b),), rate.n)
        for b, rate in enumerate(wilson)
    )
