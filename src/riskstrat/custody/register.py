"""Which keys a keeper has had, what became of them, and the one way to get at one.

The register holds no key: only ids, days, and a check value, which tells a wrong key from the
right one and gives nothing away of 256 random bits.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keyspec import KEEPER_OF, Domain
from riskstrat.custody.keystores import KeyStore, key_store
from riskstrat.custody.places import Places
from riskstrat.custody.spec import CustodySpec
from riskstrat.disk import read_json, write_json
from riskstrat.errors import StorageError

State = Literal["active", "rotated", "destroyed"]
CHECK_TEXT = b"riskstrat key check"
CHECK_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's line in the register."""

    key_id: str
    project: str
    domain: str
    created: str
    check: str
    """the first hex digits of the key's HMAC of a fixed text"""
    state: State = "active"
    changed: str = ""
    """when it was rotated or destroyed"""
    replaced_by: str = ""


@dataclass(frozen=True, slots=True)
class Keyring:
    """A keeper's keys: the store that holds them, and the register that knows them."""

    project: str
    store: KeyStore
    register: Path

    def entries(self) -> Mapping[str, Entry]:
        """key id -> its line, in the order they were made.

        Raises:
            CustodyError: RS1629, the register is damaged.
        """
        if not self.register.exists():
            return {}
        try:
            return {each["key_id"]: Entry(**each) for each in read_json(self.register)["keys"]}
        except (StorageError, KeyError, TypeError):
            raise CustodyError(
                f"{self.register}: the register of keys is damaged",
                fix="put it back from a copy; it holds no key, and without it nobody can say which "
                "key is which",
                code="RS1629",
            ) from None

    def key(self, key_id: str) -> bytes:
        """A key that is in use.

        Raises:
            CustodyError: RS1620 open to others, RS1621 never made, RS1622 lost, RS1623 rotated,
                RS1624 destroyed, RS1625 unreadable, RS1626 another key under its name.
        """
        entry = self.entries().get(key_id)
        self._refuse_gone(key_id, entry)
        found = self.store.read(key_id)
        if entry is None:
            raise _never_made(key_id) if found is None else _unregistered(key_id)
        if found is None:
            raise CustodyError(
                f"key {key_id} of {entry.created[:10]} is lost: the register knows it, and its "
                "store has it no more",
                fix="put it back from escrow; without it no new record joins the pseudonyms that "
                "exist, and every extract has to be handed over again under a new key "
                "(`riskstrat pseudonymise keys new`, then its id in the custody file)",
                code="RS1622",
            )
        if check_value(found) != entry.check:
            raise CustodyError(
                f"key {key_id} is not the key that was registered on {entry.created[:10]}",
                fix="have its store give the key that was made under this id; pseudonyms under "
                "this one would fit nothing that exists",
                code="RS1626",
            )
        return found

    def make(self, key_id: str, domain: Domain, at: datetime) -> Entry:
        """Make a key, or take one in that a vault has made, and enter it.

        Raises:
            CustodyError: RS1625 no key, RS1627 there is or was one of this id.
        """
        if (entry := self.entries().get(key_id)) is not None:
            raise CustodyError(
                f"key {key_id} is in the register already ({entry.state} since "
                f"{(entry.changed or entry.created)[:10]})",
                fix="give the new key another id, such as one with the next number",
                code="RS1627",
            )
        made = self.store.make(key_id)
        entry = Entry(key_id, self.project, domain.value, _text(at), check_value(made))
        self._keep({**self.entries(), key_id: entry})
        return entry

    def mark(self, key_id: str, state: State, at: datetime, replaced_by: str = "") -> None:
        """Enter that a key was rotated or destroyed."""
        entries = dict(self.entries())
        entries[key_id] = replace(
            entries[key_id],
            state=state,
            changed=_text(at),
            replaced_by=replaced_by or entries[key_id].replaced_by,
        )
        self._keep(entries)

    def _keep(self, entries: Mapping[str, Entry]) -> None:
        write_json(self.register, {"keys": [asdict(each) for each in entries.values()]})

    def _refuse_gone(self, key_id: str, entry: Entry | None) -> None:
        if entry and entry.project != self.project:
            raise CustodyError(
                f"key {key_id} belongs to project {entry.project}, not to {self.project}",
                fix="give this project a key of its own; pseudonyms of two projects never join",
                code="RS1610",
            )
        if entry and entry.state == "rotated":
            raise CustodyError(
                f"key {key_id} was rotated on {entry.changed[:10]}; {entry.replaced_by} took its "
                "place",
                fix=f"set the {entry.domain} key in the custody file to {entry.replaced_by}, and "
                "split, link and join again",
                code="RS1623",
            )
        if entry and entry.state == "destroyed":
            raise CustodyError(
                f"key {key_id} was destroyed on {entry.changed[:10]}",
                fix="nothing can be linked under it any more; a new project needs a new key",
                code="RS1624",
            )


def keyring(spec: CustodySpec, places: Places, domain: Domain) -> Keyring:
    """The keys of the one who keeps those of a domain."""
    keeper = KEEPER_OF[domain]
    folder = places.keys(keeper)
    store = key_store(spec.key_stores.of(keeper), folder)
    return Keyring(spec.project, store, folder / "register.json")


def check_value(key: bytes) -> str:
    """What the register keeps to know a key again."""
    return hmac.digest(key, CHECK_TEXT, "sha256").hex()[:CHECK_DIGITS]


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _never_made(key_id: str) -> CustodyError:
    return CustodyError(
        f"there is no key {key_id}",
        fix="make it: `riskstrat pseudonymise keys new CUSTODY_FILE`, or correct `keys` in the "
        "custody file",
        code="RS1621",
    )


def _unregistered(key_id: str) -> CustodyError:
    return CustodyError(
        f"key {key_id} is in its store, and the register does not know it",
        fix="enter it with `riskstrat pseudonymise keys new CUSTODY_FILE`, where a vault made it; "
        "a key file that was copied here comes with its register.json",
        code="RS1621",
    )
