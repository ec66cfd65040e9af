"""The identity of an artefact: a digest of everything it was made from.

Same spec, parents, source fingerprints and code of the stage give the same digest, and
nothing is rebuilt. Digests are SHA-256 over canonical JSON, so they do not depend on key
order, on the process, or on the platform.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from riskstrat.vocabulary import Days

PACKAGE = Path(__file__).parent
CHUNK_BYTES = 1 << 20


def canonical(value: Any) -> Any:
    """Reduce a value to plain JSON types, so that equal meanings have equal text.

    Raises:
        TypeError: for a type whose identity is not defined here (better than a digest that
            changes from run to run).
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return repr(value)
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case Path():
            return value.as_posix()
        case BaseModel():
            return _in_order(value.model_dump(mode="python", by_alias=True))
        case Mapping():
            return {str(key): canonical(item) for key, item in sorted(value.items())}
        case Days():
            return str(value)
        case set() | frozenset():
            return sorted(canonical(item) for item in value)
        case list() | tuple():
            return [canonical(item) for item in value]
        case _:
            raise TypeError(f"no canonical form for {type(value).__name__}")


def _in_order(value: Any) -> Any:
    """Like ``canonical``, but the order of a mapping counts: codes may be listed lowest first."""
    if isinstance(value, Mapping):
        return [[str(key), _in_order(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return canonical(value)


def digest(*parts: Any) -> str:
    """SHA-256 (hex) of the canonical form of ``parts``.

    Examples:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
    """
    text = json.dumps([canonical(part) for part in parts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, read in pieces."""
    sha = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(CHUNK_BYTES):
            sha.update(piece)
    return sha.hexdigest()


@cache
def code_version(modules: Sequence[str]) -> str:
    """Digest of the source text of packages or modules under ``riskstrat``.

    Args:
        modules: paths relative to the package, such as ``("features", "asof.py")``.
    """
    texts: list[tuple[str, str]] = []
    for path in _sources(modules):
        texts.append((path.relative_to(PACKAGE).as_posix(), file_digest(path)))
    return digest(texts)


def _sources(modules: Iterable[str]) -> Iterable[Path]:
    for module in sorted(modules):
        place = PACKAGE / module
        yield from sorted(place.rglob("*.py")) if place.is_dir() else (place,)
