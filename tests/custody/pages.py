"""Every byte of a file, also those that Parquet has compressed away from a plain search."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq


def everything(folder: Path, leave_out: Iterable[Path] = ()) -> dict[Path, bytes]:
    """file -> its bytes, its name, and each of its Parquet pages uncompressed."""
    apart = tuple(leave_out)
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(each) for each in apart):
            content = path.read_bytes()
            pages = b"".join(uncompressed(path, content)) if content[:4] == b"PAR1" else b""
            found[path] = str(path.relative_to(folder)).encode() + b"\n" + content + pages
    return found


def uncompressed(path: Path, content: bytes) -> Iterator[bytes]:
    """The body of every page of a Parquet file: levels, dictionaries and values as written."""
    told = pq.read_metadata(path)
    for value in (told.metadata or {}).values():
        yield base64.b64decode(value, validate=False) if value[:4] == b"////" else value
    for group in range(told.num_row_groups):
        for column in range(told.num_columns):
            chunk = told.row_group(group).column(column)
            starts = [chunk.data_page_offset]
            if chunk.has_dictionary_page:
                starts.append(chunk.dictionary_page_offset)
            if told.row_group(group).num_rows == 0:
                continue  # what there is of pages is empty
            at = min(starts)
            end = at + chunk.total_compressed_size
            while at < end:
                header = _Thrift(content, at)
                fields = header.struct()
                at = header.at
                body = content[at : at + fields[3]]
                at += fields[3]
                if chunk.compression == "UNCOMPRESSED":
                    yield body
                else:
                    codec = chunk.compression.lower()
                    yield bytes(pa.decompress(body, fields[2], codec=codec))


class _Thrift:
    """Reads one struct of Thrift's compact protocol, which Parquet's page headers are in."""

    def __init__(self, content: bytes, at: int) -> None:
        self.content, self.at = content, at

    def struct(self) -> dict[int, int]:
        """field id -> value, of fields that are whole numbers; others are stepped over."""
        fields: dict[int, int] = {}
        last = 0
        while (head := self._byte()) != 0:
            kind, step = head & 0x0F, head >> 4
            last = last + step if step else self._signed()
            value = self._value(kind)
            if value is not None:
                fields[last] = value
        return fields

    def _value(self, kind: int) -> int | None:
        if kind in (1, 2):  # true, false
            return None
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            self.at += 8
        elif kind == 8:
            length = self._varint()
            self.at += length
        elif kind in (9, 10):
            head = self._byte()
            count = head >> 4 if head >> 4 != 15 else self._varint()
            for _ in range(count):
                self._value(head & 0x0F)
        elif kind == 12:
            self.struct()
        else:
            raise ValueError(f"thrift type {kind}")
        return None

    def _byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def forms_of_key(key: bytes) -> set[bytes]:
    """How a key might be written: raw, hex, base64, and for an address."""
    whole = {key, key.hex().encode(), key.hex().upper().encode()}
    for coded in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
        whole |= {coded.rstrip(b"="), quote(coded).encode().replace(b"%3D", b"")}
    return whole | {quote(key).encode()}


def found_in(files: dict[Path, bytes], needles: Iterable[bytes]) -> dict[str, int]:
    """file -> how many of the needles it holds; files that hold none are left out."""
    wanted = [needle for needle in needles if needle]
    counts = {str(p): sum(needle in content for needle in wanted) for p, content in files.items()}
    return {name: count for name, count in counts.items() if count}
