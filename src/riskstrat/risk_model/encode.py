"""A table of features becomes a matrix of numbers, column by name and never by position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

from riskstrat.errors import StudyError
from riskstrat.vocabulary import FeatureColumn, FeatureKind

Matrix: TypeAlias = NDArray[Any]
"""float (rows, features); NaN where a feature is missing."""


def levels_of(
    pieces: Iterable[pa.Table], features: Sequence[FeatureColumn]
) -> tuple[tuple[str, ...], ...]:
    """The categories of each feature, in the order of their codes; empty for a number.

    Declared levels come first, in the contract's order. A category column without declared
    levels takes the values it holds, sorted.

    Args:
        pieces: tables with the columns ``features`` name; looked at only where levels are not
            declared.
        features: what to encode.
    """
    undeclared = {f.name for f in features if f.kind is FeatureKind.CATEGORY and not f.levels}
    found: dict[str, set[str]] = {name: set() for name in undeclared}
    for piece in pieces if undeclared else ():
        for name, values in found.items():
            values.update(pc.unique(_as_text(piece.column(name))).drop_null().to_pylist())
    return tuple(
        tuple(sorted(found[feature.name])) if feature.name in found else feature.levels
        for feature in features
    )


def encode(
    table: pa.Table | pa.RecordBatch,
    features: Sequence[FeatureColumn],
    levels: Sequence[Sequence[str]],
    dtype: DTypeLike = np.float32,
) -> Matrix:
    """Select the features by name and turn them into numbers.

    Numbers pass as they are. A category becomes its position among its levels (its rank, when
    the levels are ordered). NULL, infinite numbers and unseen categories become NaN.

    Args:
        table: holds at least the columns ``features`` name, in any order.
        features: the columns wanted, in the order wanted.
        levels: categories of each feature, () for a number.
        dtype: float32 or float64.

    Returns:
        (rows, features), row-major.

    Raises:
        StudyError: RS1261 when columns are absent, RS1262 when their type is wrong.
    """
    require(table.schema, features)
    matrix = np.empty((table.num_rows, len(features)), dtype=dtype)
    for position, (feature, known) in enumerate(zip(features, levels, strict=True)):
        column = table.column(feature.name)
        if feature.kind is FeatureKind.CATEGORY:
            column = _codes(column, known)
        matrix[:, position] = _numbers(column, matrix.dtype)
    return matrix


def encode_columns(
    table: pa.Table,
    features: Sequence[FeatureColumn],
    levels: Sequence[Sequence[str]],
    dtype: DTypeLike = np.float32,
) -> pa.Table:
    """As ``encode``, but column by column in Arrow, which LightGBM reads where it lies.

    A column that is already float32 and finite is passed on without a copy; a category takes
    one byte a row (two from 128 levels on). NULL stands where ``encode`` has NaN.

    Returns:
        A table (rows) whose columns are called 0, 1, ...

    Raises:
        StudyError: RS1261 when columns are absent, RS1262 when their type is wrong.
    """
    require(table.schema, features)
    wanted = pa.from_numpy_dtype(dtype)
    columns = []
    for feature, known in zip(features, levels, strict=True):
        column = table.column(feature.name)
        if feature.kind is FeatureKind.CATEGORY:
            columns.append(_codes(column, known).cast(code_type(known)))
        else:
            number = column.cast(wanted, safe=False)
            finite = pc.is_finite(number)
            whole = pc.all(finite, min_count=0).as_py()
            columns.append(number if whole else pc.if_else(finite, number, pa.scalar(None, wanted)))
    return pa.table(columns, names=[str(position) for position in range(len(columns))])


def code_type(known: Sequence[str]) -> pa.DataType:
    """The smallest whole number that can tell a category's levels apart."""
    return pa.int8() if len(known) <= 127 else pa.int32()


def as_matrix(encoded: pa.Table, dtype: DTypeLike = np.float32) -> Matrix:
    """What ``encode`` would have made of the rows ``encode_columns`` was given."""
    matrix = np.empty((encoded.num_rows, encoded.num_columns), dtype=dtype)
    for position, column in enumerate(encoded.columns):
        matrix[:, position] = _numbers(column, matrix.dtype)
    return matrix


def require(schema: pa.Schema, features: Sequence[FeatureColumn]) -> None:
    """Nothing, or StudyError naming the columns that are absent or of the wrong type."""
    if absent := [f.name for f in features if schema.get_field_index(f.name) < 0]:
        raise StudyError(
            f"the table lacks {_few(absent)}, which the model was trained on\n"
            f"  columns: {len(schema.names)} present, {len(features)} needed",
            fix="score with the features of the study that trained the model, or train again",
            code="RS1261",
        )
    wrong = [
        f"{f.name} ({schema.field(f.name).type}, needs {f.kind.value})"
        for f in features
        if not _fits(schema.field(f.name).type, f.kind)
    ]
    if wrong:
        raise StudyError(
            f"the type of a column does not fit the model: {_few(wrong)}",
            fix="score with the features of the study that trained the model, or train again",
            code="RS1262",
        )


def _fits(found: pa.DataType, kind: FeatureKind) -> bool:
    if pa.types.is_null(found):
        return True
    if kind is FeatureKind.NUMBER:
        return bool(
            pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_boolean(found)
        )
    inner = found.value_type if pa.types.is_dictionary(found) else found
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _as_text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return column.cast(pa.string())


def _codes(column: pa.ChunkedArray | pa.Array, known: Sequence[str]) -> pa.ChunkedArray | pa.Array:
    """Each text's place among the levels; NULL for an unknown one. Looks a text up once."""
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([_codes(part, known) for part in column.chunks], pa.int32())
    level = pa.array(known, pa.string())
    if pa.types.is_dictionary(column.type):
        return pc.index_in(_as_text(column.dictionary), value_set=level).take(column.indices)
    return pc.index_in(_as_text(column), value_set=level)


def _numbers(column: pa.ChunkedArray | pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    wide = column.cast(pa.float64() if dtype == np.float64 else pa.float32(), safe=False)
    values = (
        np.asarray(wide.to_numpy(zero_copy_only=False))
        if isinstance(wide, pa.Array)
        else np.asarray(wide.to_numpy())
    )
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, np.nan)


def _few(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
