"""One door for every extract: Parquet, CSV, or a table of a database file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.contracts.files import damaged, existing, is_one_file, kind_of, reading
from riskstrat.contracts.sniff import nothing
from riskstrat.contracts.spec import Source
from riskstrat.contracts.tables import (
    ROW_NUMBER,
    Part,
    RawTable,
    names_row_number,
    one_table,
)
from riskstrat.contracts.textfile import TextTable, read_text
from riskstrat.errors import ContractError

Copy = Callable[[Sequence[Source], Sequence[Part], Sequence[Part]], list[TextTable]]


def open_source(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    data_root: Path,
    scratch: Path,
    copy: Copy,
) -> RawTable:
    """Find the extract of a source, one file or several, and make its columns readable.

    Text files and database tables are copied into ``scratch`` first; the caller owns that folder
    and removes it, for it then holds people's data.

    Args:
        con: an open connection; ``SET TimeZone='UTC'`` decides the day of a timestamp.
        source: the contract.
        data_root: where the contract's ``file`` starts.
        scratch: an existing folder, one per check of a source.
        copy: copies the files, each named by its own contract, as Parquet; one after the other
            or all at once.

    Raises:
        ContractError: a file is missing, of another kind, damaged or empty, or the files of the
            extract do not fit together.
    """
    files = existing(source, data_root)
    several = not is_one_file(source, files)
    # Each file is read under its own name, so that every message says which file it is about.
    each = [source.model_copy(update={"file": name}) for name in files]
    kind = _one_kind(source, each)
    parts = [Part(one.file, data_root / one.file) for one in each]
    copies = [Part(p.name, scratch / f"{raw_stem(source)}{n}.parquet") for n, p in enumerate(parts)]
    if kind == "csv":
        texts = copy(each, parts, copies)
        table = one_table(con, source, copies, textual=True, in_order=not several)
        table = _with_ragged(table, files, texts, several=several)
    elif kind == "duckdb":
        copy(each, parts, copies)
        # A table of a database has no order of rows.
        table = one_table(con, source, copies)
    else:
        for one, part in zip(each, parts, strict=True):
            _refuse_foreign(one, part.path)
        table = one_table(con, source, parts, in_order=not several)
    if several and names_row_number(source) and ROW_NUMBER not in table.columns:
        raise ContractError(
            f"{source.source}: the contract names `{ROW_NUMBER}`, and `{source.file}` names "
            "several files: the number of a row is then not its own",
            fix="name a single file, or use columns that tell the rows apart",
            code="RS1025",
        )
    return table


def copy_as_parquet(
    con: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path, target: Path
) -> TextTable:
    """Copy a text file, or the contract's table of a database, as Parquet.

    Args:
        con: an open connection.
        source: the contract, with this file as its ``file``.
        path: the file.
        scratch: an existing folder for temporary copies, this file's own while others are copied.
        target: the Parquet file to write.

    Raises:
        ContractError: the file cannot be read.
    """
    if kind_of(source) == "csv":
        return read_text(con, source, path, scratch, target)
    _copy_table(con, source, path, target)
    return TextTable(0, ())


def raw_stem(source: Source) -> str:
    """How the names of a source's copies in the scratch folder begin."""
    return f"{source.source}.raw."


def _with_ragged(
    table: RawTable, files: tuple[str, ...], texts: list[TextTable], *, several: bool
) -> RawTable:
    places = [
        f"{line:,} of `{name}`" if several else f"{line:,}"
        for name, text in zip(files, texts, strict=True)
        for line in text.first_ragged
    ]
    return replace(table, ragged=sum(text.ragged for text in texts), first_ragged=tuple(places[:3]))


def _one_kind(source: Source, each: list[Source]) -> str:
    """The kind of all files of an extract, which must be the same."""
    kinds: dict[str, str] = {}
    for one in each:
        kinds.setdefault(kind_of(one), one.file)
    if len(kinds) > 1:
        listed = ", ".join(f"`{file}` is {kind}" for kind, file in sorted(kinds.items()))
        raise ContractError(
            f"{source.source}: the files of `{source.file}` are of several kinds: {listed}",
            fix="name the files by a pattern such as `folder/*.parquet`, or set `format.kind`",
            code="RS1024",
        )
    [kind] = kinds
    if kind == "duckdb" and len(each) > 1:
        raise ContractError(
            f"{source.source}: `{source.file}` names {len(each)} databases, and only one is read",
            fix="name the database file itself",
            code="RS1024",
        )
    return kind


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
