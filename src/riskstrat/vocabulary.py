"""The words of the domain, as frozen types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple, Never, Protocol, final

from pydantic import BeforeValidator, Field, PlainSerializer

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name in a config file: small letters, digits and underscores."""


class Unit(StrEnum):
    """Who or what a study is about."""

    PERSON = "person"
    HOUSEHOLD = "household"
    PROPERTY = "property"
    PRACTICE = "practice"
    AREA = "area"
    INCIDENT = "incident"


class ColumnType(StrEnum):
    """The types a column of a contract may have, and the types of expressions."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """A length of time in whole days; years and months are kept for calendar steps."""

    count: int
    unit: Literal["day", "month", "year"] = "day"

    @property
    def days(self) -> int:
        """Whole days (a month counts 30, a year 365)."""
        return self.count * {"day": 1, "month": 30, "year": 365}[self.unit]

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


_PERIOD = re.compile(r"^\s*(\d{1,5})\s*(day|month|year)s?\s*$")


def parse_days(value: object) -> object:
    """Read ``365 days``, ``1 year`` or a bare number of days."""
    if isinstance(value, bool):
        raise ValueError("a length of time looks like `365 days` or `1 year`")
    if isinstance(value, int):
        value = str(value) + " days"
    if isinstance(value, str):
        if not (found := _PERIOD.match(value)):
            raise ValueError(f"a length of time looks like `365 days` or `1 year`, not `{value}`")
        unit: Any = found[2]
        return Days(int(found[1]), unit)
    return value


Period = Annotated[
    Days,
    BeforeValidator(parse_days, json_schema_input_type=str | int),
    PlainSerializer(str, return_type=str),
]
"""A length of time in a config file."""


class Severity(StrEnum):
    """How much a finding matters: an error refuses, a warning is listed, info is told."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Measured(Protocol):
    """A number with its interval and its denominator."""

    @property
    def value(self) -> float:
        """The point value."""

    @property
    def low(self) -> float:
        """The lower limit."""

    @property
    def high(self) -> float:
        """The upper limit."""

    @property
    def n(self) -> int:
        """What it is a statement about."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something measured or noticed, addressed by its code. Never holds a row value.

    ``code`` is also its page: `riskstrat explain CODE`, and the heading in docs/codes.md.
    ``positives`` are those with the outcome behind ``value``, where it rests on outcomes; they are
    kept with the run, and no page shows them.
    """

    code: str
    name: str
    severity: Severity
    where: str
    message: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    group: str = ""
    fix: str = ""
    positives: int | None = None


@dataclass(frozen=True, slots=True)
class Codelist:
    """A named list of codes with labels and groups, read from a CSV file."""

    name: str
    labels: Mapping[str, str]
    groups: Mapping[str, str]
    """code -> group ('' where the list has no groups)"""

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the file's order."""
        return tuple(self.labels)

    def by_group(self) -> dict[str, tuple[str, ...]]:
        """group -> its codes, both in the file's order."""
        found: dict[str, list[str]] = {}
        for code, group in self.groups.items():
            found.setdefault(group, []).append(code)
        return {group: tuple(codes) for group, codes in found.items()}


NO_GATES = "no gates were set"
"""What stands for the gates of a study that has none: nothing was decided, so it has not passed."""

PRIVACY_METRICS = (
    "membership_inference_auc",
    "membership_inference_auc_positives",
    "membership_tpr_at_low_fpr",
    "smallest_leaf_people",
    "rarest_reason_people",
    "degrees_of_freedom",
    "informed_membership_inference_auc",
    "informed_membership_inference_auc_positives",
    "informed_membership_tpr_at_low_fpr",
)
"""What the privacy of a model is measured by; gates of a study may name them."""


class Code(NamedTuple):
    """The page behind a code of a finding or an error, as ``riskstrat explain`` shows it."""

    code: str
    title: str
    meaning: str
    how: str
    """how it is found or computed"""
    fix: str


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of some codes; makes their findings."""

    codes: Mapping[str, Code]

    def finding(
        self,
        code: str,
        severity: Severity,
        where: str,
        message: str,
        number: Measured | None = None,
        group: str = "",
        positives: int | None = None,
    ) -> Finding:
        """A finding with the name and fix of its page; what is NaN or infinite becomes None."""
        page = self.codes[code]
        limits = (number.value, number.low, number.high) if number else (None, None, None)
        value, low, high = (x if x is not None and isfinite(x) else None for x in limits)
        n = (number.n or None) if number else None
        return Finding(code, page.title, severity, where, message, value, low, high, n, group,
                       page.fix, positives)  # fmt: skip


class FeatureKind(StrEnum):
    """How a learner may use a feature."""

    NUMBER = "number"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class FeatureColumn:
    """One column of a FeatureSet: enough to encode it, explain it and say where it came from."""

    name: str
    meaning: str
    kind: FeatureKind
    source: str
    agency: str = ""
    levels: tuple[str, ...] = ()
    """every category, in the contract's order"""
    labels: Mapping[str, str] = field(default_factory=dict)
    """category -> plain English"""
    ordered: bool = False
    window_days: int | None = None
    unit: str = ""
    digest: str = ""
    singular: str = ""
    """the meaning where the value is one: ``admission in the last 90 days``"""

    @property
    def nominal(self) -> bool:
        """Whether its values are categories without an order."""
        return self.kind is FeatureKind.CATEGORY and not self.ordered


