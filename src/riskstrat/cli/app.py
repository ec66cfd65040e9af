"""The ``riskstrat`` command."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from riskstrat import __version__
from riskstrat.cli import (
    disclosure,
    explanations,
    intruder,
    linkage,
    mitigate,
    monitor,
    pack,
    reidentify,
    signoff,
    stress,
)
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
from riskstrat.cli.console import (
    RESULTS,
    complain,
    result,
    say,
    stage_display,
    suggest,
    table,
)
from riskstrat.cli.custody import pseudonymise
from riskstrat.cli.guard import command as guarded_command
from riskstrat.cli.guard import show
from riskstrat.cli.log import log
from riskstrat.errors import GatesFailed, UsageError

app = typer.Typer(
    name="riskstrat",
    help="Predictive risk stratification for public services: agency extracts in; a registered, "
    "audited model, a cohort list and a report out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
command = partial(guarded_command, app)


@command(
    "riskstrat synth data/demo --people 50000 --seed 1",
    "riskstrat synth /tmp/county --people 5000    [dim]# a small one, in seconds[/]",
    "riskstrat synth /tmp/linked --linked         [dim]# as if all links were known[/]",
    "riskstrat synth unfair --linked --plant under_recorded:sex=female:0.4",
)
def synth(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="folder to write")],
    people: Annotated[int, typer.Option(min=500, help="how many residents")] = 50_000,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same bytes")] = 20260401,
    linked: Annotated[bool, typer.Option("--linked", help="extracts linked already")] = False,
    plant: Annotated[
        list[str] | None,
        typer.Option("--plant", metavar="FAULT", help="a fault for audits to find; repeatable"),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a made-up county: raw extracts of agencies in DIR, their sealed truth beside it.

    Faults to plant: `under_recorded:ethnicity=asian:0.4` (sex, ethnicity or imd_quintile) and
    `leak:prescriptions.drug_class=dementia:0.5`. Only the sealed truth tells of them.
    """
    from riskstrat.pipeline import make_demo_county

    with stage_display(quiet=quiet) as display:
        facts = make_demo_county(
            directory,
            people=people,
            seed=seed,
            linked=linked,
            plants=plant or (),
            listener=display,
        )
    show(facts, as_json=as_json, text=str(directory))


@command(
    "riskstrat check configs/studies/emergency_admission.yaml",
    "riskstrat check study.yaml --data /secure/extracts --json",
)
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


@command(
    "riskstrat run configs/studies/emergency_admission.yaml",
    "riskstrat run study.yaml --data extracts --set training.tune.trials=40",
    "riskstrat run examples/rand_hie/study.yaml --data ../shared/data",
    "riskstrat run study.yaml --until features --memory 2GB    [dim]# no model yet[/]",
)
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
    that the run is complete and kept, but the model failed a gate and is not promoted.

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


def _until(
    study: Path, stage: StageName, options: Any, sets: list[str] | None, as_json: bool, quiet: bool
) -> None:
    from riskstrat.pipeline import run_until

    loaded = load(study, sets)
    with stage_display(quiet=quiet) as display:
        done = run_until(loaded, options, stage.value, display)
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


@command(
    "riskstrat prepare configs/studies/emergency_admission.yaml",
    "riskstrat prepare study.yaml --data /secure/extracts --memory 8GB",
)
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


@command(
    "riskstrat score configs/studies/emergency_admission.yaml --as-of 2025-04-01",
    "riskstrat score study.yaml --as-of 2025-07-01 --version 3",
    "riskstrat score study.yaml --research    [dim]# no approval, nothing for use[/]",
)
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


@command("riskstrat report store/runs/emergency_admission/3f2a91c04b7d")
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, or its id")],
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Render a run's report again (after an upgrade, say) and print its path."""
    from riskstrat.pipeline import render_again

    path = render_again(run, store, date.today())
    show({"report": str(path)}, as_json=as_json, text=str(path))


@command("riskstrat compare store/runs/emergency_admission/*")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="run folders or ids")],
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Compare runs: metrics with intervals, gates, and what differed in the study."""
    from riskstrat.pipeline import compare_runs

    if len(runs) < 2:
        raise UsageError("compare needs at least two runs", fix="riskstrat compare RUN RUN")
    compared = compare_runs(runs, store)
    if as_json:
        show(compared.as_dict(), as_json=True, text="")
        return
    for title, columns, rows in compared.tables():
        RESULTS.print(table(title, columns, rows))


@command(
    "riskstrat export emergency_admission --to models",
    "riskstrat export emergency_admission --version 2 --to models",
)
def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="the registered model's name")],
    version: Annotated[
        int | None, typer.Option(help="model version; default champion, else challenger")
    ] = None,
    to: Annotated[Path, typer.Option(help="folder to write MODEL-VERSION into")] = Path("models"),
    store: StoreDir = STORE,
    as_json: AsJson = False,
) -> None:
    """Write a registered model with its model card and checksums into a folder."""
    from riskstrat.pipeline import export_model

    folder = export_model(model, version, store, to)
    show({"folder": str(folder)}, as_json=as_json, text=str(folder))


@command(
    "riskstrat schema --out configs/schemas    [dim]# files for an editor[/]",
    "riskstrat schema study                    [dim]# one, to stdout[/]",
)
def schema(
    name: Annotated[str | None, typer.Argument(help="study, source, agreement ...")] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder to write <name>.schema.json into")
    ] = None,
) -> None:
    """JSON Schemas of the config files, so that editors complete and check them."""
    import json

    from riskstrat.disk import write_json
    from riskstrat.study import schema as schemas

    known = schemas()
    if name and name not in known:
        raise UsageError(f"no schema `{name}`", fix=f"one of {', '.join(sorted(known))}")
    if out:
        for title, body in known.items():
            write_json(out / f"{title}.schema.json", body)
        show(None, as_json=False, text=str(out))
    else:
        chosen = known[name] if name else known
        show(None, as_json=False, text=json.dumps(chosen, indent=2))


@command("riskstrat explain RS1007", "riskstrat explain            [dim]# every code[/]")
def explain(
    code: Annotated[str | None, typer.Argument(metavar="CODE")] = None,
    as_json: AsJson = False,
) -> None:
    """What a finding or error code means, how it is computed, and how to fix it."""
    from riskstrat.codes import CODES

    if code is None:
        rows = [(each.code, each.title) for each in CODES.values()]
        RESULTS.print(table("Codes", ("code", "title"), rows))
        return
    found = CODES.get(code.upper())
    if found is None:
        raise UsageError(f"no code `{code}`", fix="`riskstrat explain` lists them all")
    parts = {"code": found.code, "title": found.title, "meaning": found.meaning}
    parts |= {"how": found.how, "fix": found.fix}
    text = f"{found.code}  {found.title}\n\n{found.meaning}\n"
    text += f"\nHow it is computed: {found.how}\n" if found.how else ""
    text += f"\nTo fix: {found.fix}" if found.fix else ""
    show(parts, as_json=as_json, text=text.rstrip())


for each in (
    explanations, mitigate, signoff, linkage, reidentify, intruder, pack, monitor, stress,
    disclosure,
):  # fmt: skip
    each.register(app)
app.add_typer(pseudonymise)
app.add_typer(log)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True)
    ] = False,
) -> None:
    if version:
        result(f"riskstrat {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point. Nothing but a bug may show a traceback, and never its local values."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot show a sign still works
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        say("\nstopped")
        sys.exit(130)
