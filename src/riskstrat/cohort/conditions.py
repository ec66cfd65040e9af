"""The study's `who`, one condition at a time, so that the cohort's flow can be told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from riskstrat.expressions.terms import column_sql, write

if TYPE_CHECKING:
    from riskstrat.expressions import Expression

_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")+\"|[A-Za-z_][A-Za-z0-9_]*|[()]", re.ASCII)


def conjuncts(who: Expression) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts that must all hold: their SQL, and their text as the study file has it.

    A `who` that is not joined by `and` is one part; one that is always true has none.
    """
    if who.always_true:
        return (), ()
    if who.term.kind != "and":
        return (who.sql(),), (who.text,)
    parts = tuple(write(part, column_sql) for part in who.term.parts)
    texts = split_at_and(who.text)
    # A text that reads differently from the tree is not shown piecemeal.
    return parts, texts if len(texts) == len(parts) else parts


def split_at_and(text: str) -> tuple[str, ...]:
    """Split an expression's text at each `and` that is not inside brackets, case or between.

    Examples:
        >>> split_at_and("a and b between 1 and 2 and (c or d and e)")
        ('a', 'b between 1 and 2', '(c or d and e)')
    """
    found, start, depth, between = [], 0, 0, False
    for piece in _PIECE.finditer(text):
        word = piece[0].lower()
        depth += {"(": 1, "case": 1, ")": -1, "end": -1}.get(word, 0)
        if depth:
            continue
        if word == "between":
            between = True
        elif word == "and" and between:
            between = False
        elif word == "and":
            found.append(text[start : piece.start()].strip())
            start = piece.end()
    return (*found, text[start:].strip())
