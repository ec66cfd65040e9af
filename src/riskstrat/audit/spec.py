"""What a study may say about the audit: groups, capacities and gates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import Name

Share = Annotated[float, Field(gt=0, lt=1)]

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_GATE = re.compile(
    r"^\s*(?P<metric>[a-z_]+)"
    r"(?:\(\s*(?P<group>[a-z][a-z0-9_]*)?\s*,?\s*(?:at\s*=\s*(?P<at>[0-9.]+))?\s*\))?"
    r"(?:\.(?P<bound>value|low|high))?"
    rf"\s*(?:(?P<op>>=|<=|>|<)\s*(?P<limit>{_NUMBER})"
    rf"|in\s*\[\s*(?P<from>{_NUMBER})\s*,\s*(?P<to>{_NUMBER})\s*\])"
    r"(?:\s*(?:\+-|\u00b1)\s*(?P<tolerance>\d+(?:\.\d+)?))?\s*$"
)


class Gate(Spec):
    """A condition on a metric, written `auroc.low >= 0.70` or `calibration_slope in [0.9, 1.1]`.

    With a group every level with enough people has to keep it:
    `sensitivity_ratio(ethnicity, at=0.05) >= 0.8`. See ``verdicts`` for when it passes.
    """

    text: str
    metric: str
    group: str | None = None
    at: float | None = None
    bound: Literal["value", "low", "high"] = "value"
    operator: Literal[">=", "<=", ">", "<", "in"]
    limit: float | None = None
    between: tuple[float, float] | None = None
    tolerance: float | None = None
    """`+- 0.1`: an interval that spans the limit decides nothing if half its width is more"""

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
            "tolerance": float(part["tolerance"]) if part["tolerance"] else None,
        }

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"the range [{self.between[0]}, {self.between[1]}] is empty")
        return self


class NeedMarker(Spec):
    """A sign of need that does not come about as the outcome's records do.

    At the same risk, a group that shows more of it is recorded less than it needs (Obermeyer et
    al. 2019, doi:10.1126/science.aax2342).
    """

    feature: Name
    """a feature of the study; the higher, the greater the need"""
    why: str
    """why it does not depend on who is recorded for the outcome"""
    within: tuple[str, ...] = ()
    """groups within which it says the same of everybody: old people take more medicines at any
    risk, so `[age_band]`; these are not compared themselves"""


class AuditSpec(Spec):
    """Is it right, for whom, and why."""

    groups: tuple[str, ...] = ()
    """attributes as known on the day: `sex`, `age_band`, `demographics.ethnicity` ..."""
    references: dict[str, str] = Field(default_factory=dict)
    """reference level of a group; by default its largest level"""
    intersections: tuple[tuple[str, ...], ...] = ()
    """groups that are also looked at together; gates call the first example `sex_and_ethnicity`"""
    capacity: tuple[Share, ...] = (0.01, 0.05, 0.20)
    gates: tuple[Gate, ...] = ()
    min_group: Annotated[int, Field(ge=1)] = 100
    """a level with fewer people, or fewer than `min_outcomes`, gives no verdict"""
    min_outcomes: Annotated[int, Field(ge=1)] = 10
    """a level with fewer outcomes, or fewer people than `min_group`, gives no verdict"""
    label_bias: str = ""
    """who is recorded for the outcome without needing help, and who needs it unrecorded"""
    mitigate: tuple[str, ...] = ()
    """groups on which `riskstrat mitigate` tries remedies; by default those that gates name"""
    need: NeedMarker | None = None
    """a sign of need to hold the outcome's records against, group by group"""
    reasons: Annotated[int, Field(ge=1, le=10)] = 5
    """how many reasons a person on the list gets"""
    refits: Annotated[int, Field(ge=0, le=200)] = 10
    """how often the model is learnt again from people drawn anew, to see which features lead"""

    @field_validator("capacity")
    @classmethod
    def _shares_rise(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("capacities must rise, each once")
        return value

    @field_validator("intersections")
    @classmethod
    def _are_of_several_groups(cls, value: tuple[tuple[str, ...], ...]) -> Any:
        for names in value:
            if len(set(names)) != len(names) or not 2 <= len(names) <= 3:
                raise ValueError("an intersection is of two or three different groups")
        if len({frozenset(names) for names in value}) != len(value):
            raise ValueError("each intersection once")
        return value


def last_part(group: str) -> str:
    """`demographics.ethnicity` of a study is `ethnicity` to a gate and a reader."""
    return group.rpartition(".")[2]


def intersection_name(groups: Sequence[str]) -> str:
    """What an intersection is called: `sex_and_ethnicity`."""
    return "_and_".join(last_part(group) for group in groups)
