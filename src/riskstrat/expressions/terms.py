"""The checked tree of an expression, and how each kind of term is written as DuckDB SQL.

Every operator and function is one line of a table: its types and its SQL. Nothing of a study
file's text reaches SQL except as a quoted literal or a quoted identifier. What cannot be worked
out for a row (an overflow, a division by zero, 31 February) is empty for that row, because one
odd record must not end a run over a million people. Each piece of SQL is written so that it
cannot fail on any value: DuckDB's ``TRY`` would not do, since the optimiser moves repeated parts
out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from riskstrat.asof import quoted
from riskstrat.vocabulary import ColumnType

Value = str | int | float | bool | date

STRING, INTEGER, NUMBER, BOOLEAN, DATE = ColumnType
NUMERIC = frozenset({INTEGER, NUMBER})
SORTABLE = frozenset({STRING, INTEGER, NUMBER, DATE})
ANY = frozenset(ColumnType)

SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {STRING: "VARCHAR", INTEGER: "BIGINT", NUMBER: "DOUBLE", BOOLEAN: "BOOLEAN", DATE: "DATE"}
)
"""The DuckDB type of each column type."""


@dataclass(frozen=True, slots=True)
class Term:
    """One node: a column, a literal, or something made of ``parts``."""

    kind: str
    type: ColumnType
    parts: tuple[Term, ...] = ()
    value: Value | None = None
    """the name of a column, the value of a literal, the format of ``to_date``"""
    depth: int = 1

    def columns(self) -> Iterator[str]:
        """The columns it needs, as often as they appear."""
        if self.kind == "column":
            yield str(self.value)
        for part in self.parts:
            yield from part.columns()

    def canonical(self) -> list[object]:
        """The meaning as plain JSON: equal however the text was spaced or bracketed."""
        value = self.value.isoformat() if isinstance(self.value, date) else self.value
        own = [] if value is None else [repr(value) if isinstance(value, float) else value]
        return [self.kind, self.type.value, *own, *(part.canonical() for part in self.parts)]


@dataclass(frozen=True, slots=True)
class Function:
    """A function a study file may call: the types of its arguments, of its result, its SQL."""

    takes: tuple[frozenset[ColumnType], ...]
    gives: ColumnType | None
    """``None``: the type of its first argument"""
    sql: str
    example: str


def _one(*types: ColumnType) -> frozenset[ColumnType]:
    return frozenset(types)


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "lower": Function((_one(STRING),), STRING, "lower({0})", "lower(town)"),
        "upper": Function((_one(STRING),), STRING, "upper({0})", "upper(town)"),
        "trim": Function((_one(STRING),), STRING, "trim({0})", "trim(town)"),
        "length": Function((_one(STRING),), INTEGER, "length({0})", "length(code)"),
        "starts_with": Function(
            (_one(STRING), _one(STRING)), BOOLEAN, "starts_with({0}, {1})", "starts_with(code, 'J')"
        ),
        "ends_with": Function(
            (_one(STRING), _one(STRING)), BOOLEAN, "ends_with({0}, {1})", "ends_with(code, 'X')"
        ),
        "left": Function(
            (_one(STRING), _one(INTEGER)),
            STRING,
            # DuckDB fails beyond 2^32 letters, and counts a negative number from the other end.
            "left({0}, CASE WHEN {1} < 0 THEN 0 WHEN {1} > 1000000 THEN 1000000 ELSE {1} END)",
            "left(code, 3)",
        ),
        "split_part": Function(
            (_one(STRING), _one(STRING), _one(INTEGER)),
            STRING,
            "split_part({0}, {1}, {2})",
            "split_part(code, '//', 1)",
        ),
        "abs": Function((NUMERIC,), None, "abs({0})", "abs(balance)"),
        "round": Function((NUMERIC,), None, "round({0})", "round(cost)"),
        "year": Function((_one(DATE),), INTEGER, "year({0})", "year(arrived_on)"),
        "month": Function((_one(DATE),), INTEGER, "month({0})", "month(arrived_on)"),
        "day": Function((_one(DATE),), INTEGER, "day({0})", "day(arrived_on)"),
        "days_between": Function(
            (_one(DATE), _one(DATE)),
            INTEGER,
            "date_diff('day', {0}, {1})",
            "days_between(admitted_on, discharged_on)",
        ),
        "date_diff_days": Function(
            (_one(DATE), _one(DATE)),
            INTEGER,
            "date_diff('day', {0}, {1})",
            "date_diff_days(admitted_on, discharged_on)",
        ),
        "add_days": Function(
            (_one(DATE), _one(INTEGER)),
            DATE,
            # Through a decimal of seven digits, which is empty beyond 27,000 years.
            "(DATE '1970-01-01' + CAST(TRY_CAST("
            "CAST(date_diff('day', DATE '1970-01-01', {0}) AS HUGEINT) + CAST({1} AS HUGEINT) "
            "AS DECIMAL(7, 0)) AS INTEGER))",
            "add_days(arrived_on, 45)",
        ),
        "make_date": Function(
            (_one(INTEGER), _one(INTEGER), _one(INTEGER)),
            DATE,
            "TRY_CAST(printf('%04d-%02d-%02d', {0}, {1}, {2}) AS DATE)",
            "make_date(2020, 4, 1)",
        ),
        "to_integer": Function(
            (_one(STRING, INTEGER, NUMBER, BOOLEAN),),
            INTEGER,
            "TRY_CAST({0} AS BIGINT)",
            "to_integer(code)",
        ),
        "to_number": Function(
            (_one(STRING, INTEGER, NUMBER, BOOLEAN),),
            NUMBER,
            "TRY_CAST({0} AS DOUBLE)",
            "to_number(score)",
        ),
        "to_text": Function((ANY,), STRING, "CAST({0} AS VARCHAR)", "to_text(acuity)"),
    }
)
"""Functions with a fixed number of arguments; ``coalesce``, ``least``, ``greatest``, ``case`` and
``to_date`` have grammar of their own."""

ALIKE = frozenset({"coalesce", "least", "greatest"})
"""Functions of any number of arguments, all of one type."""

FUNCTION_NAMES = frozenset({*FUNCTIONS, *ALIKE, "to_date", "codelist"})


def literal_sql(value: Value) -> str:
    """A literal with its type spelt out, so that no engine has to guess it."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return f"CAST({value} AS BIGINT)"
        case float():
            return f"CAST('{value!r}' AS DOUBLE)"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"


