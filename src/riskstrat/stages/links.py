"""What the linker said of the extracts' links: read beside them, by the parent too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from riskstrat.contracts.spec import Source
from riskstrat.disk import read_json

LINKAGE = "linkage.json"
"""beside linked extracts: rows and bands of each, and how good the links are"""
SURE = ("exact", "high", "alone")
"""Bands of links that are sure. A record that is alone was linked to none, so it cannot be
somebody else's."""


def read_linkage(data: Path) -> Mapping[str, Any] | None:
    """What is known of the links of the extracts in a folder; None where they came linked already.

    Raises:
        StorageError: the file is damaged.
    """
    path = data / LINKAGE
    found: Mapping[str, Any] | None = read_json(path) if path.exists() else None
    return found


def extract_of(source: Source, linkage: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is known of the links of a source's extract; nothing for one that came linked."""
    name = source.file.removesuffix(".parquet")
    found: Mapping[str, Any] = linkage["extracts"].get(name, {})
    return found


def unsure_rows(source: Source, linkage: Mapping[str, Any]) -> int:
    """Rows of a source's extract whose link is not sure."""
    bands = extract_of(source, linkage).get("bands", {})
    return sum(rows for band, rows in bands.items() if band not in SURE)


def unsure_sources(sources: Iterable[Source], linkage: Mapping[str, Any]) -> tuple[str, ...]:
    """Sources that hold rows whose link is not sure; lists of opt-outs are never cut short."""
    return tuple(s.source for s in sources if not s.role and unsure_rows(s, linkage))
