"""What a study may say about bands, disclosure and who receives what."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import Days, Name, Period

BandName = Literal["very_high", "high", "moderate"]
Share = Annotated[float, Field(gt=0, lt=1)]


class Recipient(Spec):
    """One body that receives a list or a table."""

    to: Name
    rows: Literal["own_patients", "pseudonymised", "aggregate"]
    columns: tuple[str, ...] = ()
    """columns of a person-level list; a sensible set by default. Of a pseudonymised one by
    importance: what would tell somebody apart is withheld from the last column on"""
    by: tuple[str, ...] = ()
    """dimensions of an aggregate table"""
    own: str | None = None
    """for own_patients: the attribute that says whose patient it is, such as
    `gp_registration.practice_id`"""
    bands: tuple[BandName, ...] = ("very_high", "high", "moderate")
    """the bands that are listed"""

    @model_validator(mode="after")
    def _fits_its_rows(self) -> Self:
        if self.rows == "own_patients" and not self.own:
            raise ValueError(
                "`rows: own_patients` needs `own`, the attribute of the responsible body"
            )
        if self.rows == "aggregate" and not self.by:
            raise ValueError("`rows: aggregate` needs `by`, the dimensions of the table")
        return self


class ReleaseSpec(Spec):
    """What may leave."""

    as_of: date | None = None
    """the day `run` scores for; by default the last as-of date of the cohort"""
    bands: dict[BandName, Share] = Field(
        default={"very_high": 0.005, "high": 0.05, "moderate": 0.20}
    )
    """cumulative share of the cohort, from the top"""
    disclosure: Literal["strictest", "hes", "opensafely", "dfe", "strict", "none"] = "strictest"
    recipients: tuple[Recipient, ...] = Field(default=())
    places: tuple[str, ...] = ()
    """attributes that are places though their names do not say so; one release tells of one kind"""
    valid_for: Period = Days(90)
    """how long after the day it was scored for a list may be used"""

    @field_validator("bands")
    @classmethod
    def _shares_rise(cls, value: dict[BandName, float]) -> dict[BandName, float]:
        order = [name for name in ("very_high", "high", "moderate") if name in value]
        shares = [value[name] for name in order]
        if shares != sorted(set(shares)):
            raise ValueError("band shares must rise from very_high to moderate")
        return {name: value[name] for name in order}

    @model_validator(mode="after")
    def _recipients_differ(self) -> Self:
        names = [recipient.to for recipient in self.recipients]
        if len(set(names)) < len(names):
            raise ValueError("each recipient appears once")
        return self
