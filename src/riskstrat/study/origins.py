"""Where each feature and each released column of a study comes from, column by column.

This is how agreements reach what is handed out: a column that shows a source needs that source's
grant to whoever receives it, and so does a score, of every source that went into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from riskstrat.attributes import Attribute
from riskstrat.cohort.spec import EventDates, ListedDates, RegularDates
from riskstrat.contracts.agreements.asked import (
    NOWHERE,
    THE_ROWS,
    Asked,
    Derived,
    Handed,
    MadeFrom,
    Origins,
    joined,
    together,
)
from riskstrat.contracts.agreements.views import may_see
from riskstrat.contracts.spec import Shape, Source
from riskstrat.features.plan import Feature
from riskstrat.release.aggregate import counted_columns
from riskstrat.release.cohort_list import listed_columns
from riskstrat.release.spec import Recipient
from riskstrat.study.names import Names
from riskstrat.study.planned import feature_plan
from riskstrat.study.study import Study
from riskstrat.vocabulary import Unit

CONSTANT = frozenset({"as_of", "data_as_at", "expires_on"})
"""columns of a list that say the same of everybody"""
REASONS = "reasons"


@dataclass(frozen=True, slots=True)
class StudyOrigins:
    """What everything a study makes and hands out is made from.

    Attributes:
        study: a study that makes sense.
        features: every feature, with the columns it is made from.
        score: all that a score, and who is on a list, is made from: features, cohort, outcome.
    """

    study: Study
    features: tuple[Derived, ...]
    score: Origins

    @classmethod
    def of(cls, study: Study) -> StudyOrigins:
        """Work them out, from the study file and its contracts alone."""
        features = tuple(
            Derived(feature.column.name, feature.source, feature.function, _made(study, feature))
            for feature in feature_plan(study).features
        )
        score = together(*(each.made_from.all for each in features), *_cohort_and_outcome(study))
        return cls(study, features, score)

    def asked(self, *, score_on: date | None = None) -> Asked:
        """What the study asks of its agreements.

        Args:
            score_on: a day to score for, other than the study's own.
        """
        study = self.study
        return Asked(
            purpose=study.spec.purpose,
            unit=study.spec.unit,
            sources=study.sources,
            columns=study.used_columns,
            derived=self.features,
            handed=tuple(h for r in study.spec.release.recipients for h in self.handed(r)),
            days=_days(study, score_on),
        )

    def handed(self, recipient: Recipient) -> tuple[Handed, ...]:
        """What one recipient is handed, column by column, and last the rows themselves.

        The reasons are those it may see; the others are not shown to it, and stop nothing.
        """
        counted = recipient.rows == "aggregate"
        columns = counted_columns(recipient) if counted else listed_columns(recipient)
        made = {name: self._handed(recipient, name) for name in columns}
        made[THE_ROWS] = MadeFrom(rests_on=self.score)
        return tuple(
            Handed(recipient.to, recipient.rows, name, each) for name, each in made.items()
        )

    def _handed(self, recipient: Recipient, column: str) -> MadeFrom:
        study, told = self.study, MadeFrom()
        if column in CONSTANT:
            return told
        if column == "unit_id":
            told = MadeFrom(shows=_columns(study.population, {study.population.unit_key}))
        elif column == REASONS:
            seen = self.visible_features(recipient)
            told = MadeFrom(
                shows=joined(f.made_from for f in self.features if f.name in seen).shows
            )
        elif column in study.attributes:
            told = _of_attribute(study, study.attributes[column])
        return replace(told, rests_on=together(told.rests_on, self.score))

    def lineage(self, recipient: Recipient) -> dict[str, dict[str, Any]]:
        """Released column -> what it derives from, as a manifest tells it.

        Returns:
            ``sources`` with the columns read of each, ``shows`` with those that can be read off
            the column, and the references of the ``agreements``.
        """
        agreements, by_name = self.study.catalogue.agreements, self.study.sources_by_name
        told = {}
        for each in self.handed(recipient):
            origins = each.made_from.all
            under = {agreements[by_name[name].agreement].reference for name in origins}
            told[each.column] = {
                "sources": {name: sorted(columns) for name, columns in origins.items()},
                "shows": {n: sorted(columns) for n, columns in each.made_from.shows.items()},
                "agreements": sorted(under),
            }
        del told[THE_ROWS]
        return told

    # -- who may see what ----------------------------------------------------------------------

    def visible_features(self, recipient: Recipient) -> frozenset[str]:
        """The features a recipient may be given reasons from."""
        seen = (each for each in self.features if self._may_see(recipient, each.made_from))
        return frozenset(each.name for each in seen)

    def visible_attributes(self, recipient: Recipient) -> frozenset[str]:
        """The attributes, by their text in the study, whose values a recipient may see."""
        return frozenset(
            text
            for text, attribute in self.study.attributes.items()
            if self._may_see(recipient, _of_attribute(self.study, attribute))
        )

    def hidden_features(self) -> tuple[tuple[str, ...], ...]:
        """The sets of features of which somebody may be given no reasons, each set once.

        The empty set, of those who may be given all, comes first.
        """
        every = [each.name for each in self.features]
        sets: set[tuple[str, ...]] = {()}
        for recipient in self.study.spec.release.recipients:
            seen = self.visible_features(recipient)
            sets.add(tuple(name for name in every if name not in seen))
        return tuple(sorted(sets, key=lambda names: (len(names), names)))

    def _may_see(self, recipient: Recipient, made_from: MadeFrom) -> bool:
        return may_see(
            made_from,
            recipient.to,
            recipient.rows,
            purpose=self.study.spec.purpose,
            sources=self.study.sources_by_name,
            agreements=self.study.catalogue.agreements,
        )


# -- what goes into what -------------------------------------------------------------------------


def _days(study: Study, score_on: date | None) -> tuple[date, ...]:
    """The latest as-of date, and the day that is scored for."""
    dates, days = study.spec.cohort.as_of, []
    if isinstance(dates, RegularDates):
        days = [dates.last]
    elif isinstance(dates, ListedDates):
        days = [max(dates.dates)]
    scored = score_on or study.spec.release.as_of
    return (*days, *([scored] if scored else []))


def _made(study: Study, feature: Feature) -> MadeFrom:
    source = study.sources_by_name[feature.source]
    reached = _relation(study, feature.through)
    keys = MadeFrom(rests_on=together(_keys(source), reached))
    if feature.function == "attribute":
        return joined((*(_of_attribute(study, each) for each in feature.attributes), keys))
    told = {name for name in (feature.value,) if name in source.columns}
    told |= set(feature.where.columns) if feature.where else set()
    told |= {feature.split.column} if feature.split else set()
    # A count, or whether there is any record, tells when something happened; days since it, and
    # the date that a reason makes of them, tell the very day.
    if feature.function.startswith("days_since") or not told:
        told.add(_first_date(source))
    shows = _columns(source, told)
    return joined((MadeFrom(shows=shows), keys))


def _of_attribute(study: Study, attribute: Attribute) -> MadeFrom:
    """A value as known on the day; the relation it was found through cannot be read off it."""
    reached = _relation(study, attribute.through)
    if attribute.kind == "unit":
        return MadeFrom(shows=_columns(study.population, {study.population.unit_key}))
    if attribute.kind == "relation":
        return MadeFrom(shows=reached)
    source = study.sources_by_name[str(attribute.source)]
    shows = _columns(source, {str(attribute.column)})
    return MadeFrom(shows, together(_keys(source), reached))


def _cohort_and_outcome(study: Study) -> Iterator[Origins]:
    """What decides who is in scope, and what was learnt from."""
    spec = study.spec
    yield _keys(study.population)
    populations = Names(spec.unit, study.catalogue, ()).populations
    for name in sorted(study.who.columns):
        if name in study.attributes:
            yield _of_attribute(study, study.attributes[name]).all
        for source in populations.get(name, ()):
            yield _keys(source)
    if isinstance(spec.cohort.as_of, EventDates):
        each = study.sources_by_name[spec.cohort.as_of.each]
        yield _keys(each)
        yield _columns(each, study.each_where.columns if study.each_where else ())
    if study.deaths:
        yield _keys(study.deaths)
    event = study.sources_by_name[spec.outcome.event]
    yield _keys(event)
    yield _columns(event, study.outcome_where.columns)


def _relation(study: Study, unit: Unit | None) -> Origins:
    """The columns that say which household, area ... a unit belonged to."""
    if unit is None:
        return NOWHERE
    relating = Names(study.spec.unit, study.catalogue, ()).relations.get(unit, ())
    return together(
        *(_columns(s, {(s.relates or {})[unit], s.unit_key, *s.time_columns}) for s in relating)
    )


def _columns(source: Source, names: Iterable[str]) -> Origins:
    return MappingProxyType({source.source: frozenset(names)})


def _keys(source: Source) -> Origins:
    return _columns(source, (source.unit_key, *source.key, *source.time_columns))


def _first_date(source: Source) -> str:
    return str(source.starts_on if source.shape is Shape.SPELLS else source.happened_on)
