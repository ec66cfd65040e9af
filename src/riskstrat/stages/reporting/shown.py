"""All that a report shows, from the files of a run's folder, under disclosure control."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskstrat.disk import read_json
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.study_tables import (
    agreements_table,
    flow_table,
    outcome_of,
    question_of,
    recipients_table,
    sharing_table,
    units_of,
    who_can_reidentify,
)
from riskstrat.publish.tables import PlainTable, agency_table, importance_table
from riskstrat.publish.wording import LEARNERS, learner
from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.disclosure import protect_text, restored
from riskstrat.release.policies import Policy, policy_named
from riskstrat.stages.reporting.curve_tables import curve_tables
from riskstrat.stages.reporting.equity_tables import equity_tables
from riskstrat.stages.reporting.explain_tables import explanation_tables
from riskstrat.stages.reporting.linkage_tables import linkage_tables
from riskstrat.stages.reporting.privacy_tables import privacy_tables
from riskstrat.stages.reporting.robustness_tables import robustness_tables
from riskstrat.study import Study
from riskstrat.vocabulary import Finding, Protected, Severity

KNOWN_WHEN = (
    "A record counts on a date only if it happened before that date and had reached the platform "
    "before that date. Attributes, addresses and registrations are those known on the day.",
    "Where an agency's data do not reach over a window, the measurement is left empty and "
    "marked as not covered; it is never read as zero.",
)
MADE_UP = ("The data are made up: no figure here says anything about real people or places.",)


def report_data(folder: Path, study: Study | None, inputs: Mapping[str, Any]) -> ReportData:
    """Protect everything a report shows; ``study`` is read from the folder where not given."""
    told = _study_facts(folder)
    run, policy = inputs["run"], policy_named(inputs["policy"])
    winner = read_json(folder / "training.json")["winner"]
    metrics = read_json(folder / "metrics.json")
    fairness = evidence.fairness_table(
        pq.read_table(folder / "audit/fairness.parquet").to_pylist(), policy
    )
    model = run["model"]
    release = run["release"] or {}
    shares = told["audit"]["capacity"]
    curves = curve_tables(folder, winner, policy, told, seed=run["seed"])
    capacity = 0.05 if 0.05 in shares else shares[len(shares) // 2]
    more = equity_tables(folder, told, policy, fairness, capacity)
    outcomes = make.outcome_table(_outcome_rows(folder), policy)
    return ReportData(
        title=told["title"],
        question=question_of(told),
        study=told["study"],
        outcome=outcome_of(told),
        horizon=str(told["outcome"]["within"]),
        scope="" if told["cohort"]["who"] == "true" else told["cohort"]["who"],
        purpose=told["purpose"],
        run_id=run["run_id"],
        champion=winner,
        policy=policy.name,
        units=units_of(told),
        model=model["name"],
        version=str(model["version"]),
        as_of=release.get("as_of", ""),
        data_as_at=_day_before(release.get("as_of", "")),
        made_up=run["made_up"],
        capacity=capacity,
        reidentification=who_can_reidentify(told["release"]),
        known_when=KNOWN_WHEN,
        limits=MADE_UP if run["made_up"] else (),
        notes=_notes(folder, policy),
        provenance=_provenance(run),
        study_text=(folder / "study.yaml").read_text(encoding="utf-8"),
        sources=make.sources_table(inputs["sources"], policy),
        flow=make.flow_table(read_json(folder / "cohort/flow.json"), policy, outcomes),
        outcomes=outcomes,
        folds=make.folds_table(read_json(folder / "folds.json"), policy),
        performance=evidence.performance_table(metrics, policy),
        at_capacity=evidence.capacity_table(metrics, policy),
        fairness=fairness,
        gates=make.gates_table(read_json(folder / "audit/gates.json"), policy, fairness=fairness),
        findings=make.findings_table(_findings(folder, inputs), policy, fairness=fairness),
        bands=_bands(release),
        agreements=agreements_table(inputs["agreements"]),
        recipients=recipients_table(told["release"]),
        sharing=sharing_table(inputs.get("sharing", ())),
        data_flow=flow_table(inputs.get("data_flow", ())),
        dictionary=PlainTable.of(
            "Features",
            ("meaning", "agency", "share_missing", "name", "source", "window"),
            read_json(folder / "features.json"),
        ),
        importance=importance_table(pq.read_table(folder / "audit/importance.parquet").to_pylist()),
        importance_by_agency=agency_table(
            pq.read_table(folder / "audit/importance_by_agency.parquet").to_pylist()
        ),
        stages=PlainTable.of("Stages", ("stage", "seconds", "peak_mb"), inputs["stages"]),
        calibration=curves["calibration"],
        gains=curves["gains"],
        decision=more.pop("decision", curves["decision"]),
        risk=curves["risk"],
        **more,
        **explanation_tables(folder, policy),
        **privacy_tables(folder, policy),
        **robustness_tables(folder, policy),
        **linkage_tables(folder, policy, fairness, made_up=run["made_up"]),
    )


def _study_facts(folder: Path) -> dict[str, Any]:
    import yaml

    facts: dict[str, Any] = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    return facts


def _notes(folder: Path, policy: Policy) -> tuple[str, ...]:
    """What training had to decide: counts as they may be shown, learners by their plain names."""
    found = []
    for note in read_json(folder / "training.json")["notes"]:
        told = protect_text(note, policy)
        for name in LEARNERS:
            told = re.sub(rf"\b{name}\b", learner(name), told)
        found.append(told)
    return tuple(found)


def _day_before(day: str) -> str:
    """The last day that a list may tell of."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat() if day else ""


def _provenance(run: Mapping[str, Any]) -> dict[str, Any]:
    digests = run["digests"]
    shown = {f"{name} digest": digests[name] for name in ("study", "data", "features", "training")}
    # Sorted: the same bytes when rendered again.
    software = ", ".join(f"{name} {version}" for name, version in sorted(run["versions"].items()))
    return {"seed": run["seed"], **shown, "software": software}


def _outcome_rows(folder: Path) -> list[dict[str, Any]]:
    return [
        {"as_of": day, "n": n, "yes": yes, "no": no, "not_yet_known": n - yes - no}
        for day, n, yes, no in read_json(folder / "cohort/counts.json")["by_date"]
    ]


def _findings(folder: Path, inputs: Mapping[str, Any]) -> list[Finding]:
    beside = sorted((folder / "audit").glob("*_findings.json"))
    more = [row for path in beside for row in read_json(path)]
    rows = [*read_json(folder / "audit/findings.json"), *more, *inputs["findings"]]
    found = [Finding(**{**row, "severity": Severity(row["severity"])}) for row in rows]
    order = list(Severity)
    return sorted(found, key=lambda each: (order.index(each.severity), each.code, each.where))


def _bands(release: Mapping[str, Any]) -> Protected | None:
    """The release's own protected table, as it was kept."""
    if not release:
        return None
    return restored(release["bands"])
