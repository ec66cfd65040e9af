"""What is made of a finished run off the main path, and put into its folder and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.pipeline.desk import refuse_signed
from riskstrat.pipeline.explain import explain_more
from riskstrat.pipeline.links import hold_links
from riskstrat.pipeline.options import Listener, Options, Silent
from riskstrat.pipeline.run import derive, identity
from riskstrat.pipeline.work import Work, allowed, holding, write_log
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.files import files_of, verified_manifest
from riskstrat.store.runs import find_run
from riskstrat.study import Study


@dataclass(frozen=True, slots=True)
class Beside:
    """What was made of a finished run.

    Attributes:
        folder: of the run.
        facts: of the stage.
    """

    folder: Path
    facts: Mapping[str, Any]


def put_beside(
    study: Study,
    options: Options,
    listener: Listener | None,
    run: Path | None,
    stage: str,
    say: Callable[[Mapping[str, Any]], str],
) -> Beside:
    """Make a stage of a finished run, and the run's report anew if it does not tell of it yet.

    Args:
        run: the run, where it must be that one; by default the one that the study, the extracts
            and this version give.
        stage: which.
        say: its facts in words.

    Raises:
        UsageError: RS3612, the run named was made from something else; RS3613, there is none.
        SignoffRefused: RS3314, the run is signed and its report does not tell of it.
        RiskstratError: as for a run.
    """
    allowed(study, options)
    with holding(options.store):
        lineage = trace(study, options.store, options.data)
        work = Work(study, options, lineage, listener or Silent())
        folder = finished_run(work, run)
        known = work.store.artefact(stage, lineage[stage])
        if known is None or not _is_told(known, folder):
            refuse_signed(work.store.root, folder, options.today)
        derive(work)
        explain_more(work)
        hold_links(work)
        before = len(work.stages)
        artefact = work.stage(stage, say)
        if not _is_told(artefact, folder):  # what is told already may be signed, and stays as it is
            _tell(work, folder, stage, work.stages[before:])
        write_log(work, f"{stage} {study.name} {folder.name}", {stage: lineage[stage]})
    return Beside(folder, artefact.facts)


def finished_run(work: Work, run: Path | None) -> Path:
    """The folder of the run that something is put beside.

    Raises:
        UsageError: RS3612 or RS3613.
    """
    facts = identity(work)
    folder = work.store.run_folder(facts["study"], facts["run_id"])
    if run is not None:
        named = find_run(run, Store(work.store.root)).folder
        if named.resolve() != folder.resolve():
            raise UsageError(
                f"{named.name} was not made from this study, these extracts and this version: "
                f"that would be {folder.name}",
                fix="name the study file, `--set`, `--data` and `--store` that it was run with; or "
                "run the study again and leave `--run` out",
                code="RS3612",
            )
    if verified_manifest(folder) is None:
        raise UsageError(
            f"{work.study.name}: there is no finished run of this study and these extracts",
            fix=f"riskstrat run {work.study.path}",
            code="RS3613",
        )
    return folder


def _is_told(artefact: Artefact, folder: Path) -> bool:
    """Whether the run's folder holds what the stage made."""
    made = ((artefact / name, folder / "audit" / name) for name in files_of(artefact.folder))
    return all(there.is_file() and cmp(ours, there, shallow=False) for ours, there in made)


def _tell(work: Work, folder: Path, stage: str, done: list[dict[str, Any]]) -> None:
    """Write the run's folder anew, its report with it."""
    facts = read_json(folder / "run.json")
    known = [each for each in facts["stages"] if each["stage"] not in (stage, "report")]
    told = {name: value for name, value in facts.items() if name != "stages"}
    work.listener.starts("report")
    made = work.child("reporting.report.publish_run", told, [*known, *done])
    work.listener.ends("report", str(folder / "report.html"), made.seconds, reused=False)
