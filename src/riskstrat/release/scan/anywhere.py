"""A folder that is there already, read by somebody who was not there when it was made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskstrat.errors import UsageError
from riskstrat.release.breaches import Breach
from riskstrat.release.policies import Policy, policy_named
from riskstrat.release.scan.expected import Expected, expected_of
from riskstrat.release.scan.pieces import UnreadableError
from riskstrat.release.scan.plain import read_rows
from riskstrat.release.scan.scan import scan_file
from riskstrat.release.stamp import MARKED

MANIFEST, LIST = "manifest.json", "list.csv"
IDS = ("unit_id", "release_id")


def look_through(folder: Path, policy: Policy) -> tuple[tuple[Breach, ...], int]:
    """What the files below a folder tell and may not, and how many there are.

    Where a manifest lies beside a file, it says under which policy, for whom, and what the list's
    columns are; everything else is a page, table or drawing that counts people. Which tables were
    released is not known here, so tables nobody declared are let through if they count rightly.

    Raises:
        UsageError: there is no such folder, or nothing in it.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise UsageError(f"{folder}: there is no file to look into", fix="name a folder with files")
    expected: dict[Path, Expected] = {}
    found: list[Breach] = []
    for path in files:
        if path.parent not in expected:
            expected[path.parent] = _expected(path.parent, policy)
        found += scan_file(path, path.relative_to(folder).as_posix(), expected[path.parent])
    return tuple(found), len(files)


def _expected(folder: Path, policy: Policy) -> Expected:
    told = _manifest(folder)
    if told is None:
        return expected_of([], policy=policy, rows="aggregate", any_table=True)
    marked = told.get("watermark", "none") != "none"
    columns = [*([MARKED] if marked else []), *map(str, told["columns"])]
    people = told["rows"] != "aggregate"
    rows = _rows(folder / LIST) if people else []
    bands = Counter(row["band"] for row in rows if "band" in row)
    return expected_of(
        [],
        columns=columns if people else (),
        marked=MARKED,
        policy=policy_named(told["policy"]["name"]),
        rows=told["rows"],
        listed=told["list"].get("listed", 0) if people else 0,
        own=frozenset(row[name] for row in rows for name in IDS if name in row),
        names=_names(told),
        exact=frozenset({len(rows), *bands.values()}) if people else frozenset(),
        any_table=True,
    )


def _manifest(folder: Path) -> Mapping[str, Any] | None:
    """The manifest of a recipient's folder; None where there is none that can be read as one."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        known = {told["rows"], told["policy"]["name"], *told["columns"], *told["list"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return told if known else None


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return read_rows(path.read_bytes())
    except (OSError, UnreadableError):
        return []


def _names(told: Mapping[str, Any]) -> frozenset[str]:
    """What names the run, its data, the model and the approval: no ids of people."""
    signed = told.get("signed_off", {})
    known = [*told.get("identities", {}).values(), *signed.get("digests", {}).values()]
    return frozenset(map(str, (*known, signed.get("submission", ""))))
