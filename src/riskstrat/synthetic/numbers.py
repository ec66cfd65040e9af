"""Numbers that name people and places: NHS numbers, UPNs, UPRNs and local ids, all made up.

Each comes from the place of a person or home in the county by a bijection, so that no two are
alike though no block knows the others' numbers, and nothing of the order shows.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from riskstrat.synthetic.frames import IntArray

TEST_NUMBERS = ((99_900_000, 99_999), (90_000_000, 9_999_999))
"""First eight digits of NHS numbers that are never issued: where they begin, how many.

999 is the range for tests; counties beyond it use all that begins with 9, which is not to be
issued either. The last prefix of each is left out: 9999999999 passes its check and stands for
"not known".
"""
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
UPN_AUTHORITY = 990
"""Local authority numbers from here on are nobody's."""
UPN_SERIALS = 10_000_000
UPRNS = 10_000_000_000
LOCAL_IDS = 100_000_000


@dataclass(slots=True)
class Counted:
    """How many people, homes ... the blocks before this one had: all that a block knows of them."""

    people: int  # that the county was asked for
    areas: int
    persons: int = 0
    homes: int = 0
    entries: Counter[str] = field(default_factory=Counter)  # of each agency's index
    dwellings: IntArray = field(init=False)  # by area

    def __post_init__(self) -> None:
        self.dwellings = np.zeros(self.areas, np.int64)


def shuffled(places: IntArray, size: int, key: Sequence[int | str]) -> IntArray:
    """Distinct numbers below `size` for distinct places below it, in no visible order.

    Four rounds of a Feistel network on the next even number of bits, walked until the number is
    small enough (Black and Rogaway 2002, doi:10.1007/3-540-45760-7_9). Not a secret: a county is
    made up from its seed.

    Raises:
        ValueError: if a place is not below `size`.
    """
    if len(places) and int(places.max()) >= size:
        raise ValueError(f"only {size:,} numbers, but place {int(places.max()):,}")
    half = np.uint64(((size - 1).bit_length() + 1) // 2)
    seeds = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in key]
    keys = np.random.default_rng(seeds).integers(2**63, size=4, dtype=np.uint64)
    value = places.astype(np.uint64)
    outside = np.ones(len(value), np.bool_)
    while outside.any():
        value[outside] = _rounds(value[outside], half, keys)
        outside = value >= np.uint64(size)
    return value.astype(np.int64)


def _rounds(
    value: npt.NDArray[np.uint64], half: np.uint64, keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = value >> half, value & mask
    for key in keys:
        word = (right + key) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        left, right = right, left ^ ((word >> np.uint64(32)) & mask)
    return np.asarray(left << half | right)


def nhs_numbers(places: IntArray, people: int, seed: int) -> pa.Array:
    """Valid ten-digit NHS numbers for places in a county of about so many people.

    The check digit is 11 less the weighted sum of the first nine digits modulo 11, weights 10 to
    2; 11 is written 0, and numbers for which it would be 10 do not exist (domain facts B1).
    """
    begins, prefixes = next(
        (space for space in TEST_NUMBERS if 2 * people <= 9 * space[1]), TEST_NUMBERS[-1]
    )
    number = shuffled(places, 9 * prefixes, (seed, "nhs_number"))
    prefix, nth = begins + number // 9, number % 9
    total = sum(prefix // 10 ** (8 - place) % 10 * (11 - place) for place in range(1, 9))
    # With the ninth digit for which total + 2 * digit = 1 modulo 11 there is no check digit.
    ninth = nth + (nth >= 6 * (1 - total) % 11)
    check = (11 - (total + 2 * ninth) % 11) % 11
    return pa.array(prefix * 100 + ninth * 10 + check).cast(pa.string())


def valid_nhs_number(text: str) -> bool:
    """Whether a text is ten digits with the right check digit.

    >>> valid_nhs_number("9434765919"), valid_nhs_number("9434765918")
    (True, False)
    """
    if len(text) != 10 or not text.isdecimal():
        return False
    total = sum(int(digit) * (10 - at) for at, digit in enumerate(text[:9]))
    return (11 - total % 11) % 11 == int(text[9])


def pupil_numbers(places: IntArray, reception: IntArray, people: int, seed: int) -> pa.Array:
    """UPNs: check letter, local authority, school, year of allocation, serial (domain facts B1).

    >>> pupil_numbers(np.array([0]), np.array([2019]), 500, 1)[0].as_py()[8:10]
    '19'
    """
    size = UPN_SERIALS * (1 + 2 * people // UPN_SERIALS)
    number = shuffled(places, size, (seed, "upn"))
    school = number // 1000 % 10_000
    parts = (UPN_AUTHORITY + number // UPN_SERIALS, school, reception % 100, number % 1000)
    digits = parts[0]
    for part, width in zip(parts[1:], (4, 2, 3), strict=True):
        digits = digits * 10**width + part
    total = sum(digits // 10 ** (13 - place) % 10 * place for place in range(2, 14))
    letters = pa.array(list(UPN_LETTERS)).take(pa.array(total % 23))
    return pc.binary_join_element_wise(letters, pa.array(digits).cast(pa.string()), "")


def valid_pupil_number(text: str) -> bool:
    """Whether a text is a permanent UPN with the right check letter.

    >>> valid_pupil_number("B801200005001"), valid_pupil_number("A801200005001")
    (True, False)
    """
    if len(text) != 13 or not text[1:].isdecimal():
        return False
    total = sum(int(digit) * place for place, digit in enumerate(text[1:], 2))
    return UPN_LETTERS[total % 23] == text[0]


def property_numbers(places: IntArray, seed: int) -> pa.Array:
    """UPRNs of twelve digits, many of them zeros in front."""
    return padded(shuffled(places, UPRNS, (seed, "uprn")), 12)


def local_ids(agency: str, prefix: str, count: int, counted: Counted, seed: int) -> pa.Array:
    """The next `count` ids of an agency's index."""
    key = f"{agency}{prefix}"
    places = counted.entries[key] + np.arange(count)
    counted.entries[key] += count
    number = padded(shuffled(places, LOCAL_IDS, (seed, key)), 8)
    return pc.binary_join_element_wise(pa.array([prefix] * count, pa.string()), number, "")


def padded(numbers: IntArray, width: int) -> pa.Array:
    """Numbers as texts with zeros in front."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
