"""Calibrators, fitted on scores of people the learner did not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression

from riskstrat.risk_model import Calibrator
from riskstrat.risk_model.calibrator import on_scale
from riskstrat.training.folds import deal
from riskstrat.training.newton import fit_logistic
from riskstrat.training.rows import BoolArray, FloatArray, IntArray

ENOUGH_FOR_ISOTONIC = 200
CLIP = 1e-4
CROSS_FIT = 5

Method = Literal["isotonic", "sigmoid", "none"]
Scale = Literal["log_odds", "identity"]


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """Risks of the people a calibrator is fitted on, each from a calibrator that left them out."""

    risk: FloatArray
    used: str


def usable_method(asked: Method, outcomes: int, scale: Scale) -> Method:
    """What can be fitted: isotonic needs 200 outcomes, and a published score needs something."""
    if asked == "none":
        return "sigmoid" if scale == "identity" else "none"
    return "sigmoid" if outcomes < ENOUGH_FOR_ISOTONIC else asked


def fit_calibrator(
    raw: FloatArray, outcome: BoolArray, method: Method, scale: Scale = "log_odds"
) -> Calibrator:
    """Fit by the method given.

    Args:
        raw: float (n,), scores of rows the learner did not see.
        outcome: bool (n,).
        method: from ``usable_method``.
        scale: what a sigmoid is linear in.
    """
    if method == "none":
        return Calibrator()
    if method == "isotonic":
        return _isotonic(raw, outcome)
    x = on_scale(raw, scale)
    spread = float(x.std()) or 1.0
    middle = float(x.mean())
    found = fit_logistic(((x - middle) / spread)[:, None], outcome, l2=1e-3)
    # A published score that runs the wrong way is flattened, never turned round in silence.
    slope = max(float(found.slopes[0]), 0.0) / spread
    intercept = found.intercept - slope * middle
    if slope == 0.0:
        intercept = float(np.log(outcome.mean() / (1 - outcome.mean())))
    return Calibrator(kind="sigmoid", scale=scale, slope=slope, intercept=intercept)


def _isotonic(raw: FloatArray, outcome: BoolArray) -> Calibrator:
    """Pool adjacent violators, then join the blocks' centres by straight lines.

    Joining centres (centred isotonic regression, Oron & Flournoy 2017,
    doi:10.1080/19466315.2017.1286256) makes fewer ties than steps do and fits new people
    better. A block of m people at an end without an outcome says that risk is small, not that
    it is zero: it gets half an outcome among m + 1, as Krichevsky and Trofimov's estimate would.
    """
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(raw, outcome.astype(np.float64))
    level, block, size = np.unique(
        np.asarray(fitted.predict(raw)), return_inverse=True, return_counts=True
    )
    centre = np.bincount(block, weights=raw) / size
    low = max(CLIP, 0.5 / (size[0] + 1) if level[0] == 0.0 else 0.0)
    high = min(1 - CLIP, 1 - 0.5 / (size[-1] + 1) if level[-1] == 1.0 else 1.0)
    return Calibrator(
        kind="isotonic",
        scores=tuple(float(score) for score in centre),
        risks=tuple(float(risk) for risk in np.clip(level, low, high)),
    )


def cross_fit(
    raw: FloatArray,
    outcome: BoolArray,
    clusters: IntArray,
    method: Method,
    scale: Scale,
    seed: tuple[int, ...],
) -> CrossFitted:
    """Risks (n,) from five calibrators, each fitted without one part of the clusters.

    Args:
        raw: float (n,), out-of-fold scores.
        outcome: bool (n,).
        clusters: int (n,), kept whole.
        method: asked for by the study; weakened where a part has too few outcomes.
        scale: what a sigmoid is linear in.
        seed: words for the generator.
    """
    risk = np.empty(len(raw))
    parts = min(CROSS_FIT, len(np.unique(clusters)))
    side = deal(clusters, outcome, parts, seed, what="cluster")
    used = usable_method(method, int(outcome.sum()), scale)
    for part in range(parts):
        inside = side == part
        learnt = outcome[~inside]
        if learnt.all() or not learnt.any():
            # Too few clusters to leave any out: the rate is all that can be said.
            risk[inside] = outcome.mean()
            continue
        risk[inside] = fit_calibrator(raw[~inside], learnt, used, scale)(raw[inside])
    return CrossFitted(risk, used)
