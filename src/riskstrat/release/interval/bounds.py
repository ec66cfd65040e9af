"""What each count can be, given all that was told: quick bounds first, then exact ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskstrat.errors import ReleaseRefused
from riskstrat.release.interval.system import Floats, Ints, System

ROUNDS = 60
SECONDS = 20.0
"""that one question to the solver may take"""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that follow from adding and subtracting, sum by sum.

    Attributes:
        low, high: float (n,); no count outside them is possible.
        why_low, why_high: int (n,), the sum each bound follows from; -1 where it was told.
    """

    low: Floats
    high: Floats
    why_low: Ints
    why_high: Ints


def tightened(system: System) -> Bounds:
    """Bounds that no possible count is outside of: each sum bounds each of its members.

    Raises:
        ReleaseRefused: RS3033, what was told contradicts itself.
    """
    low, high = system.low.copy(), system.high.copy()
    why_low = np.full(len(low), -1, np.int64)
    why_high = np.full(len(low), -1, np.int64)
    for _ in range(ROUNDS if len(system.owner) else 0):
        least, most = _by_the_others(system, low, high)
        changed = _raise(low, why_low, system, least) | _lower(high, why_high, system, most)
        if (low > high).any():
            raise _contradiction()
        if not changed:
            break
    return Bounds(low, high, why_low, why_high)


def _by_the_others(system: System, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """For each entry of each sum, what the others leave it."""
    plus = system.sign > 0
    least = np.where(plus, low[system.member], -high[system.member])
    most = np.where(plus, high[system.member], -low[system.member])
    left = _without(system.owner, least)
    right = _without(system.owner, most)
    # sign * x = -(the others), so x lies between the two, whichever way round.
    return np.where(plus, -right, left), np.where(plus, -left, right)


def _without(owner: Ints, values: Floats) -> Floats:
    """The sum of each entry's row without the entry; infinite values are told apart."""
    open_ends = np.isinf(values)
    finite = np.where(open_ends, 0.0, values)
    sums = np.bincount(owner, finite)
    infinite = np.bincount(owner, open_ends)
    others = infinite[owner] - open_ends
    end = np.sign(values[open_ends][0]) * np.inf if open_ends.any() else np.inf
    return np.where(others > 0, end, sums[owner] - finite)


def _raise(low: Floats, why: Ints, system: System, least: Floats) -> bool:
    found = np.full(len(low), -np.inf)
    np.maximum.at(found, system.member, least)
    better = found > low + 0.5
    _note(why, better, system, least == found[system.member])
    low[better] = found[better]
    return bool(better.any())


def _lower(high: Floats, why: Ints, system: System, most: Floats) -> bool:
    found = np.full(len(high), np.inf)
    np.minimum.at(found, system.member, most)
    better = found < high - 0.5
    _note(why, better, system, most == found[system.member])
    high[better] = found[better]
    return bool(better.any())


def _note(why: Ints, better: NDArray[np.bool_], system: System, tight: NDArray[np.bool_]) -> None:
    entries = tight & better[system.member]
    # The first sum that gives the bound, so that the same tables always give the same reason.
    places = np.flatnonzero(entries)[::-1]
    why[system.member[places]] = system.owner[places]


def _contradiction() -> ReleaseRefused:
    return ReleaseRefused(
        "the tables of this release, and those released before, contradict each other: no counts "
        "of people fit all of them",
        fix="if the extracts were changed under the same day, release another day; else tell the "
        "maintainers",
        code="RS3033",
    )


# -- exact ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """Variables that depend on each other, and the sums between them.

    Attributes:
        members: int (k,), the variables that are not known already.
        low, high: float (k,).
    """

    members: Ints
    low: Floats
    high: Floats
    matrix: Any = field(repr=False)
    right: Floats = field(repr=False)

    def world(self, weights: Floats) -> Floats | None:
        """Counts that fit, with the least weighted sum there is; None if none was found in time.

        Args:
            weights: float (k,).

        Raises:
            ReleaseRefused: RS3033, no counts fit.
        """
        from scipy.optimize import Bounds as Box
        from scipy.optimize import LinearConstraint, milp

        for whole_numbers in (False, True):
            found = milp(
                weights,
                integrality=np.full(len(weights), int(whole_numbers)),
                bounds=Box(self.low, self.high),
                constraints=LinearConstraint(self.matrix, self.right, self.right),
                options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
            )
            if found.status == 2:
                raise _contradiction()
            counts: Floats | None = None if found.x is None else np.rint(found.x)
            if found.status == 0 and counts is not None and self._fits(counts):
                return counts
        return None

    def _fits(self, counts: Floats) -> bool:
        """Whether whole counts keep every sum and every bound, to the unit."""
        within = (counts >= self.low).all() and (counts <= self.high).all()
        return bool(within and (self.matrix @ counts == self.right).all())


def parts_of(system: System, bounds: Bounds) -> list[Part]:
    """The system cut into parts that tell nothing of each other; what is known is left out."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size, sums = len(bounds.low), int(system.owner.max(initial=-1)) + 1
    free = bounds.low < bounds.high
    open_entries = free[system.member]
    rows, columns = system.owner[open_entries], system.member[open_entries]
    links = coo_array(
        (np.ones(len(rows)), (columns, size + rows)), shape=(size + sums, size + sums)
    )
    _, label = connected_components(links, directed=False)
    known = np.where(free[system.member], 0.0, system.sign * bounds.low[system.member])
    right: Floats = -np.bincount(system.owner, known, minlength=sums).astype(np.float64)
    order = np.argsort(label[rows + size], kind="stable")
    rows, columns, sign = rows[order], columns[order], system.sign[open_entries][order]
    cuts = np.flatnonzero(np.diff(label[rows + size])) + 1
    found = []
    for mine in np.split(np.arange(len(rows)), cuts) if len(rows) else ():
        members, column = np.unique(columns[mine], return_inverse=True)
        owners, row = np.unique(rows[mine], return_inverse=True)
        matrix = coo_array(
            (sign[mine].astype(np.float64), (row, column)), shape=(len(owners), len(members))
        ).tocsr()
        found.append(
            Part(members, bounds.low[members], bounds.high[members], matrix, right[owners])
        )
    return found
