"""What a page is made of: sections of words, drawings, tables and points."""

from __future__ import annotations

from dataclasses import dataclass

from riskstrat.publish.notices import Notice
from riskstrat.publish.tables import Shown

ABSENT = "This run did not produce this part."


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its reading and, folded away, the same numbers as a table."""

    svg: str
    reading: str
    table: Shown | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One section of the page, in reading order: words, drawings, tables, points."""

    anchor: str
    title: str
    lead: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Shown, ...] = ()
    points: tuple[str, ...] = ()
    folded: bool = False
    """long tables are folded away"""
    text: str = ""
    """preformatted text, folded away"""
    notices: tuple[Notice, ...] = ()
    after: tuple[Shown, ...] = ()
    """tables for those who want to know more, folded away below everything else"""
