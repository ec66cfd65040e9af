"""A linear scorer on the log-odds scale: terms made of features, written down in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True)
class Factor:
    """One feature, seen one way.

    Attributes:
        feature: its position in the encoded matrix.
        form: ``value``; ``log1p`` of it; ``missing`` (1 where it is NaN); ``level`` (1 where the
            code equals ``level``); ``spline`` (see ``spline``).
        fill: stands in for NaN in ``value``, ``log1p`` and ``spline``.
        level: the category's code, or which spline basis function.
        knots: of the spline.
    """

    feature: int
    form: Literal["value", "log1p", "missing", "level", "spline"]
    fill: float = 0.0
    level: int = 0
    knots: tuple[float, ...] = ()

    def of(self, matrix: NDArray[Any]) -> FloatArray:
        """Values (rows,) as float64, before centring."""
        column = matrix[:, self.feature].astype(np.float64)
        if self.form == "missing":
            return np.asarray(np.isnan(column), dtype=np.float64)
        if self.form == "level":
            return np.asarray(column == self.level, dtype=np.float64)
        filled = np.where(np.isnan(column), self.fill, column)
        if self.form == "log1p":
            return np.asarray(np.log1p(np.maximum(filled, 0.0)))
        return spline(filled, self.knots, self.level) if self.form == "spline" else filled


def spline(x: FloatArray, knots: tuple[float, ...], basis: int) -> FloatArray:
    """Restricted cubic spline basis function ``basis`` (0 is x itself), linear beyond the knots.

    Harrell, Regression Modeling Strategies (2015), section 2.4.5; scaled by the squared range.
    """
    if basis == 0:
        return x
    first, before, last = knots[basis - 1], knots[-2], knots[-1]

    def cube(knot: float) -> FloatArray:
        return np.asarray(np.maximum(x - knot, 0.0) ** 3)

    tail = cube(before) * (last - first) - cube(last) * (before - first)
    return (cube(first) - tail / (last - before)) / (last - knots[0]) ** 2


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors, centred and scaled as on the training rows."""

    factors: tuple[Factor, ...]
    mean: float
    scale: float
    coefficient: float = 0.0

    def of(self, matrix: NDArray[Any]) -> FloatArray:
        """Values (rows,), centred and scaled."""
        value = self.factors[0].of(matrix)
        for factor in self.factors[1:]:
            value = value * factor.of(matrix)
        return np.asarray((value - self.mean) / self.scale)


@dataclass(frozen=True, slots=True)
class LinearScorer:
    """Log-odds as an intercept plus terms times coefficients."""

    intercept: float
    terms: tuple[Term, ...] = ()

    def log_odds(self, matrix: NDArray[Any]) -> FloatArray:
        """(rows,) for an encoded matrix (rows, features)."""
        out = np.full(len(matrix), self.intercept, dtype=np.float64)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            part = matrix[start : start + ROWS_AT_ONCE]
            for term in self.terms:
                if term.coefficient != 0.0:
                    out[start : start + ROWS_AT_ONCE] += term.of(part) * term.coefficient
        return out

    def contributions(self, matrix: NDArray[Any]) -> FloatArray:
        """Coefficient times (x - mean), added up per feature: (rows, features).

        A product of two features is shared equally between them.
        """
        out = np.zeros(matrix.shape, dtype=np.float64)
        for start in range(0, len(matrix), ROWS_AT_ONCE):
            part = matrix[start : start + ROWS_AT_ONCE]
            for term in self.terms:
                if term.coefficient == 0.0:
                    continue
                moved = term.of(part) * (term.coefficient / len(term.factors))
                for factor in term.factors:
                    out[start : start + ROWS_AT_ONCE, factor.feature] += moved
        return out

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"intercept": self.intercept, "terms": [_plain(term) for term in self.terms]}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of ``as_dict``."""
        return cls(value["intercept"], tuple(_term(item) for item in value["terms"]))


def _plain(term: Term) -> dict[str, Any]:
    factors = [
        {
            "feature": factor.feature,
            "form": factor.form,
            "fill": factor.fill,
            "level": factor.level,
            "knots": list(factor.knots),
        }
        for factor in term.factors
    ]
    return {
        "factors": factors,
        "mean": term.mean,
        "scale": term.scale,
        "coefficient": term.coefficient,
    }


def _term(value: Mapping[str, Any]) -> Term:
    factors = tuple(
        Factor(**(dict(factor) | {"knots": tuple(factor["knots"])})) for factor in value["factors"]
    )
    return Term(factors, value["mean"], value["scale"], value["coefficient"])
