"""From a raw score to the risk that was observed at such scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

FloatArray = NDArray[np.float64]

LOGIT_CLIP = 1e-9
"""Raw scores are kept this far from 0 and 1 before their log-odds are taken."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A rising function from raw score to risk.

    Attributes:
        kind: ``none`` (the raw score is the risk), ``sigmoid`` or ``isotonic``.
        scale: what a sigmoid is linear in: the ``log_odds`` of the raw score, or the raw score
            itself (``identity``, for a published score that is no probability).
        slope, intercept: of the sigmoid.
        scores, risks: the isotonic knots, both rising; straight lines between, flat outside.
    """

    kind: Literal["none", "sigmoid", "isotonic"] = "none"
    scale: Literal["log_odds", "identity"] = "log_odds"
    slope: float = 1.0
    intercept: float = 0.0
    scores: tuple[float, ...] = ()
    risks: tuple[float, ...] = ()

    def __call__(self, raw: NDArray[Any]) -> FloatArray:
        """Risks in [0, 1] for raw scores, both (n,)."""
        score = np.asarray(raw, dtype=np.float64)
        if self.kind == "none":
            return score.copy()
        if self.kind == "isotonic":
            return np.asarray(np.interp(score, self.scores, self.risks), dtype=np.float64)
        risk = expit(self.slope * on_scale(score, self.scale) + self.intercept)
        return np.asarray(risk, dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "scale": self.scale,
            "slope": self.slope,
            "intercept": self.intercept,
            "scores": list(self.scores),
            "risks": list(self.risks),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of ``as_dict``."""
        plain = dict(value)
        return cls(**(plain | {k: tuple(plain[k]) for k in ("scores", "risks")}))


def on_scale(score: FloatArray, scale: str) -> FloatArray:
    """What a sigmoid is linear in."""
    if scale == "identity":
        return score
    return np.asarray(logit(np.clip(score, LOGIT_CLIP, 1 - LOGIT_CLIP)), dtype=np.float64)
