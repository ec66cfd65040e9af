"""From a run's artefacts to its folder: contract files, report, and the model's bundle.

Runs in a child process. Everything that counts people passes ``release`` before ``publish``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from riskstrat.contracts.agreements.flow import data_flow
from riskstrat.disk import folder_aside, place_file, read_json, write_bytes, write_json
from riskstrat.publish.mitigation import render_remedies
from riskstrat.publish.report import figures, render_report
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
from riskstrat.signoff.binding import REVIEW
from riskstrat.stages.curve_tables import curve_tables
from riskstrat.stages.equity_tables import equity_tables
from riskstrat.stages.explain_tables import explanation_tables
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import EXPLANATIONS, GLASSBOX, LINKAGE_ERROR, MITIGATION
from riskstrat.stages.linkage_tables import linkage_tables
from riskstrat.stages.pack import answers_of, write_pack
from riskstrat.stages.privacy_tables import privacy_tables
from riskstrat.stages.register import policy_of
from riskstrat.stages.review import review_tables
from riskstrat.stages.robustness_tables import DRILLED, robustness_tables
from riskstrat.store.artefacts import Store
from riskstrat.store.files import files_of, write_manifest
from riskstrat.store.registry import Registry
from riskstrat.store.registry_versions import CHAMPION
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.study import Study
from riskstrat.study.origins import StudyOrigins
from riskstrat.vocabulary import Finding, Protected, Severity

KNOWN_WHEN = (
    "A record counts on a date only if it happened before that date and had reached the platform "
    "before that date. Attributes, addresses and registrations are those known on the day.",
    "Where an agency's data do not reach over a window, the measurement is left empty and "
    "marked as not covered; it is never read as zero.",
)
MADE_UP = ("The data are made up: no figure here says anything about real people or places.",)


def publish_run(
    job: Job, run: Mapping[str, Any], stages: Sequence[Mapping[str, Any]], *, progress: Progress
) -> dict[str, Any]:
    """Put the run's folder in its place: every file of the run, and its report last."""
    started = time.monotonic()
    folder = job.store.run_folder(run["study"], run["run_id"])
    with folder_aside(folder) as aside:
        _place_files(job, aside)
        _keep_drills(folder, aside)
        progress(0.2, "report")
        inputs = _inputs(job, aside, run, stages)
        write_json(aside / "report.json", inputs)
        data = report_data(aside, job.study, inputs)
        write_bytes(aside / "report.html", render_report(data).encode())
        if data.remedies:
            write_bytes(aside / "audit/mitigation.html", render_remedies(data).encode())
        write_json(aside / REVIEW, review_tables(data))
        before = approved_before(job.store, run["study"], run["run_id"])
        write_pack(aside, data, before, answers_of(job.study, folder))
        drawn = {f"figures/{name}": svg for name, svg in figures(data).items()}
        for name, svg in drawn.items():
            write_bytes(aside / name, svg.encode())
        progress(0.8, "registry")
        kept = {name: aside / name for name in ("report.html", *drawn)}
        model = run["model"]
        Registry.of_store(job.store.root).attach(model["name"], model["version"], kept)
        stage = {
            "stage": "report",
            "summary": f"{folder / 'report.html'}",
            "seconds": round(time.monotonic() - started, 3),
            "peak_mb": peak_mb(),
            "rows_in": None,
            "rows_out": None,
            "reused": False,
        }
        write_json(aside / "run.json", {**run, "stages": [*stages, stage]})
        write_manifest(aside, {"study": run["study"], "run_id": run["run_id"]})
    return {"stage": stage}


def _place_files(job: Job, folder: Path) -> None:
    training, features, audit = (job.folder(name) for name in ("training", "features", "audit"))
    winner = read_json(training / "training.json")["winner"]
    for name in ("predictions.parquet", "metrics.json", "tuning.json", "folds.json"):
        place_file(training / name, folder / name)
    place_file(training / "training.json", folder / "training.json")
    for name in ("features.parquet", "features.json", "groups.parquet"):
        place_file(features / name, folder / name)
    for name in ("cohort.parquet", "flow.json", "counts.json"):
        place_file(job.folder("cohort") / name, folder / "cohort" / name)
    audits = [audit, job.folder(EXPLANATIONS)]
    if LINKAGE_ERROR in job.lineage:
        audits.append(job.folder(LINKAGE_ERROR))
    for name in (GLASSBOX, MITIGATION):
        if beside := job.store.artefact(name, job.lineage[name]):
            audits.append(beside.folder)
    for each in audits:
        for name in sorted(files_of(each)):
            place_file(each / name, folder / "audit" / name)
    for path in sorted((training / "models" / winner).iterdir()):
        place_file(path, folder / "model" / path.name)
    write_bytes(folder / "study.yaml", job.study.text.encode())


