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

from riskstrat.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ReleaseLedger:
    """A hash chain of releases, with anchors, beside the log."""

    chain: Ledger

    @classmethod
    def of_store(cls, root: Path) -> ReleaseLedger:
        """The ledger of a store."""
        return cls(Ledger(root / "log" / "released.jsonl"))

    def releases(self) -> list[Mapping[str, Any]]:
        """Every release, oldest first.

        Raises:
            StorageError: RS7405 an entry was changed, RS7406 the end was cut off. Nothing can be
                released until it is put back: what left before could not be minded.
        """
        self.chain.verify()
        return [entry["details"] for entry in self.chain.entries()]

    def record(self, release: Mapping[str, Any], *, at: datetime, who: str, why: str) -> bool:
        """Add a release, unless the very same one is there.

        Returns:
            Whether it was added.

        Raises:
            StorageError: as `releases`, or the disk is full.
        """
        if any(each == release for each in self.releases()):
            return False
        what = f"release {release['study']} {release['day']}"
        self.chain.append(at=at, who=who, what=what, why=why, details=release)
        return True
