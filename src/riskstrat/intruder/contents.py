"""All that a file says, also what is compressed in it."""

from __future__ import annotations

import base64
import binascii
import gzip
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK = 16 << 20
OVERLAP = 512
"""bytes read twice, so that nothing is cut in two"""
LARGEST = 1_000_000_000_000
"""whole numbers from here on are no identifiers"""
SMALLEST = 100_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a file: text, or the different cells of a column.

    Attributes:
        where: which part, such as a column's name.
        text: bytes, for a text.
        cells: strings (n,), each once, for a column.
        numeric: whether the cells were numbers.
    """

    where: str
    text: bytes = b""
    cells: pa.Array | None = None
    numeric: bool = False


def pieces(path: Path) -> Iterator[Piece]:
    """Everything in a file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is damaged.
    """
    with path.open("rb") as handle:
        head = handle.read(16)
    if head[:4] == b"PAR1":
        yield from _parquet(path)
    elif head[:6] == b"ARROW1":
        yield from _arrow(path)
    elif head[:4] == b"PK\x03\x04":
        yield from _zip(path)
    elif head[:2] == b"\x1f\x8b":
        yield Piece("inside", gzip.decompress(path.read_bytes()))
    elif head[:4] == b"\x28\xb5\x2f\xfd":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield Piece("inside", stream.read())
    else:
        if head[:15] == b"SQLite format 3":
            yield from _sqlite(path)
        yield from _raw(path)


def _raw(path: Path) -> Iterator[Piece]:
    """The bytes as they are: what a database has deleted is still among them."""
    with path.open("rb") as handle:
        before = b""
        while part := handle.read(CHUNK):
            yield Piece("", before + part)
            before = part[-OVERLAP:]


def _zip(path: Path) -> Iterator[Piece]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield Piece(member, member.encode() + b"\n" + archive.read(member))
    except zipfile.BadZipFile as fault:
        raise ValueError("a damaged archive") from fault


def _sqlite(path: Path) -> Iterator[Piece]:
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as con:
            con.text_factory = lambda raw: raw.decode("utf-8", "replace")
            names = con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                quoted = '"' + name.replace('"', '""') + '"'
                rows = con.execute(f"SELECT * FROM {quoted}")
                titles = [each[0] for each in rows.description]
                for title, column in zip(titles, zip(*rows, strict=True), strict=False):
                    texts = sorted({str(cell) for cell in column if cell is not None})
                    yield Piece(f"{name}.{title}", cells=pa.array(texts, pa.string()))
    except sqlite3.DatabaseError as fault:
        raise ValueError("a damaged database") from fault


# -- tables --------------------------------------------------------------------------------------


def _parquet(path: Path) -> Iterator[Piece]:
    try:
        schema = pq.read_schema(path)
        texts = [each.name for each in schema if pa.types.is_string(each.type)]
        # Read as dictionaries, so that words no row uses any more are seen as well.
        file = pq.ParquetFile(path, read_dictionary=texts)
        yield Piece("its footer", _footer(path))
        yield from _notes(schema)
        for group in range(file.num_row_groups):
            for name in schema.names:
                column = file.read_row_group(group, columns=[name]).column(0)
                yield from _column(name, column)
    except pa.ArrowException as fault:
        raise ValueError("a damaged Parquet file") from fault


def _footer(path: Path) -> bytes:
    """Names, notes, and the least and greatest cell of each column."""
    with path.open("rb") as handle:
        handle.seek(-8, 2)
        length = int.from_bytes(handle.read(4), "little")
        handle.seek(-8 - length, 2)
        return handle.read(length)


def _arrow(path: Path) -> Iterator[Piece]:
    try:
        with pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source)
            yield from _notes(file.schema)
            for at in range(file.num_record_batches):
                batch = file.get_batch(at)
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    yield from _column(name, pa.chunked_array([column]))
    except pa.ArrowException as fault:
        raise ValueError("a damaged Arrow file") from fault


def _notes(schema: pa.Schema) -> Iterator[Piece]:
    """What programs wrote beside the columns; some of it is base64."""
    told = dict(schema.metadata or {})
    for each in schema:
        told.update(each.metadata or {})
    for value in told.values():
        yield Piece("a note", value)
        try:
            yield Piece("a note", base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            continue


def _column(name: str, column: pa.ChunkedArray) -> Iterator[Piece]:
    """The different cells of a column, whatever it is made of."""
    kind = column.type
    where = f"column {name}"
    for chunk in column.chunks:
        if pa.types.is_dictionary(kind):
            yield from _column(name, pa.chunked_array([chunk.dictionary]))
        elif pa.types.is_struct(kind):
            for field, inner in zip(kind, chunk.flatten(), strict=True):
                yield from _column(f"{name}.{field.name}", pa.chunked_array([inner]))
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
            yield from _column(name, pa.chunked_array([_inside(chunk)]))
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            yield Piece(where, cells=pc.unique(chunk).drop_null().cast(pa.string()))
        elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            yield Piece(where, b"\n".join(pc.unique(chunk).drop_null().to_pylist()))
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            yield from _numbers(where, chunk)


def _inside(chunk: pa.Array) -> pa.Array:
    if not pa.types.is_map(chunk.type):
        return chunk.flatten()
    return pa.StructArray.from_arrays([chunk.keys, chunk.items], ["key", "value"])


def _numbers(where: str, chunk: pa.Array) -> Iterator[Piece]:
    """Whole numbers that are long enough to be an identifier, as text."""
    if pa.types.is_decimal(chunk.type):
        chunk = chunk.cast(pa.float64(), safe=False)
    values = chunk.drop_null().to_numpy(zero_copy_only=False)
    wanted = (values >= SMALLEST) & (values < LARGEST) & (values == np.floor(values))
    if wanted.any():
        found = np.unique(values[wanted]).astype(np.int64)
        yield Piece(where, cells=pa.array(found).cast(pa.string()), numeric=True)
