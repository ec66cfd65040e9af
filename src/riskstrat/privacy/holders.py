"""How many people stand behind each of many sets of rows, without keeping the rows."""

from __future__ import annotations

import numpy as np

from riskstrat.statistics.estimate import BoolArray, IntArray

NONE = -1
"""a row that is in no set of a column"""


class Holders:
    """Counts rows of every set in a first pass, and people of some sets in a second.

    A person has at most ``each`` rows, so a set of so many rows holds at least that number over
    ``each`` people: only sets for which that leaves doubt are looked at twice.

    Attributes:
        rows: int (sets,), how many rows each holds.
    """

    def __init__(self, sets: int, each: int) -> None:
        self.rows: IntArray = np.zeros(sets, dtype=np.int64)
        self._each = max(each, 1)
        self._place: IntArray = np.full(sets, NONE, dtype=np.int64)
        self._pairs: list[IntArray] = []
        self._asked: IntArray = np.empty(0, dtype=np.int64)

    @property
    def at_least(self) -> IntArray:
        """int (sets,): fewer people than this cannot be in a set of so many rows."""
        return -(-self.rows // self._each)

    def count(self, sets: IntArray) -> None:
        """Add rows: int (n, columns), the set each row is in, for each column; or ``NONE``."""
        held = sets[sets != NONE]
        self.rows += np.bincount(held, minlength=len(self.rows))

    def ask(self, wanted: BoolArray) -> None:
        """Say which sets (sets,) are to be looked at in the second pass."""
        self._asked = np.flatnonzero(wanted)
        self._place[:] = NONE
        self._place[self._asked] = np.arange(len(self._asked))

    def collect(self, sets: IntArray, unit: IntArray) -> None:
        """Second pass: the same rows, and whose they are (n,)."""
        place = np.where(sets == NONE, NONE, self._place[sets])
        row, column = np.nonzero(place != NONE)
        if len(row):
            pairs = place[row, column] + len(self._asked) * unit[row]
            self._pairs.append(np.unique(pairs))

    def people(self) -> IntArray:
        """int (sets,): different people in the sets that were asked for, ``NONE`` for others."""
        found = np.full(len(self.rows), NONE, dtype=np.int64)
        pairs = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *self._pairs]))
        if len(self._asked):
            count = np.bincount(pairs % len(self._asked), minlength=len(self._asked))
            found[self._asked] = count
        return found
