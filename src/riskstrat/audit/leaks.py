"""Leaks by name: features that know the outcome.

A record that was made because of the outcome, but is dated before it, makes a feature that is
almost always right where it speaks. Honest features of public services are not: of the half per
cent at highest risk by the best published models, four in five have the outcome. So a single
feature that ranks nearly everybody, or some values of which are as good as certain, is named.
What is found on one half of the people is confirmed on the other, so looking at hundreds of
features does not raise the alarm by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import nan

import numpy as np
from numpy.typing import NDArray

from riskstrat.audit.checks import finding
from riskstrat.audit.people import People
from riskstrat.audit.tested import Tested
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.encode import encode
from riskstrat.statistics.clustered_auroc import clustered_auroc
from riskstrat.statistics.estimate import BoolArray, Estimate, FloatArray, wilson_interval
from riskstrat.vocabulary import Finding, Severity

MOST_ROWS = 60_000
RANKS_ALONE = 0.90
"""the lower limit of a single feature's AUROC from which on it ranks too well to be true"""
CERTAIN = 0.85
"""the lower limit of the outcome's rate from which on some values are too sure to be true"""
TIMES = 3.0
"""... and this many times the rate of everybody; or, where the outcome is common, from which on
the others are this many times fewer than among everybody"""
FEWEST = 20
"""rows that such values have, in each half"""
STEPS = 64
"""values are looked at in at most this many steps"""


def check_leaks(
    people: People, tested: Tested, model: RiskModel, *, seed: int
) -> Iterator[Finding]:
    """RS3506: a feature that alone ranks nearly everybody, or is as good as certain somewhere.

    Args:
        people: the rows under audit.
        tested: their features, in the order of the predictions that ``people`` came from.
        model: whose features are looked at.
        seed: of the halves, and of the sample where there are more than ``MOST_ROWS`` rows.
    """
    rng = np.random.default_rng([seed, 36])
    rows = np.arange(len(people.y))
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    y = people.y[rows]
    clusters = np.unique(people.clusters[rows], return_inverse=True)[1].reshape(-1)
    first = (rng.random(clusters.max(initial=0) + 1) < 0.5)[clusters]
    if not 0 < y.sum() < len(y):
        return
    if not _can_be_sure(y, first):
        yield _not_looked(y, first)
    table = tested.of(people.place[rows])
    for i, feature in enumerate(model.features):
        column = encode(table, (feature,), (model.levels[i],), np.float64)[:, 0]
        if found := _too_sure(column, y, first):
            said = (
                f"{feature.name}: where it is {found[1]}, the outcome happens to "
                f"{found[0].value:.1%} ({found[0].low:.1%} to {found[0].high:.1%}), against "
                f"{y.mean():.1%} of everybody"
            )
            yield finding("RS3506", Severity.WARNING, feature.name, said, found[0])
            continue
        alone = _alone(column, y, clusters)
        if alone.low > RANKS_ALONE:
            said = (
                f"{feature.name}: this one feature ranks people by an area under the ROC curve of "
                f"{alone.value:.3g} (95% interval {alone.low:.3g} to {alone.high:.3g})"
            )
            yield finding("RS3506", Severity.WARNING, feature.name, said, alone)


def too_sure_from(base: float) -> float:
    """The rate of the outcome from which on values are too sure, by the rate of everybody.

    Three times as many with the outcome as among everybody cannot be where a third have it. Three
    times fewer without it can, at any rate.

    Examples:
        >>> [round(too_sure_from(base), 3) for base in (0.05, 0.3, 0.45, 0.7)]
        [0.85, 0.85, 0.85, 0.9]
    """
    return max(CERTAIN, min(TIMES * base, 1 - (1 - base) / TIMES))


def _can_be_sure(y: BoolArray, first: BoolArray) -> bool:
    """Whether values that only people with the outcome have, all of them, would be named."""
    own, other = int(y[first].sum()), int(y[~first].sum())
    if min(own, other) < FEWEST:
        return False
    return wilson_interval(other, other).low >= too_sure_from(float(y.mean()))


def _not_looked(y: BoolArray, first: BoolArray) -> Finding:
    """RS3506 where values that are as good as certain could not be told from others."""
    fewest = min(int(y[first].sum()), int(y[~first].sum()))
    said = (
        "features with values that go with the outcome almost always were not looked for: "
        f"{y.mean():.1%} of those tested have the outcome, and half of them are too few to show a "
        f"rate of {too_sure_from(float(y.mean())):.1%}; features that rank nearly everybody were"
    )
    return finding("RS3506", Severity.INFO, "features", said, Estimate(nan, nan, nan, fewest))


def _alone(column: FloatArray, y: BoolArray, clusters: NDArray[np.int64]) -> Estimate:
    """AUROC of one feature in its better direction, a missing value below or above all."""
    known = np.isfinite(column)
    low = column[known].min() - 1 if known.any() else 0.0
    high = column[known].max() + 1 if known.any() else 0.0
    best = Estimate.unknown(len(y))
    for missing in (low, high):
        found = clustered_auroc(y, np.where(known, column, missing), clusters)
        if found.value < 0.5:
            found = clustered_auroc(y, -np.where(known, column, missing), clusters)
        if not best.estimable or found.value > best.value:
            best = found
    return best


def _too_sure(column: FloatArray, y: BoolArray, first: BoolArray) -> tuple[Estimate, str] | None:
    """The rate of the outcome where a feature's values are as good as certain, and where that is.

    The values are found on one half of the people; the rate, and the verdict, are of the other.
    """
    least = too_sure_from(float(y.mean()))
    for rows, said in _corners(column, y, first):
        other = rows & ~first
        if rows[first].sum() < FEWEST or other.sum() < FEWEST:
            continue
        rate = wilson_interval(int(y[other].sum()), int(other.sum()))
        if rate.low >= least:
            return rate, said
    return None


def _corners(column: FloatArray, y: BoolArray, first: BoolArray) -> Iterator[tuple[BoolArray, str]]:
    """Values worth confirming: missing, the single value and the two tails that look surest."""
    missing = ~np.isfinite(column)
    yield missing, "missing"
    values = np.unique(column[~missing])
    if not len(values):
        return
    if len(values) > STEPS:
        values = np.unique(np.quantile(column[~missing], np.linspace(0, 1, STEPS)))
    at = np.searchsorted(values, column, side="right") - 1
    mine = first & ~missing
    n = np.bincount(at[mine], minlength=len(values)).astype(np.float64)
    hits = np.bincount(at[mine], weights=y[mine], minlength=len(values)).astype(np.float64)
    best = _surest(hits, n)
    yield ~missing & (at == best), f"{values[best]:g}"
    upper = _surest(_running(hits[::-1])[::-1], _running(n[::-1])[::-1])
    yield ~missing & (at >= upper), f"{values[upper]:g} or more"
    lower = _surest(_running(hits), _running(n))
    yield ~missing & (at <= lower), f"{values[lower]:g} or less"


def _running(values: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(values), dtype=np.float64)


def _surest(hits: FloatArray, n: FloatArray) -> int:
    """Where the rate is highest among those with enough rows."""
    rate = np.where(n >= FEWEST, hits / np.maximum(n, 1), -1.0)
    return int(np.argmax(rate))
