"""Logistic regression: features turned into centred terms, then coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.risk_model import Factor, LinearScorer, Term
from riskstrat.training.newton import ROWS_AT_ONCE, Held, fit_logistic
from riskstrat.training.rows import BoolArray, FloatArray, IntArray
from riskstrat.vocabulary import FeatureColumn

MIN_LEVEL_ROWS, MIN_LEVEL_PEOPLE = 20, 10
"""A category, or a missing value, seen in fewer training rows, or perhaps in fewer people, gets no
coefficient of its own."""
SKEWED = 1.0
CELLS_HELD = 25_000_000
"""A larger design (200 MB) is worked out a block at a time in every step: slower, the same bits."""
SPLINE_QUANTILES = (0.05, 0.275, 0.5, 0.725, 0.95)


@dataclass(frozen=True, slots=True)
class Penalty:
    """``l1`` or ``l2`` with inverse strength C, as scikit-learn counts it."""

    kind: str
    c: float

    @property
    def l1(self) -> float:
        """Weight of the sum of absolute slopes."""
        return 1 / self.c if self.kind == "l1" else 0.0

    @property
    def l2(self) -> float:
        """Weight of half the sum of squared slopes."""
        return 1 / self.c if self.kind == "l2" else 0.0


def fit_terms(
    matrix: NDArray[Any], outcome: BoolArray, terms: Sequence[Term], penalty: Penalty
) -> LinearScorer:
    """Coefficients of terms on training rows.

    Args:
        matrix: float (n, features), encoded.
        outcome: bool (n,).
        terms: from ``learn_terms`` or of a baseline.
        penalty: on the centred, scaled terms.
    """
    made = TermsOf(matrix, tuple(terms))
    wide = len(matrix) * len(terms) > CELLS_HELD
    found = fit_logistic(made if wide else made.held(), outcome, l1=penalty.l1, l2=penalty.l2)
    fitted = [
        replace(term, coefficient=float(slope))
        for term, slope in zip(terms, found.slopes, strict=True)
    ]
    return LinearScorer(found.intercept, tuple(fitted))


@dataclass(frozen=True, slots=True)
class TermsOf:
    """Every term's values on a matrix, worked out again whenever they are asked for."""

    matrix: NDArray[Any]
    terms: tuple[Term, ...]

    @property
    def columns(self) -> int:
        """One a term."""
        return len(self.terms)

    def blocks(self) -> Iterator[tuple[slice, FloatArray]]:
        """The rows in order."""
        for start in range(0, len(self.matrix), ROWS_AT_ONCE):
            where = slice(start, start + ROWS_AT_ONCE)
            part = self.matrix[where]
            out = np.empty((len(part), len(self.terms)), dtype=np.float64)
            for position, term in enumerate(self.terms):
                out[:, position] = term.of(part)
            yield where, out

    def held(self) -> Held:
        """The same values, worked out once and kept."""
        x = np.empty((len(self.matrix), len(self.terms)), dtype=np.float64)
        for where, part in self.blocks():
            x[where] = part
        return Held(x)


def learn_terms(
    matrix: NDArray[Any], features: Sequence[FeatureColumn], least: int = MIN_LEVEL_ROWS
) -> tuple[Term, ...]:
    """What each feature becomes, from the training rows alone.

    Numbers and ranks: missing values take the median and get an indicator, skewed counts their
    log, and all are standardised. Nominal categories: one centred indicator per common level.

    Args:
        matrix: float (n, features), encoded training rows.
        features: what its columns are.
        least: a category, or absence, of fewer rows gets no coefficient of its own.
    """
    terms: list[Term] = []
    for position, feature in enumerate(features):
        column = matrix[:, position]
        if not feature.nominal:
            terms += number_terms(matrix, position)
        else:
            terms += level_terms(matrix, position, least)
        if least <= int(np.isnan(column).sum()) <= len(column) - least:
            terms.append(centred(matrix, (Factor(position, "missing"),), scaled=False))
    return tuple(terms)


def least_rows(unit: IntArray) -> int:
    """Rows in which there are enough rows and people, whoever they belong to.

    Args:
        unit: int (n,), whose each training row is.
    """
    each = int(np.unique(unit, return_counts=True)[1].max(initial=1))
    return max(MIN_LEVEL_ROWS, MIN_LEVEL_PEOPLE * each)


def number_terms(matrix: NDArray[Any], position: int) -> list[Term]:
    """The standardised number, or its log; nothing when it never varies."""
    seen = matrix[:, position].astype(np.float64)
    seen = seen[~np.isnan(seen)]
    if not seen.size or seen.min() == seen.max():
        return []
    form: Any = "log1p" if seen.min() >= 0 and _skewness(seen) > SKEWED else "value"
    return [centred(matrix, (Factor(position, form, fill=float(np.median(seen))),), scaled=True)]


def level_terms(matrix: NDArray[Any], position: int, least: int = MIN_LEVEL_ROWS) -> list[Term]:
    """One centred indicator per level with enough rows; the penalty makes them identifiable."""
    column = matrix[:, position]
    codes, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    common = codes[(counts >= least) & (counts < len(column))]
    return [
        centred(matrix, (Factor(position, "level", level=int(code)),), scaled=False)
        for code in common
    ]


def spline_factors(matrix: NDArray[Any], position: int) -> list[Factor]:
    """A restricted cubic spline with five knots, fewer where quantiles coincide."""
    seen = matrix[:, position].astype(np.float64)
    seen = seen[~np.isnan(seen)]
    if not seen.size or seen.min() == seen.max():
        return []
    knots = tuple(float(knot) for knot in np.unique(np.quantile(seen, SPLINE_QUANTILES)))
    bases = range(len(knots) - 1) if len(knots) >= 3 else range(1)
    fill = float(np.median(seen))
    return [Factor(position, "spline", fill=fill, level=b, knots=knots) for b in bases]


def centred(matrix: NDArray[Any], factors: tuple[Factor, ...], *, scaled: bool) -> Term:
    """A term with mean 0 (and standard deviation 1) on these rows."""
    value = Term(factors, 0.0, 1.0).of(matrix)
    spread = float(value.std()) if scaled else 1.0
    return Term(factors, float(value.mean()), spread if spread > 0 else 1.0)


def _skewness(values: FloatArray) -> float:
    away = values - values.mean()
    spread = float((away**2).mean()) ** 1.5
    return float((away**3).mean()) / spread if spread > 0 else 0.0
