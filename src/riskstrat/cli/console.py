"""What the command line draws: one sentence a stage, a progress bar, errors as help."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from re import finditer
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
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
from rich.text import Text

from riskstrat.errors import RiskstratError

SHORT = 24
"""cells up to this many characters are names and numbers, and are never broken"""


class _Console(Console):
    """A console whose reader may go away: `riskstrat explain | head` is no fault."""

    def on_broken_pipe(self) -> None:
        """Print no more, and go on: how the command ends is not the reader's to say."""
        self.quiet = True
        to_nowhere(self.file)


ERRORS = _Console(stderr=True, highlight=False)
RESULTS = _Console(highlight=False)


def to_nowhere(stream: IO[str]) -> None:
    """Drop what is still written to a stream that nobody reads any more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def result(text: str) -> None:
    """Print a result, and nothing but the result, to stdout."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        to_nowhere(sys.stdout)


def say(words: str, *, style: str = "", markup: bool = False) -> None:
    """Print words to stderr: wrapped between words on a terminal, one line each elsewhere.

    A line folded at 80 columns is hard to search for in a log file.
    """
    text = Text.from_markup(words, style=style) if markup else Text(words, style=style)
    for line in text.split("\n", allow_blank=True):
        width = ERRORS.width if ERRORS.is_terminal else sys.maxsize
        for part in line.divide(_folds(line.plain, width)):
            part.rstrip()
            ERRORS.print(part, overflow="ignore", crop=False, no_wrap=True)


def _folds(line: str, width: int) -> list[int]:
    """Where a line is folded: between words, so that a path longer than it stays whole."""
    folds, column = [], 0
    for word in finditer(r"^\s*\S+\s*|\S+\s*", line):
        if column and column + len(word.group().rstrip()) > width:
            folds.append(word.start())
            column = 0
        column += len(word.group())
    return folds


def complain(fault: RiskstratError, *, as_json: bool) -> None:
    """Print an error: what, where, what was found, how to fix it, and where to read more."""
    from riskstrat.codes import CODES

    known = CODES.get(fault.code)
    fix = fault.fix or (known.fix if known else "")
    if as_json:
        body = {
            "error": {
                "code": fault.code,
                "exit_code": fault.exit_code,
                "message": fault.message,
                "fix": fix,
            }
        }
        result(json.dumps(body, ensure_ascii=False))
        return
    if trace := getattr(fault, "trace", ""):
        say(trace)
    say(f"[bold red]error[/] {escape(f'{fault.code}: {fault.message}')}", markup=True)
    if fix:
        say(f"  to fix:  {fix}")
    say(f"  more:    riskstrat explain {fault.code}", style="dim")


def suggest(**steps: str) -> None:
    """Say what can be done next: a word each, and what it stands for."""
    for word, step in steps.items():
        say(f"  {word + ':':<8} {step}", style="dim")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A plain table; numbers to the right."""
    drawn = Table(
        title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
        short = all(len(str(row[index] or "")) <= SHORT for row in rows)
        drawn.add_column(
            column, justify="right" if numeric else "left", overflow="fold", no_wrap=short
        )
    for row in rows:
        drawn.add_row(*(escape(_cell(cell)) for cell in row))
    return drawn


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


@dataclass(slots=True)
class StageDisplay:
    """One sentence for each finished stage, and a bar for the one that is running."""

    quiet: bool
    bar: Progress | None = None
    task: TaskID | None = None
    stages: list[Mapping[str, Any]] = field(default_factory=list)

    def starts(self, stage: str) -> None:
        """Draw a bar for a stage that begins."""
        if self.bar:
            if self.task is not None:
                self.bar.remove_task(self.task)
            self.task = self.bar.add_task(f"{stage:<10}", total=1.0, words="")

    def moves(self, share: float, words: str = "") -> None:
        """Move the bar."""
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=share, words=words)

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """Take the bar away and say the stage's sentence."""
        if self.bar and self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None
        if not self.quiet:
            mark = "[cyan]=[/]" if reused else "[green]✓[/]"
            cost = "reused" if reused else f"{seconds:.1f} s"
            say(f"{mark} {stage:<10} {escape(summary)} [dim]({cost})[/]", markup=True)


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
