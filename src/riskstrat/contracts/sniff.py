"""What the bytes of a text file say, before any reader is trusted with them.

Readers accept too much: an empty file, zero bytes, a lone carriage return, rows cut short. So
all bytes are looked at once, and what would be misread is refused with a message that names
the file and counts, never a cell.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from riskstrat.contracts.spec import Source
from riskstrat.errors import ContractError

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
FOREIGN = {
    b"PAR1": "Parquet",
    b"PK\x03\x04": "a zip archive or workbook",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "an old Office file",
}
_WRONG_LINES = "ask for line feeds (or carriage return and line feed) at line ends"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Counts over a whole text file, as UTF-8."""

    lines: int
    quotes: int
    mixed_ends: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """How a careful second reader splits the file: rows that fit the header, and the others."""

    fitting: int
    ragged: int
    first_ragged: tuple[int, ...]
    """line numbers of the first few"""


@contextmanager
def opened(path: Path, source: Source) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked if they are gzip.

    Raises:
        ContractError: the gzip stream is damaged or cut short.
    """
    with path.open("rb") as probe:
        packed = probe.read(2) == GZIP
    try:
        with gzip.open(path) if packed else path.open("rb") as handle:
            yield cast(BinaryIO, handle)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ContractError(
            f"{source.source}: `{source.file}` is a damaged or cut-off gzip file",
            fix="copy the file again, or ask the agency for a new one",
            code="RS1002",
        ) from None


def inspect(path: Path, source: Source) -> None:
    """Refuse a file that is empty, of another kind, or in another encoding than declared.

    Raises:
        ContractError: with what was found and what to declare instead.
    """
    with opened(path, source) as handle:
        head = handle.read(CHUNK)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
        raise nothing(source, "is empty")
    for magic, kind in FOREIGN.items():
        if head.startswith(magic):
            raise ContractError(
                f"{source.source}: `{source.file}` is {kind}, not a text file",
                fix="set `format.kind` in the contract, or ask for the format agreed on",
                code="RS1002",
            )
    declared = source.format.encoding
    seems_utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
        head.count(0) > len(head) // 4
    )
    if seems_utf16 != (declared == "utf-16"):
        found = "looks like utf-16" if seems_utf16 else "does not look like utf-16"
        raise other_encoding(source, found, "utf-16" if seems_utf16 else "utf-8")
    if declared in ("latin-1", "windows-1252") and _is_utf8_text(path, source):
        raise other_encoding(source, "is valid utf-8", "utf-8")


def _is_utf8_text(path: Path, source: Source) -> bool:
    """Letters beyond ASCII, all of them well-formed UTF-8: by chance next to impossible."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond = False
    try:
        with opened(path, source) as handle:
            while piece := handle.read(CHUNK):
                beyond = beyond or not piece.isascii()
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return beyond


