"""Collects the faults of a study, and what it reads, while its parts are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from riskstrat.attributes import Attribute
from riskstrat.contracts.catalogue import Catalogue
from riskstrat.contracts.spec import Source
from riskstrat.errors import StudyError
from riskstrat.expressions import Expression, parse
from riskstrat.study.names import Names
from riskstrat.study.spec import StudySpec
from riskstrat.vocabulary import ColumnType
from riskstrat.yamlfile import Document

T = TypeVar("T")

AS_OF = "as_of"
"""the day itself, which `who` may name"""


@dataclass
class Composer:
    """Collects faults and uses while the parts of a study are checked, in the order of the file."""

    document: Document
    spec: StudySpec
    catalogue: Catalogue
    names: Names
    faults: list[StudyError] = field(default_factory=list)
    used: dict[str, set[str]] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def at(self, *keys: str | int) -> str:
        """Where a key stands."""
        return self.document.place(keys)

    def fault(self, code: str, message: str, fix: str = "") -> None:
        """Keep a fault and go on."""
        self.faults.append(StudyError(message, fix=fix, code=code))

    def attempt(self, do: Callable[[], T], *keys: str | int) -> T | None:
        """Run one check; a fault is kept, with its place, and the rest goes on."""
        try:
            return do()
        except StudyError as error:
            place = self.at(*keys)
            if not error.message.startswith(place):
                error = StudyError(f"{place}: {error.message}", fix=error.fix, code=error.code)
            self.faults.append(error)
            return None

    def use(self, source: Source, columns: Iterable[str] = ()) -> None:
        """Note that a source is read: its keys, its dates and these columns."""
        noted = self.used.setdefault(
            source.source, {source.unit_key, *source.key, *source.time_columns}
        )
        noted.update(columns)

    # -- attributes ----------------------------------------------------------------------------

    def attribute(self, text: str, *keys: str | int) -> Attribute | None:
        """Find an attribute, note what it reads, and keep it for the study."""
        found = self.attempt(lambda: self.names.attribute(text, self.at(*keys)), *keys)
        if found is not None:
            self.attributes[text] = found
            self.use_attribute(found)
        return found

    def use_attribute(self, attribute: Attribute) -> None:
        """Note what an attribute reads, the relation it goes through included."""
        if attribute.source is not None:
            columns = [attribute.column] if attribute.column else []
            self.use(self.catalogue.sources[attribute.source], columns)
        if attribute.through is not None:
            for source in self.names.relations.get(attribute.through, ()):
                self.use(source, [(source.relates or {})[attribute.through]])

    # -- expressions ---------------------------------------------------------------------------

    def condition(self, text: str, source: Source, *keys: str | int) -> Expression | None:
        """A condition on the rows of one source."""
        types = {name: column.type for name, column in source.columns.items()}
        levels = {name: column.codes for name, column in source.columns.items() if column.codes}
        found = self.attempt(
            lambda: parse(
                text,
                types,
                self.catalogue.codelists,
                self.at(*keys),
                expect=ColumnType.BOOLEAN,
                levels=levels,
                source=source.source,
            ),
            *keys,
        )
        self.use(source, found.columns if found else ())
        return found

    def who(self) -> Expression | None:
        """The condition on who is in scope: ages, populations, attributes, and ``as_of``."""
        text = self.spec.cohort.who
        types, hints = self.names.in_expressions()
        types[AS_OF] = ColumnType.DATE
        levels = {
            name: attribute.levels
            for name in types
            if name != AS_OF
            and name not in self.names.populations
            and (attribute := self.names.attribute(name, "")).levels
        }
        found = self.attempt(
            lambda: parse(
                text,
                types,
                self.catalogue.codelists,
                self.at("cohort", "who"),
                expect=ColumnType.BOOLEAN,
                levels=levels,
                hints=hints,
            ),
            "cohort",
            "who",
        )
        for name in sorted(found.columns) if found else ():
            if name in self.names.populations:
                for source in self.names.populations[name]:
                    self.use(source)
            elif name != AS_OF:
                self.attribute(name, "cohort", "who")
        return found

    def named_source(self, name: str, *keys: str | int) -> Source | None:
        """A source by name."""
        return self.attempt(lambda: self.catalogue.source(name, self.at(*keys)), *keys)
