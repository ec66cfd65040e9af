"""A study held against its catalogue: names found, expressions checked, uses noted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from riskstrat.attributes import Attribute
from riskstrat.cohort.eligible import death_source, population_source
from riskstrat.cohort.spec import EventDates
from riskstrat.contracts.catalogue import Catalogue
from riskstrat.contracts.optouts import bound, kinds_told
from riskstrat.contracts.spec import Source
from riskstrat.errors import StudyError
from riskstrat.expressions import Expression
from riskstrat.features.plan import plan_features
from riskstrat.study.composer import Composer
from riskstrat.study.demands import (
    check_audit,
    check_need_marker,
    check_release,
    check_training,
)
from riskstrat.study.names import Names
from riskstrat.study.spec import StudySpec
from riskstrat.study.study import Study
from riskstrat.yamlfile import Document
from riskstrat.yamlfile.faults import KeyPath


def compose(
    document: Document, spec: StudySpec, root: Path, catalogue: Catalogue, text: str
) -> Study:
    """Check a study against a catalogue and find everything its names mean.

    Raises:
        StudyError: with every fault, each at its place.
    """
    names = Names(spec.unit, catalogue, spec.cohort.age_bands)
    composer = Composer(document, spec, catalogue, names)
    who = composer.who()
    each, each_where = _own_dates(composer)
    population = _population(composer, each)
    deaths = _deaths(composer)
    outcome_where = _outcome(composer)
    filters, block_attributes = _blocks(composer)
    check_training(composer)
    check_audit(composer)
    check_release(composer)
    if composer.spec.stress.area:
        composer.attribute(composer.spec.stress.area, "stress", "area")
    _opt_outs(composer)
    if not composer.faults:
        _plan(composer, filters, block_attributes)
    if composer.faults or who is None or population is None or outcome_where is None:
        raise _together(document, composer.faults)
    return Study(
        spec=spec,
        path=document.path,
        root=root,
        text=text,
        catalogue=catalogue,
        sources=tuple(catalogue.sources[name] for name in sorted(composer.used)),
        population=population,
        deaths=deaths,
        born=_born(composer),
        used_columns=MappingProxyType(
            {name: frozenset(columns) for name, columns in sorted(composer.used.items())}
        ),
        who=who,
        each_where=each_where,
        outcome_where=outcome_where,
        block_filters=filters,
        block_attributes=block_attributes,
        attributes=MappingProxyType(dict(sorted(composer.attributes.items()))),
    )


def _together(document: Document, faults: list[StudyError]) -> StudyError:
    if len(faults) == 1:
        return faults[0]
    listed = "\n  ".join(error.message.replace("\n", "\n  ") for error in faults)
    fixes = list(dict.fromkeys(error.fix for error in faults if error.fix))
    return StudyError(
        f"{document.path.name} has {len(faults)} faults:\n  {listed}",
        fix="\n    - ".join(["", *fixes]) if len(fixes) > 1 else "".join(fixes),
        code=faults[0].code,
    )


def _own_dates(composer: Composer) -> tuple[Source | None, Expression | None]:
    """The source and condition of as-of dates that follow each unit's own events."""
    dates = composer.spec.cohort.as_of
    if not isinstance(dates, EventDates):
        return None, None
    source = composer.named_source(dates.each, "cohort", "as_of", "each")
    if source is None:
        return None, None
    if source.unit is not composer.spec.unit:
        composer.fault("RS1222", _other_unit(composer, source, "cohort", "as_of", "each"))
    if not dates.where:
        composer.use(source)
        return source, None
    return source, composer.condition(dates.where, source, "cohort", "as_of", "where")


def _other_unit(composer: Composer, source: Source, *keys: str | int) -> str:
    unit = composer.spec.unit
    return (
        f"{composer.at(*keys)}: rows of `{source.source}` are about a {source.unit}, not a {unit}"
    )


def _population(composer: Composer, each: Source | None) -> Source | None:
    spec = composer.spec
    named = spec.cohort.population
    if named and composer.named_source(named, "cohort", "population") is None:
        return None
    keys = ("cohort", "population") if named else ("cohort",)
    found = composer.attempt(
        lambda: population_source(spec.cohort, spec.unit, composer.catalogue.sources) or each, *keys
    )
    if found is not None:
        composer.use(found)
    return found


