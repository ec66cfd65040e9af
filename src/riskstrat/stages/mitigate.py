"""Remedies for unequal treatment in their child process: read a run's parents, try, publish."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from riskstrat.audit.equity import middle
from riskstrat.audit.spec import last_part
from riskstrat.disk import read_json, write_json
from riskstrat.mitigation.gather import Tables
from riskstrat.mitigation.mitigate import mitigate
from riskstrat.risk_model import FeatureRows
from riskstrat.stages.engine import making
from riskstrat.stages.jobs import Job
from riskstrat.stages.learn import columns_of, model_of, winner_of
from riskstrat.stages.lineage import MITIGATION
from riskstrat.store.worker import Progress
from riskstrat.study.spec import StudySpec

FILE = "mitigation.json"


def mitigation_stage(job: Job, *, progress: Progress) -> None:
    """What each remedy would gain and cost, for every group the study asks for."""
    facts: dict[str, Any] = {}
    spec = job.study.spec
    scratch = job.store.scratch(MITIGATION, job.lineage[MITIGATION])
    with making(job, MITIGATION, facts) as folder:
        tables = _tables(job)
        found = []
        groups = asked_groups(spec)
        for place, group in enumerate(groups):
            found.append(
                mitigate(
                    tables,
                    group,
                    middle(spec.audit.capacity),
                    replicates=spec.training.replicates,
                    scratch=scratch,
                    progress=lambda share, text, at=place: progress(  # type: ignore[misc]
                        (at + share) / len(groups), text
                    ),
                )
            )
        write_json(folder / FILE, {"groups": found})
        facts |= {
            "rows_in": max((each["learnt_from"] for each in found), default=0),
            "rows_out": max((each["rows"] for each in found), default=0),
            "groups": groups,
            "remedies": max((len(each["remedies"]) - 1 for each in found), default=0),
        }
    job.store.drop_scratch(MITIGATION, job.lineage[MITIGATION])


def asked_groups(spec: StudySpec) -> list[str]:
    """``audit.mitigate``; otherwise the groups that gates name; otherwise the first group."""
    audit = spec.audit
    if audit.mitigate:
        return list(audit.mitigate)
    gated = [gate.group for gate in audit.gates if gate.group is not None]
    single = [name for name in dict.fromkeys(gated) if _is_single(spec, name)]
    return single or list(audit.groups[:1])


def _is_single(spec: StudySpec, name: str) -> bool:
    return any(name in (group, last_part(group)) for group in spec.audit.groups)


def _tables(job: Job) -> Tables:
    training, features = job.folder("training"), job.folder("features")
    spec = job.study.spec
    winner = winner_of(job)
    measured = read_json(training / "metrics.json")["test"][winner]
    attributes = (*spec.audit.groups, spec.training.cluster)
    return Tables(
        cohort=columns_of(job.folder("cohort") / "cohort.parquet", ["outcome"]),
        predictions=pq.read_table(
            training / "predictions.parquet", filters=[("learner", "=", winner)]
        ),
        features=FeatureRows.of_file(features / "features.parquet"),
        groups=columns_of(features / "groups.parquet", attributes),
        proxies=pq.read_table(job.folder("audit") / "proxies.parquet"),
        model=model_of(job, winner),
        spec=spec.audit,
        cluster=spec.training.cluster,
        grouped=spec.training.folds.scheme == "grouped_kfold",
        thresholds={at["share"]: at["risk_threshold"] for at in measured["at_capacity"]},
        seed=spec.seed,
        by_date=spec.cohort.lists_by_date,
    )
