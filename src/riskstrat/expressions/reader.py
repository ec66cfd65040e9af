"""The grammar of expressions: what is not written here cannot be said."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping

from riskstrat.expressions.terms import (
    ALIKE,
    BOOLEAN,
    DATE,
    FUNCTION_NAMES,
    FUNCTIONS,
    INTEGER,
    NUMBER,
    NUMERIC,
    SORTABLE,
    STRING,
    Term,
)
from riskstrat.expressions.tokens import Token, nearest_of
from riskstrat.expressions.types import TypedReader, a_type
from riskstrat.vocabulary import Codelist, ColumnType

COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
WORDS = frozenset(
    {"and", "or", "not", "in", "is", "null", "between", "case", "when", "then", "else", "end"}
)
FOREIGN = frozenset({"select", "from", "join", "union", "with", "exists", "over", "cast", "like"})
_DATE_FORMAT = re.compile(r"(?:%[dmYybBHMS]|[-/. :T])+")


class ExpressionReader(TypedReader):
    """Recursive descent, lowest precedence first: or, and, not, comparison, sum, product.

    Args:
        text: the expression.
        where: file, line and key, for messages.
        columns: name -> type of the columns it may use.
        codelists: the codelists it may name.
        levels: for columns with codes, every code.
        source: ``source.column`` means ``column`` for this source.
        hints: why a name that exists cannot be used here.
    """

    def __init__(
        self,
        text: str,
        where: str,
        *,
        columns: Mapping[str, ColumnType],
        codelists: Mapping[str, Codelist],
        levels: Mapping[str, Collection[str]],
        source: str | None,
        hints: Mapping[str, str],
    ) -> None:
        super().__init__(text, where)
        self.columns, self.codelists, self.levels = columns, codelists, levels
        self.source, self.hints = source, hints
        self.spans: tuple[tuple[int, int], ...] = ()
        """where the conditions of an ``and`` at the top begin and end in the text"""

    def whole(self) -> Term:
        """The text as one term."""
        if len(self.tokens) == 1:
            self.fault("RS1210", "the expression is empty", 0)
        term = self.any_of()
        if self.next.kind != "end":
            self.unexpected("an operator or the end is needed here")
        return term

    def any_of(self) -> Term:
        """Conditions joined by ``or``, or anything that binds tighter."""
        return self._chain("or", self.all_of)

    def all_of(self) -> Term:
        """Conditions joined by ``and``, or anything that binds tighter."""
        return self._chain("and", self.negation)

    def _chain(self, word: str, part: Callable[[], Term]) -> Term:
        starts = [at := self.next.at]
        ends: list[int] = []
        parts = [part()]
        while token := self.take(word):
            ends.append(token.at)
            starts.append(self.next.at)
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        for term, start in zip(parts, starts, strict=True):
            self.boolean(term, start, word)
        if word == "and" and self.nesting == 0:
            self.spans = tuple(zip(starts, [*ends, self.next.at], strict=True))
        return self.make(word, BOOLEAN, *parts, at=at)

    def negation(self) -> Term:
        """``not`` a condition, or anything that binds tighter."""
        if token := self.take("not"):
            with_nesting = self.deeper(token.at)
            at = self.next.at
            inner = self.negation()
            self.nesting = with_nesting - 1
            self.boolean(inner, at, "not")
            return self.make("not", BOOLEAN, inner, at=token.at)
        return self.comparison()

    def comparison(self) -> Term:
        """One comparison of two sums, a range, a list, a test for empty; never a chain."""
        at = self.next.at
        left = self.sum()
        if token := self.take(*COMPARISONS):
            right_at = self.next.at
            term = self._compared(token, left, at, self.sum(), right_at)
        elif token := self.take("is"):
            negated = self.take("not")
            self.need("null")
            term = self.make("is null", BOOLEAN, left, at=token.at)
            term = self.make("not", BOOLEAN, term, at=token.at) if negated else term
        else:
            term = self._range(left, at)
        if self.next.word in COMPARISONS | {"is", "in", "between"}:
            self.fault(
                "RS1210", "comparisons cannot be chained; join them with `and`", self.next.at
            )
        return term

    def _compared(self, token: Token, left: Term, at: int, right: Term, right_at: int) -> Term:
        sign = "<>" if token.text == "!=" else token.text
        left, right = self.alike([(left, at), (right, right_at)], f"`{token.text}`", token.at)
        if left.type is BOOLEAN and sign not in ("=", "<>"):
            self.fault("RS1213", f"`{sign}` cannot order yes and no", token.at)
        if sign in ("=", "<>"):
            self.known_level(left, right, right_at)
            self.known_level(right, left, at)
        return self.make(sign, BOOLEAN, left, right, at=token.at)

    def _range(self, left: Term, at: int) -> Term:
        start = self.position
        negated = self.take("not")
        if token := self.take("in"):
            term = self._among(left, at, token)
        elif token := self.take("between"):
            low_at = self.next.at
            low = self.sum()
            self.need("and")
            high_at = self.next.at
            ends = [(left, at), (low, low_at), (self.sum(), high_at)]
            parts = self.alike(ends, "`between`", token.at)
            if left.type not in SORTABLE:
                self.fault("RS1213", "`between` cannot order yes and no", token.at)
            term = self.make("between", BOOLEAN, *parts, at=token.at)
        else:
            self.position = start
            return left
        return self.make("not", BOOLEAN, term, at=token.at) if negated else term

    def _among(self, left: Term, at: int, token: Token) -> Term:
        if self.next.word == "codelist":
            if left.type is not STRING:
                self.fault("RS1213", f"a codelist holds texts, this is {a_type(left.type)}", at)
            codes = self._codes()
            parts = tuple(Term("literal", STRING, value=code) for code in codes)
            return self.make("in", BOOLEAN, left, *parts, at=token.at)
        self.need("(")
        options: list[tuple[Term, int]] = []
        while not options or self.take(","):
            option_at = self.next.at
            option = self.sum()
            if option.kind != "literal":
                self.fault("RS1210", "`in (...)` lists literals only", option_at)
            options.append((option, option_at))
        self.need(")")
        parts = self.alike([(left, at), *options], "`in`", token.at)
        for part, (_, option_at) in zip(parts[1:], options, strict=True):
            self.known_level(left, part, option_at)
        return self.make("in", BOOLEAN, *parts, at=token.at)

    def _codes(self) -> tuple[str, ...]:
        self.need("codelist")
        self.need("(")
        name, at = self.literal_text("the name of a codelist in quotes")
        if name not in self.codelists:
            known = nearest_of(name, self.codelists, "codelists")
            self.fault("RS1214", f"there is no codelist `{name}`{known}", at)
        codelist = self.codelists[name]
        codes = codelist.codes
        if self.take(","):
            group, at = self.literal_text("the name of a group in quotes")
            groups = codelist.by_group()
            if group not in groups or not group:
                known = nearest_of(group, [g for g in groups if g], "groups")
                self.fault("RS1214", f"codelist `{name}` has no group `{group}`{known}", at)
            codes = groups[group]
        self.need(")")
        return codes

    def literal_text(self, wanted: str) -> tuple[str, int]:
        """A text in quotes, and where it begins."""
        token = self.next
        if token.kind != "string":
            self.unexpected(f"{wanted} is needed here")
        self.position += 1
        return token.text, token.at

    def sum(self) -> Term:
        """Terms joined by ``+`` and ``-``, from the left."""
        return self._arithmetic(("+", "-"), self.product)

    def product(self) -> Term:
        """Terms joined by ``*``, ``/`` and ``%``, from the left."""
        return self._arithmetic(("*", "/", "%"), self.signed)

    def _arithmetic(self, signs: tuple[str, ...], part: Callable[[], Term]) -> Term:
        at = self.next.at
        left = part()
        while token := self.take(*signs):
            right_at = self.next.at
            right = part()
            for term, place in ((left, at), (right, right_at)):
                if term.type not in NUMERIC:
                    hint = "; use add_days or days_between" if term.type is DATE else ""
                    what = f"`{token.text}` needs numbers, this is {a_type(term.type)}{hint}"
                    self.fault("RS1213", what, place)
            whole = token.text != "/" and left.type is right.type is INTEGER
            kind = INTEGER if whole else NUMBER
            if kind is NUMBER:
                left, right = self.as_number(left, at), self.as_number(right, right_at)
            left = self.make(token.text, kind, left, right, at=token.at)
        return left

    def signed(self) -> Term:
        """A value with or without a minus."""
        if not (token := self.take("-")):
            return self.primary()
        depth = self.deeper(token.at)
        term = self.signed()
        self.nesting = depth - 1
        if term.type not in NUMERIC:
            self.fault("RS1213", f"`-` needs a number, this is {a_type(term.type)}", token.at)
        if term.kind == "literal" and isinstance(term.value, int | float):
            return Term("literal", term.type, value=-term.value)
        return self.make("negative", term.type, term, at=token.at)

    def primary(self) -> Term:
        """A value, a column, a call, or anything in brackets."""
        token = self.next
        if token.kind == "sign" and token.text == "(":
            self.position += 1
            depth = self.deeper(token.at)
            term = self.any_of()
            self.need(")")
            self.nesting = depth - 1
            return term
        if token.kind == "number":
            return self._number(token)
        if token.kind == "string":
            self.position += 1
            return Term("literal", STRING, value=token.text)
        if token.kind not in ("word", "quoted"):
            self.unexpected("a column, a value or `(` is needed here")
        return self._named(token)

    def _number(self, token: Token) -> Term:
        self.position += 1
        if token.text.isdigit():
            whole = int(token.text) if len(token.text) < 20 else 2**63
            if whole >= 2**63:
                self.fault("RS1210", "this integer is too large", token.at)
            return Term("literal", INTEGER, value=whole)
        value = float(token.text)
        if not math.isfinite(value):
            self.fault("RS1210", "this number is too large", token.at)
        return Term("literal", NUMBER, value=value)

    def _named(self, token: Token) -> Term:
        following = self.tokens[self.position + 1]
        if token.word in ("true", "false"):
            self.position += 1
            return Term("literal", BOOLEAN, value=token.word == "true")
        if token.word == "case":
            return self._case(token)
        if token.word == "null":
            self.fault(
                "RS1210", "`null` equals nothing; write `is null` or `is not null`", token.at
            )
        if token.word in WORDS:
            self.unexpected("a column, a value or `(` is needed here")
        if token.word == "date" and following.kind == "string":
            self.position += 2
            return self._date(following.text, following.at)
        if token.kind == "word" and following.text == "(" and following.kind == "sign":
            return self._call(token)
        return self._column(token)

    def _column(self, token: Token) -> Term:
        self.position += 1
        name = token.text
        while self.take("."):
            part = self.next
            if part.kind not in ("word", "quoted"):
                self.unexpected("the name of a column is needed after the dot")
            self.position += 1
            name = f"{name}.{part.text}"
        if self.source and name.startswith(f"{self.source}.") and name not in self.columns:
            name = name.removeprefix(f"{self.source}.")
        if name in self.hints and name not in self.columns:
            self.fault("RS1211", self.hints[name], token.at)
        if name not in self.columns:
            if token.word in FOREIGN:
                self.fault("RS1210", f"`{token.text}` has no place in an expression", token.at)
            known = nearest_of(name, self.columns, "columns")
            self.fault("RS1211", f"there is no column `{name}` here{known}", token.at)
        return Term("column", self.columns[name], value=name)

    def _case(self, token: Token) -> Term:
        self.position += 1
        depth = self.deeper(token.at)
        conditions: list[Term] = []
        values: list[tuple[Term, int]] = []
        while self.take("when"):
            at = self.next.at
            conditions.append(self.any_of())
            self.boolean(conditions[-1], at, "when")
            self.need("then")
            at = self.next.at
            values.append((self.any_of(), at))
        if not conditions:
            self.unexpected("`case` goes on with `when`")
        if self.take("else"):
            at = self.next.at
            values.append((self.any_of(), at))
        self.need("end")
        self.nesting = depth - 1
        results = self.alike(values, "`case`", token.at)
        pairs = [part for pair in zip(conditions, results, strict=False) for part in pair]
        rest = results[len(conditions) :]
        return self.make("case", results[0].type, *pairs, *rest, at=token.at)

    def _call(self, token: Token) -> Term:
        name = token.text.lower()
        if name not in FUNCTION_NAMES:
            known = nearest_of(name, FUNCTION_NAMES, "functions")
            self.fault(
                "RS1212", f"`{token.text}` is not one of the functions allowed{known}", token.at
            )
        if name == "codelist":
            self.fault("RS1210", "`codelist(...)` belongs after `in`", token.at)
        self.position += 2
        depth = self.deeper(token.at)
        arguments: list[tuple[Term, int]] = []
        while not arguments or self.take(","):
            at = self.next.at
            arguments.append((self.any_of(), at))
        self.need(")")
        self.nesting = depth - 1
        if name in ALIKE:
            parts = self.alike(arguments, f"`{name}`", token.at)
            if name != "coalesce" and parts[0].type not in SORTABLE:
                self.fault("RS1213", f"`{name}` cannot order yes and no", token.at)
            return self.make(name, parts[0].type, *parts, at=token.at)
        if name == "to_date":
            return self._to_date(arguments, token.at)
        return self._fixed(name, arguments, token.at)

    def _fixed(self, name: str, arguments: list[tuple[Term, int]], at: int) -> Term:
        function = FUNCTIONS[name]
        if len(arguments) != len(function.takes):
            what = f"`{name}` takes {len(function.takes)} value(s), as in `{function.example}`"
            self.fault("RS1212", f"{what}; found {len(arguments)}", at)
        parts: list[Term] = []
        for (term, place), takes in zip(arguments, function.takes, strict=True):
            if takes == {DATE} and term.kind == "literal" and isinstance(term.value, str):
                term = self._date(term.value, place)
            if term.type not in takes:
                wanted = " or ".join(a_type(kind) for kind in ColumnType if kind in takes)
                self.fault("RS1213", f"`{name}` needs {wanted}, this is {a_type(term.type)}", place)
            parts.append(term)
        return self.make(name, function.gives or parts[0].type, *parts, at=at)

    def _to_date(self, arguments: list[tuple[Term, int]], at: int) -> Term:
        text, *rest = arguments
        if len(rest) > 1 or text[0].type is not STRING:
            what = "`to_date` takes a text and, if need be, a format, as in to_date(d, '%d/%m/%Y')"
            self.fault("RS1213", what, at)
        shape = "%Y-%m-%d"
        if rest:
            given, place = rest[0]
            if given.kind != "literal" or not _DATE_FORMAT.fullmatch(str(given.value)):
                self.fault("RS1210", "the format is a text such as '%d/%m/%Y'", place)
            shape = str(given.value)
        return self.make("to_date", DATE, text[0], at=at, value=shape)