def _keep_drills(before: Path, folder: Path) -> None:
    """What drills found of this run stays; its id follows from all that they depend on."""
    for name in DRILLED:
        if (before / name).exists():
            place_file(before / name, folder / name)


# -- what the report is made from ----------------------------------------------------------------


def _inputs(
    job: Job, folder: Path, run: Mapping[str, Any], stages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Plain facts of the run that are not in another file of its folder."""
    study = job.study
    basis = study.legal_basis()
    asked = StudyOrigins.of(study).asked()
    findings = [*read_json(job.folder("linkage") / "findings.json")]
    sources = []
    for source in study.sources:
        checked = job.artefact(f"contracts/{source.source}")
        found = read_json(checked / "findings.json")
        findings += found
        spans = [f"{span.start} to {span.end}" for span in source.coverage]
        sources.append(
            {
                "source": source.source,
                "agency": source.agency,
                "title": source.title,
                "rows_in": checked.facts["rows_in"],
                "accepted": checked.facts["rows_out"],
                "rejected": checked.facts["rows_in"] - checked.facts["rows_out"],
                "covers": ", ".join(spans) if len(spans) < 3 else f"{len(spans)} stretches",
                "findings": len(found),
            }
        )
    return {
        "sources": sources,
        "findings": findings,
        "agreements": [
            {
                "agreement": row.reference,
                "sources": row.title,
                "columns": len(row.columns),
                "uk_gdpr": "; ".join(row.uk_gdpr),
                "statutory_gateway": row.statutory_gateway,
                "common_law": row.common_law,
                "ends": row.ends.isoformat(),
            }
            for row in basis
            if row.studied
        ],
        "sharing": [
            {
                "source": row.source,
                "purpose": row.purpose,
                "opt_outs": list(row.opt_outs),
                "recipients": dict(row.recipients),
            }
            for row in basis
            if row.granted
        ],
        "data_flow": [asdict(arrow) for arrow in data_flow(asked, study.catalogue.agreements)],
        "policy": policy_of(study).name,
        "run": {key: value for key, value in run.items() if key != "verdict"},
        "stages": [dict(stage) for stage in stages],
    }


def approved_before(store: Store, study: str, run_id: str) -> ReportData | None:
    """The report of the champion's run, if that is another run and still in the store."""
    for version in Registry.of_store(store.root).versions(study):
        if CHAMPION in version.aliases and version.run_id != run_id:
            folder = store.run_folder(study, version.run_id)
            if (folder / "report.json").exists():
                return report_data(folder, None, read_json(folder / "report.json"))
    return None


def render(folder: Path, study: Study | None, inputs: Mapping[str, Any]) -> str:
    """The report of a run from the files of its folder."""
    return render_report(report_data(folder, study, inputs))


def report_data(folder: Path, study: Study | None, inputs: Mapping[str, Any]) -> ReportData:
    """Protect everything a report shows; ``study`` is read from the folder where not given."""
    told = _study_facts(folder)
    run, policy = inputs["run"], policy_kept(inputs["policy"])
    winner = read_json(folder / "training.json")["winner"]
    metrics = read_json(folder / "metrics.json")
    fairness = evidence.fairness_table(
        pq.read_table(folder / "audit/fairness.parquet").to_pylist(), policy
    )
    model = run["model"]
    release = run["release"] or {}
    shares = told["audit"]["capacity"]
    bands = told["release"]["bands"]
    curves = curve_tables(folder, winner, policy, seed=run["seed"], bands=bands)
    capacity = 0.05 if 0.05 in shares else shares[len(shares) // 2]
    more = equity_tables(folder, told, policy, fairness, capacity)
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
        flow=make.flow_table(read_json(folder / "cohort/flow.json"), policy),
        outcomes=make.outcome_table(_outcome_rows(folder), policy),
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


def policy_kept(name: str) -> Policy:
    """A policy by the name a report keeps: one of ours, or a join such as ``dfe+strict``."""
    from riskstrat.release.policies import strictest

    return strictest(name.split("+")) if "+" in name else policy_named(name)


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


def render_again(folder: Path, *, progress: Progress) -> str:
    """Render a finished run's report with the code of today; its manifest is renewed."""
    progress(0.1, "report")
    inputs = read_json(folder / "report.json")
    write_bytes(folder / "report.html", render(folder, None, inputs).encode())
    run = read_json(folder / "run.json")
    write_manifest(folder, {"study": run["study"], "run_id": run["run_id"]})
    return str(folder / "report.html")
