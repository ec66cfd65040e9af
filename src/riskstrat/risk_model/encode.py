"""A table of features becomes a matrix of numbers, column by name and never by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray

from riskstrat.errors import StudyError
from riskstrat.vocabulary import FeatureColumn, FeatureKind

Matrix: TypeAlias = NDArray[Any]
"""float (rows, features); NaN where a feature is missing."""


def levels_of(table: pa.Table, features: Sequence[FeatureColumn]) -> tuple[tuple[str, ...], ...]:
    """The categories of each feature, in the order of their codes; empty for a number.

    Declared levels come first, in the contract's order. A category column without declared
    levels takes the values it holds, sorted.

    Args:
        table: the columns ``features`` name.
        features: what to encode.
    """
    require(table.schema, features)
    found: list[tuple[str, ...]] = []
    for feature in features:
        if feature.kind is FeatureKind.NUMBER:
            found.append(())
        elif feature.levels:
            found.append(feature.levels)
        else:
            values = pc.unique(_as_text(table.column(feature.name))).to_pylist()
            found.append(tuple(sorted(value for value in values if value is not None)))
    return tuple(found)


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
        if feature.kind is FeatureKind.NUMBER:
            values = _numbers(column, matrix.dtype)
        else:
            values = _numbers(
                pc.index_in(_as_text(column), value_set=pa.array(known, pa.string())), matrix.dtype
            )
        matrix[:, position] = values
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
