"""Watch a version in use: hold a day against training, and write what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.disk import folder_aside, write_bytes, write_json
from riskstrat.monitoring import checks
from riskstrat.monitoring.extracts import Missing, Volume
from riskstrat.monitoring.lists import Churn
from riskstrat.publish.monitor_data import MonitorData
from riskstrat.publish.monitor_page import render_monitor
from riskstrat.release import report_tables as make
from riskstrat.stages.jobs import Job, is_made_up
from riskstrat.stages.register import policy_of
from riskstrat.stages.watching import compared
from riskstrat.stages.watching import monitor_shown as shown
from riskstrat.stages.watching.judged_again import Outcomes, judge_again
from riskstrat.stages.watching.ripe import Ripe
from riskstrat.stages.watching.watched import Judged, read_judged
from riskstrat.statistics import Estimate
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.vocabulary import Finding, Severity

NAME, PAGE = "monitor.json", "monitor.html"


def folder_of(job: Job) -> Path:
    """Where what was found of a day is, or will be."""
    return job.store.root / "monitoring" / job.study.name / job.day.isoformat()


def monitor(
    job: Job,
    version: Mapping[str, Any],
    ripe: Ripe | None,
    not_ripe: Mapping[str, Any],
    *,
    progress: Progress,
) -> dict[str, Any]:
    """Compare a day with training and write ``monitoring/<study>/<day>``.

    Args:
        job: that scores the day; its scores are made.
        version: facts of the registered version.
        ripe: the day whose outcomes judge the version, made up to its cohort with outcomes; None
            where no day's are known yet.
        not_ripe: of the day itself, ``known_from`` and ``why`` its outcomes are not known, or {}.
        progress: told how far it is.

    Raises:
        StorageError: something of the version's run was changed.
    """
    progress(0.0, "the version as it was judged")
    judged = read_judged(job, version)
    found = _compare(job, judged, ripe, progress)
    tables = _tables(job, judged, found)
    findings = _findings(job, found, judged, not_ripe, tables)
    progress(0.9, "the page")
    data = _data(job, version, judged, found, findings, not_ripe, tables)
    folder = folder_of(job)
    with folder_aside(folder) as aside:
        write_json(aside / NAME, data.as_dict())
        write_bytes(aside / PAGE, render_monitor(data).encode())
    return {
        "folder": folder.relative_to(job.store.root).as_posix(),
        "rows_in": found.scored,
        "rows_out": len(findings),
        "peak_mb": peak_mb(),
        "findings": _counted(findings),
        "failed": [row["text"] for row in found.gates if row["verdict"] == "fail"],
        "gates": len(found.gates),
        "judged_on": found.judged_on,
        "suspends": list(data.suspends),
    }


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that was compared; ``judged_on`` is '' where no outcomes are known."""

    volumes: list[Volume]
    missing: list[Missing]
    features: list[compared.FeatureDrift]
    scores: compared.ScoreDrift
    outcomes: Outcomes | None
    judged_on: str
    churn: tuple[str, list[Churn]] | None
    scored: int

    @property
    def gates(self) -> list[dict[str, Any]]:
        return self.outcomes.gates if self.outcomes else []


def _compare(job: Job, judged: Judged, ripe: Ripe | None, progress: Progress) -> _Found:
    rows, empty = compared.compare_extracts(job, judged, progress)
    samples = compared.draw_samples(job, judged)
    features = compared.compare_features(samples, judged, progress)
    progress(0.6, "scores")
    scores = compared.compare_scores(job, samples, judged)
    progress(0.65, "outcomes")
    outcomes = judge_again(job, ripe, judged) if ripe else None
    progress(0.85, "the list")
    return _Found(
        volumes=rows,
        missing=empty,
        features=features,
        scores=scores,
        outcomes=outcomes,
        judged_on=ripe.day.isoformat() if ripe and outcomes else "",
        churn=compared.compare_lists(job),
        scored=len(samples.day),
    )


# -- findings ------------------------------------------------------------------------------------


def _findings(
    job: Job,
    found: _Found,
    judged: Judged,
    not_ripe: Mapping[str, Any],
    tables: Mapping[str, Any],
) -> tuple[Finding, ...]:
    spec, least = job.study.spec.monitor, policy_of(job.study).threshold
    told: list[Finding] = [
        *_extract_findings(job, found, judged),
        *checks.check_features([_drifted(each) for each in found.features], spec),
        *checks.check_scores(found.scores.found.estimate, found.scores.cuts, spec, least),
    ]
    if found.outcomes:
        now, then = _estimates(found.outcomes.metrics), _estimates(judged.metrics)
        told += checks.check_outcomes(now, then, spec)
        hidden = shown.hidden(tables["groups_now"], tables["groups_then"])
        groups = found.outcomes.fairness.to_pylist()
        told += checks.check_groups(groups, judged.fairness, hidden)
        told += checks.check_gates(found.outcomes.gates, hidden)
        told += checks.check_lost(found.outcomes.lost, found.outcomes.gates)
    if not_ripe:
        told.append(checks.not_yet(job.day, not_ripe["known_from"], not_ripe["why"]))
    if found.churn:
        told += checks.check_churn(found.churn[1], found.churn[0], spec)
    order = list(Severity)
    return tuple(sorted(told, key=lambda each: (order.index(each.severity), each.code, each.where)))


