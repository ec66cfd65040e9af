"""Computed cells, kept so that nothing is computed twice.

A *block* is the rows of one bucket at one as-of date (or one month of dates, where units have days
of their own). Each column of a block is addressed by what decides its cells: the feature's digest,
the block's rows, and what of its sources can be seen on the day. So a new as-of date computes its
own blocks only, a record that arrives late the blocks it can change, and a changed feature its own
column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc

from riskstrat.derivation import file_digest

KEYS = ("unit_id", "as_of")
ROWS = "rows-"
"""what the name of the file with a block's rows begins with"""
LZ4 = ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cells of a column say nothing, and how many of those were not covered."""

    missing: int
    not_covered: int


@dataclass(frozen=True, slots=True)
class Block:
    """The kept columns of one block's rows.

    Attributes:
        folder: named by the digest of the rows, so that other rows never meet these columns.
    """

    folder: Path

    @classmethod
    def of(cls, root: Path, rows: pa.Table) -> Block:
        """The block of these rows (unit_id, as_of), in their order."""
        return cls(root / rows_digest(rows))

    def kept(self) -> dict[str, Path]:
        """Key of every kept column -> the file that holds it."""
        found: dict[str, Path] = {}
        for path in sorted(self.folder.glob("*.arrow")):
            if not path.name.startswith(ROWS):
                found |= dict.fromkeys(_schema(path).names, path)
        return found

    def lacks(self, keys: Iterable[str]) -> set[str]:
        """Which of these columns are not kept; a file whose bytes changed is removed."""
        for path in self.folder.glob("*.arrow"):
            if path.stem.removeprefix(ROWS) != file_digest(path)[:32]:
                path.unlink()
        wanted = set(keys)
        return wanted - self.kept().keys() if self._rows() else wanted

    def keep(self, columns: Mapping[str, pa.Array], counts: Mapping[str, Counts]) -> None:
        """Keep columns by their keys; they appear whole or not at all."""
        fields = [
            pa.field(
                key,
                column.type,
                metadata={
                    "missing": str(counts[key].missing),
                    "not_covered": str(counts[key].not_covered),
                },
            )
            for key, column in columns.items()
        ]
        table = pa.table(list(columns.values()), schema=pa.schema(fields))
        self._write(table)

    def keep_rows(self, rows: pa.Table) -> None:
        """Keep the rows themselves, beside their columns."""
        if not self._rows():
            self._write(rows, ROWS)

    def _rows(self) -> Path | None:
        return next(self.folder.glob(f"{ROWS}*.arrow"), None)

    def read(self, keys: Sequence[str]) -> pa.Table:
        """The block's rows and these columns, named by their keys."""
        rows, kept = self._rows(), self.kept()
        if rows is None:
            raise FileNotFoundError(self.folder)
        table = _read(rows, KEYS)
        found: dict[str, pa.ChunkedArray] = {}
        for path in dict.fromkeys(kept[key] for key in keys):
            here = _read(path, [key for key in keys if kept[key] == path])
            found |= dict(zip(here.column_names, here.columns, strict=True))
        columns = [table[name] for name in KEYS] + [found[key] for key in keys]
        return pa.table(columns, names=[*KEYS, *keys])

    def counts(self, keys: Iterable[str]) -> dict[str, Counts]:
        """What columns lack, by key."""
        wanted, found = set(keys), {}
        for path in {path for key, path in self.kept().items() if key in wanted}:
            for column in _schema(path):
                if column.name in wanted:
                    said = column.metadata
                    found[column.name] = Counts(int(said[b"missing"]), int(said[b"not_covered"]))
        return found

    def _write(self, table: pa.Table, prefix: str = "") -> None:
        """Write a file under the digest of its bytes, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{uuid4().hex}.part"
        try:
            with ipc.new_file(aside, table.schema, options=LZ4) as file:
                file.write_table(table)
            aside.replace(self.folder / f"{prefix}{file_digest(aside)[:32]}.arrow")
        except BaseException:  # a full disk: nothing half written may stay
            aside.unlink(missing_ok=True)
            raise


def rows_digest(rows: pa.Table) -> str:
    """The identity of rows: their units and dates, in order."""
    sha = hashlib.sha256()
    units = rows["unit_id"].combine_chunks()
    lengths = pc.binary_length(units)
    for array in (rows["as_of"].cast(pa.int32()).combine_chunks(), lengths):
        sha.update(array.to_numpy().tobytes())
    sha.update("".join(units.to_pylist()).encode())
    return sha.hexdigest()[:32]


def column_key(feature: str, inputs: str, code: str) -> str:
    """What decides a column's cells beside the rows.

    Args:
        feature: the feature's own digest.
        inputs: a digest of what can be seen of its sources, see ``buckets/visible.py``.
        code: the version of the code that computes it.
    """
    return hashlib.sha256(f"{feature}|{inputs}|{code}".encode()).hexdigest()[:32]


def _schema(path: Path) -> pa.Schema:
    with pa.memory_map(str(path)) as source:
        return ipc.open_file(source).schema


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        file = ipc.open_file(source)
        names = file.schema.names
        if set(names) != set(columns):
            options = ipc.IpcReadOptions(included_fields=sorted(map(names.index, columns)))
            file = ipc.open_file(source, options=options)
        return file.read_all()
