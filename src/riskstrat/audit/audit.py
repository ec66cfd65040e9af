"""The audit of a run's winner: findings, fairness, reasons and the gates' verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskstrat.audit import checks
from riskstrat.audit.equity import equity
from riskstrat.audit.explain import (
    contributions,
    explanations,
    global_importance,
    importance_by_origin,
    sample,
)
from riskstrat.audit.fairness import align, capacity_cuts, fairness_of
from riskstrat.audit.gates import GateResult, evaluate_gates
from riskstrat.audit.people import people_of
from riskstrat.audit.reasons import reasons
from riskstrat.audit.spec import AuditSpec
from riskstrat.audit.tested import read_tested
from riskstrat.errors import StudyError
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.statistics.together import together
from riskstrat.vocabulary import Finding

Progress = Callable[[float, str], None]
MOST_EXPLAINED = 2_000


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What the audit leaves.

    Attributes:
        fairness: see ``fairness.fairness``.
        explanations: see ``explain.explanations``; all contributions of the people explained.
        reasons: see ``reasons.reasons``, for the same people.
        importance: see ``explain.global_importance``.
        importance_by_agency: see ``explain.importance_by_origin``.
        findings: coded, errors first.
        gates: one result per gate of the study, in its order.
        passed: whether every gate passed, and there was one: without, nothing was decided.
        tables: further tables by the name of their file; see ``equity.equity``.
    """

    fairness: pa.Table
    explanations: pa.Table
    reasons: pa.Table
    importance: pa.Table
    importance_by_agency: pa.Table
    findings: tuple[Finding, ...]
    gates: tuple[GateResult, ...]
    passed: bool
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


def audit(
    predictions: pa.Table,
    metrics: Mapping[str, Any],
    model: RiskModel,
    features: pa.Table | FeatureRows,
    groups: pa.Table,
    spec: AuditSpec,
    *,
    baselines: Sequence[str] = (),
    cohort_rows: int = 0,
    cohort_unknown: int = 0,
    cluster: str = "unit",
    levels: Mapping[str, Sequence[str]] | None = None,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    replicates: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    by_date: bool = False,
) -> AuditResult:
    """Audit the winner on the held-out dates.

    Args:
        predictions: of every learner and split, as ``predictions.parquet``.
        metrics: split -> learner -> metric, as ``metrics.json``.
        model: the winner; ``model.name`` is its name in the two above.
        features: unit_id, as_of and the model's features, for at least the rows tested; only
            those of the people explained are held.
        groups: unit_id, as_of and a column per group of the study.
        spec: the study's ``audit``.
        baselines: names of the rules of thumb.
        cohort_rows, cohort_unknown: size of the cohort, and its rows without a known outcome.
        cluster: what is resampled whole: ``unit``, or a column of ``groups``, where a row without
            a value stands for its unit (as in training).
        levels: group -> levels that are declared, listed even where nobody tested is in them.
        extra: further measurements that gates may name.
        replicates, seed: of the resampling.
        progress: told the share done and what is going on.
        by_date: whether each as-of date has a list of its own, as in training.

    Raises:
        StudyError: a group or gate asks for something the run does not have.
        NotEstimable: nobody, or everybody, had the outcome.
    """
    tell = progress or (lambda share, text: None)
    test = predictions.filter(pc.equal(predictions["split"], "test"))
    own = test.filter(pc.equal(test["learner"], model.name))
    measured = metrics["test"][model.name]
    tell(0.0, "comparing groups")
    positive_at = model.parameters.get("positive_at")
    cuts = capacity_cuts(spec.capacity, positive_at)
    clusters = clusters_of(own, groups, cluster)
    people = people_of(own, groups, spec, clusters, by_date=by_date)
    table = fairness_of(people, spec, cuts=cuts, replicates=replicates, seed=seed, levels=levels)
    tell(0.6, "explaining the model")
    tested = read_tested(own, features, model)
    overall = contributions(model, tested.of(sample(own.num_rows, seed=seed)))
    importance = global_importance(overall)
    listed = contributions(model, tested.of(_listed(own, spec)))
    tell(0.8, "looking for proxies, leaks and unrecorded need")
    more = equity(
        people, test, tested, model, spec, fairness=table, measured=measured,
        importance=importance, baselines=baselines, seed=seed,
    )  # fmt: skip
    tell(0.9, "holding the gates against the results")
    gates = evaluate_gates(spec.gates, measured, table, extra)
    found = (
        *checks.from_gates(gates),
        *checks.check_calibration(model.name, measured),
        *checks.check_discrimination(model.name, measured),
        *checks.check_against_baselines(
            model.name, baselines, test, clusters=clusters, replicates=replicates, seed=seed
        ),
        *checks.check_groups(table),
        *checks.check_features(tested.empty(), own.num_rows),
        *checks.check_importance(importance),
        *checks.check_unknown(cohort_rows, cohort_unknown),
        *checks.check_ties(model.name, measured),
        *more.findings,
    )
    tell(
        1.0,
        f"{len(found)} findings, {sum(gate.passed for gate in gates)} of {len(gates)} gates passed",
    )
    return AuditResult(
        fairness=table,
        explanations=explanations(listed),
        reasons=reasons(listed, spec.reasons),
        importance=importance,
        importance_by_agency=importance_by_origin(overall),
        findings=tuple(sorted(found, key=lambda each: ORDER.index(each.severity.value))),
        gates=gates,
        passed=bool(gates) and all(gate.passed for gate in gates),
        tables=more.tables,
    )


ORDER = ("error", "warning", "info")


def clusters_of(rows: pa.Table, groups: pa.Table, cluster: str) -> NDArray[np.int64]:
    """A number per row for what is resampled whole, in the order of its name.

    Whoever moved is in one cluster all the same: see ``statistics.together``.
    """
    units = rows["unit_id"].to_pylist()
    if cluster == "unit":
        return _numbered(units)
    if cluster not in groups.column_names:
        raise StudyError(
            f"the intervals resample `{cluster}`, which the run has no column for",
            fix="use `unit`, a related unit, or an attribute of a source as `training.cluster`",
        )
    labels = align(rows, groups, [cluster])[cluster].to_pylist()
    pairs = zip(labels, units, strict=True)
    named = _numbered([f"= {x}" if x is not None else f"unit {u}" for x, u in pairs])
    days = np.asarray(rows["as_of"].cast(pa.date32()).cast(pa.int32()).to_numpy())
    return together(_numbered(units), named, days.astype(np.int64)).labels


def _numbered(labels: list[str]) -> NDArray[np.int64]:
    """Sorted once here, and not again for every comparison."""
    return np.unique(np.array(labels, dtype=object), return_inverse=True)[1]


def _listed(own: pa.Table, spec: AuditSpec) -> NDArray[np.int64]:
    """Places of the people of the largest list, at most ``MOST_EXPLAINED``, from the top."""
    largest = max(spec.capacity, default=0.0)
    seats = min(MOST_EXPLAINED, max(1, round(largest * own.num_rows)))
    score = np.asarray(own["raw_score"].to_numpy(), dtype=np.float64)
    return np.argsort(-score, kind="stable")[:seats]
