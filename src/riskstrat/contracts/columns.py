"""From the physical columns of a file to the contract's columns, with their types."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from riskstrat.asof import literal, quoted
from riskstrat.contracts.kinds import WORDS
from riskstrat.contracts.spec import Column, Source
from riskstrat.contracts.tables import RawTable
from riskstrat.errors import ContractError, StudyError
from riskstrat.expressions import Expression, parse
from riskstrat.vocabulary import Codelist, ColumnType

_NAME_ONLY = re.compile(r"[^()=<>'+*/|]+")
_SAFE_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Resolved:
    """One column of the contract, found in the file.

    Attributes:
        name: the contract's name.
        column: what the contract says of it.
        physical: what is read, as the contract spells it.
        raw: SQL over the raw table.
        held: what ``raw`` holds, or ``None`` where riskstrat does not read its type.
        converted: SQL over ``raw``'s alias, NULL where a value is not of the declared type.
    """

    name: str
    column: Column
    physical: str
    raw: str
    held: ColumnType | None
    converted: str | None


def resolve(
    source: Source, table: RawTable, codelists: Mapping[str, Codelist]
) -> tuple[Resolved, ...]:
    """Find every column of the contract in the file; ``__r<i>`` is the alias of the i-th value.

    Raises:
        ContractError: columns are missing, all of them named in one message.
        StudyError: a ``from`` is not an expression.
    """
    found: list[Resolved] = []
    missing: dict[str, str] = {}
    for i, (name, column) in enumerate(source.columns.items()):
        physical = column.source or name
        held: ColumnType | None
        if physical in table.columns or physical in table.other:
            raw, held = quoted(physical), table.columns.get(physical)
            raw = raw if held else "CAST(NULL AS VARCHAR)"
        elif column.source is None or _NAME_ONLY.fullmatch(physical):
            missing[name] = physical
            continue
        else:
            raw, held = _computed(source, name, physical, table, codelists)
        to = conversion(held, column.type, raw_name(i), source.format.dates) if held else None
        found.append(Resolved(name, column, physical, raw, held, to))
    if missing:
        raise _missing(source, table, missing)
    return tuple(found)


def _computed(
    source: Source,
    name: str,
    text: str,
    table: RawTable,
    codelists: Mapping[str, Codelist],
) -> tuple[str, ColumnType]:
    expression = _parsed(source, f"columns.{name}.from", text, table, codelists)
    return expression.sql(), expression.type


def own_rows(source: Source, table: RawTable, codelists: Mapping[str, Codelist]) -> RawTable:
    """The rows of the file that belong to the source: those for which ``where`` is true.

    Raises:
        ContractError: ``where`` names a column the file does not have, or of another type.
        StudyError: ``where`` is not a condition.
    """
    if source.where is None:
        return table
    condition = _parsed(source, "where", source.where, table, codelists, ColumnType.BOOLEAN)
    table = replace(table, where=condition.sql())
    return replace(table, sql=table.own(table.sql))


def _parsed(
    source: Source,
    key: str,
    text: str,
    table: RawTable,
    codelists: Mapping[str, Codelist],
    expect: ColumnType | None = None,
) -> Expression:
    try:
        return parse(text, table.columns, codelists, f"{source.source}: {key}", expect=expect)
    except StudyError as error:
        if error.code not in ("RS1211", "RS1213"):
            raise
        # The rest of the message may list the names of other columns, and the first line of a
        # file without a header is a person's record.
        what = error.message.splitlines()[0].split("; ")[0]
        raise ContractError(
            f"{what} in `{source.file}`",
            fix=f"correct `{key.rpartition('.')[2]}` in the contract, or ask the agency for the "
            "column",
            code="RS1007" if error.code == "RS1211" else "RS1008",
        ) from None


def raw_name(i: int) -> str:
    """The alias of the i-th column's raw value; no name of a contract begins like this."""
    return f"__r{i}"


