"""The columns of one or several Parquet files as one table, missing values made NULL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import duckdb

from riskstrat.asof import quoted
from riskstrat.contracts.files import reading
from riskstrat.contracts.kinds import WORDS, read_as, readable
from riskstrat.contracts.spec import Source
from riskstrat.contracts.textfile import exact_path
from riskstrat.errors import ContractError
from riskstrat.vocabulary import ColumnType

ROW_NUMBER = "file_row_number"
"""A column every Parquet and CSV file is taken to have, if the contract names it: the number of
the row in the file, from 0 (in a CSV file: among the rows that have the header's columns)."""

_NUMERIC = frozenset({ColumnType.INTEGER, ColumnType.NUMBER})


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an extract, as Parquet: its name in messages, and where it is."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Scan:
    """Files with the same columns, and how these are read.

    Attributes:
        parts: the files.
        columns: what is selected.
        options: more for the reader, beginning with a comma.
        names_own_number: the files have a column of their own named like the row's number.
    """

    parts: tuple[Part, ...]
    columns: str
    options: str
    names_own_number: bool

    def sql(self) -> str:
        """The SELECT statement."""
        return f"SELECT {self.columns} FROM {_scan(self.parts, self.options)}"

    def each_part(self) -> Iterator[Scan]:
        """The same for each file alone."""
        return (replace(self, parts=(part,)) for part in self.parts)


@dataclass(frozen=True, slots=True)
class RawTable:
    """An extract as it came: physical columns, missing values made NULL, nothing else changed.

    Attributes:
        sql: a SELECT statement over the physical columns of known types.
        parts: the files it reads.
        scans: the same, as they are read.
        columns: physical name -> what the column holds.
        other: physical columns of types riskstrat does not read, with the file's name for them.
        textual: the file holds text only, so its types are for us to read.
        absent: of several files, physical columns that some lack (NULL there) -> the first such.
        ragged: rows that do not have the header's number of columns; they are not in ``sql``.
        first_ragged: where the first of these are.
        where: a condition on ``scans``' rows, which ``sql`` contains; nothing for all rows.
    """

    sql: str
    parts: tuple[Part, ...]
    scans: tuple[Scan, ...]
    columns: Mapping[str, ColumnType]
    other: Mapping[str, str]
    textual: bool
    absent: Mapping[str, str]
    ragged: int = 0
    first_ragged: tuple[str, ...] = ()
    where: str = ""

    def own(self, sql: str) -> str:
        """Of some of the table's rows, those for which ``where`` is true."""
        return f"SELECT * FROM ({sql}) AS file WHERE {self.where}" if self.where else sql


@dataclass(frozen=True, slots=True)
class _Described:
    """A part, how it is scanned, and its physical columns with DuckDB's types."""

    part: Part
    options: str
    kinds: Mapping[str, str]

    def held(self, column: str) -> ColumnType | None:
        """What a column holds, or ``None`` where riskstrat does not read its type."""
        return read_as(self.kinds[column])[0]


def one_table(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    parts: Sequence[Part],
    *,
    textual: bool = False,
    in_order: bool = False,
) -> RawTable:
    """The parts of an extract as one table: columns are brought together by their names.

    A column that a part lacks is empty there. Where parts disagree on what a column holds, a
    part in which it is wholly empty gives way, and whole numbers beside numbers are numbers.

    Args:
        con: an open connection.
        source: the contract.
        parts: at least one.
        textual: every column is text, for us to read.
        in_order: the rows have an order, so that they can be numbered.

    Raises:
        ContractError: RS1024, when parts differ in what a column holds or how it is spelt.
    """
    described = [_describe(con, source, part, in_order=in_order) for part in parts]
    _refuse_other_spelling(source, described)
    held: dict[str, ColumnType] = {}
    other: dict[str, str] = {}
    absent: dict[str, str] = {}
    for name in dict.fromkeys(name for each in described for name in each.kinds):
        having = [each for each in described if name in each.kinds]
        agreed = _agreed(con, source, name, having)
        if isinstance(agreed, ColumnType):
            held[name] = agreed
        else:
            other[name] = agreed
        if len(having) < len(described):
            absent[name] = next(e.part.name for e in described if name not in e.kinds)
    scans = tuple(_scans(source, described, held))
    return RawTable(
        sql=" UNION ALL ".join(scan.sql() for scan in scans),
        parts=tuple(parts),
        scans=scans,
        columns=MappingProxyType(held),
        other=MappingProxyType(other),
        textual=textual,
        absent=MappingProxyType(absent),
    )


@contextmanager
def reading_parts(
    con: duckdb.DuckDBPyConnection, source: Source, table: RawTable
) -> Iterator[None]:
    """As :func:`reading`, over all parts of a table: of several, the damaged one is named."""
    try:
        with reading(source):
            yield
    except ContractError as fault:
        for part in table.parts if fault.code == "RS1002" and len(table.parts) > 1 else ():
            with reading(source.model_copy(update={"file": part.name})):
                con.execute(f"SELECT max(hash(COLUMNS(*))) FROM {_scan([part], '')}").fetchall()
        raise


def _describe(
    con: duckdb.DuckDBPyConnection, source: Source, part: Part, *, in_order: bool
) -> _Described:
    options = ""
    with reading(source.model_copy(update={"file": part.name})):
        kinds = _kinds(con, _scan([part], options))
        # A file's own column comes first.
        if in_order and names_row_number(source) and ROW_NUMBER not in kinds:
            options = f", {ROW_NUMBER}=true"
            kinds = _kinds(con, _scan([part], options))
    return _Described(part, options, MappingProxyType(kinds))


def _kinds(con: duckdb.DuckDBPyConnection, scan: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()}


def _scan(parts: Sequence[Part], options: str) -> str:
    # Names of folders are not data: `year=2023/` adds no column.
    paths = ", ".join(exact_path(part.path) for part in parts)
    return f"read_parquet([{paths}], hive_partitioning=false{options})"


# -- several files that must fit together --------------------------------------------------------


def _refuse_other_spelling(source: Source, described: Sequence[_Described]) -> None:
    """SQL does not tell `Sex` from `sex`, so no two files may spell one column in two ways."""
    seen: dict[str, tuple[str, str]] = {}
    for each in described:
        for name in each.kinds:
            first, file = seen.setdefault(name.casefold(), (name, each.part.name))
            if first != name:
                what = f"`{each.part.name}` has the column `{name}`, `{file}` has `{first}`"
                raise _differ(source, what)


def _agreed(
    con: duckdb.DuckDBPyConnection, source: Source, name: str, having: Sequence[_Described]
) -> ColumnType | str:
    """What a column holds in all parts, or DuckDB's name of a type that is not read."""
    first = having[0]
    found = {each.held(name) for each in having}
    if len(found) > 1:
        if found == _NUMERIC and _is_wanted_as_number(source, name):
            return ColumnType.NUMBER
        full = [each for each in having if _holds_values(con, source, each, name)]
        first = (full or having)[0]
        for each in full:
            if each.held(name) is not first.held(name):
                what = f"column `{name}` holds {_said(each, name)} in `{each.part.name}`, "
                raise _differ(source, what + f"{_said(first, name)} in `{first.part.name}`")
    return first.held(name) or first.kinds[name]


def _is_wanted_as_number(source: Source, name: str) -> bool:
    """Whether no contract column reads this one as it stands other than as a number."""
    types = {c.type for named, c in source.columns.items() if (c.source or named) == name}
    return types <= _NUMERIC


def _holds_values(
    con: duckdb.DuckDBPyConnection, source: Source, each: _Described, name: str
) -> bool:
    scan = _scan([each.part], each.options)
    with reading(source.model_copy(update={"file": each.part.name})):
        found = con.execute(f"SELECT 1 FROM {scan} WHERE {quoted(name)} IS NOT NULL LIMIT 1")
        return found.fetchone() is not None


def _said(each: _Described, name: str) -> str:
    held = each.held(name)
    return WORDS[held] if held else f"the type {each.kinds[name]}"


def _differ(source: Source, what: str) -> ContractError:
    return ContractError(
        f"{source.source}: the files of `{source.file}` differ: {what}",
        fix=f"ask {source.agency} for files that agree, or give the one that differs a contract "
        "of its own",
        code="RS1024",
    )


# -- the table -----------------------------------------------------------------------------------


def _scans(
    source: Source, described: Sequence[_Described], held: Mapping[str, ColumnType]
) -> Iterator[Scan]:
    """A scan for each set of parts with the same columns, all with the same names and types."""
    alike: dict[tuple[object, ...], list[_Described]] = {}
    for each in described:
        alike.setdefault((each.options, *each.kinds.items()), []).append(each)
    types = {name: _sql_type(name, kind, described) for name, kind in held.items()}
    for group in alike.values():
        columns = ", ".join(
            f"{_column(source, group[0], name, held[name], types[name])} AS {quoted(name)}"
            for name in held
        )
        own = ROW_NUMBER in group[0].kinds and not group[0].options
        parts = tuple(each.part for each in group)
        yield Scan(parts, columns or "NULL AS nothing", group[0].options, own)


def _sql_type(name: str, held: ColumnType, described: Sequence[_Described]) -> str:
    """The widest type as which a column that holds one kind of value is read in any part."""
    found = [read_as(each.kinds[name]) for each in described if name in each.kinds]
    types = {sql for kind, sql in found if kind is held}
    return "HUGEINT" if "HUGEINT" in types else types.pop()


def _column(source: Source, each: _Described, name: str, held: ColumnType, sql_type: str) -> str:
    if name in each.kinds and (each.held(name) is held or {each.held(name), held} == _NUMERIC):
        return readable(quoted(name), sql_type, source)
    return f"CAST(NULL AS {sql_type})"


def names_row_number(source: Source) -> bool:
    """Whether a contract takes anything from the number of a row in the file."""
    texts = [column.source or name for name, column in source.columns.items()]
    return any(re.search(rf"\b{ROW_NUMBER}\b", text) for text in (*texts, source.where or ""))
