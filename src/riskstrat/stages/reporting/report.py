"""From a run's artefacts to its folder: contract files, report, and the model's bundle.

Runs in a child process. Everything that counts people passes ``release`` before ``publish``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from riskstrat.disk import folder_aside, place_file, read_json, write_bytes, write_json
from riskstrat.publish.mitigation import render_remedies
from riskstrat.publish.report import render_report
from riskstrat.signoff.binding import REVIEW, RULES
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import EXPLANATIONS, GLASSBOX, LINKAGE_ERROR, MITIGATION
from riskstrat.stages.reporting.approved import approved_before
from riskstrat.stages.reporting.inputs import inputs_of
from riskstrat.stages.reporting.pack import answers_of, write_pack
from riskstrat.stages.reporting.review import review_tables
from riskstrat.stages.reporting.robustness_tables import DRILLED
from riskstrat.stages.reporting.shown import report_data
from riskstrat.store.files import files_of, write_manifest
from riskstrat.store.registry import Registry
from riskstrat.store.worker import Progress, peak_mb
from riskstrat.study import Study
from riskstrat.study.rules import rules_of


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
        inputs = inputs_of(job, run, stages)
        write_json(aside / "report.json", inputs)
        data = report_data(aside, job.study, inputs)
        report = render_report(data)
        write_bytes(aside / "report.html", report.page.encode())
        if data.remedies:
            write_bytes(aside / "audit/mitigation.html", render_remedies(data).encode())
        write_json(aside / REVIEW, review_tables(data))
        before = approved_before(job.store, run["study"], run["run_id"], datetime.now(UTC).date())
        write_pack(aside, data, before, answers_of(job.study, folder))
        drawn = {f"figures/{name}": svg for name, svg in report.figures.items()}
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
    write_json(folder / RULES, rules_of(job.study))


def _keep_drills(before: Path, folder: Path) -> None:
    """What drills found of this run stays; its id follows from all that they depend on."""
    for name in DRILLED:
        if (before / name).exists():
            place_file(before / name, folder / name)


def render(folder: Path, study: Study | None, inputs: Mapping[str, Any]) -> str:
    """The report of a run from the files of its folder."""
    return render_report(report_data(folder, study, inputs)).page


def render_again(folder: Path, *, progress: Progress) -> str:
    """Render a finished run's report with the code of today; its manifest is renewed.

    Whoever calls has proved the run's files: the new manifest vouches for all of them.
    """
    progress(0.1, "report")
    inputs = read_json(folder / "report.json")
    write_bytes(folder / "report.html", render(folder, None, inputs).encode())
    run = read_json(folder / "run.json")
    write_manifest(folder, {"study": run["study"], "run_id": run["run_id"]})
    return str(folder / "report.html")
