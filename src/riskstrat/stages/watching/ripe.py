"""Days whose outcomes are known by now, and days for which lists were released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from riskstrat.stages.lineage import Lineage

SCORED = ".scored"
"""under a study's releases: which scores each day's release was made from"""


@dataclass(frozen=True, slots=True)
class Ripe:
    """A day whose outcomes are known by now.

    Attributes:
        day: which.
        scored: what its scores derive from.
        known: what its cohort with outcomes derives from.
    """

    day: date
    scored: Lineage
    known: Lineage


def release_memory(root: Path, study: str, day: str) -> Path:
    """Where it is kept which scores a day's release was made from."""
    return root / "releases" / study / SCORED / f"{day}.json"


def released_days(root: Path, study: str) -> tuple[str, ...]:
    """The days for which lists were released, rising."""
    return tuple(sorted(path.stem for path in (root / "releases" / study / SCORED).glob("*.json")))
