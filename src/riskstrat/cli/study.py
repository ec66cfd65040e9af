"""``riskstrat check``, ``run``, ``prepare`` and ``score``: a study on its way to lists."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from riskstrat.cli.arguments import (
    DATA,
    STORE,
    AsJson,
    DataDir,
    Memory,
    Quiet,
    Sets,
    StoreDir,
    StudyFile,
    Threads,
    load,
    options_of,
)
from riskstrat.cli.console import RESULTS, complain, stage_display, suggest, table
from riskstrat.cli.guard import command, show
from riskstrat.errors import GatesFailed


class EngineName(StrEnum):
    """The engines there are."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class StageName(StrEnum):
    """The stages a run can end with."""

    CONTRACTS = "contracts"
    LINKAGE = "linkage"
    PREPARED = "prepared"
    COHORT = "cohort"
    FEATURES = "features"
    TRAINING = "training"
    AUDIT = "audit"


Engine = Annotated[EngineName, typer.Option("--engine", help="what the work on rows is spread by")]
SparkMaster = Annotated[
    str | None,
    typer.Option(
        "--spark-master",
        metavar="URL",
        help="local[4], spark://host:7077, yarn, k8s://..., or sc://host for Spark Connect; "
        "default $SPARK_REMOTE, $SPARK_MASTER, then local[2]",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "riskstrat check configs/studies/emergency_admission.yaml",
        "riskstrat check study.yaml --data /secure/extracts --json",
    )(check)
    command(
        app,
        "riskstrat run configs/studies/emergency_admission.yaml",
        "riskstrat run study.yaml --data extracts --set training.tune.trials=40",
        "riskstrat run examples/rand_hie/study.yaml --data ../shared/data",
        "riskstrat run study.yaml --until features --memory 2GB    [dim]# no model yet[/]",
    )(run)
    command(
        app,
        "riskstrat prepare configs/studies/emergency_admission.yaml",
        "riskstrat prepare study.yaml --data /secure/extracts --memory 8GB",
    )(prepare)
    command(
        app,
        "riskstrat score configs/studies/emergency_admission.yaml --as-of 2025-04-01",
        "riskstrat score study.yaml --as-of 2025-07-01 --version 3",
        "riskstrat score study.yaml --research    [dim]# no approval, nothing for use[/]",
    )(score)


def check(
    study: StudyFile,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    engine: Engine = EngineName.DUCKDB,
    spark_master: SparkMaster = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check contracts, agreements and data quality; nothing is kept."""
    from riskstrat.pipeline import check_study

    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        checked = check_study(
            loaded,
            options_of(data, store, memory, threads, engine, spark_master),
            display,
        )
    if as_json:
        show(checked.as_dict(), as_json=True, text="")
    else:
        RESULTS.print(table("Sources", *checked.sources_table()))
        RESULTS.print(table("Legal basis", *checked.basis_table()))
        RESULTS.print(table("Opt-outs", *checked.opt_outs_table()))
        for title, columns, rows in checked.matrix_tables():
            RESULTS.print(table(title, columns, rows))
        RESULTS.print(f"Data flow (Mermaid):\n\n{checked.flow}", markup=False, soft_wrap=True)
        RESULTS.print(table("Findings", *checked.findings_table()))
    if checked.fault:
        complain(checked.fault, as_json=False)
        raise typer.Exit(checked.fault.exit_code)
    if not quiet:
        suggest(next=f"riskstrat run {study} --data {data}")


def run(
    study: StudyFile,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    engine: Engine = EngineName.DUCKDB,
    spark_master: SparkMaster = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    until: Annotated[
        StageName | None,
        typer.Option("--until", help="the last stage to make; then print its folder"),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="read every byte of what is reused again")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a study from contracts to release; print the run's folder.

    A stage whose inputs have not changed is reused; a killed run resumes. Exit code 20 means
    that the run is complete and kept, but the model failed a gate (or none was set) and is not
    promoted.

    A file whose size, modification time and inode are those of when it was last read is taken to
    hold the same bytes; `--verify` reads extracts and finished stages again.
    """
    from riskstrat.pipeline import run_study

    options = options_of(data, store, memory, threads, engine, spark_master, verify=verify)
    if until:
        _until(study, until, options, sets, as_json, quiet)
        return
    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        done = run_study(loaded, options, display)
    show(done.as_dict(), as_json=as_json, text=str(done.folder))
    if not done.passed:
        _gates_failed(
            "the run is complete, but the model is not promoted: " + done.failed_gates(),
            f"read the gates in {done.folder / 'report.html'}; the model is registered without "
            "an alias",
        )
    if not quiet:
        suggest(**_after(done, store))


def _after(done: Any, store: Path) -> dict[str, str]:
    """What a person does with a run that passed its gates."""
    steps = {"read": str(done.folder / "report.html")}
    if released := done.run["release"]:
        steps["preview"] = str(store / released["folder"])
    model = done.run["model"]
    if "champion" not in model["aliases"]:
        where = "" if store == STORE else f" --store {store}"
        steps["decide"] = f"riskstrat submit {model['name']} {model['version']} --by NAME{where}"
    return steps


def prepare(
    study: StudyFile,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    engine: Engine = EngineName.DUCKDB,
    spark_master: SparkMaster = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check the extracts and lay them out by unit, so that runs can begin at once.

    `run` does this where it is needed. It is done once for each extract: a later extract with a
    few new rows changes only what they touch.
    """
    options = options_of(data, store, memory, threads, engine, spark_master)
    _until(study, StageName.PREPARED, options, sets, as_json, quiet)


def _until(
    study: Path, stage: StageName, options: Any, sets: list[str] | None, as_json: bool, quiet: bool
) -> None:
    from riskstrat.pipeline import run_until

    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        done = run_until(loaded, options, stage.value, display, last=True)
    show(done.as_dict(), as_json=as_json, text="\n".join(map(str, done.folders)))
    if not done.passed:
        _gates_failed(
            "the audit is complete, but the model would not be promoted: " + done.failed_gates(),
            f"read the gates in {done.folders[0] / 'gates.json'}",
        )
    if not quiet:
        read = {name: str(done.folders[0] / file) for name, file in READ.get(stage, {}).items()}
        again = ["riskstrat", "run", str(study), *_where(options)]
        again += [word for each in sets or () for word in ("--set", each)]
        suggest(**read, next=shlex.join(again))


READ: Mapping[StageName, Mapping[str, str]] = {
    StageName.FEATURES: {"rows": "features.parquet"},
    StageName.TRAINING: {"metrics": "metrics.json", "models": "models"},
    StageName.AUDIT: {"gates": "gates.json"},
}
"""stage -> what a person reads of what it left"""


def _where(options: Any) -> list[str]:
    """The words that name the extracts and the store, where they are not the usual ones."""
    given = {"--data": (options.data, DATA), "--store": (options.store.root, STORE)}
    return [
        word
        for option, (path, usual) in given.items()
        if path != usual
        for word in (option, str(path))
    ]


def _gates_failed(message: str, fix: str) -> NoReturn:
    """Say which gates failed, and end with the exit code of that."""
    fault = GatesFailed(message, fix=fix)
    complain(fault, as_json=False)
    raise typer.Exit(fault.exit_code)


def score(
    study: StudyFile,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], help="the morning we decide; default: the study's"
        ),
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="model version; default: the one approved last")
    ] = None,
    research: Annotated[
        bool, typer.Option("--research", help="score without an approval; marked, not for use")
    ] = False,
    data: DataDir = DATA,
    store: StoreDir = STORE,
    sets: Sets = None,
    engine: Engine = EngineName.DUCKDB,
    spark_master: SparkMaster = None,
    memory: Memory = "4GB",
    threads: Threads = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score everyone in scope on a day with the approved model, and write the releases.

    Exit code 30: there is no approval that holds. `--research` scores all the same, into
    `research/` of the store, and marks every row and page as not for use.
    """
    from riskstrat.pipeline import score_study

    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        folder = score_study(
            loaded,
            options_of(data, store, memory, threads, engine, spark_master),
            display,
            as_of=as_of.date() if as_of else None,
            version=version,
            research=research,
        )
    show({"folder": str(folder)}, as_json=as_json, text=str(folder))
