"""The pseudonyms an intruder sees, as the digests they were cut from."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.errors import UsageError
from riskstrat.intruder.numbers import is_valid
from riskstrat.intruder.releases import Release

Starts = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

HEX = re.compile(r"[A-Za-z]?(?:[0-9a-f]{2}){4,64}|[A-Za-z]?(?:[0-9A-F]{2}){4,64}")
LIKE_A_PSEUDONYM = r"^[A-Z]?[0-9a-f]{16,128}$"
SHORT = 16
"""bytes a pseudonym should have at least (domain facts D)"""
PROOF_BITS = 64
NEAR = 22
"""bits of a pseudonym that are looked at first"""


@dataclass(frozen=True, slots=True)
class Target:
    """The pseudonyms of one column, wherever it appears.

    Attributes:
        name: of the column.
        where: in how many files.
        count: how many different ones.
        size: bytes of digest in each; 0 if they are no digests at all.
        starts: the first 8 bytes of each (or all, where there are fewer), sorted.
        readable: how many can be read as an NHS number without any guessing.
    """

    name: str
    where: str
    count: int
    size: int
    starts: Starts
    readable: int

    @property
    def bits(self) -> int:
        """How many bits a guess is compared on."""
        return min(self.size * 8, PROOF_BITS)


class Wanted:
    """All pseudonyms of one size, ready for many guesses."""

    def __init__(self, size: int, starts: Starts) -> None:
        self.size, self.starts = size, np.unique(starts)
        self._near = np.zeros(1 << NEAR, np.bool_)
        self._near[self.starts >> np.uint64(64 - NEAR)] = True

    def among(self, digests: Bytes) -> Starts:
        """Those that are the beginning, or the end, of one of these digests.

        Args:
            digests: bytes (n, length of the digest).
        """
        length = digests.shape[1]
        if length < self.size:  # they cannot have been cut from it
            return np.empty(0, np.uint64)
        width = min(self.size, 8)
        ends = {0, length - self.size}
        found = [self._known(_numbers(digests[:, at : at + width])) for at in sorted(ends)]
        return np.unique(np.concatenate(found))

    def _known(self, guesses: Starts) -> Starts:
        # Most guesses end here: a look into a small table before the search in a long one.
        near = guesses[self._near[guesses >> np.uint64(64 - NEAR)]]
        place = np.minimum(np.searchsorted(self.starts, near), len(self.starts) - 1)
        return np.asarray(near[self.starts[place] == near])


def _numbers(starts: Bytes) -> Starts:
    """Up to 8 bytes each as one whole number, the first byte counting most."""
    whole = np.zeros((len(starts), 8), np.uint8)
    whole[:, : starts.shape[1]] = starts
    return np.asarray(whole.view(">u8")[:, 0].astype(np.uint64))


def wanted(targets: Iterable[Target]) -> list[Wanted]:
    """The pseudonyms of several columns together: a person may be in each."""
    sizes: dict[int, list[Starts]] = {}
    for target in targets:
        if target.size and len(target.starts):
            sizes.setdefault(target.size, []).append(target.starts)
    return [Wanted(size, np.concatenate(starts)) for size, starts in sorted(sizes.items())]


def make_target(name: str, where: str, pseudonyms: Iterable[str]) -> Target:
    """Take pseudonyms apart into what was hashed and what was put before it."""
    values = list(dict.fromkeys(pseudonyms))
    found = bodies(values)
    size = len(found[0]) if found else 0
    starts = b"".join(each[:8].ljust(8, b"\0") for each in found)
    return Target(
        name,
        where,
        len(values),
        size,
        np.sort(np.frombuffer(starts, ">u8").astype(np.uint64)),
        _readable(values),
    )


def _readable(values: Sequence[str]) -> int:
    """How many ids are numbers in disguise; a few are by chance, as one number of eleven checks."""
    found = sum(map(readable, values))
    return found if 2 * found >= len(values) else 0


def bodies(values: Sequence[str]) -> list[bytes]:
    """The bytes behind ids, where all of them are hex or all are base64 of one length; else none.

    A letter in front of an even number of hex digits is a prefix, as in ``P0123...``.
    """
    for decode in (_from_hex, _from_base64):
        try:
            found = [decode(value) for value in values]
        except ValueError:
            continue
        if len({len(each) for each in found}) == 1:
            return found
    return []


def _from_hex(value: str) -> bytes:
    if not HEX.fullmatch(value):
        raise ValueError("no hex digits")
    return bytes.fromhex(value[len(value) % 2 :])


def _from_base64(value: str) -> bytes:
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        found = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
    if len(found) < 8:
        raise ValueError("too short to be a digest")
    return found


def readable(value: str) -> bool:
    """Whether an id is an NHS number in disguise: written out, backwards, in hex or base64.

    Examples:
        >>> readable("P9434765919"), readable("P" + b"9434765919".hex()), readable("P23ff")
        (True, True, False)
    """
    digits = value.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_|:")
    told = {digits, digits.lstrip("0"), digits[::-1]}
    for decode in (_from_hex, _from_base64):
        try:
            body = decode(value)
        except ValueError:
            continue
        told.add(body.decode("ascii", "replace"))
        if len(body) >= PROOF_BITS // 8:  # fewer bytes are as small as that by themselves
            told.add(str(int.from_bytes(body, "big")))
    return any(map(is_valid, told))


@dataclass(frozen=True, slots=True)
class Ids:
    """The different ids in a column of that name, in a folder of extracts."""

    name: str
    files: int
    values: pa.Array

    @property
    def target(self) -> Target:
        """They, as what is to be guessed."""
        where = f"{self.files} extract{'' if self.files == 1 else 's'}"
        return make_target(self.name, where, self.values.to_pylist())


def ids_in(data: Path) -> list[Ids]:
    """The ids of people and homes in a folder of extracts.

    Raises:
        UsageError: an extract is damaged.
    """
    found: dict[str, list[pa.Array]] = {}
    for path in sorted(data.glob("*.parquet")):
        try:
            for name, ids in ids_of(path).items():
                found.setdefault(name, []).append(ids)
        except (OSError, pa.ArrowException) as fault:
            raise UsageError(
                f"{path}: damaged, or not a Parquet file",
                fix="make the extracts again, or give their folder with --data",
            ) from fault
    return [
        Ids(name, len(arrays), pc.unique(pa.chunked_array(arrays)))
        for name, arrays in sorted(found.items())
    ]


def ids_of(path: Path) -> Mapping[str, pa.Array]:
    """The columns of a file that hold ids of people or homes, each id once.

    A column is one if its name says so, or if all that it holds looks like a pseudonym.
    """
    file = pq.ParquetFile(path)
    texts = [each.name for each in file.schema_arrow if _is_text(each.type)]
    found = {}
    for name in texts:
        column = file.read(columns=[name]).column(0)
        once = pc.unique(column.cast(pa.string())).drop_null()
        if name in ("person_id", "household_id", "unit_id") or _all_like(once):
            found[name] = once
    return found


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    )


def _all_like(once: pa.Array) -> bool:
    return bool(len(once)) and bool(
        pc.all(pc.match_substring_regex(once, LIKE_A_PSEUDONYM)).as_py()
    )


def of_releases(releases: Iterable[Release]) -> list[Target]:
    """The ids in releases: pseudonyms of lists for direct care, and ids of one release each."""
    found: dict[str, list[Release]] = {}
    for release in releases:
        for column in ("unit_id", "release_id"):
            if column in release.columns:
                found.setdefault(column, []).append(release)
    return [
        make_target(
            column, f"{len(lists)} lists", (row[column] for each in lists for row in each.rows)
        )
        for column, lists in sorted(found.items())
    ]
