"""What commands have in common: their arguments, and what is made of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="a study file (YAML)")]
DataDir = Annotated[Path, typer.Option("--data", help="where the sources' relative paths start")]
StoreDir = Annotated[Path, typer.Option("--store", help="where everything is kept")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="override a value of the study; repeatable"),
]
Memory = Annotated[
    str, typer.Option("--memory", help="what all processes of the run may use together")
]
Threads = Annotated[int, typer.Option("--threads", help="0: one for each core", min=0)]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object to stdout")]
Quiet = Annotated[bool, typer.Option("--quiet", help="no sentences, only results and errors")]
ItsRun = Annotated[
    Path | None,
    typer.Option("--run", metavar="RUN", help="the run it must be: a folder, or an id"),
]
DATA, STORE = Path("data/demo"), Path("store")


def options_of(
    data: Path,
    store: Path,
    memory: str,
    threads: int,
    engine: str = "duckdb",
    spark_master: str | None = None,
    *,
    verify: bool = False,
) -> Any:
    """What a command works with."""
    from riskstrat.pipeline import Options

    return Options.make(
        data=data,
        store=store,
        memory=memory,
        threads=threads,
        today=date.today(),
        engine=str(engine),
        spark_master=spark_master,
        verify=verify,
    )


def load(study_file: Path, sets: list[str] | None) -> Any:
    """The study, with what was overridden."""
    from riskstrat.study import load_study

    return load_study(study_file, sets or ())
