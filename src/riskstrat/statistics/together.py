"""What is drawn, dealt and left out whole where people move from one household to another.

A person seen on two dates must be on one side of every split and in one cluster of every resample,
whatever household each date names. So everybody linked by a person or a household is together.
Movers make chains of that, and over many dates a chain can hold half of a county, which leaves
nothing to resample. Where one would hold more than ``MOST_TOGETHER`` of the rows, each person is
counted with the household of their last date instead: still in one cluster, but those who lived
together only earlier may then be apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .estimate import IntArray

MOST_TOGETHER = 0.05
"""of the rows: the longest chain of movers that is kept as one cluster"""


def whole_groups(unit: IntArray, group: IntArray) -> IntArray:
    """Labels that keep both a group and a unit that moved between groups on one side, (n,)."""
    units, of_unit = np.unique(unit, return_inverse=True)
    groups, of_group = np.unique(group, return_inverse=True)
    size = len(units) + len(groups)
    links = coo_array(
        (np.ones(len(unit), dtype=np.int8), (of_unit, len(units) + of_group)), shape=(size, size)
    )
    _, component = connected_components(links, directed=False)
    return np.asarray(component[of_unit], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Together:
    """Clusters in which nobody is twice.

    Attributes:
        labels: int (n,), the cluster of each row: the least label of those it joins, so that they
            are the labels given where nobody moved.
        moved: units with rows of several labels.
        longest: share of the rows that the longest chain holds, or would have held.
        by_last: whether each unit is with the label of its last date because of that.
    """

    labels: IntArray
    moved: int
    longest: float
    by_last: bool


def together(unit: IntArray, label: IntArray, day: IntArray) -> Together:
    """Join the clusters of everybody who moved.

    Args:
        unit: int (n,), whose row it is.
        label: int (n,), the household (or the like) on the row's date.
        day: int (n,), that date; of several rows of one unit the latest is its last.
    """
    if not len(unit):
        return Together(label, 0, 0.0, False)
    component = whole_groups(unit, label)
    least = np.full(int(component.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(least, component, label)
    moved = _moved(unit, label)
    size = np.bincount(component)
    chained = np.zeros(len(size), dtype=np.bool_)
    chained[component[np.isin(unit, moved)]] = True
    longest = float(size[chained].max(initial=0)) / len(unit)
    by_last = longest > MOST_TOGETHER and not _one_label_is_as_large(label, size[chained].max())
    found = _last(unit, label, day) if by_last else least[component]
    return Together(found.astype(np.int64), len(moved), longest, by_last)


def _moved(unit: IntArray, label: IntArray) -> IntArray:
    """The units that have rows of several labels."""
    pairs = np.unique(np.stack((unit, label)), axis=1)
    units, labels = np.unique(pairs[0], return_counts=True)
    return np.asarray(units[labels > 1])


def _one_label_is_as_large(label: IntArray, size: int) -> bool:
    """Whether one label alone holds most of the longest chain: then movers are not the reason."""
    return int(np.unique(label, return_counts=True)[1].max()) > size // 2


def _last(unit: IntArray, label: IntArray, day: IntArray) -> IntArray:
    """Each unit's label on its last date, for all of its rows."""
    order = np.lexsort((label, day, unit))
    units, at = np.unique(unit[order][::-1], return_index=True)
    newest = label[order][::-1][at]
    return np.asarray(newest[np.searchsorted(units, unit)])
