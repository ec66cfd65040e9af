"""Digests of files, remembered by size, modification time and inode: large files are read once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from riskstrat.derivation import file_digest
from riskstrat.disk import read_json, storage_error, write_json
from riskstrat.errors import StorageError


class Remembered:
    """SHA-256 of files; what is known of them is in a JSON file.

    A file whose size, modification time and inode are those of when it was read is taken to hold
    the same bytes. Whoever changes the bytes and puts all three back is not noticed.

    Args:
        memory: the JSON file; a damaged or missing one knows nothing.
        afresh: read every file again, whatever is known.
    """

    def __init__(self, memory: Path, *, afresh: bool = False) -> None:
        self.memory = memory
        self._known: dict[str, list[str]] = {}
        if not afresh and memory.exists():
            with suppress(StorageError):
                self._known = read_json(memory)
        self._changed = False

    def digest(self, path: Path, key: str) -> str:
        """SHA-256 (hex) of a file, which is remembered under ``key``.

        Raises:
            StorageError: it cannot be read.
        """
        try:
            stamp = _stamp(path)  # before it is read: what changes meanwhile is read again
            if self._known.get(key, [""])[0] != stamp:
                self._known[key] = [stamp, file_digest(path)]
                self._changed = True
        except OSError as fault:
            raise storage_error(fault, path) from fault
        return self._known[key][1]

    def learn(self, path: Path, key: str, sha256: str) -> None:
        """Remember the digest of a file that we have just written and read."""
        self._known[key] = [_stamp(path), sha256]
        self._changed = True

    def keep(self) -> None:
        """Write down what was learnt, if anything was.

        Raises:
            StorageError: it cannot be written.
        """
        if self._changed:
            write_json(self.memory, self._known)
            self._changed = False


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"
