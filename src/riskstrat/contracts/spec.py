"""What a source contract may say."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from riskstrat.spec import Spec
from riskstrat.vocabulary import ColumnType, Name, Unit


class OptOut(StrEnum):
    """What a person may have objected to."""

    TYPE_1 = "type_1"
    """that the practice's record leaves the practice for anything but the person's own care"""
    NATIONAL = "national"
    """that confidential patient information is used for research and planning"""
    RISK_STRATIFICATION = "risk_stratification"
    """that they are scored at all"""


class Shape(StrEnum):
    """What one row is, in time."""

    EVENTS = "events"
    SPELLS = "spells"
    ATTRIBUTES = "attributes"


class Column(Spec):
    """One column of an extract, as the rest of riskstrat sees it."""

    type: ColumnType
    label: str = ""
    """plain-English name, used in the feature dictionary and in reasons"""
    unit: str = ""
    """unit of measure, such as pounds or days"""
    codes: dict[str, str] | None = None
    """every value the column may hold, with its label"""
    ordered: bool = False
    """the codes are in a meaningful order, lowest first"""
    min: float | None = None
    max: float | None = None
    required: bool = False
    source: str | None = Field(default=None, alias="from")
    """the column's name in the file, or an expression over the file's columns"""

    @field_validator("codes", mode="before")
    @classmethod
    def _codes_may_be_a_list(cls, value: object) -> object:
        if isinstance(value, list):
            return {str(code): str(code) for code in value}
        if isinstance(value, dict):
            return {str(code): str(label) for code, label in value.items()}
        return value


class Lag(Spec):
    """For a source that cannot say when a record arrived: assume this many days."""

    lag_days: Annotated[int, Field(ge=0, le=3650)]
    after: Name | None = None
    """the column the days are counted from, where it is later than the day the row happened: a
    stay is written up when it ends"""


class Coverage(Spec):
    """Days for which the extract is complete: what happened in [from, to) is all there."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")

    @model_validator(mode="after")
    def _runs_forwards(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"coverage ends ({self.end}) before it begins ({self.start})")
        return self


class FileFormat(Spec):
    """How to read the file, where its name does not say enough."""

    kind: Literal["parquet", "csv", "duckdb"] | None = None
    encoding: Literal["utf-8", "utf-16", "latin-1", "windows-1252"] = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    dates: str = "%Y-%m-%d"
    table: str | None = None
    """for a database file: the table to read"""
    null: tuple[str, ...] = ("",)
    """texts that mean no value; an empty text always does"""

    @field_validator("dates")
    @classmethod
    def _dates_are_whole(cls, value: str) -> str:
        parts = set(re.findall(r"%-?([A-Za-z%])", value))
        if unknown := parts - set("YymdBbHMSfp"):
            raise ValueError(f"%{sorted(unknown)[0]} is not a part of a date riskstrat reads")
        if not (parts & set("Yy") and parts & set("mBb") and "d" in parts):
            raise ValueError("a date format has a year, a month and a day, such as %d/%m/%Y")
        return value


RowRule = Literal[
    "duplicate_key",
    "missing_required",
    "not_in_codes",
    "out_of_range",
    "wrong_type",
    "date_in_future",
    "before_birth",
    "after_death",
    "ends_before_start",
    "late_record",
]


