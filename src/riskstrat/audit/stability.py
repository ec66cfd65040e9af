"""Would the model rest on the same features had other people been drawn?

A ranking of features is an estimate like any other. The model is learnt again from people drawn
anew, and each feature's rank is given with the lowest and the highest it took. If the refits are
alike, one more would fall between the two with probability (k - 1) / (k + 1) for k of them: 82%
for ten, which is why this is called a range and not a 95% interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskstrat.audit.reasons import added_up, agency_of
from riskstrat.vocabulary import FeatureColumn

FloatArray = NDArray[np.float64]
FEATURE, AGENCY = "feature", "agency"
LEADING = 10
"""features that are called leading"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a model's score moves with each feature, and with each agency's taken together.

    Attributes:
        features: float (features,), mean absolute contribution over the same people.
        agencies: float (agencies,), mean absolute sum of an agency's contributions.
    """

    features: FloatArray
    agencies: FloatArray


def sizes(values: FloatArray, features: Sequence[FeatureColumn]) -> Sizes:
    """Of contributions (people, features)."""
    members = by_agency(features)
    people = max(len(values), 1)
    together = [float(np.abs(added_up(values, each)).sum()) / people for each in members.values()]
    return Sizes(np.abs(values).sum(axis=0) / people, np.array(together))


def by_agency(features: Sequence[FeatureColumn]) -> dict[str, list[int]]:
    """Agency -> the positions of its features."""
    found: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        found.setdefault(agency_of(feature), []).append(position)
    return found


def ranks(size: FloatArray) -> NDArray[np.int64]:
    """1 for the largest; those of one size share the best rank they could have.

    Examples:
        >>> ranks(np.array([0.5, 0.0, 2.0, 0.0])).tolist()
        [2, 3, 1, 3]
    """
    return np.array([1 + int((size > own).sum()) for own in size], dtype=np.int64)


def stability(
    own: Sizes, again: Sequence[Sizes], features: Sequence[FeatureColumn]
) -> list[dict[str, Any]]:
    """The model's ranks and shares beside the range of its refits.

    Args:
        own: of the model.
        again: of its refits, on the same people.
        features: the model's.

    Returns:
        Rows of kind (``feature``, ``agency``), name, meaning, agency, share, share_low, share_high,
        rank, rank_low, rank_high and refits, by kind and rank. ``rank_low`` is the best rank.
    """
    agencies = list(by_agency(features))
    named = [(f.name, f.meaning, f.agency) for f in features]
    rows = _ranged(FEATURE, named, own.features, [each.features for each in again])
    named = [(name, name, name) for name in agencies]
    return rows + _ranged(AGENCY, named, own.agencies, [each.agencies for each in again])


def _ranged(
    kind: str,
    named: Sequence[tuple[str, str, str]],
    own: FloatArray,
    again: Sequence[FloatArray],
) -> list[dict[str, Any]]:
    rank = ranks(own)
    other_ranks = np.array([ranks(each) for each in again]).reshape(len(again), len(own))
    shares = np.array([_shares(each) for each in again]).reshape(len(again), len(own))
    share = _shares(own)
    rows = []
    for i in np.lexsort((np.arange(len(own)), rank)):
        name, meaning, agency = named[i]
        row: dict[str, Any] = {"kind": kind, "name": name, "meaning": meaning, "agency": agency}
        row |= {"share": float(share[i]), "rank": int(rank[i]), "refits": len(again)}
        for what, drawn in (("share", shares[:, i]), ("rank", other_ranks[:, i])):
            row[f"{what}_low"] = drawn.min().item() if len(again) else None
            row[f"{what}_high"] = drawn.max().item() if len(again) else None
        rows.append(row)
    return rows


def _shares(size: FloatArray) -> FloatArray:
    return np.asarray(size / (float(size.sum()) or 1.0))


def stays_leading(own: Sizes, again: Sequence[Sizes], leading: int = LEADING) -> float:
    """Of the model's leading features, the share that a refit has among its own, on average.

    Features that add nothing do not lead.
    """
    first = _leading(own.features, leading)
    if not again or not first:
        return float("nan")
    kept = [len(first & _leading(each.features, leading)) / len(first) for each in again]
    return float(np.mean(kept))


def _leading(size: FloatArray, leading: int) -> set[int]:
    order = np.lexsort((np.arange(len(size)), -size))[:leading]
    return {int(i) for i in order if size[i] > 0}


STABILITY = pa.schema(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("meaning", pa.string()),
        ("agency", pa.string()),
        ("share", pa.float64()),
        ("share_low", pa.float64()),
        ("share_high", pa.float64()),
        ("rank", pa.int64()),
        ("rank_low", pa.int64()),
        ("rank_high", pa.int64()),
        ("refits", pa.int64()),
    ]
)
"""the rows of ``stability`` as a table"""
