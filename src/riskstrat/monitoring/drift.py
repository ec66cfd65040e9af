"""How far a measurement has moved: the population stability index, with an interval.

PSI is the sum over cells of (q - p) ln(q / p), p the share of the reference in a cell and q that of
the new period; it is Jeffreys' divergence of the two (Yurdakul and Naranjo 2020,
doi:10.21314/JRMV.2020.227). Cells are fixed from the reference, each with enough of it, so that no
outlier makes a cell of its own; what is missing is a cell like any other, and so is a value that
training did not know. Half a person is added to each cell: an empty one is rare, not impossible.

Two samples of the same population have a PSI above 0, about (cells - 1) (1/n + 1/m), and more where
people of a household are alike. Whole clusters are resampled, the same ones in both periods, for
mostly the same people are in both; the resamples say how much of the PSI is such noise, and that
much is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskstrat.statistics import Estimate, cluster_weights
from riskstrat.statistics.estimate import FloatArray, IntArray

MOST_CELLS = 10
LEAST_SHARE = 0.01
LEAST_PEOPLE = 20
"""a cell holds at least so much of the reference; but for what is missing, or was never seen"""
PACKS = 1_000
"""clusters are dealt into at most so many packs, which are resampled whole"""
HALF = 0.5

MISSING, OTHER, EVERYTHING = "not recorded", "other", "any value"
LIMITS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one measurement, as training fixed them.

    Attributes:
        labels: what each cell holds; the last is what is missing.
        edges: of a number: the highest value of each cell but the last two.
        levels: of a category: the cell of each level that has one; others go to ``OTHER``.
    """

    labels: tuple[str, ...]
    edges: tuple[float, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()

    def of(self, values: pa.ChunkedArray | pa.Array) -> IntArray:
        """The number of each value's cell, (n,)."""
        missing = len(self.labels) - 1
        if self.levels:
            known = dict(self.levels)
            found = _as_text(values)
            at = pc.index_in(found, value_set=pa.array(list(known), pa.string()))
            place = np.asarray(pc.fill_null(at, -1).to_numpy(zero_copy_only=False)).astype(np.int64)
            cell = np.array([*known.values(), missing - 1], dtype=np.int64)[place]
            return np.where(
                np.asarray(pc.is_valid(found).to_numpy(zero_copy_only=False)), cell, missing
            )
        number = _as_number(values)
        cell = np.searchsorted(np.asarray(self.edges), number, side="left")
        return np.where(np.isnan(number), missing, cell).astype(np.int64)


def number_cells(values: pa.ChunkedArray | NDArray[Any]) -> Cells:
    """Cells of a number: tenths of the reference, joined until each holds enough.

    Args:
        values: (n,) of the reference, null or NaN where missing.

    Examples:
        >>> number_cells(np.repeat([0.0, 1.0, 2.0], [90, 5, 25])).labels
        ('up to 0', 'above 0', 'not recorded')
    """
    number = _as_number(values)
    known = np.sort(number[~np.isnan(number)])
    if not len(known):
        return Cells((EVERYTHING, MISSING))
    least = enough(len(number))
    edges: list[float] = []
    below = 0
    for tenth in range(1, MOST_CELLS):
        edge = float(known[max(int(np.ceil(tenth * len(known) / MOST_CELLS)) - 1, 0)])
        upto = int(np.searchsorted(known, edge, side="right"))
        if upto - below >= least and len(known) - upto >= least:
            edges.append(edge)
            below = upto
    return Cells((*_ranges(edges), MISSING), edges=tuple(edges))


def category_cells(values: pa.ChunkedArray, levels: Sequence[str]) -> Cells:
    """Cells of a category: a level that is common enough has its own, the rest share one.

    Args:
        values: (n,) of the reference, null where missing.
        levels: every level, in order.
    """
    counted = {row["values"]: row["counts"] for row in _as_text(values).value_counts().to_pylist()}
    least = enough(len(values))
    common = [level for level in levels if counted.get(level, 0) >= least]
    cells = tuple((level, number) for number, level in enumerate(common))
    # A category without a common level is one cell: whether it is told at all.
    return Cells((*common, OTHER, MISSING), levels=cells or (("", 0),))


def enough(n: int) -> int:
    """How many of ``n`` rows of the reference a cell holds at least."""
    return max(LEAST_PEOPLE, int(np.ceil(LEAST_SHARE * n)))


def deal_packs(labels: Sequence[pa.ChunkedArray], rng: np.random.Generator) -> list[IntArray]:
    """A pack for each row of several periods; a cluster is in one pack, whatever the period.

    Args:
        labels: per period, the texts of each row's cluster.
        rng: deals the clusters.

    Returns:
        Per period int (n,), below ``PACKS``; each cluster alone in its pack where there are fewer.
    """
    chunks = [chunk for each in labels for chunk in each.chunks]
    whole = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
    order = np.asarray(pc.rank(whole.dictionary, tiebreaker="first").to_numpy()).astype(np.int64)
    dealt = rng.permutation(len(whole.dictionary)) % PACKS
    pack = dealt[order - 1][np.asarray(whole.indices.to_numpy()).astype(np.int64)]
    ends = np.cumsum([len(each) for each in labels])
    return [np.asarray(part) for part in np.split(pack, ends[:-1])]


def pack_weights(
    packs: Sequence[IntArray], replicates: int, rng: np.random.Generator
) -> FloatArray:
    """How often each pack is drawn: (replicates, packs)."""
    count = 1 + max((int(pack.max()) for pack in packs if len(pack)), default=0)
    drawn = list(cluster_weights(count, replicates, rng, chunk=max(replicates, 1)))
    return drawn[0] if drawn else np.empty((0, count))


def counts_by_pack(cell: IntArray, pack: IntArray, cells: int, packs: int) -> FloatArray:
    """Rows of each cell by pack: float (packs, cells)."""
    counted = np.bincount(pack * cells + cell, minlength=packs * cells)
    return counted.reshape(packs, cells).astype(np.float64)


def psi(reference: FloatArray, new: FloatArray) -> FloatArray:
    """The index of counts (..., cells), half a person added to each cell.

    Examples:
        >>> psi(np.array([[50.0, 50.0]]), np.array([[50.0, 50.0]]))
        array([0.])
    """
    cells = reference.shape[-1]
    p = (reference + HALF) / (reference.sum(axis=-1, keepdims=True) + HALF * cells)
    q = (new + HALF) / (new.sum(axis=-1, keepdims=True) + HALF * cells)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one measurement has moved.

    Attributes:
        plain: the index as it is computed everywhere.
        estimate: less the part that sampling alone makes, with its 95% interval; n are the rows
            of the new period.
        reference, new: float (cells,), rows in each cell.
    """

    plain: float
    estimate: Estimate
    reference: FloatArray
    new: FloatArray


def drift(reference: FloatArray, new: FloatArray, weights: FloatArray) -> Drift:
    """The index between two periods, with its interval.

    The interval is the basic bootstrap's (Davison and Hinkley 1997, section 5.2.1), which takes
    off twice what resampling adds; none of it lies below 0.

    Args:
        reference, new: float (packs, cells), of ``counts_by_pack``.
        weights: float (replicates, packs).
    """
    then, now = reference.sum(axis=0), new.sum(axis=0)
    n = int(now.sum())
    if not n or not then.sum():
        return Drift(float("nan"), Estimate.unknown(n), then, now)
    plain = float(psi(then, now))
    if not len(weights):
        return Drift(plain, Estimate(plain, float("nan"), float("nan"), n), then, now)
    draws = psi(weights @ reference, weights @ new)
    noise = float(draws.mean()) - plain
    low, high = (max(0.0, 2 * plain - float(x)) for x in np.quantile(draws, LIMITS[::-1]))
    value = min(max(0.0, plain - noise, low), high)
    return Drift(plain, Estimate(value, low, high, n), then, now)


def _ranges(edges: Sequence[float]) -> tuple[str, ...]:
    if not edges:
        return (EVERYTHING,)
    told = [f"{edge:.4g}" for edge in edges]
    between = [f"above {low} to {high}" for low, high in pairwise(told)]
    return (f"up to {told[0]}", *between, f"above {told[-1]}")


def _as_number(values: Any) -> FloatArray:
    if isinstance(values, pa.ChunkedArray | pa.Array):
        wide = values.cast(pa.float64(), safe=False)
        found = wide.to_numpy() if isinstance(wide, pa.ChunkedArray) else wide.to_numpy(False)
    else:
        found = values
    number = np.asarray(found, dtype=np.float64)
    return np.where(np.isfinite(number), number, np.nan)


def _as_text(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    text = values.cast(pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
