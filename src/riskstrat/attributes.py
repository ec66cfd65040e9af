"""What is said of a unit on a day: the nouns by which studies group, cluster, list and describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from riskstrat.vocabulary import ColumnType, Unit

AttributeKind = Literal["column", "age", "age_band", "unit", "relation"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a unit as known on a day, found in the sources.

    ``column``: the value of a source's column, read through a relation where the source is about
    another unit. ``age`` and ``age_band``: from the date of birth. ``unit``: the unit itself.
    ``relation``: the id of the household, area ... it belonged to.
    """

    text: str
    """as the study spells it; also the name of the column in ``groups``"""
    kind: AttributeKind
    source: str | None = None
    column: str | None = None
    """for ``age`` and ``age_band`` the source's date of birth"""
    through: Unit | None = None
    type: ColumnType = ColumnType.STRING
    levels: tuple[str, ...] = ()
    """every value it can have, in the contract's order; empty where that is not declared"""
    labels: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = False
    label: str = ""
    """plain-English name"""

    @property
    def is_category(self) -> bool:
        """Whether it has few values that can be named, so that it can form groups."""
        return bool(self.levels) or self.type is ColumnType.BOOLEAN


def band_labels(lowest: Sequence[int]) -> tuple[str, ...]:
    """Names of age bands by their lowest ages.

    Examples:
        >>> band_labels((0, 5, 18, 85))
        ('0-4', '5-17', '18-84', '85+')
    """
    tops = [following - 1 for following in lowest[1:]]
    closed = [
        str(low) if low == top else f"{low}-{top}"
        for low, top in zip(lowest[:-1], tops, strict=True)
    ]
    return (*closed, f"{lowest[-1]}+") if lowest else ()
