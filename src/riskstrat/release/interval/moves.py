"""From one possible world to many: people are exchanged so that no sum changes.

One more of a kind in a group needs one fewer of another kind there, one fewer of the first kind in
some other group, and one more of the other kind in that. Such exchanges keep every sum, so that one
world shows at once how far each count could go, where a solver would be asked for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from riskstrat.release.interval.bounds import Part
from riskstrat.release.interval.system import Floats, Ints

PARTNERS = 2
"""counts of a sum that may make up for a change of another: those that can change most"""
MANY = 1e9


@dataclass(frozen=True, slots=True)
class Moves:
    """Exchanges of one part.

    Attributes:
        count, partner, kind: int (k,): a count, one that makes up for it in a sum of theirs, and
            the kind of this pair: any two of a kind can exchange people. In each kind every count
            and every partner is there once, so that exchanges with several do not meet.
    """

    count: Ints
    partner: Ints
    kind: Ints

    @classmethod
    def of(cls, part: Part) -> Moves:
        """Work them out from the sums."""
        sums = _sums_of(part)
        kinds: dict[tuple[object, object], int] = {}
        taken: set[tuple[int, int, int]] = set()
        found = []
        for count, partner, shared in _pairs(part):
            rest = (sums[count] - {shared}, sums[partner] - {shared})
            kind = kinds.setdefault(rest, len(kinds))
            if {(kind, 0, count), (kind, 1, partner)} & taken:
                continue
            taken |= {(kind, 0, count), (kind, 1, partner)}
            found.append((count, partner, kind))
        made = np.array(found, np.int64).reshape(-1, 3)
        return cls(made[:, 0], made[:, 1], made[:, 2])

    def reach(self, part: Part, world: Floats) -> tuple[Floats, Floats]:
        """How low and how high each count can go from a world, others making up for it."""
        low, high = world.copy(), world.copy()
        if not len(self.kind):
            return low, high
        room_up = np.minimum(part.high - world, MANY)
        room_down = world - part.low
        less = np.minimum(room_down[self.count], room_up[self.partner])
        more = np.minimum(room_up[self.count], room_down[self.partner])
        for own, others, side in ((more, less, high), (less, more, low)):
            of_kind = np.bincount(self.kind, others)[self.kind] - others
            step = np.minimum(own, of_kind)
            if side is high:
                np.maximum.at(side, self.count, world[self.count] + step)
            else:
                np.minimum.at(side, self.count, world[self.count] - step)
        return low, high


def _sums_of(part: Part) -> list[frozenset[tuple[int, int]]]:
    """For each count, the sums it is in, and whether as a part (1) or as the whole (-1)."""
    columns = part.matrix.tocsc()
    return [
        frozenset(
            zip(
                columns.indices[start:stop].tolist(),
                columns.data[start:stop].astype(int).tolist(),
                strict=True,
            )
        )
        for start, stop in zip(columns.indptr[:-1], columns.indptr[1:], strict=True)
    ]


def _pairs(part: Part) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """(count, partner, sum): for each sum its parts, with those of them that can change most."""
    rows = part.matrix
    room = np.minimum(part.high - part.low, MANY)
    for row in range(rows.shape[0]):
        entries = slice(rows.indptr[row], rows.indptr[row + 1])
        members = rows.indices[entries][rows.data[entries] > 0]
        order = members[np.lexsort((members, -room[members]))]
        for partner in order[:PARTNERS].tolist():
            for count in members.tolist():
                if count != partner:
                    yield count, partner, (row, 1)
