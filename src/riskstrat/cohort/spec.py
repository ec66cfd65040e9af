"""What a study may say about who is in scope, at which dates, and what came next."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import Days, Name, Period


class RegularDates(Spec):
    """As-of dates from ``first`` to ``last``, one every so often."""

    first: date
    last: date
    every: Period = Days(1, "year")

    @model_validator(mode="after")
    def _runs_forwards(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"`last` ({self.last}) comes before `first` ({self.first})")
        return self


class ListedDates(Spec):
    """As-of dates, one by one."""

    dates: tuple[date, ...] = Field(min_length=1)


class EventDates(Spec):
    """Each unit's own dates: the morning after each event of a source (an index event)."""

    each: Name
    where: str | None = None
    plus: Period = Days(1)

    @field_validator("plus")
    @classmethod
    def _the_morning_after(cls, value: Days) -> Days:
        if value.days < 1:
            raise ValueError("`plus` must be at least 1 day, or the event itself stays invisible")
        return value


class CohortSpec(Spec):
    """The (unit_id, as_of) pairs in scope."""

    as_of: RegularDates | ListedDates | EventDates
    population: Name | None = None
    """the source the units come from; by default the one whose contract has `population`"""
    who: str = "true"
    deaths: Name | None = None
    """the source of deaths; by default the one whose contract has `status: death`"""
    age_bands: tuple[Annotated[int, Field(ge=0, le=120)], ...] = (0, 5, 18, 40, 65, 75, 85)
    """lowest age of each band"""

    @field_validator("age_bands")
    @classmethod
    def _ages_rise(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("ages must rise")
        return value

    @property
    def lists_by_date(self) -> bool:
        """Whether each as-of date has a list of its own; not where dates are events of people.

        The morning after an event has a person or two: rows of all dates are one ranking then.
        """
        return not isinstance(self.as_of, EventDates)


class OutcomeSpec(Spec):
    """What happens within the horizon: yes, no, or not yet known."""

    name: Name
    title: str = ""
    event: Name
    where: str = "true"
    within: Period
    on_death: Literal["counts_as_event", "excluded"] = "excluded"
    only_if_recorded: bool = False
    """yes or no only for units with any row of `event` in the window; the rest are not yet known"""
