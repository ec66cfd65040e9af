"""What a study may say about watching its model in use: how much change is tolerated."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.monitoring.codes import MAY_SUSPEND
from riskstrat.spec import Spec

Share = Annotated[float, Field(gt=0, le=1)]


class MonitorSpec(Spec):
    """How much a new period may differ before it is a finding, and what suspends the model.

    Each limit is crossed only where the whole 95% interval lies beyond it.
    """

    volume: Share = 0.25
    """rows an extract has before the day, against the same season of the training years: the share
    by which they may differ"""
    missing: Share = 0.05
    """points by which the share of empty values of a column may differ from training"""
    feature_drift: Annotated[float, Field(gt=0)] = 0.2
    """population stability index (PSI) of a feature against training"""
    score_drift: Annotated[float, Field(gt=0)] = 0.2
    """the same of the scores, against the held-out dates on which the model was judged"""
    listed: Share = 0.25
    """people above a capacity's cut, as a share of those there were: by how much they may differ"""
    calibration: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.8, 1.25)
    """observed over expected outcomes, once they are known"""
    churn: Share = 0.5
    """share of the last list's people who are no longer on it"""
    replicates: Annotated[int, Field(ge=100, le=10_000)] = 200
    """resamples behind the intervals of drift"""
    suspend: tuple[str, ...] = ()
    """codes of findings (warnings and errors) that suspend the version watched; by default none
    does, and a person decides"""

    @model_validator(mode="after")
    def _the_range_holds_one(self) -> Self:
        low, high = self.calibration
        if not low < 1 < high:
            raise ValueError(f"`calibration` [{low:g}, {high:g}] must hold 1 between its ends")
        return self

    @field_validator("suspend")
    @classmethod
    def _codes_can_suspend(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [code for code in value if code not in MAY_SUSPEND]:
            raise ValueError(f"`{unknown[0]}` cannot suspend; what can: {', '.join(MAY_SUSPEND)}")
        return tuple(dict.fromkeys(value))
