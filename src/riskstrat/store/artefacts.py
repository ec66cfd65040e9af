"""The store: derived artefacts by digest, run folders, releases, and one run at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.derivation import file_digest
from riskstrat.errors import BusyError
from riskstrat.store.files import (
    disk_errors,
    files_of,
    folder_aside,
    read_json,
    storage_error,
    verified_manifest,
    write_json,
    write_manifest,
)

WORKING = ("spill", "checking", "groups", "spark")
"""scratch that a later run cannot use"""


@dataclass(frozen=True, slots=True)
class Artefact:
    """One finished stage output: a folder whose files match its manifest."""

    folder: Path
    facts: Mapping[str, Any]

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@dataclass(frozen=True, slots=True)
class Store:
    """Everything riskstrat keeps, under one folder."""

    root: Path

    def artefact(self, stage: str, digest: str) -> Artefact | None:
        """A finished output with this identity, its bytes verified, or None.

        A damaged artefact, or one with a file that is not its own, counts as absent: what is
        derived can be derived again.
        """
        folder = self._derived(stage, digest)
        from riskstrat.errors import StorageError

        try:
            manifest = verified_manifest(folder)
        except StorageError:
            manifest = None
        if manifest and files_of(folder) == manifest["files"].keys():
            return Artefact(folder, manifest["facts"])
        shutil.rmtree(folder, ignore_errors=True)
        return None

    @contextmanager
    def making(self, stage: str, digest: str, facts: dict[str, Any]) -> Iterator[Path]:
        """A folder to write into; it appears under its digest, whole, when the block ends.

        Args:
            facts: filled by the caller inside the block; kept in the manifest.
        """
        with folder_aside(self._derived(stage, digest)) as aside:
            yield aside
            write_manifest(aside, {"stage": stage, "digest": digest, "facts": facts})

    def scratch(self, stage: str, digest: str) -> Path:
        """A working folder that outlives a killed run, so that long work resumes."""
        folder = self.root / "scratch" / stage / digest
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def drop_scratch(self, stage: str, digest: str = "") -> None:
        """Remove a working folder whose work is done; without a digest, all of the stage's."""
        shutil.rmtree(self.root / "scratch" / stage / digest, ignore_errors=True)

    def run_folder(self, study: str, run_id: str) -> Path:
        """Where a run's files are, or will be."""
        return self.root / "runs" / study / run_id

    def release_folder(self, study: str, as_of: str) -> Path:
        """Where what leaves for one day is, or will be."""
        return self.root / "releases" / study / as_of

    def _derived(self, stage: str, digest: str) -> Path:
        return self.root / "derived" / stage / digest[:32]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the store; a second run is told so at once.

        Raises:
            BusyError: another process holds it.
        """
        path = self.root / ".lock"
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            handle = path.open("a+")
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as taken:
                raise BusyError(
                    f"{self.root}: another run is using this store",
                    fix="wait for it to end, or give this run its own store with `--store DIR`",
                ) from taken
            self._clear_up()
            yield
        finally:
            handle.close()

    def _clear_up(self) -> None:
        """Remove what killed runs left half written: it may hold people's data.

        A search that can be resumed stays. Nobody else is writing: the store is held.
        """
        for depth in ("", "*/", "*/*/", "*/*/*/"):
            for leftover in self.root.glob(f"{depth}.*.part"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
        for stage in WORKING:
            shutil.rmtree(self.root / "scratch" / stage, ignore_errors=True)

    def fingerprint(self, path: Path) -> str:
        """SHA-256 of an extract, remembered by path, size and modification time."""
        stat = path.stat()
        stamp = f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ino}"
        memory = self.root / "fingerprints.json"
        known: dict[str, list[str]] = {}
        if memory.exists():
            with suppress(Exception):
                known = read_json(memory)
        key = str(path.resolve())
        if known.get(key, ["", ""])[0] != stamp:
            try:
                known[key] = [stamp, file_digest(path)]
            except OSError as fault:
                raise storage_error(fault, path) from fault
            write_json(memory, known)
        return known[key][1]


def place_file(source: Path, target: Path) -> None:
    """Put a finished file at a second place without copying it where the disk allows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
