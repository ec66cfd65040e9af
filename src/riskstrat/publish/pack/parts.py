"""What documents of the pack are made of: items that a run answers, a person answers, or both."""

from __future__ import annotations

from dataclasses import dataclass, field

from riskstrat.publish.parts import Drawing
from riskstrat.publish.tables import Shown

IG, DPO, OWNER, CLINICAL, EQUALITY, TEAM = (
    "information governance lead",
    "data protection officer",
    "service owner",
    "clinical safety officer",
    "equality lead",
    "modelling team",
)
"""who may be asked"""


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a document.

    Attributes:
        ref: its name in the answers file, such as ``dpia.consultation``.
        asked: the question.
        told: what the run itself says to it; empty where it knows nothing.
        who: who has to answer as well; empty where the run's answer is enough.
    """

    ref: str
    asked: str
    told: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Items, drawings and tables under one heading."""

    title: str
    items: tuple[Item, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Shown, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One document of the pack.

    Attributes:
        name: of its file, without ``.html``.
        says: in one sentence, what it is and whose it is.
        source: where its questions come from.
    """

    name: str
    title: str
    says: str
    groups: tuple[Group, ...]
    source: str = ""
    board: bool = field(default=False)
    """it opens with the verdict, and asks for a decision"""

    @property
    def items(self) -> tuple[Item, ...]:
        """Every question of the document."""
        return tuple(item for group in self.groups for item in group.items)
