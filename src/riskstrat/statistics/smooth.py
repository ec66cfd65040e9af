"""A flexible calibration curve: observed rate as a smooth function of stated risk.

A logistic regression of the outcome on a restricted cubic spline of the risk's log-odds (Harrell
2015, section 2.4; Van Calster et al. 2016, doi:10.1016/j.jclinepi.2015.12.005). The band is
pointwise, from the variance that allows for rows of one cluster (Liang and Zeger 1986,
doi:10.1093/biomet/73.1.13).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from .estimate import NORMAL_QUANTILE, FloatArray, NotEstimable, binary, finite, same_length
from .probability import LOGIT_CLIP
from .resample import find_clusters

KNOTS = (0.10, 0.50, 0.90)
"""quantiles of the log-odds, as Harrell recommends for three knots"""
NEWTON_STEPS = 50
SMALL = 1e-9
INNER = (0.01, 0.99)
"""the curve is given between these quantiles of the risk: beyond, hardly anybody is"""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The curve at one risk.

    Attributes:
        risk: as the model states it.
        observed: rate of the outcome among people of about that risk; low, high: its 95% limits.
    """

    risk: float
    observed: float
    low: float
    high: float


def smooth_calibration(
    y: NDArray[Any],
    p: NDArray[Any],
    *,
    clusters: NDArray[Any] | None = None,
    points: int = 25,
) -> tuple[CurvePoint, ...]:
    """The curve at ``points`` risks, evenly spaced between the 1st and the 99th percentile.

    Args:
        y: bool or 0/1 (n,).
        p: probabilities (n,).
        clusters: (n,) labels of rows that belong together.
        points: how many.

    Raises:
        NotEstimable: one class only, a single risk, or outcomes that the risk separates.
    """
    same_length(y=y, p=p, clusters=y if clusters is None else clusters)
    outcome, risk = binary(y), finite("p", p, probability=True)
    x = logit(np.clip(risk, LOGIT_CLIP, 1 - LOGIT_CLIP))
    knots = np.unique(np.quantile(x, KNOTS))
    design = _basis(x, knots)
    beta, bread = _fit(design, outcome)
    meat = _meat(design, outcome - expit(design @ beta), clusters)
    cover = bread @ meat @ bread
    low, high = np.quantile(risk, INNER)
    at = np.linspace(low, high, points) if high > low else np.array([low])
    wanted = _basis(logit(np.clip(at, LOGIT_CLIP, 1 - LOGIT_CLIP)), knots)
    eta = wanted @ beta
    half = NORMAL_QUANTILE * np.sqrt(np.maximum(((wanted @ cover) * wanted).sum(axis=1), 0))
    rows = zip(at, expit(eta), expit(eta - half), expit(eta + half), strict=True)
    return tuple(CurvePoint(*map(float, row)) for row in rows)


def _basis(x: FloatArray, knots: FloatArray) -> FloatArray:
    """1, x and, with three knots, the restricted cubic term: straight beyond the outer knots."""
    columns = [np.ones_like(x), x]
    if len(knots) == 3:
        first, middle, last = knots
        scale = (last - first) ** 2
        ahead, mid, back = (np.maximum(x - k, 0) ** 3 for k in (first, middle, last))
        rest = mid * (last - first) / (last - middle) - back * (middle - first) / (last - middle)
        columns.append((ahead - rest) / scale)
    return np.column_stack(columns)


def _fit(design: FloatArray, y: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Coefficients and the inverse of the information, by Newton's method."""
    beta: FloatArray = np.zeros(design.shape[1])
    rate = float(y.mean())
    if not 0 < rate < 1:
        raise NotEstimable.one_class(len(y), int(y.sum()))
    beta[0] = logit(rate)
    for _ in range(NEWTON_STEPS):
        chance = expit(design @ beta)
        information = (design * (chance * (1 - chance))[:, None]).T @ design
        try:
            bread: FloatArray = np.linalg.inv(information).astype(np.float64)
        except np.linalg.LinAlgError:
            break
        move = bread @ (design.T @ (y - chance))
        shortened = min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-12))
        beta = np.asarray(beta + move * shortened, dtype=np.float64)
        if not np.isfinite(beta).all():
            break
        if np.abs(move).max() < SMALL:
            return beta, bread
    raise NotEstimable.bad_argument("p", "risks that do not vary or that separate", "a spread")


def _meat(design: FloatArray, residual: FloatArray, clusters: NDArray[Any] | None) -> FloatArray:
    """Sum over clusters of the outer product of their scores."""
    who = find_clusters(clusters, len(residual))
    scores = design * residual[:, None]
    summed = np.column_stack(
        [np.bincount(who.of_row, weights=column, minlength=who.count) for column in scores.T]
    )
    small = who.count / max(who.count - 1, 1)
    return np.asarray(summed.T @ summed * small, dtype=np.float64)
