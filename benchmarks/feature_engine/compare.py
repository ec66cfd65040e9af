"""Compare two engines' answers cell by cell, as 32-bit floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

KEYS = ("person_id", "date")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many cells two tables have in common, and how many differ."""

    cells: int
    other: int
    """cells with another value, or empty in one alone"""
    rounding: int
    """of these, numbers that differ by less than a millionth (of 1, or of the larger one)"""
    zero: int
    """of these, 0 where there should be nothing"""
    missing: tuple[str, ...]
    """columns the peer does not have"""
    worst: tuple[tuple[str, int], ...]
    """columns that differ most, with how many cells"""

    def __str__(self) -> str:
        parts = []
        if self.missing:
            parts.append(f"{len(self.missing)} columns missing")
        if self.zero:
            parts.append(f"{self.zero:,} of {self.cells:,} cells are 0, not empty")
        if wrong := self.other - self.rounding - self.zero:
            parts.append(f"{wrong:,} of {self.cells:,} cells differ")
        if self.rounding:
            parts.append(f"{self.rounding:,} cells differ by rounding")
        return "; ".join(parts) or "every cell"


def _sorted(files: Sequence[Path], people: int | None) -> pa.Table:
    table = pa.concat_tables([pq.read_table(file) for file in files], promote_options="permissive")
    if people is not None:
        table = table.filter(pc.less(table["person_id"], people))
    return table.sort_by([(key, "ascending") for key in KEYS])


def compare(
    ours: Sequence[Path], peer: Sequence[Path], names: Sequence[str], people: int | None = None
) -> Agreement:
    """Compare the columns ``names`` of two sets of files with the same people and dates.

    Raises:
        ValueError: the files are not about the same people and dates.
    """
    left, right = _sorted(ours, people), _sorted(peer, people)
    for key in KEYS:
        a, b = (np.asarray(t[key]).astype(np.int64) for t in (left, right))
        if a.shape != b.shape or (a != b).any():
            raise ValueError(f"the answers are not about the same people and dates ({key})")
    other = rounding = zero = 0
    worst: dict[str, int] = {}
    shared = [name for name in names if name in right.column_names]
    for name in shared:
        a, b = (
            t[name].cast(pa.float32()).to_numpy(zero_copy_only=False).astype(np.float32) + 0
            for t in (left, right)
        )
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if count := int(differ.sum()):
            other += count
            with np.errstate(invalid="ignore"):
                near = np.abs(a - b) < 1e-6 * np.maximum(1, np.maximum(np.abs(a), np.abs(b)))
            rounding += int((near & differ).sum())
            zero += int((np.isnan(a) & (b == 0)).sum())
            worst[name] = count
    most = sorted(worst.items(), key=lambda item: -item[1])[:5]
    missing = tuple(name for name in names if name not in shared)
    return Agreement(left.num_rows * len(shared), other, rounding, zero, missing, tuple(most))
