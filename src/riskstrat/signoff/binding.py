"""The bytes that a sign-off is bound to, and what of them has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import match
from types import MappingProxyType
from typing import Any

from riskstrat.derivation import PACKAGE, digest, file_digest
from riskstrat.disk import read_json
from riskstrat.errors import StorageError

THINGS: Mapping[str, str] = MappingProxyType(
    {
        "model": "files of the model",
        "study": "study",
        "rules": "agreements, contracts, codelists",
        "data": "extracts it learnt from",
        "report": "report and pack",
        "audit": "audit",
        "code": "riskstrat's code",
        "lock": "libraries",
    }
)
"""what is bound -> in words, in the order they are shown"""
REVIEW = "review.json"
"""in a run's folder: gates and findings as a reviewer is shown them"""
RULES = "rules.json"
"""in a run's folder: digests of the agreements, contracts and codelists that its study used"""
REPORT = ("report.html", "report.json", REVIEW, "run.json")
AUDIT = ("metrics.json", "tuning.json", "folds.json", "training.json", "features.json")
_CACHES = "__pycache__"


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing that is signed.

    Attributes:
        digest: SHA-256 of the whole.
        parts: name -> digest or version of each part, so that a change can be placed.
    """

    digest: str
    parts: Mapping[str, str]

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> Bound:
        """A thing that is no more than its parts."""
        return cls(digest(dict(parts)), MappingProxyType(dict(parts)))


Binding = Mapping[str, Bound]


@dataclass(frozen=True, slots=True)
class Change:
    """A thing that is no longer what was signed, and the parts of it that differ."""

    thing: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.parts[:3]) + (", ..." if len(self.parts) > 3 else "")
        return f"{self.thing} ({shown})" if shown and shown != self.thing else self.thing


def changes(signed: Binding, found: Binding) -> tuple[Change, ...]:
    """What differs, in the order in which things are shown."""
    nothing = Bound("", {})
    pairs = ((thing, signed.get(thing, nothing), found.get(thing, nothing)) for thing in THINGS)
    return tuple(
        Change(thing, _different(before.parts, after.parts))
        for thing, before, after in pairs
        if (before.digest, dict(before.parts)) != (after.digest, dict(after.parts))
    )


def told(changed: Iterable[Change]) -> str:
    """Changes in words."""
    return "; ".join(map(str, changed))


def _different(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    names = sorted(before.keys() | after.keys())
    return tuple(
        name + (" is gone" if name not in after else " is new" if name not in before else "")
        for name in names
        if before.get(name) != after.get(name)
    )


def found_in(run: Path, model: Path, package: Path = PACKAGE) -> Binding:
    """What is there now, all of it read afresh.

    Args:
        run: the folder of the run that made the version.
        model: the registered folder of its files.
        package: riskstrat's source.
    """
    return MappingProxyType(
        {
            "model": model_files(model),
            "study": _study(run / "study.yaml"),
            "rules": _rules(run / RULES),
            "data": _data(run / "run.json"),
            "report": Bound.of({**_files(run, REPORT), **_in(run, "pack")}),
            "audit": Bound.of({**_files(run, AUDIT), **_in(run, "audit")}),
            "code": _code(package),
            "lock": _lock(package),
        }
    )


ADDED_ON_LOADING = frozenset({_CACHES, "registered_model_meta"})
"""what MLflow and Python add beside a model when somebody loads it by its address: nothing that
scores for us reads it"""


def model_files(folder: Path) -> Bound:
    """Every file of a registered model; the digest is the one the registry keeps with it."""
    parts = _below(folder, ADDED_ON_LOADING)
    return Bound(digest(list(parts.items())), MappingProxyType(parts))


def _below(folder: Path, but: frozenset[str] = frozenset({_CACHES})) -> dict[str, str]:
    """Digest of every file below a folder, by its relative name and in the order of names."""
    every = ((path.relative_to(folder), path) for path in folder.rglob("*") if path.is_file())
    named = ((short.as_posix(), path) for short, path in every if not but & set(short.parts))
    return {name: file_digest(path) for name, path in sorted(named)}


def _in(run: Path, name: str) -> dict[str, str]:
    return {f"{name}/{file}": sha for file, sha in _below(run / name).items()}


def _files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    return {name: file_digest(folder / name) for name in names if (folder / name).is_file()}


def _study(path: Path) -> Bound:
    """The digest of the text, as runs and reports tell it: that of the study given when scoring."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return Bound("", {path.name: "cannot be read"})
    return Bound(digest(text), {path.name: digest(text)})


def _rules(path: Path) -> Bound:
    """What the agreements, contracts and codelists said, as the run kept it."""
    try:
        kept: Any = read_json(path)
        return Bound.of({str(name): str(sha) for name, sha in kept.items()})
    except (StorageError, TypeError, AttributeError):
        return Bound("", {path.name: "cannot be read"})


def _data(path: Path) -> Bound:
    """The fingerprint of each extract, as the run kept it."""
    try:
        run: Any = read_json(path)
        return Bound.of({str(name): str(sha) for name, sha in run["fingerprints"].items()})
    except (StorageError, KeyError, TypeError, AttributeError):
        return Bound("", {path.name: "cannot be read"})


def _code(package: Path) -> Bound:
    """Every file of the package, by the room it is in."""
    rooms: dict[str, list[tuple[str, str]]] = {}
    for name, sha in _below(package).items():
        rooms.setdefault(name.split("/")[0], []).append((name, sha))
    return Bound.of({room: digest(files) for room, files in rooms.items()})


def _lock(package: Path) -> Bound:
    """The lock file, in a checkout, and the versions of what riskstrat asks for."""
    lock = package.parent.parent / "requirements.lock"
    parts = {lock.name: file_digest(lock)} if lock.is_file() else {}
    return Bound.of(parts | _installed())


@cache
def _installed() -> dict[str, str]:
    """Versions of the libraries that riskstrat asks for; those of a process do not change."""
    try:
        asked = requires("riskstrat") or []
    except PackageNotFoundError:  # run from its source alone
        return {}
    names = (match(r"[\w.-]+", line) for line in asked if "extra ==" not in line)
    return {name[0]: _version(name[0]) for name in names if name}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
