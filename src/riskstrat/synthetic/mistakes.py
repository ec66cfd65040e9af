"""One agency's index while it is written: who is in it, and which errors were made where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.synthetic.frames import BoolArray, FloatArray, IntArray
from riskstrat.synthetic.names import Words
from riskstrat.synthetic.slips import Slip, on_rows


@dataclass
class Clerk:
    """Draws the errors of one agency's records and remembers them.

    Attributes:
        rate: error -> its chance in each record.
        count: records.
        rng: of all that goes wrong here.
        made: error -> records it was made in.
    """

    rate: Callable[[str], FloatArray]
    count: int
    rng: np.random.Generator
    made: dict[str, IntArray] = field(default_factory=dict)

    def errs(
        self, *errors: str, where: Mapping[str, BoolArray] | None = None
    ) -> dict[str, IntArray]:
        """Which records get which of some errors, at most one of them each.

        Args:
            errors: names; each keeps its own rate as long as the rates add up to less than 1.
            where: error -> records in which it can be made; by default all.
        """
        able = where or {}
        drawn = self.rng.random(self.count)
        below = np.zeros(self.count)
        found: dict[str, IntArray] = {}
        for error in errors:
            chance = self.rate(error) * able.get(error, True)
            found[error] = np.flatnonzero((drawn >= below) & (drawn < below + chance))
            below = below + chance
        self.note(found)
        return found

    def note(self, found: Mapping[str, IntArray]) -> None:
        """Remember errors that were made."""
        for error, rows in found.items():
            if len(rows):
                self.made[error] = rows

    def slip(self, words: Words, found: Mapping[str, IntArray], slips: Mapping[str, Slip]) -> None:
        """Make the errors that change one text."""
        for error, slip in slips.items():
            on_rows(words, found[error], slip, self.rng)

    def some(self, share: float) -> BoolArray:
        """Each record with the same chance."""
        return np.asarray(self.rng.random(self.count) < share)

    def one_of(self, weights: Sequence[float]) -> IntArray:
        """One of several ways for each record."""
        total = np.cumsum(np.asarray(weights))
        at = np.searchsorted(total, self.rng.random(self.count) * total[-1], side="right")
        return np.asarray(at, np.int64)


def objects(texts: pa.Array) -> Words:
    """Texts that can be changed one by one."""
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)


def texts(words: Words) -> pa.Array:
    """Texts, null for None."""
    return pa.array(words, pa.string())


def unspaced(column: pa.Array, rows: BoolArray) -> pa.Array:
    """Texts without the spaces in them, on some rows."""
    return pc.if_else(pa.array(rows), pc.replace_substring(column, " ", ""), column)


def written(ways: Sequence[pa.Array], home: IntArray, way: IntArray) -> pa.Array:
    """The address of each home, each in one of the ways."""
    at = pa.array(home)
    return pc.choose(pa.array(way), *(each.take(at) for each in ways))