def conversion(held: ColumnType, wanted: ColumnType, x: str, dates: str) -> str | None:
    """SQL turning ``x`` into the wanted type, NULL where it cannot be; ``None`` if never.

    A whole number may be written ``12`` or ``12.0`` but not ``12.5``; a date must be exactly as
    the format writes it, so neither ``31/02`` nor a two-digit year slips through.
    """
    string, integer, number, boolean, date = ColumnType
    text = f"trim({x})"
    whole = f"CASE WHEN {x} = trunc({x}) AND abs({x}) < {_SAFE_WHOLE} THEN CAST({x} AS BIGINT) END"
    table = {
        (string, string): x,
        (string, integer): (
            f"CASE WHEN regexp_full_match({text}, '[-+]?[0-9]{{1,19}}(\\.0*)?') "
            f"THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT) END"
        ),
        (string, number): (
            f"CASE WHEN regexp_full_match({text}, "
            f"'[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]{{1,3}})?') "
            f"AND isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE) END"
        ),
        (string, boolean): (
            f"CASE WHEN lower({text}) IN ('true', 't', 'yes', 'y', '1') THEN TRUE "
            f"WHEN lower({text}) IN ('false', 'f', 'no', 'n', '0') THEN FALSE END"
        ),
        (string, date): (
            f"CASE WHEN lower(strftime(try_strptime({text}, {literal(dates)}), {literal(dates)})) "
            f"= lower({text}) THEN CAST(try_strptime({text}, {literal(dates)}) AS DATE) END"
        ),
        (integer, string): f"CAST({x} AS VARCHAR)",
        (integer, integer): f"TRY_CAST({x} AS BIGINT)",
        (integer, number): f"CAST({x} AS DOUBLE)",
        (integer, boolean): f"CASE {x} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END",
        (number, integer): whole,
        (number, number): f"CASE WHEN isfinite({x}) THEN {x} END",
        (number, boolean): f"CASE {x} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END",
        (boolean, boolean): x,
        (boolean, integer): f"CAST({x} AS BIGINT)",
        (date, date): f"CASE WHEN {x} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {x} END",
    }
    return table.get((held, wanted))


def other_type(source: Source, item: Resolved, found: str) -> ContractError:
    """A whole column is not what the contract declares."""
    declared = WORDS[item.column.type]
    if item.column.type is ColumnType.DATE and item.held is ColumnType.STRING:
        declared = f"dates as {source.format.dates}"
    named = _named(item.name, item.physical)
    return ContractError(
        f"{source.source}: {named} in `{source.file}` {found}, the contract declares {declared}",
        fix=f"correct `columns.{item.name}` or `format` in the contract, "
        f"or ask {source.agency} for the type agreed on",
        code="RS1008",
    )


def _named(name: str, physical: str) -> str:
    return f"column `{name}`" if name == physical else f"column `{name}` (from `{physical}`)"


def _missing(source: Source, table: RawTable, missing: Mapping[str, str]) -> ContractError:
    present = [*table.columns, *table.other]
    wanted = {column.source or name for name, column in source.columns.items()}
    lines = [f"{source.source}: `{source.file}` lacks {_listed(missing.values())}"]
    if not table.textual or wanted & set(present):
        lines.append(f"  present: {', '.join(present)}")
        near = {
            name: close[0]
            for name in missing.values()
            if (close := _nearest(name, [p for p in present if p not in wanted]))
        }
        if near:
            pairs = (f"`{found}` for `{name}`" for name, found in near.items())
            lines.append(f"  nearest: {', '.join(pairs)}")
    else:
        # Not one name is known: the first line may be a person's record, so it is not shown.
        lines.append(f"  none of its {len(present)} columns is known; has it a header?")
    return ContractError(
        "\n".join(lines),
        fix=f"ask {source.agency} for the columns, or set `from` in the contract if they have "
        "other names",
        code="RS1007",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _nearest(name: str, present: list[str]) -> list[str]:
    folded = {_folded(other): other for other in reversed(present)}
    close = difflib.get_close_matches(_folded(name), list(folded), n=1, cutoff=0.6)
    return [folded[found] for found in close]


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
