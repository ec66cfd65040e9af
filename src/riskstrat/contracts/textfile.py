"""A CSV file into columns of text, with the rows that do not fit counted and left out."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

import duckdb

from riskstrat.asof import literal, quoted
from riskstrat.contracts.sniff import (
    CHUNK,
    Shape,
    careful_shape,
    count_bytes,
    header,
    inspect,
    nothing,
    opened,
    other_encoding,
    unsplit,
)
from riskstrat.contracts.spec import Source


@dataclass(frozen=True, slots=True)
class TextTable:
    """How many rows of a text file did not fit its header, and the lines of the first of them."""

    ragged: int
    first_ragged: tuple[int, ...]


def exact_path(path: Path) -> str:
    """A SQL string naming this one file, whatever pattern characters its name holds."""
    marked = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    return literal(marked)


def read_text(
    con: duckdb.DuckDBPyConnection, source: Source, path: Path, scratch: Path, target: Path
) -> TextTable:
    """Read a CSV file into ``target`` as Parquet, every column as text.

    No value is interpreted here. DuckDB splits the rows; where a line is missing afterwards, or
    the file holds quote marks, a second reader must come to the same number of rows.

    Args:
        con: an open connection.
        source: the contract.
        path: the text file.
        scratch: an existing folder for temporary copies.
        target: the Parquet file to write: the rows that fit, every column as text.

    Raises:
        ContractError: the bytes cannot be trusted, or there are no rows.
    """
    inspect(path, source)
    text = path
    if source.format.encoding != "utf-8":
        text = _transcoded(path, source, scratch)
    found = count_bytes(text, source)
    if found.mixed_ends:
        text = _with_line_feeds(text, source, scratch)
    names = header(text, source)
    if found.lines <= 1:
        raise nothing(source, "has a header and no rows")
    rows = _load(con, source, text, names, target, parallel=not found.quotes)
    shape = Shape(rows, 0, ())
    if found.quotes or rows != found.lines - 1:
        shape = careful_shape(text, len(names), source)
        if shape.fitting != rows:
            raise unsplit(source)
    if text != path:
        text.unlink()
    return TextTable(shape.ragged, shape.first_ragged)


def _load(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    path: Path,
    names: tuple[str, ...],
    target: Path,
    *,
    parallel: bool,
) -> int:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    with path.open("rb") as handle:
        packed = handle.read(2) == b"\x1f\x8b"
    # Rows that do not fit are skipped rather than stored: DuckDB's table of rejects would hold
    # whole lines of people's data. They are counted by what is missing afterwards.
    reader = (
        f"read_csv({exact_path(path)}, columns={{{columns}}}, auto_detect=false, header=true, "
        f"delim={literal(source.format.delimiter)}, quote='\"', escape='\"', strict_mode=true, "
        f"null_padding=false, ignore_errors=true, "
        f"parallel={str(parallel).lower()}, compression='{'gzip' if packed else 'none'}')"
    )
    wanted = ", ".join(quoted(name) for name in names)
    try:
        done = con.execute(
            f"COPY (SELECT {wanted} FROM {reader}) TO {literal(str(target))} (FORMAT parquet)"
        ).fetchone()
    except duckdb.InvalidInputException:
        raise unsplit(source) from None
    return int(done[0]) if done else 0


def _transcoded(path: Path, source: Source, scratch: Path) -> Path:
    target = scratch / f"{source.source}.utf8.csv"
    encoding = {"windows-1252": "cp1252"}.get(source.format.encoding, source.format.encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    with opened(path, source) as handle, target.open("wb") as out:
        more = True
        while more:
            piece = handle.read(CHUNK)
            more = bool(piece)
            try:
                text = decoder.decode(piece, final=not more)
            except UnicodeDecodeError:
                found = f"is not {source.format.encoding} after line {lines:,}"
                raise other_encoding(source, found, "utf-8 or latin-1") from None
            lines += text.count("\n")
            out.write(text.encode())
    return target


def _with_line_feeds(path: Path, source: Source, scratch: Path) -> Path:
    """One kind of line end throughout: DuckDB's strict reader refuses a mixture."""
    target = scratch / f"{source.source}.lf.csv"
    held = b""
    with opened(path, source) as handle, target.open("wb") as out:
        while piece := handle.read(CHUNK):
            piece = held + piece
            held = b"\r" if piece.endswith(b"\r") else b""
            out.write(piece.removesuffix(held).replace(b"\r\n", b"\n"))
        out.write(held)
    return target
