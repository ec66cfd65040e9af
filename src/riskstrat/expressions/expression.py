"""Small SQL expressions of config files: read, checked against columns, written as DuckDB SQL.

The grammar is an allow-list: what is not written in ``expressions.reader`` cannot be said, so
there are no subqueries, no other tables, no functions beyond ``expressions.terms.FUNCTIONS``.
Types are checked before anything runs, and every fault is shown at its place::

    emergency.yaml:12: cohort.who: column 16: there is no column `agee`; did you mean `age`?
      registered and agee >= 18
                     ^

Comparisons follow SQL: with an empty value the answer is unknown, and unknown is not true.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from riskstrat.expressions.reader import ExpressionReader
from riskstrat.expressions.terms import INTEGER, NUMBER, Term, column_sql, write
from riskstrat.expressions.types import a_type
from riskstrat.vocabulary import Codelist, ColumnType

_NO_LEVELS: Mapping[str, Collection[str]] = MappingProxyType({})
_NO_HINTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression: what it says, its type, and the columns it needs."""

    text: str
    type: ColumnType
    columns: frozenset[str]
    canonical: str
    """the meaning, codes of codelists included, for digests"""
    term: Term = field(repr=False)
    parts: tuple[Expression, ...] = field(default=(), repr=False)
    """of conditions joined by ``and`` at the top, each"""

    def conjuncts(self) -> tuple[Expression, ...]:
        """The conditions that must all hold, one by one; none for ``true``."""
        return () if self.always_true else self.parts or (self,)

    def sql(self, rename: Callable[[str], str] | None = None, *, prefix: str = "") -> str:
        """DuckDB SQL, with quoted identifiers.

        Args:
            rename: gives, for a name in ``columns``, the column's name in the query.
            prefix: what goes before every column, such as ``e.`` for a table's alias.
        """
        named = rename or (lambda name: name)
        return write(self.term, lambda name: prefix + column_sql(named(name)))

    @property
    def always_true(self) -> bool:
        """Whether it is the literal ``true``."""
        return self.term.kind == "literal" and self.term.value is True


def parse(
    text: str,
    columns: Mapping[str, ColumnType],
    codelists: Mapping[str, Codelist],
    where: str,
    *,
    expect: ColumnType | None = None,
    levels: Mapping[str, Collection[str]] = _NO_LEVELS,
    source: str | None = None,
    hints: Mapping[str, str] = _NO_HINTS,
) -> Expression:
    """Read and check one expression.

    Args:
        text: the expression as the config file has it.
        columns: name -> type of every column it may use; names may hold a dot.
        codelists: the codelists it may name.
        where: file, line and key, for messages (``study.yaml:12: cohort.who``).
        expect: the type the result must have.
        levels: for columns with codes, every code: a literal that is none of them is a fault.
        source: ``source.column`` means ``column`` for this source.
        hints: why a name that exists cannot be used here (an ambiguous column, say).

    Raises:
        StudyError: RS1210 to RS1216, with the place of the fault.
    """
    reader = ExpressionReader(
        text,
        where,
        columns=columns,
        codelists=codelists,
        levels=levels,
        source=source,
        hints=hints,
    )
    term = reader.whole()
    if expect is not None and term.type is not expect:
        if expect is NUMBER and term.type is INTEGER:
            term = Term("as number", NUMBER, (term,), depth=term.depth + 1)
        else:
            reader.fault("RS1213", f"this gives {a_type(term.type)}, {a_type(expect)} is needed", 0)
    parts = (
        tuple(
            _expression(part, text[start:end])
            for part, (start, end) in zip(term.parts, reader.spans, strict=True)
        )
        if term.kind == "and" and reader.spans
        else ()
    )
    return _expression(term, text, parts)


def _expression(term: Term, text: str, parts: tuple[Expression, ...] = ()) -> Expression:
    canonical = json.dumps(term.canonical(), ensure_ascii=False)
    columns = frozenset(term.columns())
    return Expression(" ".join(text.split()), term.type, columns, canonical, term, parts)
