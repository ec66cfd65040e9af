"""The parts of a linkage file: kinds of fields, identifiers, comparisons, thresholds, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from riskstrat.linkage.keys import Key, columns_of
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name

FieldKind = Literal[
    "forename",
    "surname",
    "date",
    "sex",
    "postcode",
    "address",
    "text",
    "code",
    "nhs_number",
    "upn",
    "uprn",
    "token",
]

COLUMNS: Mapping[FieldKind, tuple[str, ...]] = MappingProxyType(
    {
        "forename": ("", "_root", "_sound", "_initial", "_names"),
        "surname": ("", "_sound", "_parts"),
        "date": ("", "_year", "_month", "_day", "_sorted"),
        "sex": ("",),
        "postcode": ("", "_sector", "_district"),
        "address": ("", "_number", "_house", "_street"),
        "text": ("",),
        "code": ("",),
        "nhs_number": ("",),
        "upn": ("",),
        "uprn": ("",),
        "token": ("",),
    }
)
"""kind -> endings of the columns it gives; the first is the standardised text itself"""

Share = Annotated[float, Field(ge=0, le=1)]


def columns_given(fields: Mapping[str, LinkageField]) -> tuple[str, ...]:
    """Every standardised column that fields give, in order."""
    return tuple(
        f"{name}{ending}" for name, field in fields.items() for ending in COLUMNS[field.kind]
    )


class LinkageField(Spec):
    """One field of the records to link."""

    kind: FieldKind
    """How the raw text is standardised."""
    column: str = ""
    """The raw column; the field's own name where empty."""


class Guard(Spec):
    """When is a number that passes its check still a wrong one?

    A record is taken to carry somebody else's number if no key of ``name`` and no key of ``date``
    agrees with the records that the number belongs to, and there was something to compare in both.
    """

    name: tuple[Key, ...]
    date: tuple[Key, ...]


class Identifier(Spec):
    """A number that ties records together by itself."""

    field: Name
    exclusive: bool = True
    """Whether two different values can never be one person."""
    guard: Guard | None = None


class Comparison(Spec):
    """How alike one thing is in two records, in levels."""

    name: Name
    kind: Literal[
        "forename", "surname", "date", "same", "postcode", "text", "code", "address", "tokens"
    ]
    columns: tuple[str, ...] = ()
    """The columns compared; the comparison's own name where empty."""
    similar: tuple[Share, ...] = ()
    """Jaro-Winkler similarities of the levels between equal and different, highest first."""
    within_days: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Distances of two dates that are levels of their own, shortest first."""
    swapped_with: str = ""
    """The column that may have been filled in its place, such as surname for forename."""
    frequencies: bool = True
    """Whether agreement on a rare value counts for more than on a common one."""


class Twins(Spec):
    """People who agree on nearly everything and are two: same surname, birthday and home."""

    same: Key
    """Columns that are all equal in twins."""
    differs: tuple[str, ...]
    """Columns of the forename that are all different."""
    similar: Share = 0.85
    """Forenames at least this alike (Jaro-Winkler, on the first column) are taken as one."""


class Prior(Spec):
    """How many true pairs there are, from rules that hardly ever err."""

    rules: tuple[Key, ...]
    recall: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The share of true pairs that the rules are thought to find."""


class Training(Spec):
    """How the model learns its weights, once and with a fixed seed."""

    labels: str = ""
    """An identifier whose equal values stand for true pairs; '' learns by EM over ``rules``."""
    rules: tuple[Key, ...] = ()
    """Blocking rules of the EM; each teaches the comparisons that it does not use."""
    max_pairs: Annotated[int, Field(ge=10_000)] = 1_000_000
    """Random pairs from which chance agreement is learnt, and pairs at most of each rule."""
    seed: Annotated[int, Field(ge=0)] = 20260401


