"""What left: the lists and tables in a store's releases, as their recipients have them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskstrat.errors import StorageError, StudyError
from riskstrat.release.cohort_list import OWN_COLUMNS, RELEASE_COLUMNS
from riskstrat.release.policies import Policy, policy_named
from riskstrat.release.stamp import MARKED

Row = Mapping[str, str]

OWN_PATIENTS, PSEUDONYMISED, AGGREGATE = "own_patients", "pseudonymised", "aggregate"
IDS = ("unit_id", "release_id")
TOLD_BY_THE_SCORE = frozenset({*OWN_COLUMNS, *RELEASE_COLUMNS, MARKED})
"""columns that nobody outside can know of a neighbour; all others are attributes that they may"""


@dataclass(frozen=True, slots=True)
class Release:
    """One list or table, as one recipient has it.

    Attributes:
        study, as_of, recipient: whose it is; ``owner`` is the body within it, such as a practice.
        kind: ``own_patients``, ``pseudonymised`` or ``aggregate``.
        policy: the rule for counts that it was made under.
        study_digest, scores: what it was made from, as the manifest says.
        columns, rows: what it shows, as text.
    """

    study: str
    as_of: date
    recipient: str
    owner: str
    kind: str
    policy: Policy
    study_digest: str
    scores: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Study, day and recipient in a few words."""
        return " ".join(filter(None, (self.study, str(self.as_of), self.recipient, self.owner)))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that an outsider may know of a person."""
        return tuple(each for each in self.columns if each not in TOLD_BY_THE_SCORE)


def read_releases(store: Path) -> list[Release]:
    """Every release of a store, in the order of their folders.

    Raises:
        StorageError: RS7403, a manifest or list is damaged.
    """
    manifests = sorted((store / "releases").glob("**/manifest.json"))
    return [_read(path.parent, store / "releases") for path in manifests]


def _read(folder: Path, root: Path) -> Release:
    try:
        told = json.loads((folder / "manifest.json").read_bytes())
        with (folder / "list.csv").open(encoding="utf-8-sig", newline="") as handle:
            columns, *rows = list(csv.reader(handle))
        return _release(told, columns, rows, _owner(folder, root))
    except (OSError, ValueError, KeyError, TypeError, StudyError) as fault:
        raise StorageError(
            f"{folder}: the list or its manifest is missing or damaged",
            fix="release it again: `riskstrat score`",
            code="RS7403",
        ) from fault


def _release(
    told: Mapping[str, Any], columns: Sequence[str], rows: Sequence[Sequence[str]], owner: str
) -> Release:
    identities = told.get("identities", {})
    return Release(
        study=told["study"],
        as_of=date.fromisoformat(told["as_of"]),
        recipient=told["recipient"],
        owner=owner,
        kind=told["rows"],
        policy=policy_named(told["policy"]["name"]),
        study_digest=str(identities.get("study", "")),
        scores=str(identities.get("scores", "")),
        columns=tuple(columns),
        rows=tuple(dict(zip(columns, row, strict=True)) for row in rows),
    )


def _owner(folder: Path, root: Path) -> str:
    """releases/<study>/<day>/<recipient>/<owner>: the last part, for lists of own patients."""
    parts = folder.relative_to(root).parts
    return parts[3] if len(parts) > 3 else ""
