"""The privacy of a model: attacked by twins of it, and read in its own text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstrat.privacy.findings import from_attacks, from_insider, from_levels, from_structure
from riskstrat.privacy.measures import (
    Level,
    Measured,
    by_level,
    not_measured,
    of_attacks,
    of_structure,
)
from riskstrat.privacy.structure import Structure, examine_structure
from riskstrat.privacy.twins import TWINS, Deal, Tell, deal_people, learn_twins
from riskstrat.training.again import Procedure
from riskstrat.vocabulary import Finding, Severity

STRUCTURE_SHARE = 0.2
"""of the work; the rest is the twins'"""


@dataclass(frozen=True, slots=True)
class ModelPrivacy:
    """What a model remembers of the people it was learnt from.

    Attributes:
        winner: the model's name.
        measured: name -> number, as gates name them.
        levels: the plain attack within each level of the study's groups.
        structure: what its text gives away; None when nothing was learnt.
        twins: how many were learnt.
        share: of the rows the model was learnt from, how many a twin had.
        findings: coded, errors first.
    """

    winner: str
    measured: Mapping[str, Measured]
    levels: tuple[Level, ...]
    structure: Structure | None
    twins: int
    share: float
    findings: tuple[Finding, ...]

    @property
    def gates(self) -> dict[str, dict[str, Any]]:
        """What gates of a study are held against."""
        return {name: found.as_dict() for name, found in self.measured.items()}

    def as_dict(self) -> dict[str, Any]:
        """For ``privacy.json``; findings are kept with the others."""
        return {
            "winner": self.winner,
            "twins": self.twins,
            "share_learnt": self.share,
            "measured": self.gates,
            "levels": [level.as_dict() for level in self.levels],
            "structure": self.structure.as_dict() if self.structure else None,
        }


def examine(
    procedure: Procedure,
    groups: Sequence[str],
    *,
    cluster: str = "unit",
    replicates: int = 1000,
    tell: Tell = lambda share, text: None,
) -> ModelPrivacy:
    """Attack a model and read its text.

    Args:
        procedure: how the registered model was learnt.
        groups: attributes among the rows' groups, each level of which is looked at.
        cluster: what is dealt and resampled whole: ``unit`` or an attribute.
        replicates: resamples.
        tell: told the share done and what is going on.

    Raises:
        StorageError: RS3420, when the model was not learnt from these rows.
    """
    dealt = deal_people(procedure, cluster)
    held = dealt.rows if dealt else procedure.learnt[:0]
    frame = procedure.ground.frame(procedure.model.features, held)
    tell(0.0, "reading the model's own text")
    structure = examine_structure(procedure, frame) if len(procedure.learnt) else None
    measured = dict(of_structure(structure)) if structure else {}
    levels: tuple[Level, ...] = ()
    if dealt is None:
        people = len(np.unique(procedure.ground.rows.unit[procedure.learnt]))
        measured |= not_measured(people)
    else:
        rounds = learn_twins(procedure, frame, dealt, _within(tell))
        tell(0.95, "telling people apart")
        measured |= of_attacks(rounds, replicates, procedure.ground.seed)
        of_rows = procedure.ground.rows.groups
        levels = by_level(rounds, of_rows, groups, replicates, procedure.ground.seed)
    winner = procedure.model.name
    found = [*from_attacks(winner, measured), *from_insider(winner, measured)]
    found += from_levels(levels)
    found += from_structure(winner, structure) if structure else ()
    order = list(Severity)
    return ModelPrivacy(
        winner=winner,
        measured=measured,
        levels=levels,
        structure=structure,
        twins=TWINS * dealt.rounds if dealt else 0,
        share=_share(procedure, dealt),
        findings=tuple(sorted(found, key=lambda each: order.index(each.severity))),
    )


def _share(procedure: Procedure, dealt: Deal | None) -> float:
    if dealt is None:
        return 0.0
    sizes = [
        len(dealt.learnt_by(number, twin))
        for number in range(dealt.rounds)
        for twin in range(TWINS)
    ]
    return float(np.mean(sizes) / len(procedure.learnt))


def _within(tell: Tell) -> Tell:
    """Progress of the twins within that of the whole."""
    return lambda share, text: tell(STRUCTURE_SHARE + share * (0.95 - STRUCTURE_SHARE), text)
