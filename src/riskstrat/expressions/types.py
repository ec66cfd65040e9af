"""The types of an expression's parts: what may be compared, joined or called with what."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date

from riskstrat.expressions.terms import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMBER,
    NUMERIC,
    STRING,
    Term,
    Value,
)
from riskstrat.expressions.tokens import TokenReader, nearest_of
from riskstrat.vocabulary import ColumnType

MAX_DEPTH = 100


def a_type(kind: ColumnType) -> str:
    """A type in plain English."""
    return {STRING: "a text", INTEGER: "an integer", NUMBER: "a number"}.get(
        kind, "yes or no (a boolean)" if kind is BOOLEAN else "a date"
    )


class TypedReader(TokenReader):
    """Makes terms, and refuses those whose types do not go together."""

    levels: Mapping[str, Collection[str]]

    def make(
        self, kind: str, type_: ColumnType, *parts: Term, at: int, value: Value | None = None
    ) -> Term:
        """A term, unless it is nested too deeply."""
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            self.fault("RS1215", f"nested more than {MAX_DEPTH} deep", at)
        return Term(kind, type_, parts, value, depth)

    def boolean(self, term: Term, at: int, word: str) -> None:
        """Refuse a term that is not a condition."""
        if term.type is not BOOLEAN:
            self.fault(
                "RS1213", f"`{word}` needs yes or no (a boolean), this is {a_type(term.type)}", at
            )

    def as_number(self, term: Term, at: int) -> Term:
        """The term as a number with a fraction."""
        if term.type is NUMBER:
            return term
        if term.kind == "literal" and isinstance(term.value, int):
            return Term("literal", NUMBER, value=float(term.value))
        return self.make("as number", NUMBER, term, at=at)

    def _date(self, text: str, at: int) -> Term:
        try:
            if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                raise ValueError
            return Term("literal", DATE, value=date.fromisoformat(text))
        except ValueError:
            self.fault("RS1210", f"`{text}` is not a date; a date looks like '2024-04-01'", at)

    def alike(self, terms: list[tuple[Term, int]], what: str, at: int) -> tuple[Term, ...]:
        """The terms in one type: integers become numbers, a quoted date becomes a date."""
        types = {term.type for term, _ in terms}
        if types == {DATE, STRING}:
            terms = [
                (self._date(term.value, place), place)
                if term.kind == "literal" and isinstance(term.value, str)
                else (term, place)
                for term, place in terms
            ]
        elif types == NUMERIC:
            terms = [(self.as_number(term, place), place) for term, place in terms]
        for term, place in terms[1:]:
            if term.type is not terms[0][0].type:
                both = f"{a_type(terms[0][0].type)} and {a_type(term.type)}"
                self.fault("RS1213", f"{what} cannot bring together {both}", place)
        return tuple(term for term, _ in terms)

    def known_level(self, column: Term, literal: Term, at: int) -> None:
        """Refuse a literal that is none of the codes of the column it is compared with."""
        if column.kind != "column" or literal.kind != "literal":
            return
        allowed = self.levels.get(str(column.value))
        if allowed and str(literal.value) not in allowed:
            known = nearest_of(str(literal.value), allowed, "codes")
            what = f"`{column.value}` never holds `{literal.value}`{known}"
            self.fault("RS1216", what, at)
