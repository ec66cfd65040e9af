"""What a file says, whatever its format: tables, words, and single values with a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Cell = str | int | float | None


class UnreadableError(ValueError):
    """A file that cannot be read, or of a kind that nobody here can read."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        where: which one: ``table 2``, ``sheet List``.
        header: its first row.
        rows: the others.
        records: it is a list of records among other facts, such as decisions, not a file's table.
    """

    where: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    records: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of text: a paragraph, a title, a comment, a property."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Value:
    """A number with a name: of JSON, or of an attribute."""

    where: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Veiled:
    """Something that a reader does not see at first: it has no place in what leaves."""

    where: str
    what: str


Piece = Sheet | Words | Value | Veiled
