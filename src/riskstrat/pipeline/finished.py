"""About runs that are finished: render, compare, export; and the made-up county."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from riskstrat.pipeline.desk import refuse_signed
from riskstrat.pipeline.options import Listener
from riskstrat.stages.jobs import call
from riskstrat.store.artefacts import Store
from riskstrat.store.files import refuse_changed
from riskstrat.store.runs import find_run
from riskstrat.store.worker import run_in_child

REPORT = "report.html"


def make_demo_county(
    directory: Path,
    *,
    people: int,
    seed: int,
    linked: bool = False,
    plants: Sequence[str] = (),
    listener: Listener,
) -> dict[str, Any]:
    """Write a made-up county and, last, the file that says how it was made."""
    done = run_in_child(
        call, "county.make", directory, people, seed, linked, tuple(plants),
        memory="4GB", progress=listener.moves,
    )  # fmt: skip
    facts: dict[str, Any] = done.value
    listener.ends(
        "synth",
        f"{facts['people']:,} people, {sum(facts['rows'].values()):,} rows in {directory}; "
        f"sealed truth in {directory.parent / facts['truth']}",
        done.seconds,
        reused=False,
    )
    return facts


def render_again(reference: Path, store: Path, day: date) -> Path:
    """Render a finished run's report again; returns its path.

    Raises:
        SignoffRefused: RS3314, the run is before reviewers or approved, and its report with it.
        StorageError: RS7404, a file that the report is made from is not what the run wrote.
    """
    run = find_run(reference, Store(store))
    refuse_signed(store, run.folder, day)
    refuse_changed(run.folder, but=(REPORT,))
    done = run_in_child(call, "reporting.report.render_again", run.folder, memory="4GB")
    return Path(done.value)


@dataclass(frozen=True, slots=True)
class MadePack:
    """The board's pack of a run: where it is, and what people still have to answer."""

    index: Path
    open: tuple[str, ...]
    printed: tuple[str, ...]


def make_pack(
    reference: Path, store: Path, day: date, *, answers: Path | None = None, printed: bool = False
) -> MadePack:
    """Make a finished run's pack anew, with what people answered.

    Raises:
        StudyError: the answers are about another study, or answer what nobody asks.
        SignoffRefused: RS3314, the run is before reviewers or approved, and its pack with it.
        StorageError: RS7404, a file of the run is not what it wrote.
    """
    kept = Store(store)
    run = find_run(reference, kept)
    refuse_signed(store, run.folder, day)
    refuse_changed(run.folder)
    done = run_in_child(
        call, "reporting.pack_again.pack_again", kept, run.folder, answers, printed, memory="4GB"
    ).value
    return MadePack(Path(done["pack"]), tuple(done["open"]), tuple(done["printed"]))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side: metrics down, runs across."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str

    def tables(self) -> list[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]]]:
        """(title, columns, rows) of each table."""
        return [(f"{self.title}. {self.note}", self.columns, self.rows)]

    def as_dict(self) -> dict[str, Any]:
        """For a program to read."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}


def compare_runs(references: Sequence[Path], store: Path, *, split: str = "test") -> Comparison:
    """Compare finished runs; named by folder or id."""
    folders = [find_run(each, Store(store)).folder for each in references]
    found = run_in_child(call, "reporting.side_by_side.compare", folders, split, memory="4GB").value
    return Comparison(
        title=found["title"],
        columns=tuple(found["columns"]),
        rows=tuple(tuple(row) for row in found["rows"]),
        note=found["note"],
    )


def export_model(name: str, number: int | None, store: Path, to: Path) -> Path:
    """Write a registered model with its card and checksums; returns ``<to>/<name>-<version>``.

    Raises:
        UsageError: there is no such version, or its run is no longer in the store.
        StorageError: the model's files are not those that were registered.
    """
    function = "export.export_model"
    return Path(run_in_child(call, function, Store(store), name, number, to, memory="4GB").value)
