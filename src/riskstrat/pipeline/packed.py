"""The pack of a run as a sign-off asks for it: all there, and how much of it people still owe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import StorageError
from riskstrat.store.files import files_of

FOLDER = "pack"
STATE, INDEX = f"{FOLDER}/state.json", f"{FOLDER}/index.html"


def lacking(run: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What of a run's pack is not there, or is there without the run having written it.

    Args:
        run: the run's folder.
        manifest: of the run, held against the bytes of every file it names.

    Returns:
        Names below the run's folder, each with what is wrong with it; empty if the pack is whole.
    """
    told = _state(run)
    names = told.get("documents")
    if not names:
        return [f"{STATE} is not there"]
    listed = {name for name in manifest["files"] if name.startswith(f"{FOLDER}/")}
    there = {f"{FOLDER}/{name}" for name in files_of(run / FOLDER)}
    gone = sorted({f"{FOLDER}/{name}" for name in names} - there)
    strange = sorted(there - listed)
    return [
        *(f"{name} is not there" for name in gone),
        *(f"{name} is not its own" for name in strange),
    ]


def still_open(run: Path) -> tuple[str, ...]:
    """Questions of a run's pack that nobody has answered, by their names in the answers file."""
    return tuple(_state(run).get("open", ()))


def _state(run: Path) -> Mapping[str, Any]:
    try:
        told: Mapping[str, Any] = read_json(run / STATE)
    except StorageError:
        return {}
    return told
