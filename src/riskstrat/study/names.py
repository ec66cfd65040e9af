"""What the names in a study mean: attributes, populations and relations, found in the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from riskstrat.attributes import Attribute, band_labels
from riskstrat.contracts.catalogue import Catalogue
from riskstrat.contracts.spec import Column, Shape, Source
from riskstrat.errors import StudyError
from riskstrat.vocabulary import ColumnType, Unit
from riskstrat.yamlfile import nearest

AGE = ("age", "age_at_as_of")
YES_NO = MappingProxyType({"yes": "yes", "no": "no"})


@dataclass(frozen=True, slots=True)
class Names:
    """Resolves the names of one study: its unit, its age bands, its catalogue."""

    unit: Unit
    catalogue: Catalogue
    age_bands: tuple[int, ...]

    @property
    def births(self) -> tuple[Source, ...]:
        """Sources that hold the units' dates of birth."""
        return tuple(
            s for s in self.catalogue.sources.values() if s.born_on and s.unit is self.unit
        )

    @property
    def populations(self) -> Mapping[str, tuple[Source, ...]]:
        """population name -> the sources whose open spells make a unit one of it."""
        found: dict[str, tuple[Source, ...]] = {}
        for source in self.catalogue.sources.values():
            if source.population and source.unit is self.unit:
                found[source.population] = (*found.get(source.population, ()), source)
        return found

    @property
    def relations(self) -> Mapping[Unit, tuple[Source, ...]]:
        """related unit -> the sources that say which one the study's units belong to."""
        found: dict[Unit, tuple[Source, ...]] = {}
        for source in self.catalogue.sources.values():
            for related in source.relates or {} if source.unit is self.unit else {}:
                found[related] = (*found.get(related, ()), source)
        return found

    def attribute(self, text: str, where: str) -> Attribute:
        """What an attribute named in a study means.

        Raises:
            StudyError: RS1230 unknown, RS1231 ambiguous, RS1232 no relation, RS1233 no birth date.
        """
        if text == "unit":
            return Attribute(text, "unit", label=str(self.unit))
        if text in {unit.value for unit in Unit}:
            return self._related(text, where)
        if text in (*AGE, "age_band"):
            return self._age(text, where)
        if "." in text:
            name, _, column = text.partition(".")
            source = self.catalogue.source(name, where)
            return self._column(text, source, column, self._through(source, text, where))
        candidates = self._candidates(text)
        if len(candidates) > 1:
            listed = " or ".join(f"`{source.source}.{text}`" for source in candidates)
            what = f"{where}: `{text}` is in several sources; write {listed}"
            raise StudyError(what, code="RS1231")
        if not candidates:
            raise self._unknown(text, where)
        source = candidates[0]
        return self._column(text, source, text, self._through(source, text, where))

    def block_attribute(
        self, text: str, source: Source, through: Unit | None, where: str
    ) -> Attribute:
        """What an attribute of a features block means: a column of its source, or an age.

        Raises:
            StudyError: RS1230 unknown, RS1232 a relation that cannot be followed.
        """
        if source.born_on and source.unit is self.unit and text in (*AGE, "age_band"):
            return self._age_of(text, source)
        if through is not None and source.unit is self.unit:
            what = f"{where}: `{source.source}` is about the {self.unit} itself; a {through} has "
            what += "no one value of it"
            raise StudyError(what, fix="drop `through`, or use `aggregates`", code="RS1232")
        if text not in source.columns:
            ages = [*AGE, "age_band"] if source.born_on else []
            known = nearest(text, [*source.columns, *ages], "columns")
            what = f"{where}: {source.source} has no column `{text}`{known}"
            raise StudyError(what, code="RS1230")
        return self._column(text, source, text, None if source.unit is self.unit else source.unit)

    def in_expressions(self) -> tuple[dict[str, ColumnType], dict[str, str]]:
        """Names that `who` may use with their types, and why others cannot be used."""
        types: dict[str, ColumnType] = {}
        hints: dict[str, str] = {}
        texts = ["unit", *(unit.value for unit in self.relations)]
        texts += [*AGE, "age_band"] if len(self.births) == 1 else []
        for source in self._reachable():
            texts += [f"{source.source}.{column}" for column in source.columns]
            texts += [column for column in source.columns if column not in texts]
        for text in texts:
            try:
                types[text] = self.attribute(text, "").type
            except StudyError as error:
                hints[text] = error.message.removeprefix(": ")
        types |= dict.fromkeys(self.populations, ColumnType.BOOLEAN)
        return types, hints

    # -- parts ---------------------------------------------------------------------------------

    def _reachable(self) -> Iterator[Source]:
        for source in self.catalogue.sources.values():
            if source.role is None and (source.unit is self.unit or source.unit in self.relations):
                yield source

    def _candidates(self, column: str) -> list[Source]:
        """Sources a bare name may mean: the unit's own first, then those a relation reaches."""
        holding = [
            source
            for source in self._reachable()
            if source.shape is not Shape.EVENTS
            and column in source.columns
            and column not in (source.unit_key, *source.time_columns)
        ]
        own = [source for source in holding if source.unit is self.unit]
        return own or holding

    def _through(self, source: Source, text: str, where: str) -> Unit | None:
        if source.unit is self.unit:
            return None
        if source.unit not in self.relations:
            raise self._no_relation(source.unit, text, where)
        return source.unit

    def _related(self, text: str, where: str) -> Attribute:
        unit = Unit(text)
        if unit is self.unit:
            return Attribute(text, "unit", label=text)
        if unit not in self.relations:
            raise self._no_relation(unit, text, where)
        return Attribute(text, "relation", through=unit, label=text)

    def _no_relation(self, unit: Unit, text: str, where: str) -> StudyError:
        return StudyError(
            f"{where}: `{text}` needs the {unit} of a {self.unit}, and no source of spells says it",
            fix=f"add `relates: {{{unit}: <column>}}` to a contract about a {self.unit}",
            code="RS1232",
        )

    def _age(self, text: str, where: str) -> Attribute:
        if len(self.births) != 1:
            names = ", ".join(source.source for source in self.births) or "none"
            raise StudyError(
                f"{where}: `{text}` needs one source with `born_on` about a {self.unit}, "
                f"found {names}",
                fix="declare `born_on` in one contract",
                code="RS1233",
            )
        return self._age_of(text, self.births[0])

    def _age_of(self, text: str, source: Source) -> Attribute:
        if text != "age_band":
            return Attribute(
                text, "age", source.source, source.born_on, type=ColumnType.INTEGER, label="age"
            )
        bands = band_labels(self.age_bands)
        labels = {
            band: f"aged {band.replace('-', ' to ').replace('+', ' or over')}" for band in bands
        }
        return Attribute(
            text,
            "age_band",
            source.source,
            source.born_on,
            levels=bands,
            labels=MappingProxyType(labels),
            ordered=True,
            label="age group",
        )

    def _column(self, text: str, source: Source, name: str, through: Unit | None) -> Attribute:
        if (column := source.columns.get(name)) is None:
            known = nearest(name, list(source.columns), "columns")
            what = f"`{text}`: {source.source} has no column `{name}`{known}"
            raise StudyError(what, code="RS1230")
        labels = _labels(column)
        return Attribute(
            text,
            "column",
            source.source,
            name,
            through,
            column.type,
            tuple(column.codes or ()),
            labels,
            column.ordered,
            column.label or name.replace("_", " "),
        )

    def _unknown(self, text: str, where: str) -> StudyError:
        known = {"unit", *(unit.value for unit in self.relations)}
        known |= {*AGE, "age_band"} if self.births else set()
        for source in self._reachable():
            if source.shape is not Shape.EVENTS:
                known |= source.columns.keys() - {source.unit_key, *source.time_columns}
        hint = nearest(text, sorted(known), "attributes")
        return StudyError(f"{where}: there is no attribute `{text}`{hint}", code="RS1230")


def _labels(column: Column) -> Mapping[str, str]:
    if column.codes:
        return MappingProxyType({code: label or code for code, label in column.codes.items()})
    return YES_NO if column.type is ColumnType.BOOLEAN else MappingProxyType({})
