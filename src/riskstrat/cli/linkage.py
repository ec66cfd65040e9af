"""``riskstrat link``: link a dataset from a linkage file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from riskstrat.cli.console import RESULTS, stage_display, suggest, table
from riskstrat.cli.guard import command, show

LinkageFile = Annotated[
    Path, typer.Argument(metavar="LINKAGE_FILE", help="what is compared, and how (YAML)")
]
SHARE_OF_MEMORY = 0.6
"""of --memory that DuckDB may use; the rest is for tables on their way in and out"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "riskstrat link configs/linkage/febrl4.yaml --data DIR --to links",
        "riskstrat link linkage.yaml --data DIR --to links-may --after links-april",
    )(link)


def link(
    linkage_file: LinkageFile,
    data: Annotated[Path, typer.Option("--data", help="where the files' paths start")] = Path(),
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="folder to write")] = Path(
        "links"
    ),
    after: Annotated[
        Path | None,
        typer.Option(
            "--after",
            metavar="DIR",
            help="earlier links: their model is used again, and their people keep their names",
        ),
    ] = None,
    memory: Annotated[str, typer.Option("--memory", help="what linking may use")] = "4GB",
    threads: Annotated[int, typer.Option("--threads", help="0: one for each core", min=0)] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON object to stdout")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="no sentences, only results and errors")
    ] = False,
) -> None:
    """Link the records of a dataset: which of them are of one person?

    Writes `links.parquet`, the trained `model.json`, `review.parquet` (pairs for a clerical
    reviewer, without any value) and `quality.json`: counts, the rates that the weights themselves
    expect, and precision and recall wherever the linkage file says where the truth is.
    """
    from riskstrat.linkage.dataset import link_dataset
    from riskstrat.linkage.spec import read_linkage
    from riskstrat.store.worker import run_in_child

    spec = read_linkage(linkage_file)
    given = int(_bytes(memory) * SHARE_OF_MEMORY)
    with stage_display(quiet=quiet) as display:
        display.starts("link")
        done = run_in_child(
            _link, link_dataset, spec, data, to, after, given, threads,
            memory=memory, progress=display.moves,
        )  # fmt: skip
        display.ends("link", _said(done.value), done.seconds, reused=False)
    if as_json:
        show(done.value, as_json=True, text="")
        return
    if quality := done.value["quality"]:
        RESULTS.print(_drawn(quality))
    suggest(links=str(to / "links.parquet"), review=str(to / "review.parquet"))


def _link(
    work: Any, spec: Any, data: Path, to: Path, after: Path | None, memory: int, threads: int,
    progress: Any,
) -> Any:  # fmt: skip
    return work(
        spec, data, to, before=after, memory_bytes=memory, threads=threads, progress=progress
    )


def _bytes(memory: str) -> int:
    from riskstrat.errors import UsageError
    from riskstrat.stages.jobs import amount

    try:
        return amount(memory)
    except (ValueError, KeyError):
        raise UsageError(
            f"`{memory}` is not an amount of memory", fix="write `4GB` or `800MB`"
        ) from None


def _said(told: Any) -> str:
    counts = told["counts"]
    return (
        f"{counts['records']:,} records are {counts['entities']:,} people; "
        f"{counts['candidates']['pairs']:,} pairs compared"
    )


def _drawn(quality: Any) -> Any:
    rows = [
        (
            each["group"]
            if each["group"] == each["level"]
            else f"{each['group']}: {each['level']}",
            each["records"],
            _interval(each["precision"]),
            _interval(each["recall"]),
            _interval(each["f1"]),
        )
        for each in quality
    ]
    return table("Against truth", ("records of", "records", "precision", "recall", "F1"), rows)


def _interval(estimate: Any) -> str:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None:
        return "-"
    limits = f" ({low:.4f} to {high:.4f})" if low is not None and high is not None else ""
    return f"{value:.4f}{limits}"