def _deaths(composer: Composer) -> Source | None:
    spec = composer.spec
    named = spec.cohort.deaths
    if named and composer.named_source(named, "cohort", "deaths") is None:
        return None
    keys = ("cohort", "deaths") if named else ("cohort",)
    found = composer.attempt(
        lambda: death_source(spec.cohort, spec.unit, composer.catalogue.sources), *keys
    )
    if found is not None:
        composer.use(found)
    elif spec.outcome.on_death == "counts_as_event":
        where = composer.at("outcome", "on_death")
        what = f"{where}: deaths count as events, but no source holds deaths of a {spec.unit}"
        fix = "add `status: death` to the contract of deaths, or use `on_death: excluded`"
        composer.fault("RS1234", what, fix)
    return found


def _outcome(composer: Composer) -> Expression | None:
    spec = composer.spec.outcome
    source = composer.named_source(spec.event, "outcome", "event")
    if source is None:
        return None
    if source.unit is not composer.spec.unit:
        composer.fault("RS1223", _other_unit(composer, source, "outcome", "event"))
    return composer.condition(spec.where, source, "outcome", "where")


def _blocks(
    composer: Composer,
) -> tuple[tuple[Expression | None, ...], tuple[Mapping[str, Attribute], ...]]:
    filters: list[Expression | None] = []
    attributes: list[Mapping[str, Attribute]] = []
    for i, block in enumerate(composer.spec.features.blocks):
        at: KeyPath = ("features", "blocks", i)
        filters.append(None)
        attributes.append({})
        if (source := composer.named_source(block.source, *at, "source")) is None:
            continue
        composer.use(source, [a.column for a in block.aggregates if a.column])
        if block.by is not None:
            composer.use(source, [block.by.column])
        if block.where is not None:
            filters[-1] = composer.condition(block.where, source, *at, "where")
        if block.through is not None:
            _follow(composer, source, block.through, *at, "through")
        attributes[-1] = _block_attributes(composer, source, i)
    return tuple(filters), tuple(attributes)


def _opt_outs(composer: Composer) -> None:
    """Lists of opt-outs are read wherever one of their kinds binds; no study names them."""
    used = [composer.catalogue.sources[name] for name in composer.used]
    kinds = bound(used, composer.catalogue.agreements, composer.spec.purpose)
    for source in composer.catalogue.sources.values():
        if source.role == "opt_outs" and kinds & kinds_told(source):
            composer.use(source, ["kind"])


def _follow(composer: Composer, source: Source, through: str, *keys: str | int) -> None:
    relations = composer.names.relations
    unit = next((unit for unit in relations if unit.value == through), None)
    if unit is None:
        what = f"{composer.at(*keys)}: no source of spells says which {through} a "
        what += f"{composer.spec.unit} belongs to"
        fix = f"add `relates: {{{through}: <column>}}` to a contract"
        composer.fault("RS1232", what, fix)
        return
    for relating in relations[unit]:
        composer.use(relating, [(relating.relates or {})[unit]])


def _block_attributes(composer: Composer, source: Source, i: int) -> Mapping[str, Attribute]:
    block = composer.spec.features.blocks[i]
    found: dict[str, Attribute] = {}
    for j, text in enumerate(block.attributes):
        keys: KeyPath = ("features", "blocks", i, "attributes", j)
        where = composer.at(*keys)

        def find(text: str = text, where: str = where) -> Attribute:
            return composer.names.block_attribute(text, source, block.through, where)

        if attribute := composer.attempt(find, *keys):
            found[text] = attribute
            composer.use_attribute(attribute)
    return MappingProxyType(found)


def _plan(
    composer: Composer,
    filters: tuple[Expression | None, ...],
    attributes: tuple[Mapping[str, Attribute], ...],
) -> None:
    """Let the features stage say what it cannot compute, before any data are read."""
    spec = composer.spec
    planned = composer.attempt(
        lambda: plan_features(
            spec.features,
            unit=spec.unit,
            sources={name: composer.catalogue.sources[name] for name in composer.used},
            codelists=composer.catalogue.codelists,
            filters=filters,
            attributes=attributes,
            age_bands=spec.cohort.age_bands,
        ),
        "features",
    )
    if planned is not None:
        check_need_marker(composer, {column.name for column in planned.columns})


def _born(composer: Composer) -> tuple[Source, str] | None:
    """The date of birth, if the study reads it."""
    for source in composer.names.births:
        if source.born_on and source.born_on in composer.used.get(source.source, ()):
            return source, source.born_on
    return None
