"""The ledger of releases: which protected tables have ever left, proven like the log.

It holds counts as they were shown, and is read by the audit of every later release. An entry is
written when a release is about to take its place, after it passed: whatever has left is in it. If
the power goes in that moment, it may hold a release that did not leave, which is the safe side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from riskstrat.errors import StorageError
from riskstrat.store.ledger import Ledger

HASH = "entry_of_releases"
"""in the log: the hash of the entry that a release has in the ledger"""


@dataclass(frozen=True, slots=True)
class ReleaseLedger:
    """A hash chain of releases, with anchors, beside the log."""

    chain: Ledger
    log: Ledger
    """knows the hash of every entry, so that the ledger cannot be removed or replaced unnoticed"""

    @classmethod
    def of_store(cls, root: Path) -> ReleaseLedger:
        """The ledger of a store."""
        return cls(Ledger(root / "log" / "released.jsonl"), Ledger.of_store(root))

    def releases(self) -> list[Mapping[str, Any]]:
        """Every release, oldest first.

        Raises:
            StorageError: RS7405 an entry was changed, RS7406 the end was cut off, RS7408 the log
                tells of a release that is not there. Nothing can be released until it is put
                back: what left before could not be minded.
        """
        self.verify()
        return [entry["details"] for entry in self.chain.entries()]

    def verify(self) -> tuple[int, str]:
        """Prove the chain, and that it holds every release that the log tells of.

        Returns:
            How many entries there are, and the hash of the newest one.

        Raises:
            StorageError: as `releases`.
        """
        last = self.chain.verify()
        held = {entry["hash"] for entry in self.chain.entries()}
        for entry in self.log.entries():
            if (told := entry["details"].get(HASH)) is not None and told not in held:
                raise StorageError(
                    f"{self.chain.path}: {entry['what']}, says entry {entry['seq']} of the log, "
                    "and the ledger of releases does not hold it",
                    fix="put the ledger of releases and its anchor back from a copy kept elsewhere",
                    code="RS7408",
                )
        return last

    def record(self, release: Mapping[str, Any], *, at: datetime, who: str, why: str) -> bool:
        """Add a release, unless the very same one is there.

        Returns:
            Whether it was added.

        Raises:
            StorageError: as `releases`, or the disk is full.
        """
        self.verify()
        what = f"{release['study']} {release['day']}"
        same = (each["hash"] for each in self.chain.entries() if each["details"] == release)
        known = next(same, None)
        entry = known or self.chain.append(
            at=at, who=who, what=f"release {what}", why=why, details=release
        )
        # After the ledger: whoever dies in between has a ledger that knows more than the log.
        if not any(each["details"].get(HASH) == entry for each in self.log.entries()):
            self.log.append(at=at, who=who, what=f"released {what}", why=why, details={HASH: entry})
        return known is None