@dataclass(frozen=True, slots=True)
class Counted:
    """Who the counts of a table count, so that all tables of a release can be audited together.

    Attributes:
        population: identity of the people: equal names, the very same people.
        dimensions: (column, dimension) of the columns that say which group a row is of; a
            dimension is named so that equal names sort people in the same way.
        whole: the column that counts everybody of a row.
        parts: (column, dimension, levels) of the columns that count some of them.
        levels: (dimension, all its levels) of those whose levels the table does not all name.
        places: the columns among ``dimensions`` that are places.
    """

    population: str
    dimensions: tuple[tuple[str, str], ...]
    whole: str
    parts: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    levels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    places: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, init=False)
class Protected:
    """A table that may be shown: small counts suppressed and rounded under a named policy.

    Made by ``release.disclosure`` alone: whoever else calls the class is stopped by the type
    checker, and at run time. ``publish`` accepts nothing else for counts of people.

    Attributes:
        rows: in display order; a suppressed cell is None.
        suppressed: how many counts are.
        counts: the columns that count people.
        has_total: the last row adds up what is shown.
        counted: who they are, where the table takes part in the audit of its release.
        hidden: (row, column) of counts that are hidden for the sake of others.
        unsure: (row, column) of small counts of which the table does not tell that they are not
            none: counts of none beside them are hidden as well.
        few_left: rows of which too few people are in none of the counted parts.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    policy: str
    suppressed: int
    note: str
    counts: tuple[str, ...]
    has_total: bool
    counted: Counted | None
    hidden: frozenset[tuple[int, str]]
    unsure: frozenset[tuple[int, str]]
    few_left: frozenset[int]

    def __init__(self, *_: Never, **__: Never) -> None:
        raise TypeError("a Protected table is made by release.disclosure alone")

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows by column."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Approval:
    """A sign-off that holds: who approved which bytes, and until when.

    Made by ``signoff.view.clear`` alone; ``release`` writes nothing for use without one.

    Attributes:
        study, version: the registered model that may be used.
        submission: the id under which the log keeps it.
        digests: thing -> SHA-256 of what was signed.
        decisions: by, role, on, decision, reason and answers of each reviewer.
        on, until: its first and its last day.
        despite_gates: why it may be used though gates did not pass; '' if all did.
        one_login: those of author, run and reviewers who acted under one login.
        earlier: what became of each submission of this version before, such as `rejected by ...`.
    """

    study: str
    version: int
    submission: str
    digests: Mapping[str, str]
    decisions: tuple[Mapping[str, Any], ...]
    on: date
    until: date
    despite_gates: str = ""
    one_login: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


def base_of(metric: str) -> str:
    """The metric that a comparison compares; any other metric as it is.

    Examples:
        >>> base_of("sensitivity_ratio"), base_of("ppv")
        ('sensitivity', 'ppv')
    """
    return metric.removesuffix("_ratio").removesuffix("_difference")


def compares(metric: str) -> bool:
    """Whether a metric compares a level with its reference."""
    return base_of(metric) != metric


CROSSED = " + "
"""what joins the levels of several groups into a level of their intersection"""

ABBREVIATIONS = ("imd", "gp", "ed", "lsoa", "nhs", "sen", "idaci", "icb", "id")


def in_words(name: str) -> str:
    """A column's, group's or level's name as a heading: no underscores, a capital first.

    Examples:
        >>> in_words("imd_quintile"), in_words("q1_most_deprived"), in_words("as_of")
        ('IMD quintile', 'Q1 most deprived', 'As of')
        >>> in_words("gp_registration.practice_id")
        'GP registration: practice ID'
    """
    words = name.replace("_", " ").replace(".", ": ").split(" ")
    told = " ".join(w.upper() if w.lower() in ABBREVIATIONS else w for w in words)
    return told[:1].upper() + told[1:]
