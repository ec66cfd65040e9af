"""Tables on their way to a page: what may be shown, and how its cells read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from riskstrat.errors import ReleaseRefused
from riskstrat.publish.wording import cell_text, header_text, is_number_column
from riskstrat.vocabulary import Protected

EVERYONE = "everyone"
"""the group of one level by which a table of groups also shows the whole"""


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table that counts no people: agreements, a dictionary, versions.

    Counts of people go through `release.disclosure.protect`, never through here.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    @classmethod
    def of(
        cls, title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
    ) -> PlainTable:
        """From mappings; a key that is absent is an empty cell."""
        cells = tuple(tuple(row.get(name) for name in columns) for row in rows)
        return cls(title, tuple(columns), cells)


Table = Protected | PlainTable
Record = Mapping[str, Any]


def records(table: Table | None, **where: Any) -> tuple[dict[str, Any], ...]:
    """The rows as mappings, of those where every named column has the given value."""
    if table is None:
        return ()
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return tuple(row for row in rows if all(row.get(k) == v for k, v in where.items()))


def same_share(at: Any, share: float) -> bool:
    """Whether a row is about this capacity (a cut may also be known by another name)."""
    return isinstance(at, int | float) and abs(at - share) < 1e-9


def importance_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    """feature, meaning, agency, source, importance, direction: as the audit tells them."""
    told = [{**row, "importance": row.get("importance", row.get("share"))} for row in rows]
    columns = ("feature", "meaning", "agency", "source", "importance", "direction")
    return PlainTable.of("Importance by feature", columns, told)


def agency_table(rows: Sequence[Mapping[str, Any]]) -> PlainTable:
    """agency, importance: of what the audit tells by origin (agency and source)."""
    told = [
        {"agency": row["name"], "importance": row["share"]}
        for row in rows
        if row.get("origin") == "agency"
    ]
    return PlainTable.of("Importance by agency", ("agency", "importance"), told)


@dataclass(frozen=True, slots=True)
class Shown:
    """A table as text, ready for the template.

    Attributes:
        headers: (text, whether the column is of numbers) per column.
        rows: text cells; the first of a row names it.
        verdicts: per row, a class for its last cell ('' mostly).
    """

    caption: str
    headers: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def shown(
    table: Table,
    *,
    caption: str = "",
    leave_out: Sequence[str] = (),
    only: Sequence[str] = (),
) -> Shown:
    """The columns of a table as text, under their plain-English headers.

    Args:
        table: what to show.
        caption: in place of the table's title.
        leave_out: columns not to show.
        only: the columns to show, in this order.

    Raises:
        ReleaseRefused: RS3020, it is another kind of table: nobody knows what it counts.
    """
    if not isinstance(table, Protected | PlainTable):
        raise ReleaseRefused(
            f"a page was to show a {type(table).__name__}: neither Protected nor a PlainTable",
            fix="protect it with `release.disclosure` before it reaches a page",
            code="RS3020",
        )
    kept = [i for i, name in enumerate(table.columns) if name not in leave_out]
    if only:
        kept = [table.columns.index(name) for name in only]
    policy = table.policy if isinstance(table, Protected) else ""
    texts = []
    for row in table.rows:
        record = dict(zip(table.columns, row, strict=True))
        texts.append(tuple(cell_text(table.columns[i], record, policy) for i in kept))
    headers = tuple(
        (header_text(table.columns[i]), is_number_column(table.columns[i])) for i in kept
    )
    return Shown(caption or table.title, headers, tuple(texts), table.note)
