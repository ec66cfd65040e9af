"""Durable files: written aside, synced, renamed; and what a full disk is called."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import gethostname
from typing import Any

from riskstrat.errors import StorageError


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Turn a full or failing disk into a plain message."""
    try:
        yield
    except OSError as fault:
        raise storage_error(fault, place) from fault


def storage_error(fault: OSError, place: Path) -> StorageError:
    """The plain message for an operating-system error about the store."""
    if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(
            f"{place}: the disk is full; nothing half written was kept",
            fix="free some space (`make clean` removes derived tables) and run the same command "
            "again: finished stages are reused",
            code="RS7401",
        )
    reason = os.strerror(fault.errno) if fault.errno else "input/output error"
    return StorageError(
        f"{place}: {reason}",
        fix="check that the folder exists and may be written to, then run the same command again",
        code="RS7402",
    )


def sync(path: Path) -> None:
    """Ask the operating system to put a file or folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aside(path: Path) -> Path:
    """A name beside it that no other process has, here or on a machine that shares the folder."""
    return path.with_name(f".{path.name}.{gethostname()}.{os.getpid()}.part")


@contextmanager
def file_aside(target: Path) -> Iterator[Path]:
    """A name beside ``target`` to write a file at, which becomes ``target`` when all is written."""
    aside = _aside(target)
    try:
        yield aside
        sync(aside)
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step: readers see the old bytes or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    with disk_errors(path):
        try:
            with aside.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that equal values have equal bytes."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """JSON with sorted keys and a line feed at the end."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def read_json(path: Path) -> Any:
    """Read JSON, or say that the file is damaged."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise StorageError(
            f"{path}: missing or damaged", fix="run the study again", code="RS7403"
        ) from fault


@contextmanager
def folder_aside(target: Path) -> Iterator[Path]:
    """A temporary folder beside ``target`` that becomes ``target`` when the block succeeds.

    An existing ``target`` is replaced. Left-overs of killed processes are removed first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(f".{target.name}.*.part"):
        shutil.rmtree(leftover, ignore_errors=True)
    aside = _aside(target)
    with disk_errors(target):
        aside.mkdir()
    try:
        with disk_errors(target):
            yield aside
            for path in sorted(aside.rglob("*")):
                if path.is_file():
                    sync(path)
            _swap(aside, target)
            sync(target.parent)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _swap(aside: Path, target: Path) -> None:
    if target.exists():
        old = target.with_name(f".{target.name}.{os.getpid()}.old.part")
        target.rename(old)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        aside.rename(target)


def place_file(source: Path, target: Path) -> None:
    """Put a finished file at a second place without copying it where the disk allows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
