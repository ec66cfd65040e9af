"""The tamper-evident log: who did what, when and why, each entry bound to the one before."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from riskstrat.derivation import digest
from riskstrat.disk import disk_errors
from riskstrat.errors import StorageError

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Ledger:
    """An append-only file of JSON lines under ``<store>/log``. Never holds row values."""

    path: Path

    @classmethod
    def of_store(cls, root: Path) -> Ledger:
        """The log of a store."""
        return cls(root / "log" / "ledger.jsonl")

    def append(
        self, *, at: datetime, who: str, what: str, why: str, details: Mapping[str, Any]
    ) -> str:
        """Add an entry and return its hash, once it is on the disk.

        Raises:
            StorageError: the log is damaged, or cannot be written.
        """
        last = self._last()
        body = {
            "seq": last[0] + 1,
            "at": at.isoformat(timespec="seconds"),
            "who": who,
            "what": what,
            "why": why,
            "details": dict(details),
            "previous": last[1],
        }
        entry = {**body, "hash": digest(body)}
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_unfinished()
            with self.path.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n")
                handle.flush()
                os.fsync(handle.fileno())
        return str(entry["hash"])

    def first_broken_link(self) -> int | None:
        """Line number of the first entry that does not follow from the one before, or None."""
        previous = GENESIS
        for number, line in enumerate(self._lines(), start=1):
            try:
                entry = json.loads(line)
                claimed = entry.pop("hash")
            except (ValueError, KeyError, AttributeError):
                return number
            if entry.get("previous") != previous or digest(entry) != claimed:
                return number
            previous = claimed
        return None

    def entries(self) -> list[dict[str, Any]]:
        """Every entry, oldest first.

        Raises:
            StorageError: a line of the log is damaged.
        """
        return [self._entry(line, number) for number, line in enumerate(self._lines(), start=1)]

    def _lines(self) -> list[str]:
        """Whole lines. A last one without its end was never acknowledged: the power went."""
        if not self.path.exists():
            return []
        with disk_errors(self.path):
            content = self.path.read_bytes()
        return content.decode("utf-8", "replace").split("\n")[:-1]

    def _drop_unfinished(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.truncate(self.path, content.rfind(b"\n") + 1)

    def _last(self) -> tuple[int, str]:
        lines = self._lines()
        if not lines:
            return 0, GENESIS
        entry = self._entry(lines[-1], len(lines))
        return int(entry["seq"]), str(entry["hash"])

    def _entry(self, line: str, number: int) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(line)
            if {"seq", "at", "who", "what", "why", "hash"} <= entry.keys():
                return entry
        except (ValueError, AttributeError):
            pass
        raise StorageError(
            f"{self.path}: line {number} is damaged",
            fix="put the log back from a copy kept elsewhere; it was changed after it was written",
            code="RS7405",
        )
