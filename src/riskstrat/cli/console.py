"""What the command line draws: one sentence a stage, a progress bar, errors as help."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from riskstrat.errors import RiskstratError

ERRORS = Console(stderr=True, highlight=False)
RESULTS = Console(highlight=False, soft_wrap=True)


def complain(fault: RiskstratError, *, as_json: bool) -> None:
    """Print an error: what, where, what was found, how to fix it, and where to read more."""
    if as_json:
        body = {
            "error": {
                "code": fault.code,
                "exit_code": fault.exit_code,
                "message": fault.message,
                "fix": fault.fix,
            }
        }
        sys.stdout.write(json.dumps(body, ensure_ascii=False) + "\n")
        return
    if trace := getattr(fault, "trace", ""):
        ERRORS.print(trace, markup=False)
    ERRORS.print("[bold red]error[/] ", end="")
    ERRORS.print(f"{fault.code}: {fault}", markup=False)
    ERRORS.print(f"  more:    riskstrat explain {fault.code}", style="dim", markup=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A plain table; numbers to the right."""
    drawn = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    return drawn


@dataclass(slots=True)
class StageDisplay:
    """One sentence for each finished stage, and a bar for the one that is running."""

    quiet: bool
    bar: Progress | None = None
    task: TaskID | None = None
    stages: list[Mapping[str, Any]] = field(default_factory=list)

    def starts(self, stage: str) -> None:
        if self.bar:
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.task = self.bar.add_task(f"{stage:<10}", total=1.0, words="")

    def moves(self, share: float, words: str = "") -> None:
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=share, words=words)

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        if self.bar and self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None
        if not self.quiet:
            mark = "[cyan]=[/]" if reused else "[green]✓[/]"
            cost = "reused" if reused else f"{seconds:.1f} s"
            ERRORS.print(f"{mark} {stage:<10} {summary} [dim]({cost})[/]")


@contextmanager
def stage_display(*, quiet: bool) -> Iterator[StageDisplay]:
    """Draw progress to stderr: a live bar on a terminal, sentences alone elsewhere."""
    if quiet or not ERRORS.is_terminal:
        yield StageDisplay(quiet)
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[words]}", style="dim"),
        console=ERRORS,
        transient=True,
    )
    with bar:
        yield StageDisplay(quiet, bar)
