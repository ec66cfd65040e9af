"""What a study may say about the audit: groups, capacities and gates."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec

Share = Annotated[float, Field(gt=0, lt=1)]

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_GATE = re.compile(
    r"^\s*(?P<metric>[a-z_]+)"
    r"(?:\(\s*(?P<group>[a-z][a-z0-9_]*)?\s*,?\s*(?:at\s*=\s*(?P<at>[0-9.]+))?\s*\))?"
    r"(?:\.(?P<bound>value|low|high))?"
    rf"\s*(?:(?P<op>>=|<=|>|<)\s*(?P<limit>{_NUMBER})"
    rf"|in\s*\[\s*(?P<from>{_NUMBER})\s*,\s*(?P<to>{_NUMBER})\s*\])\s*$"
)


class Gate(Spec):
    """A condition on a metric, written `auroc.low >= 0.70` or `calibration_slope in [0.9, 1.1]`.

    With a group the smallest (for a ratio) or worst level counts:
    `sensitivity_ratio(ethnicity, at=0.05) >= 0.8`.
    """

    text: str
    metric: str
    group: str | None = None
    at: float | None = None
    bound: Literal["value", "low", "high"] = "value"
    operator: Literal[">=", "<=", ">", "<", "in"]
    limit: float | None = None
    between: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if not (found := _GATE.match(value)):
            raise ValueError(
                "a gate looks like `auroc.low >= 0.70`, `calibration_slope in [0.9, 1.1]` or "
                f"`sensitivity_ratio(ethnicity, at=0.05) >= 0.8`, not `{value}`"
            )
        part = found.groupdict()
        return {
            "text": " ".join(value.split()),
            "metric": part["metric"],
            "group": part["group"],
            "at": float(part["at"]) if part["at"] else None,
            "bound": part["bound"] or "value",
            "operator": part["op"] or "in",
            "limit": float(part["limit"]) if part["limit"] else None,
            "between": (float(part["from"]), float(part["to"])) if part["from"] else None,
        }

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"the range [{self.between[0]}, {self.between[1]}] is empty")
        return self


class AuditSpec(Spec):
    """Is it right, for whom, and why."""

    groups: tuple[str, ...] = ()
    """attributes as known on the day: `sex`, `age_band`, `demographics.ethnicity` ..."""
    references: dict[str, str] = Field(default_factory=dict)
    """reference level of a group; by default its largest level"""
    capacity: tuple[Share, ...] = (0.01, 0.05, 0.20)
    gates: tuple[Gate, ...] = ()
    min_group: Annotated[int, Field(ge=1)] = 100
    """a level with fewer people, or fewer than ten outcomes, gives no verdict"""
    reasons: Annotated[int, Field(ge=1, le=10)] = 5
    """how many reasons a person on the list gets"""

    @field_validator("capacity")
    @classmethod
    def _shares_rise(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("capacities must rise, each once")
        return value
