"""Helpers shared by the made-up county: days, pseudonyms, random streams, typed columns."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Columns = Mapping[str, Any]

_MASK = np.uint64(0xFFFFFFFFFFFFFFFF)


def day(text: str) -> int:
    """Days since 1970-01-01 of an ISO date.

    >>> day("1970-01-02")
    1
    """
    return int(np.datetime64(text, "D").astype(np.int64))


START = day("2015-04-01")
END = day("2025-08-31")
"""The last day anything happens in the county."""
LAST_RECORD = day("2025-12-31")
"""The day the extracts were drawn: nothing is recorded later."""
FAR = day("2999-01-01")
YEAR = 365.25
EPOCHS = tuple(range(2015, 2026))
"""Years whose 1 April opens a simulated year."""


def stream(seed: int, block: int, name: str) -> np.random.Generator:
    """A random stream of its own for each (seed, block, step): adding a step leaves the others."""
    return np.random.default_rng([seed, block, zlib.crc32(name.encode())])


def pseudonyms(prefix: str, seed: int, block: int, count: int) -> pa.Array:
    """`count` distinct ids, a prefix and 16 hex digits, that tell nothing of their order.

    SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195) is a bijection on 64 bits, so
    ids of different blocks never collide.
    """
    key = np.random.default_rng([seed, zlib.crc32(prefix.encode())]).integers(2**63)
    word = np.uint64(key) ^ (
        np.arange(count, dtype=np.uint64) + (np.uint64(block) << np.uint64(32))
    )
    for multiplier, shift in ((0xBF58476D1CE4E5B9, 30), (0x94D049BB133111EB, 27)):
        word = (word + np.uint64(0x9E3779B97F4A7C15)) & _MASK
        word = ((word ^ (word >> np.uint64(shift))) * np.uint64(multiplier)) & _MASK
    word ^= word >> np.uint64(31)
    digits = word.astype(">u8").tobytes().hex()
    return pa.array(
        [prefix + digits[at : at + 16] for at in range(0, len(digits), 16)], pa.string()
    )


def serials(prefix: str, block: int, count: int) -> pa.Array:
    """`count` record ids, unique over blocks."""
    first = (block + 1) * 100_000_000
    return words([prefix], np.zeros(count, np.int64), suffix=np.arange(first, first + count))


def words(labels: Sequence[str | None], index: Any, suffix: Any = None) -> pa.Array:
    """The label at each index, with a number behind it when a suffix is given."""
    chosen = pa.array(labels, pa.string()).take(pa.array(np.asarray(index, np.int64)))
    if suffix is None:
        return chosen
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(chosen, pa.array(suffix).cast(pa.string()), "")


def dates(days: Any, missing: Any = None) -> pa.Array:
    """Days since 1970 as dates; null where `missing`."""
    return pa.array(np.asarray(days).astype(np.int32), mask=missing).cast(pa.date32())


def year_of(days: Any) -> IntArray:
    """Calendar year of each day."""
    stamp = np.asarray(days).astype("datetime64[D]")
    return stamp.astype("datetime64[Y]").astype(np.int64) + 1970


def sigmoid(x: Any) -> FloatArray:
    """Logistic function."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, np.float64))))


def recorded(
    rng: np.random.Generator, happened: Any, low: int, high: int, late: float = 0.02
) -> IntArray:
    """The day each record reached the platform: a lag of low..high days, a few months for some."""
    count = len(happened)
    lag = rng.integers(low, high + 1, count)
    lag += np.where(rng.random(count) < late, rng.integers(30, 76, count), 0)
    return np.asarray(np.minimum(np.asarray(happened) + lag, LAST_RECORD), np.int64)


def ended(
    rng: np.random.Generator, ends: Any, starts_known: Any, low: int, high: int
) -> dict[str, pa.Array]:
    """The two columns of a spell's end: when it ended, and when the platform learnt that."""
    ongoing = np.asarray(ends) > END
    known = recorded(rng, np.where(ongoing, 0, ends), low, high)
    known = np.maximum(known, starts_known)
    return {"ends_on": dates(ends, ongoing), "end_recorded_on": dates(known, ongoing)}


def choose(rng: np.random.Generator, weights: Sequence[float], count: int) -> IntArray:
    """`count` indices drawn with the given weights (which need not sum to one)."""
    total = np.cumsum(np.asarray(weights, np.float64))
    index = np.searchsorted(total, rng.random(count) * total[-1], side="right")
    return np.asarray(index, np.int64)
