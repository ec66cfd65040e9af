"""What a table must be before anything of it may be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from riskstrat.errors import ReleaseRefused
from riskstrat.vocabulary import Protected


def declared(title: str, columns: Sequence[str], named: set[str]) -> None:
    """Refuse a table that lacks a column named to be protected."""
    if missing := sorted(named - set(columns)):
        raise ReleaseRefused(
            f"{title}: there is no column {', '.join(missing)} to protect",
            fix=f"name columns of the table: {', '.join(columns)}",
            code="RS3001",
        )


def rectangular(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Refuse a table whose rows differ in length."""
    if ragged := sum(len(row) != len(columns) for row in rows):
        raise ReleaseRefused(
            f"{title}: {ragged} rows do not have {len(columns)} cells",
            fix="give one cell per column",
            code="RS3002",
        )


def only_declared_numbers(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], declared: set[str]
) -> None:
    """Refuse whole numbers of which nobody said whether they count people."""
    for place, name in enumerate(columns):
        if name not in declared and any(_is_whole(row[place]) for row in rows):
            raise ReleaseRefused(
                f"{title}: column {name} holds whole numbers that may count people",
                fix=f"list {name} under `counts`, or under `not_people` if it counts none",
                code="RS3003",
            )


def only_counts(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], counts: Sequence[str]
) -> None:
    """Refuse a count that is negative, not whole, or no number."""
    for name in counts:
        cells = [row[columns.index(name)] for row in rows]
        wrong = sum(not (cell is None or (_is_whole(cell) and cell >= 0)) for cell in cells)
        if wrong:
            raise ReleaseRefused(
                f"{title}: {wrong} cells of {name} are not counts",
                fix="give whole numbers of at least 0, or None where the count is unknown",
                code="RS3004",
            )


def only_protected(table: Any) -> Protected:
    """The table, if it is one that passed disclosure control: for templates.

    Raises:
        ReleaseRefused: RS3020, it is any other.
    """
    if not isinstance(table, Protected):
        raise ReleaseRefused(
            f"a page was to show a {type(table).__name__} that is not a Protected table",
            fix="protect it with `release.disclosure` before it reaches a template",
            code="RS3020",
        )
    return table


_EXTREMES = re.compile(
    r"(^|_)(min|max|minimum|maximum|smallest|largest|youngest|oldest|earliest|latest|longest|"
    r"shortest|range)($|_)"
)


def no_extremes(title: str, columns: Sequence[str]) -> None:
    """Refuse a column that tells a least or greatest value: it is that of one person."""
    if found := [name for name in columns if _EXTREMES.search(name)]:
        raise ReleaseRefused(
            f"{title}: column {', '.join(found)} tells an extreme value, which is one person's",
            fix="give a quantile with enough people on each side, or a mean",
            code="RS3022",
        )


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, Integral) and not isinstance(cell, bool)
