"""A slow and obvious search: everything is opened, and every byte is looked at.

It shares nothing with the search of :mod:`riskstrat.intruder`, which compares words and cells.
Here files are turned inside out (pages and cells of Parquet, members of archives, rows of
databases), and needles are looked for from each byte on, whatever stands there.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import sqlite3
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from custody.pages import uncompressed

PREFIX = 6
"""bytes that are looked up at once; no needle is shorter"""
_BITS = 24
_STEP = 4 << 20
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_DATA_ADDRESS = re.compile(rb"base64,([A-Za-z0-9+/=]{16,})")


# -- needles -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needles:
    """What must not be found.

    Attributes:
        words: kind -> texts. They are found in any case, and where no letter or digit touches them.
        raw: kind -> bytes, found wherever they are.
    """

    words: Mapping[str, frozenset[str]]
    raw: Mapping[str, frozenset[bytes]] = field(default_factory=dict)

    def found_in(self, content: bytes) -> Counter[str]:
        """kind -> how many different ones the content holds."""
        lowered = content.lower()
        found = {
            (kind, needle)
            for at, needle, kind in self._words.places(lowered)
            if _stands_alone(lowered, at, needle)
        }
        found |= {(kind, needle) for _, needle, kind in self._raw.places(content)}
        return Counter(kind for kind, _ in found)

    @cached_property
    def _words(self) -> _Table:
        return _Table.of(
            (form, kind)
            for kind, words in self.words.items()
            for word in words
            for form in _forms(word)
        )

    @cached_property
    def _raw(self) -> _Table:
        return _Table.of((each, kind) for kind, told in self.raw.items() for each in told)


def _forms(word: str) -> Iterator[bytes]:
    """How a text is written in a table, in JSON and in a page."""
    for form in (word, json.dumps(word)[1:-1], html.escape(word)):
        yield form.lower().encode()


@dataclass(frozen=True, slots=True)
class _Table:
    """Needles by how they begin."""

    by_prefix: Mapping[bytes, Sequence[tuple[bytes, str]]]
    slots: np.ndarray
    """bool (2 ** _BITS,): whether a needle begins with bytes of this slot"""

    @classmethod
    def of(cls, needles: Iterable[tuple[bytes, str]]) -> _Table:
        by_prefix: dict[bytes, list[tuple[bytes, str]]] = defaultdict(list)
        for needle, kind in needles:
            assert len(needle) >= PREFIX, kind
            by_prefix[needle[:PREFIX]].append((needle, kind))
        slots = np.zeros(1 << _BITS, bool)
        if by_prefix:
            begun = np.frombuffer(b"".join(by_prefix), np.uint8).reshape(-1, PREFIX)
            slots[_slot(_packed(begun.T))] = True
        return cls(by_prefix, slots)

    def places(self, content: bytes) -> Iterator[tuple[int, bytes, str]]:
        """Every place at which a needle begins: a look-up from each byte on."""
        whole = np.frombuffer(content, np.uint8)
        for start in range(0, len(content) - PREFIX + 1, _STEP):
            part = whole[start : start + _STEP + PREFIX - 1]
            last = len(part) - PREFIX + 1
            packed = _packed([part[place : place + last] for place in range(PREFIX)])
            for at in (np.flatnonzero(self.slots[_slot(packed)]) + start).tolist():
                for needle, kind in self.by_prefix.get(content[at : at + PREFIX], ()):
                    if content.startswith(needle, at):
                        yield at, needle, kind


def _packed(columns: Iterable[np.ndarray]) -> np.ndarray:
    """Bytes side by side as one number: uint64 (n,)."""
    whole = np.uint64(0)
    for place, column in enumerate(columns):
        whole = whole | (column.astype(np.uint64) << np.uint64(8 * place))
    return np.asarray(whole)


def _slot(packed: np.ndarray) -> np.ndarray:
    return (packed * _MULTIPLIER) >> np.uint64(64 - _BITS)


def _stands_alone(content: bytes, at: int, needle: bytes) -> bool:
    """Whether it is not part of a longer word or number: digits of a fraction are no identifier."""
    before, after = content[max(at - 2, 0) : at], content[at + len(needle) : at + len(needle) + 1]
    fraction = before[1:] == b"." and before[:1].isdigit()
    return not (before[-1:].isalnum() or after.isalnum() or fraction)


# -- files ---------------------------------------------------------------------------------------


def search(folders: Iterable[Path], needles: Needles) -> dict[Path, Counter[str]]:
    """file -> kind -> how many; files without any are left out.

    Raises:
        AssertionError: there is nothing to search.
    """
    files = list(everything(folders))
    assert files
    found = {}
    for path in files:
        content = b"\n".join((str(path).encode(), *inside(path.read_bytes(), path)))
        if hits := needles.found_in(content):
            found[path] = hits
    return found


def everything(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file of these folders, and those of them that are files."""
    for folder in folders:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        yield from (path for path in paths if path.is_file())


def inside(content: bytes, path: Path | None = None) -> Iterator[bytes]:
    """The bytes as they are, and all that is packed in them."""
    yield content
    if content[:4] == b"PAR1":
        yield from _parquet(content, path)
    elif content[:6] == b"ARROW1":
        with pa.ipc.open_file(pa.py_buffer(content)) as file:
            yield from _notes(file.schema)
            yield from _cells(file.read_all())
    elif content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from inside(archive.read(name))
    elif content[:2] == b"\x1f\x8b":
        yield from inside(gzip.decompress(content))
    elif content[:4] == b"\x28\xb5\x2f\xfd":
        with pa.input_stream(pa.py_buffer(content), compression="zstd") as stream:
            yield from inside(stream.read())
    elif content[:15] == b"SQLite format 3":
        yield from _database(content)
    for coded in _DATA_ADDRESS.findall(content):
        yield base64.b64decode(coded + b"==")


def _parquet(content: bytes, path: Path | None) -> Iterator[bytes]:
    if path:
        yield from uncompressed(path, content)
    table = pq.read_table(pa.BufferReader(content))
    yield from _notes(table.schema)
    yield from _cells(table)


def _notes(schema: pa.Schema) -> Iterator[bytes]:
    for told in (schema.metadata, *(each.metadata for each in schema)):
        yield from (text for pair in (told or {}).items() for text in pair)


def _cells(table: pa.Table) -> Iterator[bytes]:
    """Every different cell as a text on a line of its own, whatever its type."""
    for column in table.columns:
        if pa.types.is_nested(column.type):
            cells = [json.dumps(each, default=str) for each in column.to_pylist()]
        elif pa.types.is_dictionary(column.type):
            cells = [w for chunk in column.chunks for w in chunk.dictionary.to_pylist()]
        else:
            cells = pc.unique(column).to_pylist()
        yield "\n".join(str(each) for each in cells if each is not None).encode()


def _database(content: bytes) -> Iterator[bytes]:
    with closing(sqlite3.connect(":memory:")) as con:
        con.deserialize(content)
        names = con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            for row in con.execute(f'SELECT * FROM "{name}"'):
                yield "\n".join(map(str, row)).encode()
