"""Keys begin, are rotated, and end: what each step leaves behind, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header, opened, read_header
from riskstrat.custody.keyspec import KEEPER_OF, Domain, Keeper
from riskstrat.custody.places import Places, drop
from riskstrat.custody.pseudonyms import pseudonyms
from riskstrat.custody.register import Entry, Keyring, keyring
from riskstrat.custody.rows import BATCH_ROWS, write
from riskstrat.custody.spec import CustodySpec
from riskstrat.disk import write_json

FILES: Mapping[str, str] = {Domain.PERSON.value: "people", Domain.HOUSEHOLD.value: "addresses"}
Note = Callable[[Keeper, str, Mapping[str, Any]], str]
"""(whose log, what was done, details) -> the hash of the entry in that keeper's log"""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    old: str
    new: str
    renamed: int
    """pseudonyms in the re-key table"""


def new_keys(
    spec: CustodySpec,
    places: Places,
    at: datetime,
    note: Note,
    *,
    keepers: frozenset[Keeper] = frozenset(Keeper),
) -> tuple[Entry, ...]:
    """Make every key the custody file names that was never made, for these keepers.

    Raises:
        CustodyError: RS1625 a vault has no such key.
    """
    made = []
    for domain, key_id in spec.key_ids().items():
        keeper = KEEPER_OF[domain]
        if key_id is None or keeper not in keepers:
            continue
        ring = keyring(spec, places, domain)
        if key_id in ring.entries():
            continue
        places.of(keeper, "keys")
        made.append(ring.make(key_id, domain, at))
        note(keeper, f"key new {key_id}", {"domain": domain.value})
    return tuple(made)


def list_keys(spec: CustodySpec, places: Places) -> tuple[tuple[Entry, bool], ...]:
    """Every key in the registers that are here, and whether its store still has it."""
    found: list[tuple[Entry, bool]] = []
    seen: set[Path] = set()
    for domain in Domain:
        ring = keyring(spec, places, domain)
        if ring.register in seen:
            continue
        seen.add(ring.register)
        for entry in ring.entries().values():
            there = entry.state != "destroyed" and ring.store.read(entry.key_id) is not None
            found.append((entry, there))
    return tuple(found)


def rotate(
    spec: CustodySpec, places: Places, domain: Domain, at: datetime, note: Note, *, to: str = ""
) -> Rotation:
    """Put a new key in the place of a domain's key.

    The linker's entity table goes over to the new key's pseudonyms, and a re-key table, which stays
    with the linker, keeps what each was before: the gateway still knows whom an old list means.
    The old key stays readable until it is destroyed, but nothing is linked under it any more.

    Args:
        spec: the custody file.
        places: the folders under ``--custody``.
        domain: whose key.
        at: now.
        note: writes to the log.
        to: the new key's id; by default the old one with the next number.

    Raises:
        CustodyError: what the keyring says of the old key, or of making the new one.
    """
    old = spec.key_ids()[domain]
    if old is None:
        raise CustodyError(
            f"the custody file names no {domain.value} key",
            fix=f"name one under `keys.{domain.value}`",
            code="RS1621",
        )
    ring = keyring(spec, places, domain)
    new = to or next_id(old)
    ring.key(old)
    began = ring.entries().get(new)  # a rotation that was interrupted goes on with its key
    if began is None or (began.domain, began.state) != (domain.value, "active"):
        ring.make(new, domain, at)
    renamed = _rename(spec, places, ring, domain, old, new) if domain.value in FILES else 0
    ring.mark(old, "rotated", at, new)
    note(KEEPER_OF[domain], f"key rotate {old}", {"new": new, "renamed": renamed})
    return Rotation(old, new, renamed)


def next_id(key_id: str) -> str:
    """A key's id with the next number.

    Examples:
        >>> next_id("mid-county-person-1"), next_id("shared")
        ('mid-county-person-2', 'shared-2')
    """
    found = re.fullmatch(r"(.*-)(\d{1,6})", key_id)
    return f"{found[1]}{int(found[2]) + 1}" if found else f"{key_id[:60]}-2"


