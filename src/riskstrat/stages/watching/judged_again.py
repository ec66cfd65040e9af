"""A version judged again on a day whose outcomes are known, as it was judged for approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.audit.audit import clusters_of
from riskstrat.audit.fairness import capacity_cuts, fairness
from riskstrat.audit.gates import NOT_MEASURED, evaluate_gates
from riskstrat.audit.spec import AuditSpec
from riskstrat.risk_model import FeatureRows
from riskstrat.stages.jobs import Job
from riskstrat.stages.learn import columns_of
from riskstrat.stages.watching.compared import in_order, numbers
from riskstrat.stages.watching.ripe import Ripe
from riskstrat.stages.watching.watched import Judged
from riskstrat.statistics import NotEstimable, evaluate
from riskstrat.statistics.estimate import IntArray
from riskstrat.vocabulary import PRIVACY_METRICS


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of the people scored on a day.

    Attributes:
        rows: unit_id, as_of, outcome, risk, raw_score of those whose outcome is known.
        clusters: int (n,), which of them are resampled together.
        metrics: as an entry of ``metrics.json``.
        fairness: rows of the fairness table.
        gates: as ``GateResult.as_dict`` tells them, with ``then``, the verdict at approval, and
            ``carried``, whether it is that of approval because it is about the model alone.
        lost: groups of the approval that the day's data do not have: nobody can be judged by them.
    """

    rows: pa.Table
    clusters: IntArray
    metrics: dict[str, Any]
    fairness: pa.Table
    gates: list[dict[str, Any]]
    lost: tuple[str, ...] = ()


def judge_again(job: Job, ripe: Ripe, judged: Judged) -> Outcomes | None:
    """Judge the version on a day as it was judged on held-out dates; None where nobody is known.

    Gates and groups are those of approval. A group that the day's data lack is told as lost, and
    a gate on it is left without evidence.
    """
    spec = job.study.spec
    then = replace(job, lineage=ripe.scored, score_on=ripe.day)
    scores = pq.read_table(then.folder("scores") / "scores.parquet")
    cohort = FeatureRows.of_file(
        replace(job, lineage=ripe.known).folder("cohort") / "cohort.parquet"
    )
    place = cohort.find(scores)
    told = cohort.take(["outcome"], place)["outcome"]
    rows = in_order(scores.append_column("outcome", told)).filter(pc.field("outcome").is_valid())
    groups = columns_of(
        then.folder("features") / "groups.parquet", (*judged.audit.groups, spec.training.cluster)
    )
    present = tuple(name for name in judged.audit.groups if name in groups.column_names)
    together = [names for names in judged.audit.intersections if set(names) <= set(present)]
    audit = judged.audit.model_copy(update={"groups": present, "intersections": tuple(together)})
    clusters = clusters_of(rows, groups, spec.training.cluster)
    try:
        metrics = _metrics(job, rows, clusters, judged)
        table = fairness(
            rows,
            groups,
            audit,
            cuts=capacity_cuts(audit.capacity, judged.model.parameters.get("positive_at")),
            clusters=clusters,
            replicates=spec.training.replicates,
            seed=spec.seed,
        )
    except NotEstimable:  # nobody, or everybody, had the outcome
        return None
    lost = tuple(name for name in judged.audit.groups if name not in present)
    return Outcomes(rows, clusters, metrics, table, _gates(judged, audit, metrics, table), lost)


def _metrics(job: Job, rows: pa.Table, clusters: IntArray, judged: Judged) -> dict[str, Any]:
    risk = numbers(rows, "risk")
    found = evaluate(
        rows["outcome"].to_numpy().astype(bool),
        risk,
        ranking=numbers(rows, "raw_score"),
        clusters=clusters,
        shares=judged.audit.capacity,
        replicates=job.study.spec.training.replicates,
        rng=np.random.default_rng([job.study.spec.seed, 0]),
        score_is_probability=bool(((risk >= 0) & (risk <= 1)).all()),
    )
    return found.as_dict() | {"n": found.n, "outcomes": found.positives}


def _gates(
    judged: Judged, audit: AuditSpec, metrics: Mapping[str, Any], table: pa.Table
) -> list[dict[str, Any]]:
    """The gates of approval on the day; one about the model alone keeps its verdict.

    Only what a model remembers of the people it learnt from is about the model alone. Anything else
    that was not measured, such as a gate on a group that is gone, shows nothing.
    """
    before = {row["text"]: row for row in judged.gates}
    rows = []
    for result in evaluate_gates(audit.gates, metrics, table):
        row = result.as_dict()
        known = before.get(result.text)
        then = known["verdict"] if known else "not_enough_evidence"
        alone = result.code == NOT_MEASURED and result.name in PRIVACY_METRICS
        carried = alone and known is not None
        if carried and known is not None:
            about = "It is about the model and what it learnt from, not about the day. "
            row = {**known, "explanation": about + str(known["explanation"])}
        rows.append({**row, "then": then, "carried": carried})
    return rows
