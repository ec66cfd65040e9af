"""Score a day with a registered model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.explain import contributions, reasons
from riskstrat.derivation import digest
from riskstrat.errors import StudyError
from riskstrat.release.bands import REST, band_scores
from riskstrat.risk_model import RiskModel
from riskstrat.stages.derive import feature_plan, making
from riskstrat.stages.jobs import Job
from riskstrat.store.registry import Registry
from riskstrat.store.worker import Progress
from riskstrat.study import Study
from riskstrat.study.spec import StudySpec


def scores_stage(job: Job, version: Mapping[str, Any], *, progress: Progress) -> None:
    """Score everyone in scope on the day; band them, and give reasons to those on a list."""
    spec = job.study.spec
    facts: dict[str, Any] = {}
    with making(job, "scores", facts) as folder:
        model = model_folder(job, version)
        _same_features(job.study, model, version)
        features = pq.read_table(job.folder("features") / "features.parquet")
        progress(0.1, f"scoring {features.num_rows:,} units")
        raw = model.raw_scores(features)
        scores = pa.table(
            {
                "unit_id": features["unit_id"],
                "as_of": features["as_of"],
                "raw_score": pa.array(raw, pa.float64()),
                "risk": pa.array(model.calibrate(raw), pa.float64()),
            }
        )
        banded = band_scores(scores, band_shares(spec), key=digest(spec.study, spec.seed))
        pq.write_table(banded, folder / "scores.parquet", compression="zstd")
        progress(0.3, "reasons")
        listed = _listed_features(banded, features)
        given = reasons(contributions(model, listed), spec.audit.reasons)
        pq.write_table(given, folder / "reasons.parquet", compression="zstd")
        facts |= {"rows_in": features.num_rows, "rows_out": banded.num_rows}
        facts |= {"listed": listed.num_rows}


def model_folder(job: Job, version: Mapping[str, Any]) -> RiskModel:
    """A registered model, through our own loader, its bytes verified."""
    registry = Registry.of_store(job.store.root)
    return registry.load(registry.find_version(version["name"], version["version"]))


def band_shares(spec: StudySpec) -> dict[str, float]:
    """Each band's cumulative share of the cohort."""
    return {str(name): share for name, share in spec.release.bands.items()}


def _same_features(study: Study, model: RiskModel, version: Mapping[str, Any]) -> None:
    """A model may only score features that mean what they meant when it was trained."""
    plan = {column.name: column.digest for column in feature_plan(study).columns}
    changed = [each.name for each in model.features if plan.get(each.name) != each.digest]
    if changed:
        raise StudyError(
            f"{study.path}: {len(changed)} of the {len(model.features)} features of "
            f"{version['name']} version {version['version']} mean something else now, "
            f"among them `{changed[0]}`",
            fix="score with the study file as it was when the model was trained, or run the "
            "study again",
            code="RS1290",
        )


def _listed_features(banded: pa.Table, features: pa.Table) -> pa.Table:
    """The features of those in a band, in rank order."""
    listed = banded.filter(pc.not_equal(banded["band"], REST)).select(["unit_id", "as_of"])
    place = {
        pair: index
        for index, pair in enumerate(
            zip(features["unit_id"].to_pylist(), features["as_of"].to_pylist(), strict=True)
        )
    }
    wanted = zip(listed["unit_id"].to_pylist(), listed["as_of"].to_pylist(), strict=True)
    return features.take(pa.array([place[pair] for pair in wanted], pa.int64()))
