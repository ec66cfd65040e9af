"""What vouches for files: marks of finished parts of work, and manifests of finished folders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from riskstrat.derivation import file_digest
from riskstrat.disk import json_bytes, read_json, write_bytes, write_json
from riskstrat.errors import StorageError

MANIFEST = "manifest.json"


def write_mark(path: Path, value: Any, files: Sequence[Path]) -> None:
    """Say that a part of some work is done: what came of it, and the files it left, synced."""
    vouched = {file.name: file_digest(file) for file in files}
    write_json(path, {"value": value, "files": vouched})


def read_mark(path: Path) -> Any | None:
    """What came of a part of some work, if it is done and its files are as it left them."""
    if not path.exists():
        return None
    try:
        mark = read_json(path)
    except StorageError:
        return None
    for name, expected in mark["files"].items():
        file = path.with_name(name)
        if not file.exists() or file_digest(file) != expected:
            return None
    return mark["value"]


def refuse_changed(folder: Path, but: Collection[str] = ()) -> None:
    """Refuse to vouch anew for a run of which not every byte is what it wrote.

    Args:
        but: names of files that are about to be made anew from the others.

    Raises:
        StorageError: RS7404, a file is missing or its bytes changed, or there is no manifest.
    """
    if verified_manifest(folder, but=but) is None:
        raise StorageError(
            f"{folder}: the run has no manifest, so nothing says what it wrote",
            fix="run the study again",
            code="RS7404",
        )


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """List every file of ``folder`` with its SHA-256; the manifest is written last of all."""
    files = {
        name: {"sha256": file_digest(folder / name), "bytes": (folder / name).stat().st_size}
        for name in sorted(files_of(folder))
    }
    manifest = {"files": files, **facts}
    write_bytes(folder / MANIFEST, json_bytes(manifest))
    return manifest


def files_of(folder: Path) -> set[str]:
    """Every file under a folder but its manifest, relative to it.

    Hidden ones do not count: a shared disk keeps its own beside ours, such as ``.nfs0001``.
    """
    every = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in every
        if path != Path(MANIFEST) and not any(part.startswith(".") for part in path.parts)
    }


def verified_manifest(
    folder: Path, digest_of: Callable[[Path], str] = file_digest, but: Collection[str] = ()
) -> dict[str, Any] | None:
    """The manifest of a folder whose every file still has its digest; None if there is none.

    Args:
        folder: with or without a manifest.
        digest_of: SHA-256 (hex) of a file.
        but: names of files that are not looked at, since they are about to be made anew.

    Raises:
        StorageError: a file is missing or its bytes changed.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    manifest: dict[str, Any] = read_json(path)
    for name, facts in manifest["files"].items():
        if name in but:
            continue
        file = folder / name
        if not file.exists() or digest_of(file) != facts["sha256"]:
            raise StorageError(
                f"{file}: its bytes are not those that were written",
                fix=f"remove the folder {folder} and run the study again",
                code="RS7404",
            )
    return manifest
