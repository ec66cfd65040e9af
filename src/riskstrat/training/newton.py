"""Penalised logistic regression to full precision, the same whatever the number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from riskstrat.training.rows import BoolArray, FloatArray

STEPS = 100
SWEEPS = 1000
SMALL_MOVE = 1e-9
ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Of a logistic regression: intercept and (columns,) slopes."""

    intercept: float
    slopes: FloatArray


class Design(Protocol):
    """Values of the columns, a block of rows at a time, the same each time they are asked for."""

    @property
    def columns(self) -> int:
        """How many columns."""

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """``ROWS_AT_ONCE`` rows (the last may have fewer) as float64, and which rows they are."""


@dataclass(frozen=True, slots=True)
class Held:
    """A design that is in memory: float64 (n, columns)."""

    x: FloatArray

    @property
    def columns(self) -> int:
        """How many columns."""
        return int(self.x.shape[1])

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """The rows in order."""
        for start in range(0, len(self.x), ROWS_AT_ONCE):
            where = slice(start, start + ROWS_AT_ONCE)
            yield where, self.x[where]


def fit_logistic(x: Design, y: BoolArray, *, l1: float = 0.0, l2: float = 0.0) -> Coefficients:
    """Minimise log loss (summed) + l1 |slopes|_1 + l2/2 |slopes|_2^2; the intercept is free.

    Newton steps with halving; with an l1 penalty each step's quadratic model is minimised by
    coordinate descent (Friedman, Hastie & Tibshirani 2010, doi:10.18637/jss.v033.i01). The
    linear algebra runs on one thread, so that sums are always taken in the same order.

    Args:
        x: n rows, finite, on comparable scales.
        y: bool (n,), holding both classes.
        l1: penalty, 0 or more.
        l2: penalty, 0 or more; keep one of them above 0, or separable data have no answer.
    """
    beta = np.zeros(x.columns)
    intercept = float(np.log(y.mean() / (1 - y.mean())))
    with threadpool_limits(limits=1):
        now = _loss(x, y, intercept, beta, l1, l2)
        for _ in range(STEPS):
            move0, move = _step(x, y, intercept, beta, l1, l2)
            size = 1.0
            while size > SMALL_MOVE:
                then = _loss(x, y, intercept + size * move0, beta + size * move, l1, l2)
                if then <= now:
                    break
                size /= 2
            else:
                break  # no step improves: as near as float64 can come
            intercept, beta = intercept + size * move0, beta + size * move
            gained, now = now - then, then
            largest = max(abs(move0), float(np.abs(move).max(initial=0.0)))
            if size * largest < SMALL_MOVE or gained <= 1e-14 * abs(now):
                break
    return Coefficients(intercept, beta)


def _loss(
    x: Design, y: BoolArray, intercept: float, beta: FloatArray, l1: float, l2: float
) -> float:
    total = 0.0
    for where, part in x.blocks():
        eta = part @ beta + intercept
        total += float(np.logaddexp(0.0, np.where(y[where], -eta, eta)).sum())
    return total + l1 * float(np.abs(beta).sum()) + l2 / 2 * float(beta @ beta)


def _step(
    x: Design, y: BoolArray, intercept: float, beta: FloatArray, l1: float, l2: float
) -> tuple[float, FloatArray]:
    """The move of intercept and slopes that minimises the quadratic model at this point."""
    columns = x.columns
    gradient, crossed, curvature = l2 * beta, np.zeros(columns), l2 * np.eye(columns)
    gradient0, curvature0 = 0.0, 0.0
    for where, part in x.blocks():
        p = expit(part @ beta + intercept)
        residual = p - y[where]
        weight = np.maximum(p * (1 - p), 1e-10)
        gradient = gradient + residual @ part
        gradient0 += float(residual.sum())
        crossed = crossed + weight @ part
        curvature0 += float(weight.sum())
        curvature += part.T @ (part * weight[:, None])
    # The intercept is solved for and put back: what is left is a problem in the slopes alone.
    curvature -= np.outer(crossed, crossed) / curvature0
    gradient = gradient - crossed * (gradient0 / curvature0)
    move = _descend(curvature, gradient, beta, l1) if l1 else _solve(curvature, gradient)
    return -(gradient0 + float(crossed @ move)) / curvature0, move


def _solve(curvature: FloatArray, gradient: FloatArray) -> FloatArray:
    if not len(gradient):
        return gradient
    return np.asarray(-np.linalg.solve(curvature, gradient))


def _descend(
    curvature: FloatArray, gradient: FloatArray, beta: FloatArray, l1: float
) -> FloatArray:
    """Coordinate descent on the quadratic model with an l1 penalty on ``beta + move``."""
    move, slope = np.zeros_like(beta), gradient.copy()
    for _ in range(SWEEPS):
        largest = 0.0
        for j in range(len(beta)):
            bend = curvature[j, j]
            if bend <= 0.0:
                continue
            at = beta[j] + move[j]
            wanted = at - slope[j] / bend
            target = np.sign(wanted) * max(abs(wanted) - l1 / bend, 0.0)
            if change := target - at:
                move[j] += change
                slope += curvature[:, j] * change
                largest = max(largest, abs(change))
        if largest < SMALL_MOVE / 10:
            break
    return move
