"""Did the agency send what it agreed to send? Every row is tested; what passes is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb

from riskstrat.asof import quoted
from riskstrat.contracts.bands import of_bands
from riskstrat.contracts.columns import (
    Resolved,
    other_type,
    own_rows,
    resolve,
)
from riskstrat.contracts.files import reading
from riskstrat.contracts.findings import (
    Rejections,
    late_findings,
    missing_findings,
    refuse_beyond_tolerance,
    rejection_findings,
    volume_findings,
)
from riskstrat.contracts.hands import Hands, OneEngine
from riskstrat.contracts.kinds import WORDS
from riskstrat.contracts.read import open_source
from riskstrat.contracts.rows import WITHHELD, canonical_columns, order_by
from riskstrat.contracts.rules import Test, must_have, row_tests
from riskstrat.contracts.sniff import nothing
from riskstrat.contracts.spec import Source
from riskstrat.contracts.tables import RawTable, reading_parts
from riskstrat.errors import ContractError
from riskstrat.expressions.terms import SQL_TYPES
from riskstrat.vocabulary import Codelist, Finding


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What a check found, and the rows that passed.

    Attributes:
        findings: warnings and information, in a fixed order.
        accepted_sql: a SELECT of the canonical table, sorted; it reads files in the caller's
            ``scratch`` folder, which must outlive it.
        columns: the canonical table's columns, in order.
        rows_in: rows of the extract that belong to the source (all, where the contract has no
            ``where``) and may be used, those that could not be split into columns included.
        rows_accepted: rows of ``accepted_sql``.
        rejected: rule -> rows, for rules that rejected any.
        withheld: rows besides these, of people who opted out; nothing else was asked of them.
    """

    findings: tuple[Finding, ...]
    accepted_sql: str
    columns: tuple[str, ...]
    rows_in: int
    rows_accepted: int
    rejected: Mapping[str, int]
    withheld: int = 0


def check_source(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    data_root: Path,
    *,
    births: str | None,
    deaths: str | None,
    scratch: Path,
    codelists: Mapping[str, Codelist] = MappingProxyType({}),
    hands: Hands | None = None,
    bands: Sequence[str] = (),
) -> SourceCheck:
    """Compare an extract with its contract, row by row.

    Each row is tested against the rules in order and rejected for the first it breaks; repeated
    keys are looked for among the rows that pass all others. Rows in equal rows accepted plus
    rows rejected. The order of rows in the file does not change what is accepted, unless the
    contract names ``file_row_number``. Rows for which ``where`` is not true are not the
    source's: they are neither accepted nor rejected.

    Args:
        con: an open connection with its memory, threads and time zone set.
        source: the contract.
        data_root: where the contract's ``file`` starts.
        births: a view with ``unit_id, born_on``, if another source tells it.
        deaths: a view with ``unit_id, died_on``, if there is one. Both are used for persons only.
        scratch: an existing private folder for temporary files with people's data.
        codelists: those that expressions under ``from`` may name.
        hands: who works through the rows; default ``con``.
        bands: of links; rows in others are taken not to be there. None given reads every row.

    Raises:
        ContractError: the extract cannot be read, lacks columns or rows, or a rule rejects a
            larger share than the contract tolerates.
        StudyError: a ``from`` in the contract is not an expression.
    """
    hands = hands or OneEngine(con, source, births, deaths, scratch)
    with reading(source):
        table = open_source(con, source, data_root, scratch, hands.copy)
    columns = resolve(source, table, codelists)
    _refuse_partly_absent(source, table, columns)
    table = of_bands(own_rows(source, table, codelists), bands)
    with reading_parts(con, source, table):
        columns = _settled(con, source, table, columns)
        tests = row_tests(source, columns)
        found = hands.test(table, columns, tests)
        withheld = found.pop(WITHHELD, 0)
        rejections = _counted(source, table, tests, found)
        _refuse_unreadable_columns(source, table, columns, rejections, hands)
        kept, repeated = hands.keep_first(rejections.rows_in - rejections.total)
    rejections = rejections.with_repeated_keys(source, repeated)
    refuse_beyond_tolerance(source, rejections)
    if not (accepted := rejections.rows_in - rejections.total):
        raise nothing(source, f"has {rejections.rows_in:,} rows and none is left after the checks")
    names = canonical_columns(source)
    findings = (
        *rejection_findings(source, rejections),
        *late_findings(con, source, kept),
        *volume_findings(con, source, kept),
        *missing_findings(con, source, kept),
    )
    sql = f"SELECT {', '.join(map(quoted, names))} FROM {kept} ORDER BY {order_by(source)}"
    rows_in, by_rule = rejections.rows_in, rejections.by_rule
    return SourceCheck(findings, sql, names, rows_in, accepted, by_rule, withheld)


