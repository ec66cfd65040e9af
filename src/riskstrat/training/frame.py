"""Features encoded once for all folds: rows learnt from are held, others read where they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.derivation import digest
from riskstrat.risk_model import (
    PIECE_ROWS,
    FeatureRows,
    as_matrix,
    code_type,
    encode_columns,
    levels_of,
    require,
)
from riskstrat.training.rows import FloatArray, IntArray
from riskstrat.vocabulary import FeatureColumn, FeatureKind

Matrix = NDArray[Any]
NO_LEVEL = -1
"""Stands for a missing category while columns are filled."""


class Scores(Protocol):
    """A model of encoded features."""

    def raw_of(self, matrix: Matrix) -> FloatArray:
        """Raw scores (rows,)."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a learner may read.

    Attributes:
        features, levels: of the columns.
        dtype: float32, or float64 for a published score.
        source, place: where the rows of ``Rows`` lie among all features, rising.
        held: int (h,), rising: the rows of ``Rows`` that are in memory.
        columns: their features in Arrow, a column each: 4 bytes a number, 1 a category.
        fingerprint: digest of what is held.
    """

    features: tuple[FeatureColumn, ...]
    levels: tuple[tuple[str, ...], ...]
    dtype: type[np.floating[Any]]
    source: FeatureRows
    place: IntArray
    held: IntArray
    columns: pa.Table
    fingerprint: str

    def table(self, rows: IntArray) -> pa.Table:
        """Encoded columns of the given rows (rising numbers; a row may come more than once).

        Dates in a row lie side by side: they are cut out without a copy.
        """
        at = self._where_held(rows)
        if at is None:
            return pa.concat_tables([part for _, part in self._read(rows)])
        if len(at) and at[-1] - at[0] + 1 == len(at) and (np.diff(at) == 1).all():
            return self.columns.slice(int(at[0]), len(at))
        return self.columns.take(pa.array(at))

    def matrix(self, rows: IntArray) -> Matrix:
        """Encoded rows (len(rows), features), row-major; for parts of the rows, such as samples."""
        out = np.empty((len(rows), len(self.features)), dtype=self.dtype)
        for where, part in self.blocks(rows):
            out[where] = part
        return out

    def raw_of(self, model: Scores, rows: IntArray) -> FloatArray:
        """A model's raw scores (len(rows),), a block at a time."""
        raw = np.empty(len(rows))
        for where, part in self.blocks(rows):
            raw[where] = model.raw_of(part)
        return raw

    def blocks(self, rows: IntArray) -> Iterator[tuple[slice, Matrix]]:
        """The given rows (rising numbers) a block at a time; what is not held is read again."""
        if self._where_held(rows) is None:
            for where, part in self._read(rows):
                yield where, as_matrix(part, self.dtype)
            return
        for start in range(0, len(rows), PIECE_ROWS):
            some = rows[start : start + PIECE_ROWS]
            # The base rate reads no feature, and a table of no columns has no rows.
            part = as_matrix(self.table(some), self.dtype).reshape(len(some), -1)
            yield slice(start, start + len(some)), part

    def without(self, names: Collection[str]) -> Frame:
        """The frame without some of its features."""
        kept = [i for i, feature in enumerate(self.features) if feature.name not in names]
        columns = self.columns.select([str(i) for i in kept])
        return replace(
            self,
            features=tuple(self.features[i] for i in kept),
            levels=tuple(self.levels[i] for i in kept),
            columns=columns.rename_columns([str(i) for i in range(len(kept))]),
        )

    def _where_held(self, rows: IntArray) -> IntArray | None:
        """Where rows are among those held; None when one is not."""
        at = np.searchsorted(self.held, rows)
        if len(at) and (at[-1] >= len(self.held) or (self.held[at] != rows).any()):
            return None
        return at

    def _read(self, rows: IntArray) -> Iterator[tuple[slice, pa.Table]]:
        return _encoded(self.source, self.place[rows], self.features, self.levels, self.dtype)


def _encoded(
    source: FeatureRows,
    places: IntArray,
    features: Sequence[FeatureColumn],
    levels: Sequence[Sequence[str]],
    dtype: type[np.floating[Any]],
) -> Iterator[tuple[slice, pa.Table]]:
    """Encoded columns of some rows, a piece at a time, and where the piece stands among them."""
    for piece, at, where in source.chosen([feature.name for feature in features], places):
        chosen = piece if len(at) == piece.num_rows else piece.take(pa.array(at))
        yield where, encode_columns(chosen, features, levels, dtype)


def _hold(
    source: FeatureRows,
    places: IntArray,
    features: Sequence[FeatureColumn],
    levels: Sequence[Sequence[str]],
    dtype: type[np.floating[Any]],
) -> pa.Table:
    """Encoded columns of some rows, each in one block of its own.

    Pieces kept as they were read would lie between those that are not, and the latter's memory
    could not be given back.
    """
    kinds = [
        np.dtype(code_type(known).to_pandas_dtype())
        if feature.kind is FeatureKind.CATEGORY
        else np.dtype(dtype)
        for feature, known in zip(features, levels, strict=True)
    ]
    held = [np.empty(len(places), dtype=kind) for kind in kinds]
    for where, part in _encoded(source, places, features, levels, dtype):
        for column, values in zip(part.columns, held, strict=True):
            whole = values.dtype.kind == "i"
            values[where] = (column.fill_null(NO_LEVEL) if whole else column).to_numpy()
    pa.default_memory_pool().release_unused()
    return pa.table(
        [
            pa.array(values, mask=values == NO_LEVEL if values.dtype.kind == "i" else None)
            for values in held
        ],
        names=[str(position) for position in range(len(held))],
    )


def make_frame(
    source: FeatureRows,
    place: IntArray,
    held: IntArray,
    features: Sequence[FeatureColumn],
    dtype: type[np.floating[Any]] = np.float32,
    learnt: IntArray | None = None,
) -> Frame:
    """Read and encode the rows to hold, a piece at a time.

    A category without declared levels has those of the rows learnt from. One that only other rows
    hold is unknown to the model, as it would be tomorrow: and it is not written into its file.

    Args:
        source: all features.
        place: int (n,), where each row of ``Rows`` lies among them, rising.
        held: int (h,), rising: which rows of ``Rows`` to keep in memory.
        features: which columns.
        dtype: of numbers.
        learnt: int, rising: the rows of ``Rows`` that levels are learnt from; default ``held``.

    Raises:
        StudyError: RS1261 when columns are absent, RS1262 when their type is wrong.
    """
    require(source.schema, features)
    names = [feature.name for feature in features]
    known = place[held if learnt is None else learnt]
    levels = levels_of(
        (piece.take(pa.array(at)) for piece, at, _ in source.chosen(names, known)), features
    )
    columns = _hold(source, place[held], features, levels, dtype)
    content = hashlib.sha256()
    for column in columns.columns:
        for chunk in column.chunks:
            content.update(np.ascontiguousarray(chunk.to_numpy(zero_copy_only=False)).data)
    described = [
        (f.name, f.kind, f.ordered, known) for f, known in zip(features, levels, strict=True)
    ]
    return Frame(
        features=tuple(features),
        levels=levels,
        dtype=dtype,
        source=source,
        place=place,
        held=held,
        columns=columns,
        fingerprint=digest(described, content.hexdigest(), [len(held), len(names)]),
    )