def _extract_findings(job: Job, found: _Found, judged: Judged) -> list[Finding]:
    spec, least = job.study.spec.monitor, policy_of(job.study).threshold
    sources = job.study.sources
    now = {s.source: int(job.artefact(f"contracts/{s.source}").facts["rows_out"]) for s in sources}
    titles = {source.source: source.title for source in sources}
    return [
        *checks.check_volumes(found.volumes, job.day, spec, least),
        *checks.check_missing(found.missing, spec),
        *checks.check_rows(now, compared.rows_at_training(judged), titles),
    ]


def _drifted(each: compared.FeatureDrift) -> dict[str, Any]:
    return {
        "feature": each.feature.name,
        "drift": each.found.estimate,
        "since": each.since.estimate if each.since else None,
    }


def _estimates(metrics: Mapping[str, Any]) -> dict[str, Estimate]:
    return {
        name: Estimate.from_dict(value)
        for name, value in metrics.items()
        if isinstance(value, Mapping) and "value" in value
    }


def _counted(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each severity, and of each code."""
    counts: dict[str, int] = {}
    for each in findings:
        for name in (each.severity.value, each.code):
            counts[name] = counts.get(name, 0) + 1
    return counts


def _suspending(job: Job, findings: Sequence[Finding]) -> tuple[str, ...]:
    """The codes of what was found that suspend the version by the study's own rule."""
    raised = {each.code for each in findings if each.severity is not Severity.INFO}
    return tuple(code for code in job.study.spec.monitor.suspend if code in raised)


# -- what is written -----------------------------------------------------------------------------


def _data(
    job: Job,
    version: Mapping[str, Any],
    judged: Judged,
    found: _Found,
    findings: Sequence[Finding],
    not_ripe: Mapping[str, Any],
    tables: Mapping[str, Any],
) -> MonitorData:
    study, policy = job.study, policy_of(job.study)
    known_from = not_ripe.get("known_from")
    return MonitorData(
        title=study.spec.title,
        study=study.name,
        as_of=job.day.isoformat(),
        model=version["name"],
        version=str(version["version"]),
        standing=", ".join(version["aliases"]) or "without an alias",
        run_id=version["run_id"],
        learner=judged.learner,
        policy=policy.name,
        made_up=is_made_up(job.data),
        trained=tuple(day.isoformat() for day in judged.trained),
        tested=tuple(day.isoformat() for day in judged.tested),
        judged_on=found.judged_on,
        known_from=known_from.isoformat() if known_from else "",
        not_known=str(not_ripe.get("why", "")),
        since=found.churn[0] if found.churn else "",
        limits=study.spec.monitor.model_dump(mode="json"),
        suspends=_suspending(job, findings),
        identities={
            "run": version["run_id"],
            "model": version["digest"],
            "data": job.lineage.data,
            "scores": job.lineage["scores"],
        },
        findings=make.findings_table(findings, policy),
        gates_then=tuple((row["text"], row["then"], row["carried"]) for row in found.gates),
        **tables,
    )


def _tables(job: Job, judged: Judged, found: _Found) -> dict[str, Any]:
    """Every table of a page, by its name there."""
    study, policy = job.study, policy_of(job.study)
    tables: dict[str, Any] = {
        "volumes": shown.volumes(study, found.volumes, policy),
        "missing": shown.missing(found.missing, policy),
        "features": shown.features(found.features, policy),
        "cells": shown.cells(found.features, policy),
        "scores": shown.scores(found.scores, policy),
        "cuts": shown.cuts(found.scores, policy),
        "risk": shown.risk(found.scores, policy),
    }
    if found.churn:
        tables["churn"] = shown.churned(found.churn[1], policy)
    if found.outcomes is None:
        return tables
    groups = shown.groups(found.outcomes.fairness.to_pylist(), policy)
    return tables | {
        "performance": shown.performance(found.outcomes, judged, policy),
        "calibration": shown.calibration(
            found.outcomes,
            judged,
            policy,
            cluster=study.spec.training.cluster,
            seed=study.spec.seed,
        ),
        "groups_now": groups,
        "groups_then": shown.groups(judged.fairness, policy),
        "gates": make.gates_table(found.gates, policy, fairness=groups),
    }
