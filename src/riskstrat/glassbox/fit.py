"""An explainable boosting machine, fitted by interpret-core and taken over as plain numbers.

Nori et al. 2019, arXiv:1909.09223; Lou et al. 2012, doi:10.1145/2339530.2339556. Curves only,
without pairs of features: a page of curves can be read, a page of surfaces cannot. The bags that
decide when to stop leave out whole people or households, and no cut leaves fewer people on a side
than a leaf of the model it is compared with holds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from riskstrat.errors import RiskstratError
from riskstrat.glassbox.model import Curve, GlassBox
from riskstrat.vocabulary import FeatureColumn

FloatArray = NDArray[np.float64]
BAGS = 4
"""models whose curves are averaged: with eight next to nothing is gained (docs/decisions/0028)"""
LEFT_OUT = 0.15
"""share of the clusters of a bag that decide when it stops"""
MOST_BINS = 127
"""as many as the trees may cut a feature into"""
SAME = 1e-6
"""log-odds by which the plain numbers may miss the library's own model"""


def fit_glass_box(
    matrix: NDArray[Any],
    outcome: NDArray[np.bool_],
    clusters: NDArray[np.int64],
    features: Sequence[FeatureColumn],
    *,
    floor: int,
    seed: int,
    threads: int,
    bags: int = BAGS,
    correction: float = 0.0,
) -> GlassBox:
    """Fit the curves.

    Args:
        matrix: float (n, features), encoded as for any other model; NaN where missing.
        outcome: bool (n,).
        clusters: int (n,), what stands or falls together.
        features: the columns of the matrix.
        floor: people whom a cut leaves on each side at least.
        seed: of bags and fit.
        threads: bags at the same time; the answer does not depend on it.
        bags: models that are averaged.
        correction: added to all log-odds, where rows without the outcome were left out.

    Raises:
        RiskstratError: RS3614, when the plain numbers do not give the library's scores.
    """
    from interpret.glassbox import ExplainableBoostingClassifier

    types = ["nominal" if feature.nominal else "continuous" for feature in features]
    machine = ExplainableBoostingClassifier(
        feature_types=types,
        interactions=0,
        outer_bags=bags,
        max_bins=MOST_BINS,
        min_samples_leaf=floor,
        min_cat_samples=floor,
        smoothing_rounds=0,  # these cut at random, wherever it is, and leave single people alone
        n_jobs=threads,
        random_state=seed % 2**31,
    )
    # The work is done outside of Python: threads share the rows, processes would copy them.
    with joblib.parallel_config(backend="threading"), warnings.catch_warnings():
        # It warns that its own pictures leave out missing values; ours show them.
        warnings.simplefilter("ignore")
        machine.fit(matrix, outcome.astype(np.int64), bags=bags_of(clusters, bags, seed))
    found = _taken_over(machine, features)
    _same(found, machine, matrix)
    curves = tuple(_without_rare(c, machine, i, floor) for i, c in enumerate(found.curves))
    return GlassBox(found.intercept + correction, curves, tuple(features))


def bags_of(clusters: NDArray[np.int64], bags: int, seed: int) -> NDArray[np.int8]:
    """Who teaches (1) and who decides when to stop (-1) in each bag: (n, bags)."""
    names, of_row = np.unique(clusters, return_inverse=True)
    side = np.ones((len(names), bags), dtype=np.int8)
    for bag in range(bags):
        rng = np.random.default_rng([seed, 92, bag])
        left_out = rng.permutation(len(names))[: max(1, round(LEFT_OUT * len(names)))]
        side[left_out, bag] = -1
    return np.ascontiguousarray(side[of_row])


def _taken_over(machine: Any, features: Sequence[FeatureColumn]) -> GlassBox:
    curves = []
    for (feature,), scores in zip(machine.term_features_, machine.term_scores_, strict=True):
        [bins, *_] = machine.bins_[feature]
        missing, *steps, _unseen = (float(score) for score in scores)
        if isinstance(bins, dict):
            codes = {float(text): steps[place - 1] for text, place in bins.items()}
            curves.append(Curve(feature, tuple(codes), tuple(codes.values()), missing, True))
        else:
            cuts = tuple(float(cut) for cut in bins)
            curves.append(Curve(feature, cuts, tuple(steps), missing))
    return GlassBox(float(machine.intercept_[0]), tuple(curves), tuple(features))


def _same(found: GlassBox, machine: Any, matrix: NDArray[Any]) -> None:
    """Nothing, or RiskstratError RS3614 where the numbers are not the model."""
    theirs = np.asarray(machine.decision_function(matrix), dtype=np.float64)
    gap = float(np.abs(found.log_odds(matrix) - theirs).max()) if len(matrix) else 0.0
    if not gap <= SAME:
        raise RiskstratError(
            f"the curves taken over from interpret-core miss its own scores by {gap:.3g} log-odds "
            f"in {len(matrix)} rows; allowed: {SAME:g}",
            fix="report this as a bug, with the version of interpret-core that is installed",
            code="RS3614",
        )


def _without_rare(curve: Curve, machine: Any, term: int, floor: int) -> Curve:
    """A missing value that fewer people have than a leaf may hold adds nothing: it would tell of
    them."""
    rare = 0 < machine.bin_weights_[term][0] < floor
    if not rare:
        return curve
    return Curve(curve.feature, curve.cuts, curve.steps, 0.0, curve.nominal)
