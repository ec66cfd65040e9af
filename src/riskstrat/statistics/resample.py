"""The clustered bootstrap: whole people or households are drawn, never single rows.

Each replicate draws as many clusters as there are, with replacement; a row's weight is the number
of times its cluster was drawn (Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x; the
weights are multinomial). The statistics are written for weighted rows, so nothing is copied or
sorted again: the point value is the same computation with every weight equal to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .estimate import Estimate, FloatArray, IntArray, NotEstimable, percentile_estimate

Key: TypeAlias = tuple[str, ...]
Kernel: TypeAlias = Callable[[FloatArray], Mapping[Key, FloatArray]]
"""Weights (replicates, n_clusters) to named statistics, each (replicates,)."""

CHUNK_CELLS = 1 << 19
"""Cells of one weights matrix (4 MB): a handful of such arrays are alive at once."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which rows stand or fall together.

    Attributes:
        of_row: int (n_rows,), the cluster of each row, 0 .. count - 1.
        count: number of clusters.
    """

    of_row: IntArray
    count: int


def find_clusters(clusters: NDArray[Any] | None, n_rows: int) -> Clusters:
    """Number the clusters 0, 1, ...; without any, each row is its own.

    Args:
        clusters: (n_rows,) any sortable labels (unit or household ids), or None.
        n_rows: number of rows.
    """
    if clusters is None:
        return Clusters(np.arange(n_rows, dtype=np.int64), n_rows)
    labels, codes = np.unique(np.asarray(clusters), return_inverse=True)
    return Clusters(codes.reshape(-1).astype(np.int64), len(labels))


def cluster_weights(
    n_clusters: int, replicates: int, rng: np.random.Generator, *, chunk: int
) -> Iterator[FloatArray]:
    """How often each cluster was drawn, in chunks of replicates.

    The draws depend on ``rng``, ``n_clusters`` and ``replicates`` alone, not on ``chunk``.

    Yields:
        float (at most chunk, n_clusters), whole numbers; every row sums to ``n_clusters``.
    """
    for start in range(0, replicates, chunk):
        size = min(chunk, replicates - start)
        drawn = rng.integers(0, n_clusters, size=(size, n_clusters))
        drawn += n_clusters * np.arange(size)[:, None]
        counts = np.bincount(drawn.reshape(-1), minlength=size * n_clusters)
        yield counts.reshape(size, n_clusters).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Replicates:
    """Each statistic on the data as they are, and on every resample.

    Attributes:
        point: statistic name to its value.
        draws: statistic name to float (replicates,); empty when nothing was resampled.
    """

    point: Mapping[Key, float]
    draws: Mapping[Key, FloatArray]

    def estimate(self, key: Key, n: int) -> Estimate:
        """The named statistic with its percentile interval and denominator ``n``."""
        return percentile_estimate(self.point[key], self.draws[key], n)


def replicate(
    kernel: Kernel, n_rows: int, n_clusters: int, replicates: int, rng: np.random.Generator
) -> Replicates:
    """Run a kernel once with unit weights and once for every resample.

    With fewer than two clusters nothing can be learned from resampling: no draws are made.

    Raises:
        NotEstimable: if ``replicates`` is negative.
    """
    if replicates < 0:
        raise NotEstimable.bad_argument("replicates", replicates, "0 or more")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        point = {k: float(v[0]) for k, v in kernel(np.ones((1, n_clusters))).items()}
        draws: dict[Key, list[FloatArray]] = {key: [np.empty(0)] for key in point}
        chunk = max(1, CHUNK_CELLS // max(n_rows, n_clusters, 1))
        wanted = replicates if n_clusters > 1 else 0
        for weights in cluster_weights(n_clusters, wanted, rng, chunk=chunk):
            for key, values in kernel(weights).items():
                draws[key].append(values)
    return Replicates(point, {key: np.concatenate(parts) for key, parts in draws.items()})
