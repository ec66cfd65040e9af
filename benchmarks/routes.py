"""One made-up county by several routes: perfectly linked, under other names, linked by keepers."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from main_job import COMMAND, GATE_FAILED, ROOT, STUDIES

from riskstrat.api import Run, runs

CUSTODY_FILE = ROOT / "configs" / "custody" / "mid_county.yaml"
NAMED = ("person_id", "household_id")


@dataclass(frozen=True, slots=True)
class Route:
    """A county and a store.

    Attributes:
        data: the analyst's extracts.
        store: of the runs.
        custody: the keepers' folders, where these linked the records.
    """

    data: Path
    store: Path
    custody: Path | None = None

    def make(self, people: int, seed: int) -> float:
        """Make the county, and have it linked if it was made raw; seconds of linking."""
        more = () if self.custody else ("--linked",)
        ask("synth", str(self.data), "--people", str(people), "--seed", str(seed), *more)
        if not self.custody:
            return 0.0
        shutil.rmtree(self.custody, ignore_errors=True)
        started = time.monotonic()
        where = ("--data", str(self.data), "--custody", str(self.custody))
        ask("pseudonymise", "all", str(CUSTODY_FILE), *where)
        return time.monotonic() - started

    def run(self, threads: int) -> None:
        """Run both studies from an empty store."""
        shutil.rmtree(self.store, ignore_errors=True)
        for study in STUDIES:
            words = ("run", str(ROOT / "configs" / "studies" / f"{study}.yaml"))
            where = ("--data", str(self.data), "--store", str(self.store))
            ask(*words, *where, "--threads", str(threads), fine=(0, GATE_FAILED))

    def newest(self, study: str) -> Run:
        """The newest run of a study.

        Raises:
            SystemExit: there is none.
        """
        found = runs(study, store=self.store)
        if not found:
            sys.exit(f"{self.store} has no run of {study}; leave out --again")
        return found[-1]


def ask(*words: str, fine: Sequence[int] = (0,)) -> None:
    """Run a command of riskstrat in a process of its own.

    Raises:
        SystemExit: it did not end well.
    """
    done = subprocess.run([*COMMAND, *words, "--quiet"], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in fine:
        sys.exit(f"`riskstrat {' '.join(words)}` ended with code {done.returncode}")


def rename(source: Path, target: Path) -> None:
    """Copy a linked county, everybody and every home under another pseudonym."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.parquet")):
        table = pq.read_table(path)
        for name in NAMED:
            if name in table.column_names:
                place = table.column_names.index(name)
                table = table.set_column(place, name, other_names(table.column(name)))
        pq.write_table(table, target / path.name, compression="zstd")


def other_names(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Another pseudonym for each, the same for the same one."""
    coded = column.combine_chunks().dictionary_encode()
    named = pa.array([other_name(each) for each in coded.dictionary.to_pylist()])
    return pa.chunked_array([named.take(coded.indices)])


def other_name(name: str) -> str:
    """One of the same kind and length."""
    return name[0] + hashlib.sha256(f"other|{name}".encode()).hexdigest()[: len(name) - 1]


def other_people(names: pa.ChunkedArray) -> pa.Table:
    """unit_id, as the renamed county has it, and person_id."""
    once = pc.unique(names)
    return pa.table({"unit_id": other_names(pa.chunked_array([once])), "person_id": once})
