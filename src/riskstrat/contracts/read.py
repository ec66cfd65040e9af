"""One door for every extract: Parquet, CSV, or a table of a database file."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.contracts.sniff import nothing
from riskstrat.contracts.spec import Source
from riskstrat.contracts.textfile import exact_path, read_text
from riskstrat.errors import ContractError, OutOfMemoryError, StorageError
from riskstrat.vocabulary import ColumnType

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        ".parquet": "parquet",
        ".csv": "csv",
        ".csv.gz": "csv",
        ".txt": "csv",
        ".duckdb": "duckdb",
    }
)
_TYPES: Mapping[str, tuple[ColumnType, str]] = MappingProxyType(
    {
        "VARCHAR": (ColumnType.STRING, "VARCHAR"),
        "UUID": (ColumnType.STRING, "VARCHAR"),
        "ENUM": (ColumnType.STRING, "VARCHAR"),
        **dict.fromkeys(
            ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
            (ColumnType.INTEGER, "BIGINT"),
        ),
        "UBIGINT": (ColumnType.INTEGER, "HUGEINT"),
        "HUGEINT": (ColumnType.INTEGER, "HUGEINT"),
        "FLOAT": (ColumnType.NUMBER, "DOUBLE"),
        "DOUBLE": (ColumnType.NUMBER, "DOUBLE"),
        "DECIMAL": (ColumnType.NUMBER, "DOUBLE"),
        "BOOLEAN": (ColumnType.BOOLEAN, "BOOLEAN"),
        "DATE": (ColumnType.DATE, "DATE"),
        "TIMESTAMP": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_S": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_MS": (ColumnType.DATE, "DATE"),
        "TIMESTAMP_NS": (ColumnType.DATE, "DATE"),
        "TIMESTAMP WITH TIME ZONE": (ColumnType.DATE, "DATE"),
    }
)
"""DuckDB's type of a physical column -> what it holds, and the type it is read as"""

ROW_NUMBER = "file_row_number"
"""A column every Parquet and CSV file is taken to have, if the contract names it: the number of
the row in the file, from 0 (in a CSV file: among the rows that have the header's columns)."""

