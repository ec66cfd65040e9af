"""Who would be listed: people above the cuts of approval, and who left the last list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskstrat.statistics import Estimate, percentile_estimate, wilson_interval
from riskstrat.statistics.estimate import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class AboveCut:
    """People at or above the score at which a capacity was cut when the model was judged.

    Attributes:
        share: the capacity.
        then, now: share of everybody at or above the cut, on the held-out dates and on the day.
        ratio: now over then; n is everybody on the day.
        people_then, people_now: how many they are.
    """

    share: float
    then: Estimate
    now: Estimate
    ratio: Estimate
    people_then: int
    people_now: int


def above_cuts(
    cuts: Mapping[float, float],
    then: tuple[FloatArray, IntArray],
    now: tuple[FloatArray, IntArray],
    weights: FloatArray,
) -> list[AboveCut]:
    """One entry a capacity, with clustered intervals.

    Args:
        cuts: capacity -> score of the last person above it.
        then, now: score and pack of each row of the held-out dates, and of the day.
        weights: float (replicates, packs), of ``drift.pack_weights``.
    """
    return [_above(share, cut, then, now, weights) for share, cut in cuts.items()]


def _above(
    share: float,
    cut: float,
    then: tuple[FloatArray, IntArray],
    now: tuple[FloatArray, IntArray],
    weights: FloatArray,
) -> AboveCut:
    every = np.vstack([np.ones((1, weights.shape[1])), weights])
    found, counts = [], []
    for score, pack in (then, now):
        taken = score >= cut
        packs = weights.shape[1]
        above = every @ np.bincount(pack, weights=taken, minlength=packs)
        everybody = every @ np.bincount(pack, minlength=packs).astype(np.float64)
        found.append(above / everybody)
        counts.append(int(taken.sum()))
    sizes = len(then[0]), len(now[0])
    ratio = np.divide(found[1], found[0], out=np.full(len(every), np.nan), where=found[0] > 0)
    return AboveCut(
        share,
        _estimate(found[0], sizes[0]),
        _estimate(found[1], sizes[1]),
        _estimate(ratio, sizes[1]),
        *counts,
    )


def _estimate(values: FloatArray, n: int) -> Estimate:
    return percentile_estimate(float(values[0]), values[1:], n)


def mean_risk(risk: FloatArray, pack: IntArray, weights: FloatArray) -> Estimate:
    """The mean of the risks: the share of outcomes that the model expects."""
    packs = weights.shape[1]
    every = np.vstack([np.ones((1, packs)), weights])
    summed = every @ np.bincount(pack, weights=risk, minlength=packs)
    people = every @ np.bincount(pack, minlength=packs).astype(np.float64)
    return _estimate(summed / people, len(risk))


@dataclass(frozen=True, slots=True)
class Churn:
    """What became of the people of a list of one length, from the last release to the day.

    Attributes:
        band: the lowest band of the list; it and those above it are the list.
        share: its length, as a share of everybody.
        before, now: people on the last list, and on that of the day.
        stayed: on both.
        below: on the last list, in scope, and below the cut now.
        gone: on the last list, and not in scope any more.
        risen: on the list now, and below the cut then.
        entered: on the list now, and not in scope then.
        left: ``below`` and ``gone`` over ``before``, with Wilson's interval.
    """

    band: str
    share: float
    before: int
    now: int
    stayed: int
    below: int
    gone: int
    risen: int
    entered: int
    left: Estimate


def churn(
    before: tuple[NDArray[np.object_], IntArray],
    now: tuple[NDArray[np.object_], IntArray],
    bands: Mapping[str, tuple[float, int, int]],
) -> list[Churn]:
    """One entry a band.

    Args:
        before, now: unit ids and ranks (1 is the highest), of the last release and of the day.
        bands: band -> share, and how many people the list has then and now.
    """
    in_both, at_before, at_now = np.intersect1d(before[0], now[0], return_indices=True)
    del in_both
    found = []
    for band, (share, places_before, places_now) in bands.items():
        was, is_now = before[1] <= places_before, now[1] <= places_now
        stayed = int((was[at_before] & is_now[at_now]).sum())
        below = int((was[at_before] & ~is_now[at_now]).sum())
        risen = int((~was[at_before] & is_now[at_now]).sum())
        left = int(was.sum()) - stayed
        found.append(
            Churn(
                band=band,
                share=share,
                before=int(was.sum()),
                now=int(is_now.sum()),
                stayed=stayed,
                below=below,
                gone=left - below,
                risen=risen,
                entered=int(is_now.sum()) - stayed - risen,
                left=wilson_interval(left, int(was.sum())),
            )
        )
    return found