def count_bytes(path: Path, source: Source) -> Bytes:
    """Look at every byte of a file that should be UTF-8.

    Raises:
        ContractError: invalid UTF-8, zero bytes, or carriage returns alone at line ends.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    feeds = pairs = returns = quotes = 0
    last = b""
    with opened(path, source) as handle:
        while piece := handle.read(CHUNK):
            _refuse_bad_text(decoder, piece, feeds, source)
            feeds += piece.count(b"\n")
            returns += piece.count(b"\r")
            pairs += piece.count(b"\r\n") + (last == b"\r" and piece[:1] == b"\n")
            quotes += piece.count(b'"')
            last = piece[-1:]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        found = f"is not utf-8 in line {feeds + 1:,}, its last"
        raise other_encoding(source, found, "windows-1252") from None
    _refuse_bad_ends(returns - pairs, quotes, source)
    return Bytes(feeds + (last not in (b"", b"\n")), quotes, 0 < pairs < feeds)


def _refuse_bad_ends(lone_returns: int, quotes: int, source: Source) -> None:
    if lone_returns and not quotes:
        raise ContractError(
            f"{source.source}: `{source.file}` has {lone_returns:,} line ends that are a "
            f"carriage return alone",
            fix=_WRONG_LINES,
            code="RS1004",
        )
    if quotes % 2:
        raise ContractError(
            f"{source.source}: `{source.file}` has {quotes:,} quote marks, an odd number: "
            f"one is opened and never closed",
            fix='ask for quote marks in pairs, a quote mark within a value written ""',
            code="RS1004",
        )


def _refuse_bad_text(
    decoder: codecs.IncrementalDecoder, piece: bytes, lines_before: int, source: Source
) -> None:
    if 0 in piece:
        line = lines_before + piece[: piece.index(0)].count(b"\n") + 1
        raise ContractError(
            f"{source.source}: `{source.file}` has a zero byte in line {line:,}",
            fix="ask the agency to export the file again as text",
            code="RS1004",
        )
    try:
        decoder.decode(piece)
    except UnicodeDecodeError as bad:
        line = lines_before + piece[: bad.start].count(b"\n") + 1
        raise other_encoding(source, f"is not utf-8 in line {line:,}", "windows-1252") from None


def header(path: Path, source: Source) -> tuple[str, ...]:
    """The column names of a text file in UTF-8.

    Raises:
        ContractError: another delimiter would split it, or a name occurs twice.
    """
    with opened(path, source) as handle:
        text = io.TextIOWrapper(handle, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=source.format.delimiter)
        try:
            names = next((row for row in reader if row), [])
        except csv.Error:
            raise unsplit(source) from None
        finally:
            text.detach()
    if len(names) == 1:
        _suggest_delimiter(names[0], source)
    known = [name.casefold() for name in names if name]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        expected = {(column.source or name).casefold() for name, column in source.columns.items()}
        shown = [f"`{name}`" for name in twice if name in expected]
        raise ContractError(
            f"{source.source}: the header of `{source.file}` has {len(twice)} column name(s) more "
            f"than once{': ' + ', '.join(shown) if shown else ''}",
            fix="ask the agency to name each column once",
            code="RS1004",
        )
    return tuple(name or f"column {i + 1}" for i, name in enumerate(names))


def _suggest_delimiter(line: str, source: Source) -> None:
    used = source.format.delimiter
    counts = {mark: line.count(mark) for mark in DELIMITERS if mark != used}
    best = max(counts, key=lambda mark: counts[mark])
    if counts[best]:
        mark = "\\t" if best == "\t" else best
        raise ContractError(
            f"{source.source}: the header of `{source.file}` is a single column with "
            f"{DELIMITERS.get(used, 'the declared delimiter')} between columns; "
            f"{DELIMITERS[best]} would give {counts[best] + 1}",
            fix=f'set `format.delimiter: "{mark}"` in the contract',
            code="RS1005",
        )


def careful_shape(path: Path, width: int, source: Source) -> Shape:
    """Split the whole file with a second, slower reader, to know which rows do not fit.

    Raises:
        ContractError: a cell beyond any sense, which means that a quote mark is not closed.
    """
    fitting = ragged = 0
    first: list[int] = []
    with opened(path, source) as handle:
        text = io.TextIOWrapper(handle, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=source.format.delimiter)
        try:
            next((row for row in reader if row), None)
            for row in reader:
                # Empty cells beyond the last column are the mark of some exports, not a fault.
                if len(row) == width or (len(row) > width and not any(row[width:])):
                    fitting += 1
                elif row:
                    ragged += 1
                    if len(first) < 3:
                        first.append(reader.line_num)
        except csv.Error:
            raise unsplit(source) from None
        finally:
            text.detach()
    return Shape(fitting, ragged, tuple(first))


def nothing(source: Source, what: str) -> ContractError:
    """The extract has no rows."""
    return ContractError(
        f"{source.source}: `{source.file}` {what}",
        fix=f"ask {source.agency} whether the export failed",
        code="RS1006",
    )


def other_encoding(source: Source, found: str, better: str) -> ContractError:
    """The bytes are not in the declared encoding."""
    return ContractError(
        f"{source.source}: `{source.file}` {found}, the contract declares {source.format.encoding}",
        fix=f"set `format.encoding` in the contract (perhaps {better}), or ask the agency for "
        f"{source.format.encoding}",
        code="RS1003",
    )


def unsplit(source: Source) -> ContractError:
    """Two readers do not agree where rows begin and end."""
    return ContractError(
        f"{source.source}: `{source.file}` cannot be split into rows without doubt: quote marks or "
        f"line ends are not in order",
        fix="ask for every value that holds a quote mark, a delimiter or a line end to be quoted",
        code="RS1004",
    )
