"""Where key material is: a file only its owner may read, a variable, or a command of a vault."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from riskstrat.custody.faults import CustodyError
from riskstrat.custody.keyspec import CommandKeys, EnvironmentKeys, FileKeys
from riskstrat.custody.places import OWNER_ONLY
from riskstrat.disk import disk_errors, sync

KEY_BYTES = 32
FORBIDDEN = stat.S_IRWXG | stat.S_IRWXO
"""rights of the group and of others: a key may have none of them"""


class KeyStore(Protocol):
    """Keeps keys by their ids. A key is at least 256 bits, written as hex digits."""

    def read(self, key_id: str) -> bytes | None:
        """A key, or ``None`` if the store has none of that id.

        Raises:
            CustodyError: RS1620 it is open to others, RS1625 it cannot be had or is no key.
        """

    def make(self, key_id: str) -> bytes:
        """A key of that id that nobody had before, or that its vault just made.

        Raises:
            CustodyError: RS1625 or RS1627.
        """

    def erase(self, key_id: str) -> str:
        """Make a key unreadable for good, and say how that was done.

        Raises:
            CustodyError: RS1628, the store can still give it.
        """


def key_store(told: FileKeys | EnvironmentKeys | CommandKeys, folder: Path) -> KeyStore:
    """The store a custody file names; ``folder`` is where a keeper's own files are."""
    match told:
        case FileKeys():
            return FileStore(folder)
        case EnvironmentKeys():
            return EnvironmentStore(told.prefix)
        case CommandKeys():
            return CommandStore(told.argv, told.seconds)


@dataclass(frozen=True, slots=True)
class FileStore:
    """One file for each key, with the rights 0600, in a folder with the rights 0700."""

    folder: Path

    def path(self, key_id: str) -> Path:
        """The file of a key."""
        return self.folder / f"{key_id}.key"

    def read(self, key_id: str) -> bytes | None:
        """The key in its file, which nobody but its owner may open."""
        path = self.path(key_id)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise _unreadable(f"{path}: {fault.strerror or 'cannot be opened'}") from None
        with os.fdopen(handle, "rb") as file:
            # Of the open file, not of its name: between two looks a name can be given to another.
            _refuse_open(path, os.fstat(handle), "600")
            _refuse_open(self.folder, self.folder.stat(), "700")
            return _from_hex(file.read(4096), str(path))

    def make(self, key_id: str) -> bytes:
        """Write a new random key."""
        path, key = self.path(key_id), secrets.token_bytes(KEY_BYTES)
        with disk_errors(path):
            self.folder.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY)
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                handle = os.open(path, flags, 0o600)
            except FileExistsError:
                raise CustodyError(
                    f"{path}: there is a key of this id already",
                    fix="give the new key another id; a key is never overwritten",
                    code="RS1627",
                ) from None
            with os.fdopen(handle, "wb") as file:
                file.write(key.hex().encode() + b"\n")
                file.flush()
                os.fsync(handle)
            sync(self.folder)
        return key

    def erase(self, key_id: str) -> str:
        """Overwrite the file with random bytes, then remove it."""
        path = self.path(key_id)
        with disk_errors(path):
            if not path.exists():
                return "no file of the key was left"
            with path.open("r+b") as file:
                size = os.fstat(file.fileno()).st_size
                file.write(secrets.token_bytes(size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync(self.folder)
        return "the file was overwritten with random bytes and removed"


@dataclass(frozen=True, slots=True)
class EnvironmentStore:
    """One variable for each key."""

    prefix: str

    def variable(self, key_id: str) -> str:
        """The name of a key's variable."""
        return self.prefix + key_id.upper().replace("-", "_")

    def read(self, key_id: str) -> bytes | None:
        """The key in its variable."""
        name = self.variable(key_id)
        text = os.environ.get(name, "").strip()
        return _from_hex(text.encode(), f"the variable {name}") if text else None

    def make(self, key_id: str) -> bytes:
        """The key that the secret manager put there."""
        if (key := self.read(key_id)) is None:
            raise _unreadable(
                f"the variable {self.variable(key_id)} is not set",
                "make 32 random bytes in the secret manager and have it set the variable to their "
                "64 hex digits",
            )
        return key

    def erase(self, key_id: str) -> str:
        """See that the secret manager no longer gives the key."""
        if os.environ.get(self.variable(key_id), "").strip():
            raise _still_there(f"the variable {self.variable(key_id)} is still set")
        return "the variable is not set; destruction in the secret manager is its keeper's word"


@dataclass(frozen=True, slots=True)
class CommandStore:
    """A command that prints a key, started without a shell."""

    argv: tuple[str, ...]
    seconds: int

    def read(self, key_id: str) -> bytes | None:
        """The key the command prints; ``None`` if it ends with an error."""
        argv = [part.replace("{key_id}", key_id) for part in self.argv]
        try:
            # The command is the operator's own, from the custody file, and no shell reads it.
            done = subprocess.run(  # noqa: S603
                argv, capture_output=True, timeout=self.seconds, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            what = f"`{argv[0]}` gave no key within {self.seconds} seconds"
            raise _unreadable(what) from None
        except OSError as fault:
            what = f"`{argv[0]}` cannot be started: {fault.strerror}"
            raise _unreadable(what) from None
        # What it says on its way may hold a secret, so nobody hears it.
        return None if done.returncode else _from_hex(done.stdout, f"what `{argv[0]}` printed")

    def make(self, key_id: str) -> bytes:
        """The key that the vault made."""
        if (key := self.read(key_id)) is None:
            raise _unreadable(
                f"`{self.argv[0]}` ended with an error for key {key_id}",
                "make 32 random bytes in the vault, and have the command print their 64 hex digits",
            )
        return key

    def erase(self, key_id: str) -> str:
        """See that the vault no longer gives the key."""
        if self.read(key_id) is not None:
            raise _still_there(f"`{self.argv[0]}` still gives key {key_id}")
        return "the vault no longer gives it; its destruction there is its keeper's word"


def _from_hex(text: bytes, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        raise _unreadable(f"{where} holds no key in hex digits") from None
    if len(key) < KEY_BYTES:
        raise _unreadable(f"{where} holds {8 * len(key)} bits where a key has 256 or more")
    return key


def _refuse_open(path: Path, found: os.stat_result, wanted: str) -> None:
    if found.st_mode & FORBIDDEN:
        raise CustodyError(
            f"{path}: others may open it (its rights are {stat.S_IMODE(found.st_mode):03o})",
            fix=f"chmod {wanted} {path}; if others could have read it, rotate the key",
            code="RS1620",
        )
    if found.st_uid != os.geteuid():
        raise CustodyError(
            f"{path}: it belongs to another user",
            fix="run the command as the keeper whose key it is, or have the file given to them",
            code="RS1620",
        )


def _unreadable(what: str, fix: str = "") -> CustodyError:
    return CustodyError(what, fix=fix, code="RS1625")


def _still_there(what: str) -> CustodyError:
    return CustodyError(
        f"{what}, so it is not destroyed",
        fix="destroy it there first, then run the same command again for the certificate",
        code="RS1628",
    )
