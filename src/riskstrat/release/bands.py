"""From scores to ranks and bands: who is reached when so many people can be seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.errors import ReleaseRefused

REST = "low"
"""the band of everybody below the last cut"""

TIE_RULE = (
    "People are ordered by raw score, highest first. Where a cut falls among people with the same "
    "score, those above the line are chosen by a hash of their pseudonym and the study's digest: "
    "as good as drawing lots, the same on every run, and different in every study, so that "
    "nobody is favoured systematically. `tied` marks them."
)


@dataclass(frozen=True, slots=True)
class Edge:
    """One cut between two bands.

    Attributes:
        band: the band above the cut.
        share: cumulative share of the cohort, from the top, as the study asks.
        places: how many people are at or above the cut.
        score: raw score of the last person above it.
        tied_in, tied_out: people with that very score above and below the cut; both are 0
            where the cut falls between two scores.
    """

    band: str
    share: float
    places: int
    score: float
    tied_in: int
    tied_out: int


def places(share: float, n: int) -> int:
    """How many of ``n`` people a share is: halves go up, and at least one.

    Examples:
        >>> places(0.005, 100), places(0.05, 50), places(0.2, 3)
        (1, 3, 1)
    """
    # Decimal, because 0.35 * 10 must be a half exactly before halves can go up.
    exact = Decimal(str(share)) * n
    return min(n, max(1, int(exact.to_integral_value(ROUND_HALF_UP))))


def band_scores(scores: pa.Table, bands: Mapping[str, float], *, key: str) -> pa.Table:
    """Rank one list and cut it into bands; see `TIE_RULE` for ties.

    Args:
        scores: unit_id, as_of, raw_score, risk (more columns are carried along); the rows of
            one list, each unit and date once.
        bands: name -> cumulative share from the top, rising.
        key: the study's digest; it decides between equal scores.

    Returns:
        The rows in rank order with ``rank`` (1 is the highest score), ``band`` (`low` below the
        last cut) and ``tied`` (the score is shared by people on both sides of a cut).

    Raises:
        ReleaseRefused: if there is nobody to rank, or a score is missing.
    """
    n = scores.num_rows
    score = np.asarray(scores["raw_score"].to_numpy(zero_copy_only=False), dtype=np.float64)
    if n == 0 or not np.isfinite(score).all():
        raise ReleaseRefused(
            f"{int((~np.isfinite(score)).sum())} of {n} people have no score, so there is no list",
            fix="score the whole cohort; check that somebody is in scope on this date",
            code="RS3010",
        )
    lots = np.array([_lot(key, *pair) for pair in _pairs(scores)], dtype="S16")
    order = np.lexsort((lots, -score))
    ranked = scores.take(pa.array(order))
    band = np.full(n, REST, dtype=object)
    tied = np.zeros(n, dtype=bool)
    start = 0
    for name, share in bands.items():
        cut = places(share, n)
        band[start : max(cut, start)] = name
        tied |= _tied_at(score[order], cut)
        start = max(cut, start)
    ranked = ranked.append_column("rank", pa.array(np.arange(1, n + 1), pa.int64()))
    ranked = ranked.append_column("band", pa.array(band.tolist(), pa.string()))
    return ranked.append_column("tied", pa.array(tied))


def edges(banded: pa.Table, bands: Mapping[str, float]) -> tuple[Edge, ...]:
    """Where each cut fell, and how many people share the score at it.

    Args:
        banded: as `band_scores` returned it, complete and in rank order.
    """
    score = banded["raw_score"].to_numpy(zero_copy_only=False)
    found = []
    for name, share in bands.items():
        cut = places(share, len(score))
        tied = np.flatnonzero(_tied_at(score, cut))
        inside = int((tied < cut).sum())
        found.append(Edge(name, share, cut, float(score[cut - 1]), inside, len(tied) - inside))
    return tuple(found)


def _tied_at(ordered: NDArray[np.float64], cut: int) -> NDArray[np.bool_]:
    """Who has the very score at which the cut falls, if people on both sides have it."""
    if cut >= len(ordered) or ordered[cut - 1] != ordered[cut]:
        return np.zeros(len(ordered), dtype=np.bool_)
    return np.asarray(ordered == ordered[cut], dtype=np.bool_)


def _pairs(scores: pa.Table) -> zip[tuple[str, object]]:
    return zip(scores["unit_id"].to_pylist(), scores["as_of"].to_pylist(), strict=True)


def _lot(key: str, unit_id: str, as_of: object) -> bytes:
    return hashlib.sha256(f"{key}\x1f{unit_id}\x1f{as_of}".encode()).digest()[:16]