def _case(parts: tuple[str, ...]) -> str:
    pairs, rest = parts[: len(parts) // 2 * 2], parts[len(parts) // 2 * 2 :]
    arms = " ".join(
        f"WHEN {when} THEN {then}" for when, then in zip(pairs[::2], pairs[1::2], strict=True)
    )
    return f"CASE {arms}{f' ELSE {rest[0]}' if rest else ''} END"


def _joined(word: str) -> Callable[[tuple[str, ...]], str]:
    return lambda parts: "(" + f" {word} ".join(parts) + ")"


_WRITERS: Mapping[str, Callable[[tuple[str, ...]], str]] = MappingProxyType(
    {
        **{word: _joined(word.upper()) for word in ("and", "or")},
        **{sign: _joined(sign) for sign in ("=", "<>", "<", "<=", ">", ">=")},
        **{sign: _joined(sign) for sign in ("+", "-", "*")},
        "/": lambda p: f"({p[0]} / NULLIF({p[1]}, 0))",
        "%": lambda p: f"({p[0]} % NULLIF({p[1]}, 0))",
        "negative": lambda p: f"(-({p[0]}))",
        "not": lambda p: f"(NOT {p[0]})",
        "is null": lambda p: f"({p[0]} IS NULL)",
        "in": lambda p: f"({p[0]} IN ({', '.join(p[1:])}))",
        "between": lambda p: f"({p[0]} BETWEEN {p[1]} AND {p[2]})",
        "as number": lambda p: f"CAST({p[0]} AS DOUBLE)",
        "case": _case,
        **{name: (lambda p, n=name: f"{n}({', '.join(p)})") for name in ALIKE},  # type: ignore[misc]
    }
)


def write(term: Term, name_of: Callable[[str], str]) -> str:
    """The SQL of a term; ``name_of`` gives the SQL of a column."""
    match term.kind:
        case "column":
            return name_of(str(term.value))
        case "literal":
            return "NULL" if term.value is None else literal_sql(term.value)
    parts = tuple(write(part, name_of) for part in term.parts)
    if term.kind == "to_date":
        return f"CAST(try_strptime({parts[0]}, {literal_sql(str(term.value))}) AS DATE)"
    if term.type is INTEGER and term.kind in _MAY_OVERFLOW:
        wide = tuple(f"CAST({part} AS HUGEINT)" for part in parts)
        return f"TRY_CAST({_written(term.kind, wide)} AS BIGINT)"
    return _written(term.kind, parts)


_MAY_OVERFLOW = frozenset({"+", "-", "*", "%", "negative", "abs"})


def _written(kind: str, parts: tuple[str, ...]) -> str:
    if function := FUNCTIONS.get(kind):
        return function.sql.format(*parts)
    return _WRITERS[kind](parts)


def column_sql(name: str) -> str:
    """A column as it is called in the view the expression runs on."""
    return quoted(name)