class Source(Spec):
    """One agency's extract: what a row means, when it happened, when it was known."""

    source: Name
    title: str
    agency: str
    agreement: Name
    file: str
    """the extract, from the data folder on: a file, a folder of files, or a pattern such as
    ``admissions/*.parquet`` (``**`` stands for folders at any depth); several are one table"""
    format: FileFormat = FileFormat()
    where: str | None = None
    """which rows of the file belong to this source: an expression over the file's columns
    (``file_row_number``, where a single file has no id, is the number of the row, from 0)"""
    row: str
    rows: str = ""
    """plural of ``row``; by default ``row`` with an s"""
    shape: Shape
    unit: Unit
    unit_key: Name
    key: tuple[Name, ...] = ()
    happened_on: Name | None = None
    known_on: Name | Lag
    """when a row became known: the column with the day it reached the platform or, where the
    extract has none, a lag you can defend, such as `known_on: {lag_days: 45}`"""
    starts_on: Name | None = None
    ends_on: Name | None = None
    end_known_on: Name | None = None
    born_on: Name | None = None
    population: Name | None = None
    """spells only: being in an open spell makes a unit this (``registered``)"""
    relates: dict[Unit, Name] | None = None
    """spells only: which column names the household, area ... of the unit"""
    status: Literal["death"] | None = None
    """events only: what the event does to the unit"""
    role: Literal["opt_outs"] | None = None
    """the rows say who must be left out, and no study may ask anything else of them"""
    overlaps: Literal["latest_start", "refuse"] = "latest_start"
    """spells with ``relates``: which spell counts where two are open at once"""
    coverage: tuple[Coverage, ...] = Field(min_length=1)
    tolerance: dict[RowRule, Annotated[float, Field(ge=0, le=1)]] = Field(default={})
    """share of rows that a rule may reject before the whole extract is refused"""
    untested: tuple[Literal["before_birth", "after_death"], ...] = ()
    """rules that say nothing about this source's rows: of what holds for a whole life, the date
    is a matter of form"""
    late_after_days: Annotated[int, Field(ge=1)] = 366
    volume_tolerance: Annotated[float, Field(gt=0)] = 0.5
    """a month whose rows differ by more than this share from the months around it is a finding"""
    columns: dict[Name, Column]

    @property
    def plural(self) -> str:
        """What several rows are called."""
        return self.rows or f"{self.row}s"

    @property
    def time_columns(self) -> tuple[str, ...]:
        """The columns that place a row in time, each once."""
        known = self.known_on.after if isinstance(self.known_on, Lag) else self.known_on
        named = (self.happened_on, self.starts_on, self.ends_on, self.end_known_on, known)
        return tuple(dict.fromkeys(name for name in named if name))

    @field_validator("coverage", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _the_shape_has_its_dates(self) -> Self:
        if self.shape is Shape.SPELLS:
            if not (self.starts_on and self.ends_on):
                raise ValueError("a source of spells needs `starts_on` and `ends_on`")
        elif not self.happened_on:
            raise ValueError(f"a source of {self.shape.value} needs `happened_on`")
        only_spells = {"population": self.population, "relates": self.relates}
        if self.shape is not Shape.SPELLS and any(only_spells.values()):
            named = next(name for name, value in only_spells.items() if value)
            raise ValueError(f"`{named}` belongs to a source of spells, this is {self.shape.value}")
        return self

    @model_validator(mode="after")
    def _canonical_names_are_free(self) -> Self:
        known = self.known_on if isinstance(self.known_on, str) else None
        meant = {"unit_id": self.unit_key, "known_on": known}
        if self.shape is Shape.SPELLS:
            meant |= {"starts_on": self.starts_on, "ends_on": self.ends_on}
            meant |= {"end_known_on": self.end_known_on}
        else:
            meant |= {"happened_on": self.happened_on}
        for name, column in meant.items():
            if name in self.columns and name != column:
                raise ValueError(
                    f"`{name}` means {f'`{column}`' if column else 'something else'} in this "
                    f"contract, so a column cannot have that name; rename it and use `from`"
                )
        return self

    @model_validator(mode="after")
    def _named_columns_are_declared(self) -> Self:
        named = {self.unit_key, *self.key, *self.time_columns, *(self.relates or {}).values()}
        named |= {self.born_on} if self.born_on else set()
        if beyond := named - self.columns.keys():
            raise ValueError(f"{', '.join(sorted(beyond))} is used but not under `columns`")
        for name in (*self.time_columns, *([self.born_on] if self.born_on else [])):
            if self.columns[name].type is not ColumnType.DATE:
                raise ValueError(f"`{name}` must have type date, not {self.columns[name].type}")
        return self

    @model_validator(mode="after")
    def _a_list_of_opt_outs_is_told_in_full(self) -> Self:
        if self.role is None:
            return self
        if self.shape is not Shape.SPELLS or self.unit is not Unit.PERSON:
            raise ValueError("opt-outs are spells about people: `shape: spells`, `unit: person`")
        kind, known = self.columns.get("kind"), [each.value for each in OptOut]
        if not (kind and kind.required and kind.codes and kind.codes.keys() <= set(known)):
            raise ValueError(
                "opt-outs need a column `kind` with `required: true` and `codes` from "
                f"{', '.join(known)}"
            )
        if self.tolerance or self.population or self.relates:
            raise ValueError(
                "opt-outs have no `tolerance` (a row left out is an objection that nobody hears), "
                "`population` or `relates`"
            )
        return self
