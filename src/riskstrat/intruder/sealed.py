"""What only the judge knows: true identifiers, from a sealed truth or the linker's own table."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.errors import UsageError

NHS, PUPIL, PROPERTY, POSTCODE = "NHS number", "pupil number", "property number", "postcode"
LOCAL, NAME, KEY, RECORD_KEY = "local id", "name", "key", "record key"
SHORTEST = 5
"""an identifier of fewer characters would be found by chance"""


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What must not be found anywhere.

    Attributes:
        tokens: text without blanks -> its kind; as it would stand between two other characters.
        names: single names, in small letters.
        full_names: pairs of names of one person, in small letters, either way round.
        keys: ways to write keys.
        told_by: who knew them; empty if nobody did.
    """

    tokens: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    full_names: frozenset[str] = frozenset()
    keys: tuple[bytes, ...] = ()
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Reads what it was given leave to read.

    Attributes:
        truth: a made-up county's sealed truth.
        custody: the keepers' folders: the linker's entity table, everybody's keys.
        secrets: further keys, such as that of release ids.
    """

    truth: Path | None = None
    custody: Path | None = None
    secrets: tuple[bytes, ...] = ()

    def identifiers(self) -> Identifiers:
        """Everything that must not be found, from whoever knows."""
        people, homes = list(self._people()), list(self._homes())
        tokens: dict[str, str] = {}
        for kind, column in (
            (NHS, "nhs_number"), (PUPIL, "upn"), (PROPERTY, "uprn"), (POSTCODE, "postcode"),
        ):  # fmt: skip
            for table in (*people, *homes):
                tokens.update(dict.fromkeys(_written(kind, _column(table, column)), kind))
        tokens.update(dict.fromkeys(self._local_ids(), LOCAL))
        for table in (*people, *homes):
            tokens.update(dict.fromkeys(_column(table, "record_key"), RECORD_KEY))
        keys = list(self._keys())
        # The hex digits of a key stand between other characters like any other identifier.
        tokens.update({key.hex(): KEY for key in keys})
        return Identifiers(
            {token: kind for token, kind in tokens.items() if len(token) >= SHORTEST},
            frozenset(_single_names(people)),
            frozenset(_full_names(people)),
            tuple(form for key in keys for form in forms_of_key(key)),
            self.told_by,
        )

    def known_people(self, most: int, rng: np.random.Generator) -> dict[str, list[bytes]]:
        """Identifiers an intruder may know, of acquaintances and from public registers.

        Returns:
            Kind -> texts as somebody might hash them; at most so many people and homes.
        """
        found: dict[str, list[str]] = {}
        for table in self._people():
            chosen = table.take(pa.array(np.sort(rng.permutation(table.num_rows)[:most])))
            found.setdefault("NHS numbers", []).extend(_column(chosen, "nhs_number"))
            found.setdefault("pupil numbers", []).extend(_prefixed("upn", _column(chosen, "upn")))
            found.setdefault("names and birthdays", []).extend(_spelled_names(chosen, most // 20))
        for table in self._homes():
            chosen = table.take(pa.array(np.sort(rng.permutation(table.num_rows)[:most])))
            uprn = _column(chosen, "uprn")
            found.setdefault("property numbers", []).extend(_prefixed("uprn", uprn))
        ids = sorted(self._local_ids())
        local = [ids[at] for at in np.sort(rng.permutation(len(ids))[:most]).tolist()]
        found["local ids"] = _prefixed("id", local)
        once = {kind: list(dict.fromkeys(texts)) for kind, texts in found.items()}
        return {kind: [text.encode() for text in texts] for kind, texts in once.items() if texts}

    def names_in_the_files(self) -> list[str]:
        """Names of projects and keys, which are no secret."""
        if not self.custody:
            return []
        return sorted({path.stem for path in self.custody.glob("*/keys/*.key")})

    @property
    def told_by(self) -> str:
        """Who tells the judge, in words; empty if nobody does."""
        sealed = self.truth and (self.truth / "identities.parquet").exists()
        told = ["the sealed truth"] if sealed else []
        if self.custody and any(self.custody.glob("linker/entities/*/*.parquet")):
            told.append("the linker's entity table")
        return " and ".join(told)

    def _people(self) -> Iterator[pa.Table]:
        if self.truth and (path := self.truth / "identities.parquet").exists():
            yield _read(path)
        if self.custody:
            for path in sorted(self.custody.glob("linker/entities/*/people.parquet")):
                yield _read(path)

    def _homes(self) -> Iterator[pa.Table]:
        if self.truth and (path := self.truth / "homes.parquet").exists():
            yield _read(path)
        if self.custody:
            for path in sorted(self.custody.glob("linker/entities/*/addresses.parquet")):
                yield _read(path)

    def _local_ids(self) -> set[str]:
        found: set[str] = set()
        for name, column in (("links", "local_id"), ("address_links", "address_id")):
            if self.truth and (path := self.truth / f"{name}.parquet").exists():
                found |= set(_column(_read(path), column))
        return found

    def _keys(self) -> Iterator[bytes]:
        yield from self.secrets
        if not self.custody:
            return
        for path in sorted(self.custody.glob("*/keys/*.key")):
            try:
                yield bytes.fromhex(path.read_text(encoding="ascii").strip())
            except (OSError, ValueError):
                raise UsageError(
                    f"{path}: the key cannot be read, so nobody can look for it elsewhere",
                    fix="run the intruder as somebody who may read the keepers' folders, or "
                    "without --custody",
                ) from None


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as fault:
        raise UsageError(
            f"{path}: what the judge should know cannot be read",
            fix="check --truth and --custody, and the rights of the files there",
        ) from fault


def _column(table: pa.Table, name: str) -> list[str]:
    if name not in table.column_names:
        return []
    once = pc.unique(table[name].cast(pa.string())).drop_null()
    found: list[str] = once.to_pylist()
    return [each for each in found if each.strip()]


def _written(kind: str, values: Iterable[str]) -> Iterator[str]:
    """How identifiers stand in a text: without blanks; property numbers also without zeros."""
    for value in values:
        plain = value.replace(" ", "").replace("-", "")
        if kind == NHS and not (len(plain) == 10 and plain.isdecimal()):
            continue  # a mistyped number names nobody
        yield plain if kind != POSTCODE else plain.upper()
        if kind == PROPERTY:
            yield plain.lstrip("0")
        if kind == POSTCODE:
            yield plain.lower()


def forms_of_key(key: bytes) -> Sequence[bytes]:
    """How a key might be written: raw, hex, base64, and for an address."""
    whole = [key, key.hex().encode(), key.hex().upper().encode(), quote(key).encode()]
    for coded in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
        whole += [coded.rstrip(b"="), quote(coded.rstrip(b"=")).encode()]
    return list(dict.fromkeys(whole))


# -- names ---------------------------------------------------------------------------------------


def _single_names(people: Iterable[pa.Table]) -> Iterator[str]:
    for table in people:
        for column in ("forename", "surname", "middle_name"):
            yield from (each.lower() for each in _column(table, column) if len(each) > 2)


def _full_names(people: Iterable[pa.Table]) -> Iterator[str]:
    for table in people:
        if {"forename", "surname"} <= set(table.column_names):
            pairs = zip(table["forename"].to_pylist(), table["surname"].to_pylist(), strict=True)
            for forename, surname in pairs:
                if forename and surname and len(f"{forename}{surname}") >= 2 * SHORTEST - 2:
                    yield f"{forename} {surname}".lower()
                    yield f"{surname} {forename}".lower()


def _spelled_names(table: pa.Table, most: int) -> list[str]:
    """Name and birthday in the ways in which they are put together before they are hashed."""
    wanted = ("forename", "surname", "date_of_birth")
    if not set(wanted) <= set(table.column_names):
        return []
    found = []
    rows = table.select(list(wanted)).slice(0, most).to_pylist()
    for row in rows:
        first, last, born = (str(row[name] or "") for name in wanted)
        for one, other in ((first, last), (last, first)):
            for between in ("", "|", " ", "-", "_"):
                for day in (born, born.replace("-", "")):
                    text = between.join((one, other, day))
                    found += [text, text.lower(), text.upper()]
    return found


def _prefixed(domain: str, values: Sequence[str]) -> list[str]:
    """Values bare and set apart by what they are; one whose number has zeros in front, without."""
    ways = ("", f"{domain}|", f"person|{domain}|", f"household|{domain}|")
    plain = [form for value in values for form in dict.fromkeys((value, value.lstrip("0")))]
    return [way + value for value in plain for way in ways]
