"""What a linkage file may say: fields, comparisons, blocking, thresholds.

One schema serves people with NHS numbers and plain datasets. Each field has a *kind*, which says
how its raw text is standardised and which further columns it gives (``forename`` gives
``forename_root``, ``forename_sound`` ...). Comparisons, blocking rules and guards speak of these
columns only, so a file that names a column nobody makes is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from riskstrat.linkage.keys import Key, columns_of
from riskstrat.linkage.parts import (
    COLUMNS,
    Comparison,
    DataFile,
    Homes,
    Identifier,
    LinkageField,
    Prior,
    Thresholds,
    Tokens,
    Training,
    Truth,
    Twins,
    Unknowns,
    columns_given,
)
from riskstrat.spec import Spec
from riskstrat.vocabulary import Name


class LinkageSpec(Spec):
    """One linkage: what is compared, how, and what counts as the same person."""

    linkage: Name
    fields: Mapping[Name, LinkageField]
    comparisons: Annotated[tuple[Comparison, ...], Field(min_length=2)]
    blocking: Annotated[tuple[Key, ...], Field(min_length=1)]
    """Pairs are compared if they agree on all columns of at least one rule."""
    max_block: Annotated[int, Field(ge=2)] = 2_000
    """Records with one value of a blocking rule; larger blocks are left out and counted."""
    identifiers: tuple[Identifier, ...] = ()
    """Deterministic links, in this order; the first one's values name people."""
    identical: Key = ()
    """Records equal in every field, these filled in, are one person without comparing them."""
    population: str = ""
    """The agency whose people are the spine: its records carry most trust."""
    within: bool = True
    """Whether records of one agency may be one person."""
    one_to_one: bool = False
    """Whether each record has at most one partner in each other agency."""
    prior: Prior
    training: Training
    thresholds: Thresholds = Thresholds()
    twins: Twins | None = None
    unknowns: Unknowns = Unknowns()
    homes: Homes | None = None
    tokens: Tokens | None = None
    nicknames: str = ""
    """A CSV of ``name,nickname``, relative to this file."""
    files: Mapping[Name, DataFile] = Field(default_factory=dict)
    truth: Truth | None = None

    @model_validator(mode="after")
    def _speak_of_columns_that_there_are(self) -> Self:
        there = set(columns_given(self.fields))
        for where, column in self._mentioned():
            if column not in there:
                raise ValueError(
                    f"{where} names `{column}`, which no field gives; there are "
                    f"{', '.join(sorted(there))}"
                )
        numbers = [identifier.field for identifier in self.identifiers]
        for number in (*numbers, *([self.homes.number] if self.homes else ())):
            if number not in self.fields:
                raise ValueError(f"the identifier `{number}` is no field")
        for made in self.tokens.make if self.tokens else ():
            if made not in self.fields or self.fields[made].kind != "token":
                raise ValueError(f"tokens make `{made}`, which is no field of kind token")
        if self.one_to_one and self.within:
            raise ValueError("one_to_one goes with `within: false`")
        if not (self.training.labels or self.training.rules):
            raise ValueError("training needs labels or rules")
        return self

    def people_fields(self) -> Mapping[str, LinkageField]:
        """The fields that say who somebody is."""
        asked = [column for where, column in self._mentioned() if where != "homes"]
        return self._fields_of([*asked, *(rule.field for rule in self.identifiers)])

    def home_fields(self) -> Mapping[str, LinkageField]:
        """The fields that say where somebody lives, and surnames to tell families by."""
        asked = [column for where, column in self._mentioned() if where == "homes"]
        surnames = [name for name, field in self.fields.items() if field.kind == "surname"]
        return self._fields_of([*asked, *surnames, *([self.homes.number] if self.homes else ())])

    def _fields_of(self, columns: Iterable[str]) -> Mapping[str, LinkageField]:
        asked = set(columns)
        return {
            name: field
            for name, field in self.fields.items()
            if any(f"{name}{ending}" in asked for ending in COLUMNS[field.kind])
        }

    def frequency_columns(self) -> tuple[str, ...]:
        """Columns whose rare values count for more."""
        return tuple(
            dict.fromkeys(
                c.columns[0] if c.columns else c.name for c in self.comparisons if c.frequencies
            )
        )

    @property
    def exclusive(self) -> tuple[str, ...]:
        """Fields of which one person has one value."""
        return tuple(rule.field for rule in self.identifiers if rule.exclusive)

    def _mentioned(self) -> Iterator[tuple[str, str]]:
        for rule in self.blocking:
            yield from (("blocking", column) for column in columns_of(rule))
        for comparison in self.comparisons:
            named = comparison.columns or (comparison.name,)
            swapped = (comparison.swapped_with,) if comparison.swapped_with else ()
            yield from ((f"comparison {comparison.name}", c) for c in (*named, *swapped))
        for identifier in self.identifiers:
            if identifier.guard:
                for key in (*identifier.guard.name, *identifier.guard.date):
                    yield from (("guard", column) for column in columns_of(key))
        if self.twins:
            yield from (("twins", c) for c in (*columns_of(self.twins.same), *self.twins.differs))
        if self.homes:
            for key in (*self.homes.keys, *self.homes.guard):
                yield from (("homes", column) for column in columns_of(key))
        yield from (("identical", column) for column in columns_of(self.identical))
        for rule in (*self.prior.rules, *self.training.rules):
            yield from (("training", column) for column in columns_of(rule))


def read_linkage(path: Path) -> LinkageSpec:
    """Read a linkage file; the path of its nicknames becomes absolute.

    Raises:
        StudyError: RS1201 not found, RS1202 not plain YAML, RS1203 faults.
    """
    from riskstrat.yamlfile import read_spec

    spec, _ = read_spec(path, LinkageSpec)
    if not spec.nicknames:
        return spec
    return spec.model_copy(update={"nicknames": str((path.parent / spec.nicknames).resolve())})
