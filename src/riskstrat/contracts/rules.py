"""The rules every row is tested against, as SQL conditions in the order of testing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from riskstrat.asof import literal, quoted
from riskstrat.contracts.columns import Resolved, raw_name
from riskstrat.contracts.spec import RowRule, Shape, Source
from riskstrat.vocabulary import ColumnType

BIRTH_SLACK_DAYS = 31
DEATH_SLACK_DAYS = 45


@dataclass(frozen=True, slots=True)
class Test:
    """One rule for one column: a row for which ``condition`` is true is rejected."""

    rule: RowRule
    column: str
    condition: str


def row_tests(source: Source, columns: Sequence[Resolved]) -> tuple[Test, ...]:
    """Every test of a source; the first that a row fails is the reason of its rejection.

    Conditions are over the contract's columns by name, their raw values ``__r<i>``, and
    ``lives.__born`` and ``lives.__died``.
    """
    tests = (
        *_wrong_types(columns),
        *_missing(source),
        *_unknown_codes(columns),
        *_out_of_range(columns),
        *_impossible_times(source),
    )
    return tuple(test for test in tests if test.rule not in source.untested)


def first_date(source: Source) -> str:
    """The column that places a row in time."""
    name = source.starts_on if source.shape is Shape.SPELLS else source.happened_on
    return name or ""  # never empty: the contract was validated


def must_have(source: Source) -> tuple[str, ...]:
    """Columns without which a row cannot be used, and those the contract requires."""
    needed = [source.unit_key, *source.key, first_date(source)]
    if isinstance(source.known_on, str):
        needed.append(source.known_on)
    needed += [name for name, column in source.columns.items() if column.required]
    return tuple(dict.fromkeys(needed))


def _wrong_types(columns: Sequence[Resolved]) -> Iterator[Test]:
    for i, item in enumerate(columns):
        unread = f"{raw_name(i)} IS NOT NULL AND {quoted(item.name)} IS NULL"
        yield Test("wrong_type", item.name, unread)


def _missing(source: Source) -> Iterator[Test]:
    for name in must_have(source):
        yield Test("missing_required", name, f"{quoted(name)} IS NULL")


def _unknown_codes(columns: Sequence[Resolved]) -> Iterator[Test]:
    for item in columns:
        if item.column.codes is not None and item.column.type is not ColumnType.DATE:
            codes = ", ".join(literal(code) for code in item.column.codes) or "NULL"
            text = f"CAST({quoted(item.name)} AS VARCHAR)"
            yield Test("not_in_codes", item.name, f"{text} NOT IN ({codes})")


def _out_of_range(columns: Sequence[Resolved]) -> Iterator[Test]:
    for item in columns:
        limits = (("<", item.column.min), (">", item.column.max))
        beyond = [
            f"{quoted(item.name)} {sign} CAST('{limit!r}' AS DOUBLE)"
            for sign, limit in limits
            if limit is not None
        ]
        if beyond and item.column.type in (ColumnType.INTEGER, ColumnType.NUMBER):
            yield Test("out_of_range", item.name, " OR ".join(beyond))


def _impossible_times(source: Source) -> Iterator[Test]:
    name = first_date(source)
    happened = quoted(name)
    last = max(span.end for span in source.coverage)
    yield Test("date_in_future", name, f"{happened} > DATE '{last.isoformat()}'")
    if source.shape is Shape.SPELLS and source.ends_on:
        yield Test("ends_before_start", source.ends_on, f"{quoted(source.ends_on)} < {happened}")
    born = quoted(source.born_on) if source.born_on else "lives.__born"
    yield Test("before_birth", name, f"{happened} < {born} - {BIRTH_SLACK_DAYS}")
    if source.status != "death":
        yield Test("after_death", name, f"{happened} > lives.__died + {DEATH_SLACK_DAYS}")
