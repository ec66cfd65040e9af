"""Calibrators, fitted on scores of people the learner did not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression

from riskstrat.risk_model import Calibrator
from riskstrat.risk_model.calibrator import on_scale
from riskstrat.training.folds import Split, deal
from riskstrat.training.newton import Held, fit_logistic
from riskstrat.training.rows import BoolArray, FloatArray, IntArray

ENOUGH_FOR_ISOTONIC = 200
CLIP = 1e-4
LEAST_PER_BLOCK, MOST_PER_BLOCK = 10, 100
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
    found = fit_logistic(Held(((x - middle) / spread)[:, None]), outcome, l2=1e-3)
    # A published score that runs the wrong way is flattened, never turned round in silence.
    slope = max(float(found.slopes[0]), 0.0) / spread
    intercept = found.intercept - slope * middle
    if slope == 0.0:
        intercept = float(np.log(outcome.mean() / (1 - outcome.mean())))
    return Calibrator(kind="sigmoid", scale=scale, slope=slope, intercept=intercept)


def pooled_calibrator(
    inner: Sequence[Split],
    outcome: BoolArray,
    method: Method,
    score: Callable[[Split], FloatArray],
) -> Calibrator:
    """Fitted on probabilities of rows that were not learnt from, pooled in the order of the rows.

    Args:
        inner: the inner splits of a fold.
        outcome: bool (n,), of all rows.
        method: asked for by the study; weakened where there are too few outcomes.
        score: the raw scores of a split's evaluated rows, by a model of its other rows.
    """
    rows = np.concatenate([split.evaluate for split in inner])
    raw = np.concatenate([score(split) for split in inner])
    order = np.argsort(rows, kind="stable")
    known = outcome[rows[order]]
    used = usable_method(method, int(known.sum()), "log_odds")
    return fit_calibrator(raw[order], known, used)


def _isotonic(raw: FloatArray, outcome: BoolArray) -> Calibrator:
    """Pool adjacent violators over blocks of people, and join the blocks' centres.

    Single people would leave steps of one or two persons at the ends, which fit nobody else and
    tell of those people; hence blocks first. Joining centres by straight lines (Oron & Flournoy
    2017, doi:10.1080/19466315.2017.1286256) makes fewer ties than steps do. An end block of m
    people without an outcome says that risk is small, not that it is zero: half an outcome
    among m + 1, as Krichevsky and Trofimov's estimate would have it.
    """
    block = _blocks(raw, outcome)
    people = np.bincount(block).astype(np.float64)
    score = np.bincount(block, weights=raw) / people
    rate = np.bincount(block, weights=outcome) / people
    pooled = np.asarray(IsotonicRegression().fit_transform(score, rate, sample_weight=people))
    level, where = np.unique(pooled, return_inverse=True)
    size = np.bincount(where, weights=people)
    centre = np.bincount(where, weights=score * people) / size
    low = 0.5 / (size[0] + 1) if level[0] <= 0.0 else 0.0
    high = 1 - 0.5 / (size[-1] + 1) if level[-1] >= 1.0 else 1.0
    risks = np.clip(level, max(CLIP, low), min(1 - CLIP, high))
    return Calibrator(
        kind="isotonic",
        scores=tuple(float(value) for value in centre),
        risks=tuple(float(value) for value in risks),
    )


def _blocks(raw: FloatArray, outcome: BoolArray) -> IntArray:
    """Neighbours in score, lowest block 0: (n,).

    From the top, a block ends where it holds 10 people with and 10 without the outcome, or
    a twentieth of all people; equal scores stay together, and what is left joins the lowest.
    """
    order = np.argsort(-raw, kind="stable")
    score = raw[order]
    ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    positives = np.cumsum(outcome[order])[ends]
    enough = max(MOST_PER_BLOCK, len(raw) // 20)
    cuts, people_before, positives_before = [], 0, 0
    for end, positive in zip((ends + 1).tolist(), positives.tolist(), strict=True):
        people, found = end - people_before, positive - positives_before
        if people >= enough or min(found, people - found) >= LEAST_PER_BLOCK:
            cuts.append(end)
            people_before, positives_before = end, positive
    if not cuts:
        return np.zeros(len(raw), dtype=np.int64)
    block = np.empty(len(raw), dtype=np.int64)
    at = np.searchsorted(np.asarray(cuts[:-1]), np.arange(len(raw)), side="right")
    block[order] = len(cuts) - 1 - at
    return block


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
