"""Exact contributions of everybody in scope on a day: off the main path, in parts, resumable.

A list needs reasons for those on it. This is for those who look at a whole cohort: what moves the
scores of a ward, why a band grew. It holds a number for each person and feature, so it stays in the
store like the features themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.audit.explain import contributions
from riskstrat.disk import file_aside, place_file
from riskstrat.risk_model import KEY, FeatureRows, RiskModel
from riskstrat.stages.engine import making
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import CONTRIBUTIONS
from riskstrat.stages.score import model_folder, same_features
from riskstrat.stages.spread import Rate, Told, spread
from riskstrat.store.worker import Progress

PART_ROWS = 16_384
"""Rows of a part: what a killed run loses at most, for each thread. 32 MB with 250 features."""
LOG_ODDS = "log_odds"
"""the column that base and contributions add up to"""


def contributions_stage(job: Job, version: Mapping[str, Any], *, progress: Progress) -> None:
    """Explain everybody in scope on the day with a registered model, a part at a time."""
    facts: dict[str, Any] = {}
    with making(job, CONTRIBUTIONS, facts) as folder:
        model = model_folder(job, version)
        same_features(job.study, model, version)
        features = FeatureRows.of_file(job.folder("features") / "features.parquet")
        scratch = _scratch(job)
        model.save(scratch / "model")
        starts = range(0, features.num_rows, PART_ROWS)
        kept = sum(part_file(scratch, start).exists() for start in starts)
        told = Rate(features.num_rows, "units explained", progress)
        done = spread(job, "contributions.work_on_part", list(starts), told)
        for start in starts:
            place_file(part_file(scratch, start), folder / part_file(scratch, start).name)
        facts |= {
            "rows_in": features.num_rows,
            "rows_out": sum(rows for rows, _ in done),
            "features": len(model.features),
            "gap": max((gap for _, gap in done), default=0.0),
            "resumed": kept,
        }
    job.store.drop_scratch(CONTRIBUTIONS)


def work_on_part(job: Job, start: int, told: Told) -> tuple[int, float]:
    """Explain the rows of one part and write it; what is there, and about these rows, is done.

    Returns:
        The number of rows, and the most by which one's contributions miss its score (0 for a part
        that was there).
    """
    scratch = _scratch(job)
    part = part_file(scratch, start)
    features = FeatureRows.of_file(job.folder("features") / "features.parquet")
    rows = min(PART_ROWS, features.num_rows - start)
    gap = 0.0
    if not _is_about(part, features, start, rows):
        gap = explain_part(scratch, features, start, rows)
    told(rows)
    return rows, gap


def explain_part(scratch: Path, features: FeatureRows, start: int, rows: int) -> float:
    """Write the contributions of some rows by the model in ``scratch``; gives their largest gap."""
    model = RiskModel.load(scratch / "model")
    names = [*KEY, *(feature.name for feature in model.features)]
    asked = features.take(names, np.arange(start, start + rows))
    found = contributions(model, asked)
    columns: dict[str, Any] = {key: asked[key] for key in KEY}
    columns[LOG_ODDS] = pa.array(found.base + found.values.sum(axis=1))
    for position, feature in enumerate(model.features):
        columns[feature.name] = pa.array(np.ascontiguousarray(found.values[:, position]))
    table = pa.table(columns).replace_schema_metadata({"base": repr(found.base)})
    with file_aside(part_file(scratch, start)) as aside:
        pq.write_table(table, aside, compression="zstd", compression_level=1)
    return found.gap


def _is_about(part: Path, features: FeatureRows, start: int, rows: int) -> bool:
    """Whether a part is there and is about the rows it should be."""
    if not part.exists():
        return False
    keys = features.take(KEY, np.arange(start, start + rows))
    return bool(pq.read_table(part, columns=list(KEY)).cast(keys.schema).equals(keys))


def _scratch(job: Job) -> Path:
    return job.store.scratch(CONTRIBUTIONS, job.lineage[CONTRIBUTIONS])


def part_file(scratch: Path, start: int) -> Path:
    """Where the part that begins with a row is kept."""
    return scratch / f"contributions-{start:012d}.parquet"
