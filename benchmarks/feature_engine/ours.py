"""riskstrat on a workload: its own command, from extracts to the features of the study."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from extracts import PSEUDONYM
from watch import Measured, watch
from workload import Workload

COMMAND = (sys.executable, "-c", "from riskstrat.cli import main; main()")
ONE_OFF = ("contracts", "linkage", "prepared")
"""stages that are done once for an extract, whatever is asked of it"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of riskstrat: the whole command, and what each stage said of itself."""

    whole: Measured
    stages: tuple[dict[str, Any], ...]
    features: Path | None
    """the feature table, or None if it was not made"""

    def of(self, *names: str) -> tuple[float, float | None, float]:
        """Seconds, CPU seconds (None if stages do not tell) and peak MB over stages."""
        some = [stage for stage in self.stages if stage["stage"] in names]
        cpu = [stage.get("cpu_seconds") for stage in some]
        return (
            sum(stage["seconds"] for stage in some),
            None if None in cpu or not cpu else sum(cpu),
            max((stage["peak_mb"] for stage in some), default=0.0),
        )


def run(
    study: Path,
    extracts: Path,
    store: Path,
    *,
    until: str | None = "features",
    memory: str = "4GB",
    more: Sequence[str] = (),
    limit: float = 900,
) -> Run:
    """Run riskstrat on a study in a store of its own.

    Args:
        study: the study's file.
        extracts: the folder of the extracts.
        store: where results are kept.
        until: the last stage; None for the whole study.
        memory: what riskstrat's processes may use together.
        more: further words for the command.
        limit: seconds after which it is stopped.
    """
    words = ["run", str(study), "--data", str(extracts), "--store", str(store)]
    words += ["--memory", memory, "--json", *(["--until", until] if until else []), *more]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    found = watch([*COMMAND, *words], limit=limit, env={**os.environ, **quiet})
    said = found.facts.get("run", found.facts)
    made = sorted((store / "derived" / "features").glob("*/features.parquet"))
    made.sort(key=lambda file: file.stat().st_mtime)
    # What a stage says in words may name a folder of this machine.
    told = said.get("stages", ())
    stages = ({k: v for k, v in stage.items() if k != "summary"} for stage in told)
    return Run(found, tuple(stages), made[0] if made else None)


def forget(store: Path) -> None:
    """Remove a store, so that nothing is reused."""
    shutil.rmtree(store, ignore_errors=True)


def as_peers_write(features: Path, workload: Workload, parts: int, out: Path) -> list[Path]:
    """riskstrat's feature table in the peers' form, block by block, to compare cells."""
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"memory_limit": "4GB"})
    days = ", ".join(f"(DATE '{day}', {n})" for n, day in enumerate(workload.dates))
    names = ", ".join(f'f."{feature.name}"' for feature in workload.features())
    files = []
    for part in range(parts):
        low, high = workload.people_of(part)
        file = out / f"{part:03d}.parquet"
        con.execute(
            f"COPY (SELECT p.person_id, d.date, {names} FROM '{features}' AS f "
            f"JOIN (SELECT person_id, {PSEUDONYM} AS unit_id FROM (SELECT unnest(range({low}, "
            f"{high})) AS person_id)) AS p USING (unit_id) "
            f"JOIN (VALUES {days}) AS d(as_of, date) ON d.as_of = f.as_of) TO '{file}'"
        )
        files.append(file)
    return files


def facts_of(features: Path) -> dict[str, Any]:
    """What the stage told of itself: seconds, CPU seconds, peak, whether the kernel worked."""
    manifest = json.loads(features.with_name("manifest.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = manifest["facts"]
    return found
