"""Differences between groups, from the same replicates as the groups themselves.

A ratio's interval is taken from the ratio in each replicate, so that the threshold and the cohort
common to both groups are common in the resample too. Metrics are compared with one reference
level; the smallest and largest ratio over the levels are re-found in every replicate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from .estimate import Estimate, FloatArray, estimate_of_draws, wilson_interval
from .resample import Key, Replicates

PROPORTIONS = frozenset(
    {"prevalence", "selection_rate", "ppv", "sensitivity", "false_positive_rate"}
)
"""rates of which a group may have none at all in every resample"""


@dataclass(frozen=True, slots=True)
class Disparity:
    """One level of an attribute against the reference level.

    Attributes:
        attribute, level, reference: what is compared.
        cut: name of the cut, or None for metrics that need none.
        metrics: ``<metric>_ratio`` (level over reference) and ``<metric>_difference`` (level minus
            reference); n is the level's denominator. NaN when either is not estimable, and for
            a ratio when the reference is 0. The reference itself is listed: 1 and 0.
    """

    attribute: str
    level: str
    reference: str
    cut: str | None
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Extremes:
    """The smallest and largest ratio of one metric over the levels of an attribute.

    Attributes:
        attribute, reference, cut: as in ``Disparity``.
        metric: such as ``sensitivity_ratio``.
        smallest, largest: over ``levels``; their level is re-found in every replicate, so the
            interval allows for having looked for the worst, and leans away from 1. NaN when
            no level, or not the reference, has enough rows.
        smallest_level, largest_level: where they are found, or None.
        levels: those with enough rows (the reference apart).
        left_out: those without, which the extremes say nothing about.
    """

    attribute: str
    reference: str
    cut: str | None
    metric: str
    smallest: Estimate
    largest: Estimate
    smallest_level: str | None
    largest_level: str | None
    levels: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute under one cut, ready to compare.

    Attributes:
        attribute, reference, cut: as in ``Disparity``.
        levels: level names.
        metrics: metric names.
        denominators: (level, metric) to rows.
        found: replicates with keys (attribute, level, cut or "", metric).
    """

    attribute: str
    reference: str
    cut: str | None
    levels: tuple[str, ...]
    metrics: tuple[str, ...]
    denominators: Mapping[tuple[str, str], int]
    found: Replicates

    def key(self, level: str, metric: str) -> Key:
        """Where the replicates of one level's metric are filed."""
        return (self.attribute, level, self.cut or "", metric)

    def values(self, level: str, metric: str) -> FloatArray:
        """The point value followed by its replicates: float (1 + replicates,)."""
        key = self.key(level, metric)
        return np.concatenate(([self.found.point[key]], self.found.draws[key]))

    def ratio(self, level: str, metric: str) -> FloatArray:
        """Level over reference, NaN where the reference is 0; float (1 + replicates,)."""
        top, bottom = self.values(level, metric), self.values(self.reference, metric)
        return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom != 0)


def disparities(comparison: Comparison) -> tuple[Disparity, ...]:
    """Every level against the reference, in the order of the levels."""
    return tuple(_disparity(comparison, level) for level in comparison.levels)


def _disparity(comparison: Comparison, level: str) -> Disparity:
    metrics: dict[str, Estimate] = {}
    for metric in comparison.metrics:
        n = comparison.denominators[level, metric]
        own, reference = (comparison.values(x, metric) for x in (level, comparison.reference))
        ratio = estimate_of_draws(comparison.ratio(level, metric), n)
        difference = estimate_of_draws(own - reference, n)
        if n and metric in PROPORTIONS and level != comparison.reference and not own.any():
            # Nobody, in any resample: the limit is Wilson's, not nothing.
            most = wilson_interval(0, n).high
            if ratio.estimable:
                ratio = replace(ratio, low=0.0, high=most / float(reference[0]))
            difference = replace(difference, high=max(difference.high, most - float(reference[0])))
        metrics[f"{metric}_ratio"] = ratio
        metrics[f"{metric}_difference"] = difference
    return Disparity(
        attribute=comparison.attribute,
        level=level,
        reference=comparison.reference,
        cut=comparison.cut,
        metrics=MappingProxyType(metrics),
    )


def extremes(comparison: Comparison, enough: int) -> tuple[Extremes, ...]:
    """The smallest and largest ratio of each metric over the levels with enough rows.

    Args:
        comparison: what to compare.
        enough: least denominator (selected, positives, negatives or people, by metric) for a
            level to count.
    """
    return tuple(_extremes(comparison, metric, enough) for metric in comparison.metrics)


def _extremes(comparison: Comparison, metric: str, enough: int) -> Extremes:
    rows = {level: comparison.denominators[level, metric] for level in comparison.levels}
    others = [level for level in comparison.levels if level != comparison.reference]
    fit = [x for x in others if rows[x] >= enough and rows[comparison.reference] >= enough]
    ratios = {level: comparison.ratio(level, metric) for level in fit}
    known = {level: ratio for level, ratio in ratios.items() if not np.isnan(ratio[0])}
    lowest = min(known, key=lambda level: float(known[level][0]), default=None)
    highest = max(known, key=lambda level: float(known[level][0]), default=None)
    stacked = np.vstack(list(known.values())) if known else None
    return Extremes(
        attribute=comparison.attribute,
        reference=comparison.reference,
        cut=comparison.cut,
        metric=f"{metric}_ratio",
        smallest=_extreme(None if stacked is None else stacked.min(axis=0), rows, lowest),
        largest=_extreme(None if stacked is None else stacked.max(axis=0), rows, highest),
        smallest_level=lowest,
        largest_level=highest,
        levels=tuple(known),
        left_out=tuple(level for level in others if level not in known),
    )


def _extreme(by_replicate: FloatArray | None, rows: Mapping[str, int], at: str | None) -> Estimate:
    if at is None or by_replicate is None:
        return Estimate.unknown(0)
    return estimate_of_draws(by_replicate, rows[at])