class Thresholds(Spec):
    """Which probabilities link, and which are worth a second look."""

    link: Share = 0.9
    review: tuple[Share, Share] = (0.5, 0.99)
    high: Share = 0.99
    medium: Share = 0.95

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.link <= self.medium <= self.high:
            raise ValueError("the bands must rise: link <= medium <= high")
        if not self.review[0] <= self.review[1]:
            raise ValueError("review: the lower probability comes first")
        return self


class SameDate(Spec):
    """One date of birth held by too many records of an agency is a default, not a birthday."""

    share: Share = 0.05
    least: Annotated[int, Field(ge=2)] = 100


class Unknowns(Spec):
    """What agencies write where they do not know."""

    names: frozenset[str] = frozenset(
        {
            "adult", "anon", "baby", "baby boy", "baby girl", "boy", "child", "dummy", "female",
            "girl", "infant", "male", "na", "newborn", "nil", "no name", "none", "not given",
            "not known", "not stated", "null", "patient", "person", "test", "tbc", "twin",
            "twin one", "twin two", "unknown", "unk", "x", "xx", "xxx", "z", "zz", "zzz",
        }
    )  # fmt: skip
    dates: frozenset[str] = frozenset(
        {"1800-01-01", "1899-12-30", "1900-01-01", "1901-01-01", "1970-01-01", "1111-11-11",
         "9999-12-31", "2099-12-31"}
    )  # fmt: skip
    postcodes: frozenset[str] = frozenset({"ZZ99"})
    """Beginnings of pseudo-postcodes: no fixed abode, not known."""
    same_date: SameDate = SameDate()


class Homes(Spec):
    """How addresses become homes."""

    number: Name = "uprn"
    """The field of the number that names a home."""
    keys: Annotated[tuple[Key, ...], Field(min_length=1)]
    """What an address without a number must share with one that has it, surest first.

    A key that turns out less sure than ``thresholds.link`` is not used.
    """
    guard: tuple[Key, ...] = ()
    """A number is another home's if none of these agrees with the records it belongs to."""
    people: Annotated[int, Field(ge=2)] = 12
    """People at least that live in a shared home, such as a hostel ..."""
    surnames: Annotated[int, Field(ge=2)] = 6
    """... with surnames at least; or:"""
    doors: Annotated[int, Field(ge=2)] = 6
    """Doors at least behind one number, such as the rooms of a hostel."""


class Tokens(Spec):
    """How a provider that may not hand over identifiers makes keyed tokens of them.

    Equal texts give equal tokens, so how common each is can still be counted: whoever knows the
    names of a county may guess that its commonest token is its commonest surname. ``salt`` and
    ``least`` make that harder and cost links; see docs/decisions/0018.
    """

    fields: Mapping[Name, LinkageField]
    """How raw columns are standardised before tokens are made."""
    make: Mapping[Name, Key]
    """token field -> the standardised columns that it is made of."""
    salt: Key = ()
    """Columns mixed into the tokens of ``salted``; a record without them has none of these."""
    salted: frozenset[str] = frozenset()
    """Token fields that are only comparable among equal ``salt``, such as one year of birth."""
    least: Annotated[int, Field(ge=1)] = 1
    """Tokens of ``guarded`` that fewer records of a provider share are withheld."""
    guarded: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _make_of_columns_that_there_are(self) -> Self:
        there = set(columns_given(self.fields))
        for where, key in (*self.make.items(), ("salt", self.salt)):
            for column in columns_of(key):
                if column not in there:
                    raise ValueError(f"{where} is made of `{column}`, which no field gives")
        if beyond := sorted((self.salted | self.guarded) - set(self.make)):
            raise ValueError(f"salted and guarded name tokens that are not made: {beyond[0]}")
        return self


class DataFile(Spec):
    """One file of a dataset to link."""

    file: str
    record: str
    """The column that names each record."""


class Truth(Spec):
    """Which records are truly one, where somebody knows."""

    column: str
    pattern: str = ""
    """A regular expression whose first group is the entity; the whole value where empty."""
    groups: tuple[str, ...] = ()
    """Columns by which quality is told as well."""