_OURS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.InterruptException,
)
"""What cannot be the fault of a file: mistakes in our SQL, and the user's interruption."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """An extract as it came: physical columns, missing values made NULL, nothing else changed.

    Attributes:
        sql: a SELECT statement over the physical columns of known types.
        columns: physical name -> what the column holds.
        other: physical columns of types riskstrat does not read, with the file's name for them.
        textual: the file holds text only, so its types are for us to read.
        ragged: rows that do not have the header's number of columns; they are not in ``sql``.
        first_ragged: line numbers of the first of these.
    """

    sql: str
    columns: Mapping[str, ColumnType]
    other: Mapping[str, str]
    textual: bool
    ragged: int = 0
    first_ragged: tuple[int, ...] = ()


def open_source(
    con: duckdb.DuckDBPyConnection, source: Source, data_root: Path, scratch: Path
) -> RawTable:
    """Find the extract of a source and make its columns readable.

    Text files and database tables are copied into ``scratch`` first; the caller owns that folder
    and removes it, for it then holds people's data.

    Args:
        con: an open connection; ``SET TimeZone='UTC'`` decides the day of a timestamp.
        source: the contract.
        data_root: where the contract's ``file`` starts.
        scratch: an existing folder, one per check of a source.

    Raises:
        ContractError: the file is missing, of another kind, damaged or empty.
    """
    path = _existing(source, data_root)
    match _kind(source):
        case "csv":
            text = read_text(con, source, path, scratch)
            return _described(
                con, source, text.path, ragged=text.ragged, first=text.first_ragged, textual=True
            )
        case "duckdb":
            copy = scratch / f"{source.source}.raw.parquet"
            _copy_table(con, source, path, copy)
            return _described(con, source, copy, in_order=False)
        case _:
            _refuse_foreign(source, path)
            return _described(con, source, path)


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Say in our own words what a reader found: its messages may hold cell values."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise OutOfMemoryError(
            f"{source.source}: reading `{source.file}` needs more memory than it was given",
            fix="give more with --memory, or use fewer --threads",
        ) from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        raise ContractError(
            f"{source.source}: a column of `{source.file}` cannot be computed as its `from` says",
            fix="correct the expressions under `from` in the contract",
            code="RS1023",
        ) from None
    except duckdb.IOException as error:
        if any(sign in str(error).lower() for sign in ("no space left", "could not write")):
            raise _disk_full(source) from None
        raise damaged(source) from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(source) from None
        raise ContractError(
            f"{source.source}: `{source.file}` cannot be opened: {error.strerror}",
            fix="check who may read the file, and that no other program holds it",
            code="RS1001",
        ) from None
    except _OURS:
        raise
    except (duckdb.Error, RuntimeError):
        # A damaged Parquet file surfaces in many ways, some of them without a class of their own.
        raise damaged(source) from None


def _disk_full(source: Source) -> StorageError:
    return StorageError(
        f"{source.source}: the disk became full while `{source.file}` was read",
        fix="free some space on the disk that holds the store; finished stages are reused",
        code="RS7401",
    )


def damaged(source: Source) -> ContractError:
    """The file cannot be read to its end."""
    return ContractError(
        f"{source.source}: `{source.file}` is damaged, cut short, or not "
        f"{_article(_kind(source))} file",
        fix=f"copy it again and compare its size, or ask {source.agency} for a new one",
        code="RS1002",
    )


def _article(kind: str) -> str:
    return {"parquet": "a Parquet", "csv": "a CSV", "duckdb": "a DuckDB"}[kind]


def _kind(source: Source) -> str:
    if source.format.kind:
        return source.format.kind
    name = source.file.lower()
    for suffix, kind in SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise ContractError(
        f"{source.source}: the name `{source.file}` does not say how to read the file",
        fix="set `format.kind` in the contract to parquet, csv or duckdb",
        code="RS1002",
    )


def _existing(source: Source, data_root: Path) -> Path:
    path = data_root / source.file
    if path.is_file():
        return path
    if path.is_dir():
        found, near = "is a folder, not a file", [entry.name for entry in sorted(path.iterdir())]
    else:
        found = "does not exist in the data folder"
        folder = path.parent
        names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
        if not folder.is_dir():
            found = f"does not exist: the data folder has no `{Path(source.file).parent}`"
    hint = f"\n  nearest: {', '.join(near[:3])}" if near else ""
    raise ContractError(
        f"{source.source}: `{source.file}` {found}{hint}",
        fix="put the file there, correct `file` in the contract, or choose --data",
        code="RS1001",
    )


def _refuse_foreign(source: Source, path: Path) -> None:
    with path.open("rb") as handle:
        head = handle.read(4)
        size = handle.seek(0, 2)
        handle.seek(max(size - 4, 0))
        tail = handle.read(4)
    if not size:
        raise nothing(source, "is empty")
    if head != b"PAR1":
        raise ContractError(
            f"{source.source}: `{source.file}` is not a Parquet file",
            fix="set `format.kind` in the contract, or ask for the format agreed on",
            code="RS1002",
        )
    if tail != b"PAR1":
        raise damaged(source)


def _copy_table(con: duckdb.DuckDBPyConnection, source: Source, path: Path, target: Path) -> None:
    alias = quoted(f"extract_{source.source}")
    with reading(source):
        con.execute(f"ATTACH {literal(str(path))} AS {alias} (READ_ONLY)")
        try:
            table = _table(con, source)
            con.execute(
                f"COPY (SELECT * FROM {alias}.{table}) TO {literal(str(target))} (FORMAT parquet)"
            )
        finally:
            con.execute(f"DETACH {alias}")


def _table(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    found = con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_catalog = ? ORDER BY ALL",
        [f"extract_{source.source}"],
    ).fetchall()
    names = {f"{schema}.{name}": (schema, name) for schema, name in found}
    names |= {name: (schema, name) for schema, name in found if schema == "main"}
    if source.format.table in names:
        return ".".join(quoted(part) for part in names[source.format.table])
    listed = ", ".join(name if schema == "main" else f"{schema}.{name}" for schema, name in found)
    wanted = f"no table `{source.format.table}`" if source.format.table else "no table named"
    raise ContractError(
        f"{source.source}: `{source.file}` has {wanted} in the contract\n  present: {listed}",
        fix="set `format.table` in the contract",
        code="RS1009",
    )


def _described(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    path: Path,
    *,
    ragged: int = 0,
    first: tuple[int, ...] = (),
    textual: bool = False,
    in_order: bool = True,
) -> RawTable:
    scan = f"read_parquet({exact_path(path)})"
    with reading(source):
        described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        # A table of a database has no order of rows, and a file's own column comes first.
        if (
            in_order
            and names_row_number(source)
            and ROW_NUMBER not in {row[0] for row in described}
        ):
            scan = f"read_parquet({exact_path(path)}, {ROW_NUMBER}=true)"
            described = con.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    columns: dict[str, ColumnType] = {}
    other: dict[str, str] = {}
    parts: list[str] = []
    for name, kind, *_ in described:
        base = kind.split("(")[0] if not kind.endswith("[]") else "LIST"
        if base not in _TYPES:
            other[name] = kind
            continue
        columns[name], read_as = _TYPES[base]
        parts.append(f"{_readable(quoted(name), read_as, source)} AS {quoted(name)}")
    selected = ", ".join(parts) or "NULL AS nothing"
    return RawTable(
        sql=f"SELECT {selected} FROM {scan}",
        columns=MappingProxyType(columns),
        other=MappingProxyType(other),
        textual=textual,
        ragged=ragged,
        first_ragged=first,
    )


def names_row_number(source: Source) -> bool:
    """Whether a contract takes anything from the number of a row in the file."""
    texts = [column.source or name for name, column in source.columns.items()]
    return any(re.search(rf"\b{ROW_NUMBER}\b", text) for text in (*texts, source.where or ""))


def _readable(name: str, read_as: str, source: Source) -> str:
    """One physical column with its missing values as NULL (pandas writes NaN for none)."""
    if read_as == "VARCHAR":
        nulls = ", ".join(literal(text) for text in dict.fromkeys(("", *source.format.null)))
        text = f"CAST({name} AS VARCHAR)"
        return f"CASE WHEN {text} NOT IN ({nulls}) THEN {text} END"
    if read_as == "DOUBLE":
        number = f"CAST({name} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END"
    return f"CAST({name} AS {read_as})"
