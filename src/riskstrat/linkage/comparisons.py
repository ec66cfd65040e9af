"""What each kind of comparison calls alike: its levels, from equal down to different.

To add a kind: a function from a comparison to its levels, and its line in ``LEVELS``. The SQL
speaks of ``<column>_l`` and ``<column>_r``. A pair falls in the first level whose condition holds;
a missing value falls in the null level, which weighs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from riskstrat.linkage.parts import Comparison

ELSE = "ELSE"


@dataclass(frozen=True, slots=True)
class Level:
    """One gradation of similarity.

    Attributes:
        label: its name in models and reviews, unique within the comparison.
        condition: SQL, or ``ELSE``.
        null: nothing can be told; weighs nothing.
        frequency_of: the column whose rare values count for more, or ''.
    """

    label: str
    condition: str
    null: bool = False
    frequency_of: str = ""


def levels_of(comparison: Comparison) -> tuple[Level, ...]:
    """The levels of a comparison, the null level first and ``different`` last.

    Examples:
        >>> [level.label for level in levels_of(Comparison(name="sex", kind="same"))]
        ['not known', 'equal', 'different']
    """
    columns = comparison.columns or (comparison.name,)
    return (*LEVELS[comparison.kind](comparison, columns), Level("different", ELSE))


def columns_compared(comparison: Comparison) -> frozenset[str]:
    """Every column that the levels of a comparison read."""
    said = " ".join(level.condition for level in levels_of(comparison))
    return frozenset(re.findall(r"\b([a-z][a-z0-9_]*)_l\b", said))


def _either(column: str, test: str = "{} IS NULL") -> str:
    return f"{test.format(f'{column}_l')} OR {test.format(f'{column}_r')}"


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


def _swapped(column: str, other: str) -> str:
    return f"{column}_l = {other}_r AND {other}_l = {column}_r"


def _similar(column: str, least: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {least}"


def _slips(column: str, most: int) -> str:
    # Levenshtein counts a transposition twice, is three times as fast, and rules out most pairs.
    sides = f"{column}_l, {column}_r"
    return f"levenshtein({sides}) <= {2 * most} AND damerau_levenshtein({sides}) <= {most}"


def _start(comparison: Comparison, column: str, also_null: str = "") -> Iterator[Level]:
    missing = _either(column) + (f" OR ({also_null})" if also_null else "")
    yield Level("not known", missing, null=True)
    yield Level("equal", _same(column), frequency_of=column if comparison.frequencies else "")


def _forename(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    if other := comparison.swapped_with:
        yield Level(f"swapped with {other}", _swapped(column, other))
    yield Level("a name for the other", f"list_has_any({column}_names_l, {column}_names_r)")
    for least in comparison.similar[:1]:
        yield Level(f"similar {least}", _similar(column, least))
    yield Level("sounds alike", _same(f"{column}_sound"))
    for least in comparison.similar[1:]:
        yield Level(f"similar {least}", _similar(column, least))
    initial = f"({_either(column, 'length({}) = 1')}) AND {_same(f'{column}_initial')}"
    yield Level("initial", initial)


def _surname(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column, other = columns[0], comparison.swapped_with
    # Where both names are swapped, the other comparison tells it, once.
    yield from _start(comparison, column, _swapped(column, other) if other else "")
    yield Level("one part equal", f"list_has_any({column}_parts_l, {column}_parts_r)")
    for least in comparison.similar[:1]:
        yield Level(f"similar {least}", _similar(column, least))
    yield Level("sounds alike", _same(f"{column}_sound"))
    for least in comparison.similar[1:]:
        yield Level(f"similar {least}", _similar(column, least))


def _date(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    yield Level("day and month swapped", _same(f"{column}_sorted"))
    yield Level("one slip", _slips(column, 1))
    year, month, day = (_same(f"{column}_{part}") for part in ("year", "month", "day"))
    two = f"({year} AND {month}) OR ({year} AND {day}) OR ({month} AND {day})"
    yield Level("two parts equal", two)
    for days in comparison.within_days:
        apart = f"abs(date_diff('day', try_cast({column}_l AS DATE), try_cast({column}_r AS DATE)))"
        yield Level(f"within {days} days", f"{apart} <= {days}")


def _same_only(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    yield from _start(comparison, columns[0])


def _postcode(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    yield Level("one slip", _slips(column, 1))
    yield Level("same sector", _same(f"{column}_sector"))
    yield Level("same district", _same(f"{column}_district"))


def _text(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    if other := comparison.swapped_with:
        yield Level(f"swapped with {other}", _swapped(column, other))
    for least in comparison.similar:
        yield Level(f"similar {least}", _similar(column, least))


def _code(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    yield Level("one slip", _slips(column, 1))
    yield Level("two slips", _slips(column, 2))


def _address(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    column = columns[0]
    yield from _start(comparison, column)
    number = _same(f"{column}_number")
    for least in comparison.similar:
        yield Level(f"number, similar {least}", f"{number} AND {_similar(column, least)}")
    for least in comparison.similar:
        yield Level(f"similar {least}", _similar(column, least))
    yield Level("number", number)


def _tokens(comparison: Comparison, columns: tuple[str, ...]) -> Iterator[Level]:
    yield from _start(comparison, columns[0])
    for column in columns[1:]:
        yield Level(f"equal {column}", _same(column))


LEVELS: Mapping[str, Callable[[Comparison, tuple[str, ...]], Iterator[Level]]] = MappingProxyType(
    {
        "forename": _forename,
        "surname": _surname,
        "date": _date,
        "same": _same_only,
        "postcode": _postcode,
        "text": _text,
        "code": _code,
        "address": _address,
        "tokens": _tokens,
    }
)