def _refuse_partly_absent(source: Source, table: RawTable, columns: tuple[Resolved, ...]) -> None:
    """Of several files, each must have the columns without which a row cannot be used."""
    needed = set(must_have(source))
    for item in columns:
        if item.name in needed and (file := table.absent.get(item.physical)):
            raise ContractError(
                f"{source.source}: `{file}` lacks `{item.physical}`, which other files of "
                f"`{source.file}` have",
                fix=f"ask {source.agency} for files that agree, or take the file away",
                code="RS1007",
            )


def _counted(
    source: Source, table: RawTable, tests: tuple[Test, ...], found: Mapping[int, int]
) -> Rejections:
    rows_in = sum(found.values()) + table.ragged
    if not rows_in:
        raise nothing(
            source, "has no rows" + (" for which `where` is true" if source.where else "")
        )
    counts = {tests[n - 1]: rows for n, rows in sorted(found.items()) if n}
    if table.ragged:
        counts = {Test("wrong_type", "", ""): table.ragged, **counts}
    return Rejections(rows_in, MappingProxyType(counts), table.first_ragged)


def _refuse_unreadable_columns(
    source: Source,
    table: RawTable,
    columns: tuple[Resolved, ...],
    rejections: Rejections,
    hands: Hands,
) -> None:
    """A column of which no value at all converts is of another type, not a set of bad rows."""
    suspects = {test.column for test in rejections.counts if test.rule == "wrong_type"}
    for i, item in enumerate(columns):
        if item.name not in suspects:
            continue
        held, fitting = hands.values(table, i, item)
        if held and not fitting:
            raise other_type(source, item, f"holds {held:,} values and none fits")


def birth_view_sql(source: Source) -> str:
    """SQL: ``unit_id, born_on`` from the accepted rows of a source with ``born_on``."""
    if not source.born_on:
        raise ValueError(f"{source.source} has no `born_on`")
    return (
        f"SELECT unit_id, min({quoted(source.born_on)}) AS born_on "
        f"FROM {quoted('source_' + source.source)} "
        f"WHERE {quoted(source.born_on)} IS NOT NULL GROUP BY unit_id"
    )


def death_view_sql(source: Source) -> str:
    """SQL: ``unit_id, died_on`` from the accepted rows of a source with ``status: death``."""
    if source.status != "death":
        raise ValueError(f"{source.source} has no `status: death`")
    return (
        f"SELECT unit_id, max(happened_on) AS died_on "
        f"FROM {quoted('source_' + source.source)} GROUP BY unit_id"
    )


def _settled(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    table: RawTable,
    columns: tuple[Resolved, ...],
) -> tuple[Resolved, ...]:
    """Refuse columns of a type that never converts, unless they hold no value at all."""
    settled: list[Resolved] = []
    for item in columns:
        if item.converted is not None:
            settled.append(item)
            continue
        sql_type = SQL_TYPES[item.column.type]
        if item.held is not None:
            row = con.execute(f"SELECT 1 FROM ({table.sql}) WHERE {item.raw} IS NOT NULL LIMIT 1")
            if row.fetchone():
                raise other_type(source, item, f"holds {WORDS[item.held]}")
        else:
            raise other_type(source, item, f"has type {table.other[item.physical]}")
        nothing_held = f"CAST(NULL AS {sql_type})"
        settled.append(
            Resolved(item.name, item.column, item.physical, nothing_held, item.held, nothing_held)
        )
    return tuple(settled)
