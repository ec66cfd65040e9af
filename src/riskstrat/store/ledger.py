"""The tamper-evident log: who did what, when and why, each entry bound to the one before.

A hash chain shows a change, an insertion, a removal and another order of entries at the place where
it was made. It cannot show that the end was cut off: what is left is still a chain. So the newest
hash is also written to an *anchor* beside the log and, where ``RISKSTRAT_LOG_ANCHORS`` names a
folder (another disk, another owner), to a second one there. What is and is not noticed:

- changed, inserted, removed or re-ordered entries: yes, and where;
- entries cut off the end, or the whole log put back as it was some days ago: yes, as long as one
  anchor was not put back or removed with it;
- the log *and* every anchor rewritten from some entry on by somebody who may write to all of them:
  no. Hence the second folder, and the newest hash that ``riskstrat log verify`` prints, to be
  minuted by the board.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from riskstrat.derivation import digest
from riskstrat.disk import disk_errors, read_json, write_json
from riskstrat.errors import StorageError

GENESIS = "0" * 64
ANCHORS = "RISKSTRAT_LOG_ANCHORS"
"""names a folder for second anchors, best on a disk that who works here cannot write to at will"""


def login_of_this_process() -> str:
    """The login that runs this process, as the operating system knows it.

    Neither ``RISKSTRAT_USER`` nor ``LOGNAME`` counts: whoever runs a command can set both.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return f"user {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """An append-only file of JSON lines under ``<store>/log``. Never holds row values."""

    path: Path
    login: str = field(default_factory=login_of_this_process)
    """who ran the command, by the operating system: in every entry, beside who is said to act"""

    @classmethod
    def of_store(cls, root: Path) -> Ledger:
        """The log of a store."""
        return cls(root / "log" / "ledger.jsonl")

    @property
    def anchors(self) -> tuple[Path, ...]:
        """Where the newest hash is written down: beside the log, and where the operator says."""
        beside = self.path.with_suffix(".anchor.json")
        if not (folder := os.environ.get(ANCHORS, "").strip()):
            return (beside,)
        told = sha256(str(self.path.resolve()).encode()).hexdigest()[:16]  # one folder, many logs
        return (beside, Path(folder) / f"{told}.anchor.json")

    @property
    def has_begun(self) -> bool:
        """Whether there is an entry, or an anchor that says that there was one."""
        return any(each.exists() for each in (self.path, *self.anchors))

    def append(
        self, *, at: datetime, who: str, what: str, why: str, details: Mapping[str, Any]
    ) -> str:
        """Add an entry and return its hash, once it and its anchors are on the disk.

        Raises:
            StorageError: the log is damaged or was cut short, or cannot be written.
        """
        with self._held():
            last = self._last()
            self._refuse_cut(last)
            body = {
                "seq": last[0] + 1,
                "at": at.isoformat(timespec="seconds"),
                "who": who,
                "what": what,
                "why": why,
                "login": self.login,
                "details": dict(details),
                "previous": last[1],
            }
            entry = {**body, "hash": digest(body)}
            with disk_errors(self.path):
                self._drop_unfinished()
                with self.path.open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n")
                    handle.flush()
                    os.fsync(handle.fileno())
            # After the entry: whoever dies in between leaves a log that is ahead of its anchors.
            for anchor in self.anchors:
                write_json(anchor, {"seq": body["seq"], "hash": entry["hash"]})
        return str(entry["hash"])

    def verify(self) -> tuple[int, str]:
        """Prove the chain, and that its end was not cut off.

        Returns:
            How many entries there are, and the hash of the newest one.

        Raises:
            StorageError: RS7405, naming the first entry that does not follow from the one before;
                RS7406, naming the entry up to which the log reaches, and that up to which it did.
        """
        if broken := self.first_broken_link():
            raise StorageError(
                f"{self.path}: entry {broken} does not follow from the one before it",
                fix="compare the log with a copy kept elsewhere; it was changed after it was "
                "written",
                code="RS7405",
            )
        last = self._last()
        self._refuse_cut(last)
        return last

    def first_broken_link(self) -> int | None:
        """Line number of the first entry that does not follow from the one before, or None."""
        previous = GENESIS
        for number, line in enumerate(self._lines(), start=1):
            try:
                entry = json.loads(line)
                claimed = entry.pop("hash")
            except (ValueError, KeyError, AttributeError):
                return number
            follows = entry.get("previous") == previous and entry.get("seq") == number
            if not follows or digest(entry) != claimed:
                return number
            previous = claimed
        return None

    def entries(self) -> list[dict[str, Any]]:
        """Every entry, oldest first.

        Raises:
            StorageError: a line of the log is damaged.
        """
        return [self._entry(line, number) for number, line in enumerate(self._lines(), start=1)]

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Let one process at a time add to the log: two entries must not follow the same one."""
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = self.path.with_suffix(".lock").open("a+")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _refuse_cut(self, last: tuple[int, str]) -> None:
        """Refuse a log that lacks an entry its anchors know.

        Raises:
            StorageError: RS7406.
        """
        for anchor in self.anchors:
            if not anchor.exists():
                continue
            known = read_json(anchor)
            seq = int(known["seq"])
            if seq <= last[0] and self._hash_of(seq) == known["hash"]:
                continue
            raise StorageError(
                f"{self.path}: the log reached entry {seq}, says {anchor}, and "
                + (
                    f"now ends with entry {last[0]}"
                    if seq > last[0]
                    else f"its entry {seq} was another one"
                ),
                fix="put the log back from a copy kept elsewhere; entries were cut off its end, or "
                "it was replaced by an older one",
                code="RS7406",
            )

    def _hash_of(self, seq: int) -> str:
        lines = self._lines()
        return str(self._entry(lines[seq - 1], seq)["hash"]) if seq else GENESIS

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
