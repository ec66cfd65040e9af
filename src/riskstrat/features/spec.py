"""What a study may say about features: blocks of aggregates over windows, and attributes."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import Name, Unit

AggregateName = Literal[
    "count",
    "any",
    "open",
    "sum",
    "mean",
    "min",
    "max",
    "distinct",
    "days_since_last",
    "days_since_first",
    "trend",
]
NEEDS_COLUMN = frozenset({"sum", "mean", "min", "max", "distinct"})
_AGGREGATE = re.compile(r"^\s*([a-z_]+)\s*(?:\(\s*([a-z][a-z0-9_]*)\s*\))?\s*$")


class Aggregate(Spec):
    """One aggregate, written ``count`` or ``sum(cost)``."""

    function: AggregateName
    column: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if not (found := _AGGREGATE.match(value)):
            raise ValueError(f"an aggregate looks like `count` or `sum(cost)`, not `{value}`")
        return {"function": found[1], "column": found[2]}

    @model_validator(mode="after")
    def _has_its_column(self) -> Self:
        needs = self.function in NEEDS_COLUMN
        if needs and not self.column:
            raise ValueError(f"`{self.function}` needs a column: `{self.function}(cost)`")
        if self.column and not needs:
            raise ValueError(f"`{self.function}` takes no column")
        return self

    def __str__(self) -> str:
        return f"{self.function}({self.column})" if self.column else self.function


class SplitBy(Spec):
    """Split an aggregate by the codes of a column, or by the groups of a codelist over it."""

    column: Name
    codelist: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value


Window = Annotated[int, Field(ge=1, le=36_500)]


class Block(Spec):
    """Features from one source: aggregates over windows, or attributes as known on the day."""

    source: Name
    name: Name | None = None
    """prefix of the features' names; by default the source (with the relation it goes through)"""
    row: str = ""
    """what one row is in plain English, where `where` narrows it: `opioid prescription`"""
    rows: str = ""
    """plural of ``row``; by default ``row`` with an s"""
    through: Unit | None = None
    where: str | None = None
    aggregates: tuple[Aggregate, ...] = ()
    attributes: tuple[Name, ...] = ()
    by: SplitBy | None = None
    windows: tuple[Window, ...] | None = None

    @model_validator(mode="after")
    def _has_something_to_measure(self) -> Self:
        if bool(self.aggregates) == bool(self.attributes):
            raise ValueError("a block has either `aggregates` or `attributes`")
        if self.attributes and (self.by or self.windows or self.where):
            raise ValueError("`by`, `where` and `windows` belong to a block with `aggregates`")
        return self


class FeaturesSpec(Spec):
    """The measurements of a study."""

    windows: tuple[Window, ...] = Field(min_length=1)
    blocks: tuple[Block, ...] = Field(min_length=1)
    min_covered: Annotated[float, Field(gt=0, le=1)] = 0.5
    """a window says something only when the source's coverage, as known on the day, spans at
    least this share of it; otherwise the feature is empty, never zero"""

    @field_validator("windows")
    @classmethod
    def _windows_rise(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("windows must rise, in days, each once")
        return value
