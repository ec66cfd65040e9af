"""Make the demo county in a child process and say, beside it, how it was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riskstrat.disk import disk_errors, write_json
from riskstrat.errors import UsageError
from riskstrat.store.worker import Progress
from riskstrat.synthetic import RAW, make_county


def make(
    directory: Path,
    people: int,
    seed: int,
    linked: bool = False,
    plants: Sequence[str] = (),
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Write extracts and sealed truth; ``county.json`` appears last, when all is there."""
    try:
        with disk_errors(directory):
            summary = make_county(
                directory,
                people=people,
                seed=seed,
                linked=linked,
                plants=plants,
                progress=lambda done, total: progress(done / max(total, 1), "people and events"),
            )
    except ValueError as fault:
        fix = "see `riskstrat synth --help`" if plants else "choose an empty or new folder"
        raise UsageError(str(fault), fix=fix) from fault
    facts = {
        "people": people,
        "seed": seed,
        "rows": dict(summary.rows),
        "defects": dict(summary.defects),
        "truth": summary.truth_directory.name,
    }
    if not linked:
        facts["raw"] = RAW
    write_json(directory / "county.json", facts)
    return facts