def _rename(
    spec: CustodySpec, places: Places, ring: Keyring, domain: Domain, old: str, new: str
) -> int:
    """Write the re-key table, then the entity table under the new key; drop the old one."""
    name = FILES[domain.value]
    before = places.entities(old) / f"{name}.parquet"
    if not before.exists():
        return 0
    table: pa.Table = opened(before).read()
    fresh = pseudonyms(ring.key(new), domain, table.column("entity"))
    at = table.schema.get_field_index("pseudonym")
    pairs = pa.table({"old": table.column("pseudonym"), "new": fresh})
    pairs = pairs.group_by(["old", "new"]).aggregate([]).sort_by("old")
    header = Header(spec.project, "rekey", spec.population, {domain.value: new})
    places.of(Keeper.LINKER, "rekey")
    rekey = places.rekey(old)
    write(rekey, header.on(pairs.schema), iter(pairs.to_batches()))
    renamed = table.set_column(at, "pseudonym", fresh).sort_by(
        [("pseudonym", "ascending"), ("agency", "ascending"), ("record_key", "ascending")]
    )
    target = places.of(Keeper.LINKER, "entities", new) / f"{name}.parquet"
    made = Header(spec.project, "entities", spec.population, {domain.value: new})
    write(target, made.on(renamed.schema), iter(renamed.to_batches(BATCH_ROWS)))
    drop(before)
    return int(pairs.num_rows)


def destroy(
    spec: CustodySpec,
    places: Places,
    key_id: str,
    at: datetime,
    note: Note,
    *,
    who: str,
    why: str,
) -> Path:
    """Destroy a key and all that still ties its pseudonyms to people; returns the certificate.

    Without its key a pseudonym cannot be made again from an identifier; without the entity table
    and the re-key tables nobody can look it up either. Both go.

    Raises:
        CustodyError: RS1621 no such key, RS1624 it was destroyed before, RS1628 a vault still
            gives it.
    """
    ring, entry = _find(spec, places, key_id)
    keeper = KEEPER_OF[Domain(entry.domain)]
    removed = _tables_of(places, key_id) if keeper is Keeper.LINKER else {}
    how = ring.store.erase(key_id)
    for path in removed:
        drop(path)
    ring.mark(key_id, "destroyed", at)
    facts = {
        "key_id": key_id,
        "domain": entry.domain,
        "digest": sha256(f"{key_id}|{entry.project}".encode()).hexdigest(),
        "tables_removed": len(removed),
        "pseudonyms_forgotten": sum(removed.values()),
    }
    hash_of_entry = note(keeper, f"key destroy {key_id}", facts)
    certificate = places.certificate(keeper, key_id)
    places.of(keeper, "certificates")
    write_json(
        certificate,
        {
            **facts,
            "certificate": "destruction of a key",
            "project": entry.project,
            "created": entry.created,
            "destroyed": at.isoformat(timespec="seconds"),
            "by": who,
            "reason": why,
            "how": how,
            "log_entry": hash_of_entry,
        },
    )
    return certificate


def _find(spec: CustodySpec, places: Places, key_id: str) -> tuple[Keyring, Entry]:
    for domain in Domain:
        ring = keyring(spec, places, domain)
        entry = ring.entries().get(key_id)
        if entry and entry.state == "destroyed":
            raise CustodyError(
                f"key {key_id} was destroyed on {entry.changed[:10]}",
                fix="its certificate is in the folder `certificates` of its keeper",
                code="RS1624",
            )
        if entry:
            return ring, entry
    raise CustodyError(
        f"there is no key {key_id} in the registers that are here",
        fix="`riskstrat pseudonymise keys list CUSTODY_FILE` shows those there are",
        code="RS1621",
    )


def _tables_of(places: Places, key_id: str) -> dict[Path, int]:
    """Tables at the linker that hold pseudonyms under a key, and how many rows each has."""
    found = sorted(places.entities(key_id).glob("*.parquet"))
    for path in sorted(places.rekey(key_id).parent.glob("*.parquet")):
        header = read_header(path)
        if path.stem == key_id or (header and key_id in header.keys.values()):
            found.append(path)
    return {path: pq.read_metadata(path).num_rows for path in found}
