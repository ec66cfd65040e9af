"""A model that can be read in full: the log-odds are a sum of one curve for each feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskstrat.vocabulary import FeatureColumn

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """What one feature adds to the log-odds, step by step.

    Attributes:
        feature: its position in the encoded matrix.
        cuts: rising; a value belongs to the step of the last cut that is at most as large. Of
            a nominal feature the codes of its levels.
        steps: one more than cuts; of a nominal feature one each. An unseen level adds nothing.
        missing: what a missing value adds.
        nominal: whether ``cuts`` are codes.
    """

    feature: int
    cuts: tuple[float, ...]
    steps: tuple[float, ...]
    missing: float
    nominal: bool = False

    def of(self, column: NDArray[Any]) -> FloatArray:
        """What each value (n,) adds; NaN is missing."""
        values = np.asarray(column, dtype=np.float64)
        steps = np.array(self.steps)
        if self.nominal:
            found = np.zeros(len(values))
            for code, step in zip(self.cuts, steps, strict=True):
                found[values == code] = step
        else:
            found = steps[np.searchsorted(np.array(self.cuts), values, side="right")]
        return np.where(np.isnan(values), self.missing, found)


@dataclass(frozen=True, slots=True)
class GlassBox:
    """An additive model, kept as plain numbers.

    Attributes:
        intercept: the log-odds that all curves start from.
        curves: of the features that vary; a feature without a curve adds nothing.
        features: the columns of the encoded matrix.
    """

    intercept: float
    curves: tuple[Curve, ...]
    features: tuple[FeatureColumn, ...]

    def contributions(self, matrix: NDArray[Any]) -> FloatArray:
        """What each feature adds to each row's log-odds: (rows, features)."""
        out = np.zeros(matrix.shape, dtype=np.float64)
        for curve in self.curves:
            out[:, curve.feature] = curve.of(matrix[:, curve.feature])
        return out

    def log_odds(self, matrix: NDArray[Any]) -> FloatArray:
        """(rows,) for an encoded matrix (rows, features)."""
        out = np.full(len(matrix), self.intercept)
        for curve in self.curves:
            out += curve.of(matrix[:, curve.feature])
        return out

    def raw_of(self, matrix: NDArray[Any]) -> FloatArray:
        """Probabilities (rows,) before calibration."""
        return np.asarray(expit(self.log_odds(matrix)))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; features by name."""
        return {
            "intercept": self.intercept,
            "features": [feature.name for feature in self.features],
            "curves": [
                {
                    "feature": self.features[curve.feature].name,
                    "cuts": list(curve.cuts),
                    "steps": list(curve.steps),
                    "missing": curve.missing,
                    "nominal": curve.nominal,
                }
                for curve in self.curves
            ],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], features: tuple[FeatureColumn, ...]) -> Self:
        """The inverse of ``as_dict``."""
        place = {feature.name: i for i, feature in enumerate(features)}
        curves = tuple(
            Curve(
                place[told["feature"]],
                tuple(told["cuts"]),
                tuple(told["steps"]),
                told["missing"],
                told["nominal"],
            )
            for told in value["curves"]
        )
        return cls(value["intercept"], curves, features)
