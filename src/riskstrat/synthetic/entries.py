"""An agency's index: the people, or addresses, that it has records of, under its own ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.synthetic.frames import FAR, BoolArray, IntArray

WEEKS = 60
"""Days between the first and the last record of those who may be registered twice."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The index of an agency. Some people have two entries: later records are under the second."""

    unit: IntArray  # whom, or which home, each entry is about
    first: IntArray  # day of its first record
    last: IntArray
    again: BoolArray  # whether it is a second entry
    local_id: pa.Array
    entry_of: IntArray  # by unit: its first entry
    second_of: IntArray  # by unit: its second entry, or again the first
    switch: IntArray  # by unit: from this day on, records are under the second entry

    def __len__(self) -> int:
        return len(self.unit)

    def of(self, unit: IntArray, when: IntArray) -> IntArray:
        """The entry that each record is under, by the day it was recorded."""
        later = when >= self.switch[unit]
        return np.where(later, self.second_of[unit], self.entry_of[unit])


@dataclass(frozen=True, slots=True)
class Known:
    """Which units an agency has records of, and from when to when."""

    unit: IntArray
    first: IntArray
    last: IntArray

    def within(self, first: IntArray, last: IntArray) -> Known:
        """The same, for an agency that knows of each unit from some day to another (by unit)."""
        unit = self.unit
        return Known(unit, np.maximum(self.first, first[unit]), last[unit])


def known_units(records: Sequence[tuple[IntArray, IntArray]], units: int) -> Known:
    """Each unit of some records once.

    Args:
        records: of each extract, the unit and the day of each record, in the order of days.
        units: how many units there are in the block.
    """
    first, last = np.full(units, FAR), np.full(units, -FAR)
    for unit, when in records:
        # Of several days for one unit the last one assigned stays.
        here_first, here_last = np.full(units, FAR), np.full(units, -FAR)
        here_last[unit] = when
        here_first[unit[::-1]] = when[::-1]
        first, last = np.minimum(first, here_first), np.maximum(last, here_last)
    there = np.flatnonzero(last > -FAR)
    return Known(there, first[there], last[there])


def twice_known(known: Known, share: float, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Of the known, those with a second entry, and the day it begins: after the first record."""
    span = known.last - known.first
    chosen = np.flatnonzero((span > WEEKS) & (rng.random(len(span)) < share))
    at = rng.random(len(chosen))
    return chosen, known.first[chosen] + 1 + (at * span[chosen]).astype(np.int64)


def make_entries(
    known: Known, units: int, twice: tuple[IntArray, IntArray], local_id: pa.Array
) -> Entries:
    """The index of all known units, second entries last.

    Args:
        known: the units.
        units: how many units there are in the block.
        twice: from `twice_known`.
        local_id: an id for each entry.
    """
    chosen, begins = twice
    count = len(known.unit)
    last = known.last.copy()
    last[chosen] = begins - 1
    entry_of, switch = np.full(units, -1), np.full(units, FAR)
    entry_of[known.unit] = np.arange(count)
    second_of = entry_of.copy()
    second_of[known.unit[chosen]] = count + np.arange(len(chosen))
    switch[known.unit[chosen]] = begins
    return Entries(
        np.concatenate([known.unit, known.unit[chosen]]),
        np.concatenate([known.first, begins]),
        np.concatenate([last, known.last[chosen]]),
        np.arange(count + len(chosen)) >= count,
        local_id,
        entry_of,
        second_of,
        switch,
    )
