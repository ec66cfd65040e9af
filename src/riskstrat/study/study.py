"""A study file that makes sense: every name found, every expression checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskstrat.attributes import Attribute
from riskstrat.contracts.agreements.matrix import BasisRow, legal_basis_matrix
from riskstrat.contracts.catalogue import Catalogue
from riskstrat.contracts.optouts import Kinds, bound
from riskstrat.contracts.spec import Source
from riskstrat.expressions import Expression
from riskstrat.study.spec import StudySpec


@dataclass(frozen=True, slots=True)
class Study:
    """A study file that makes sense: every name found, every expression checked."""

    spec: StudySpec
    path: Path
    root: Path
    """the config folder, with ``sources``, ``agreements`` and ``codelists``"""
    text: str
    """YAML of the study as it counts, with every default and override written out"""
    catalogue: Catalogue
    sources: tuple[Source, ...]
    """every source that is read, by name; lists of opt-outs are among them"""
    population: Source
    """where the units come from; for dates of the units' own without one, the event's source"""
    deaths: Source | None
    born: tuple[Source, str] | None
    """the source and column of birth dates, if the study needs ages"""
    used_columns: Mapping[str, frozenset[str]]
    """source -> the columns the study reads, dates and keys included"""
    who: Expression
    each_where: Expression | None
    """the condition on the events of dates of the units' own"""
    outcome_where: Expression
    block_filters: tuple[Expression | None, ...]
    """each features block's `where`"""
    block_attributes: tuple[Mapping[str, Attribute], ...]
    """each features block's attributes by the name it uses"""
    attributes: Mapping[str, Attribute]
    """what groups, folds, clusters, baselines, releases and `who` name, by their text"""

    @property
    def name(self) -> str:
        """The study's own name."""
        return self.spec.study

    @property
    def sources_by_name(self) -> dict[str, Source]:
        """The sources that are read."""
        return {source.source: source for source in self.sources}

    @property
    def records(self) -> tuple[Source, ...]:
        """The sources whose rows are records of units: all but the lists of opt-outs."""
        return tuple(source for source in self.sources if source.role is None)

    @property
    def opt_outs(self) -> tuple[Source, ...]:
        """The lists of opt-outs that are read."""
        return tuple(source for source in self.sources if source.role == "opt_outs")

    @property
    def bound_by(self) -> Kinds:
        """The kinds of opt-out that bind this study."""
        return bound(self.sources, self.catalogue.agreements, self.spec.purpose)

    def legal_basis(self) -> tuple[BasisRow, ...]:
        """The legal-basis matrix of this study's sources: table by purpose by recipient."""
        return legal_basis_matrix(
            purpose=self.spec.purpose,
            sources=self.sources,
            used_columns=self.used_columns,
            agreements=self.catalogue.agreements,
        )

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who receives something of this study."""
        return tuple(recipient.to for recipient in self.spec.release.recipients)
