"""Keys of columns: what two records must share to be compared, counted or guarded.

A key is a list of items that must all be equal. An item is a column (``surname_sound``), the
first letters of one (``surname/4``), or two columns in either order
(``forename_sound<>surname_sound``), which is equal also where one was filled in the other's place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

_ITEM = re.compile(r"([a-z][a-z0-9_]*)(?:/([1-9])|<>([a-z][a-z0-9_]*))?")
SEPARATOR = "chr(31)"


def _checked(item: str) -> str:
    if not _ITEM.fullmatch(item):
        raise ValueError(
            f"`{item}` is no item of a key; it looks like `surname`, `surname/4` or "
            f"`forename<>surname`"
        )
    return item


KeyItem = Annotated[str, AfterValidator(_checked)]
Key = Annotated[tuple[KeyItem, ...], Field()]


def columns_of(key: Iterable[str]) -> Iterator[str]:
    """The columns that a key reads.

    Examples:
        >>> list(columns_of(("surname/4", "forename<>surname")))
        ['surname', 'forename', 'surname']
    """
    for item in key:
        if found := _ITEM.fullmatch(item):
            yield found[1]
            if found[3]:
                yield found[3]


def key_sql(key: Iterable[str], alias: str = "") -> str:
    """SQL of one text that is equal exactly where the key agrees, and NULL where a part is missing.

    Args:
        key: items, validated.
        alias: the table's alias, such as ``l``.
    """
    return f" || {SEPARATOR} || ".join(_item_sql(item, alias) for item in key)


def agrees_sql(key: Iterable[str], left: str, right: str) -> str:
    """SQL that is true where two records share a key, and NULL where one lacks a part."""
    return " AND ".join(f"{_item_sql(item, left)} = {_item_sql(item, right)}" for item in key)


def _item_sql(item: str, alias: str) -> str:
    found = _ITEM.fullmatch(item)
    if not found:
        raise ValueError(f"no item of a key: {item}")
    dot = f"{alias}." if alias else ""
    column = f'{dot}"{found[1]}"'
    if found[2]:
        return f"left({column}, {found[2]})"
    if not found[3]:
        return column
    other = f'{dot}"{found[3]}"'
    # least() and greatest() of DuckDB skip NULL, but a key with a part missing must not agree.
    return (
        f"CASE WHEN {column} < {other} THEN {column} || '+' || {other} "
        f"ELSE {other} || '+' || {column} END"
    )
