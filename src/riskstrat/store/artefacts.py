"""The store: derived artefacts by digest, run folders, releases, and one run at a time."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from riskstrat.disk import disk_errors, folder_aside
from riskstrat.errors import BusyError, StorageError
from riskstrat.store.files import files_of, verified_manifest, write_manifest
from riskstrat.store.remembered import Remembered

VERIFIED = ".verified.json"
"""in the folder of an artefact: its files as they were when their bytes were last read"""
WORKING = ("spill", "checking", "groups", "spark")
"""scratch that a later run cannot use"""


LIVE = ("log", "signoff")
"""folders that are written to while somebody else holds the store"""
WORKERS = ".workers.lock"
PATIENCE = 60.0
"""seconds that the children of a killed run have to end"""
_working: dict[Path, IO[str]] = {}
"""held open, and with it the lock, until this process ends"""


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
    afresh: bool = False
    """read every byte again, whatever is remembered of a file"""

    def artefact(self, stage: str, digest: str) -> Artefact | None:
        """A finished output with this identity, its bytes verified, or None.

        A damaged artefact, or one with a file that is not its own, counts as absent: what is
        derived can be derived again. It stays where it is: somebody may be reading it, and only
        who makes it again takes it away.
        """
        folder = self._derived(stage, digest)
        known = Remembered(folder / VERIFIED, afresh=self.afresh)
        try:
            manifest = verified_manifest(
                folder, lambda file: known.digest(file, file.relative_to(folder).as_posix())
            )
        except StorageError:
            return None
        if not manifest or files_of(folder) != manifest["files"].keys():
            return None
        with suppress(StorageError):  # who may not write here reads it again the next time
            known.keep()
        return Artefact(folder, manifest["facts"])

    @contextmanager
    def making(self, stage: str, digest: str, facts: dict[str, Any]) -> Iterator[Path]:
        """A folder to write into; it appears under its digest, whole, when the block ends.

        Whoever calls this holds the store: a damaged artefact of that identity is removed.

        Args:
            facts: filled by the caller inside the block; kept in the manifest.
        """
        target = self._derived(stage, digest)
        shutil.rmtree(target, ignore_errors=True)
        with folder_aside(target) as aside:
            yield aside
            manifest = write_manifest(aside, {"stage": stage, "digest": digest, "facts": facts})
            known = Remembered(aside / VERIFIED)
            for name, file in manifest["files"].items():
                known.learn(aside / name, name, file["sha256"])
            known.keep()

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
            self._wait_for_workers()
            self._clear_up()
            yield
        finally:
            handle.close()

    def at_work(self) -> None:
        """Say that this process, a run's child, works in the store until it ends.

        A run that is killed dies before its children do; the next must not begin while one of
        them may still write, or clear away, under the same names.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / WORKERS
        if path not in _working:
            handle = path.open("a+")
            fcntl.flock(handle, fcntl.LOCK_SH)
            _working[path] = handle

    def _wait_for_workers(self) -> None:
        """Wait until the children of a killed run have gone, which takes them a moment.

        Raises:
            BusyError: they have not.
        """
        with (self.root / WORKERS).open("a+") as handle:
            patience = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                except OSError as taken:
                    if time.monotonic() > patience:
                        raise BusyError(
                            f"{self.root}: processes of a killed run still work in this store",
                            fix="wait for them to end, or end them, and run the same command again",
                        ) from taken
                    time.sleep(0.05)

    def _clear_up(self) -> None:
        """Remove what killed runs left half written: it may hold people's data.

        A search that can be resumed stays. Nobody else is writing: the store is held.
        """
        for depth in ("", "*/", "*/*/", "*/*/*/"):
            for leftover in self.root.glob(f"{depth}.*.part"):
                if leftover.relative_to(self.root).parts[0] in LIVE:
                    continue
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
        for stage in WORKING:
            shutil.rmtree(self.root / "scratch" / stage, ignore_errors=True)

    def fingerprints(self, paths: Iterable[Path]) -> tuple[str, ...]:
        """SHA-256 of each of some extracts, remembered until they change."""
        known = Remembered(self.root / "fingerprints.json", afresh=self.afresh)
        found = tuple(known.digest(path, str(path.resolve())) for path in paths)
        known.keep()
        return found
