"""Engines side by side: turns, medians, and whether the answers agree."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ours
import psutil
import pyarrow.parquet as pq
from compare import compare
from extracts import write_config, write_extracts
from peers import KERNEL, Bench, Engine, cost, explain, middle
from watch import Measured
from workload import Workload

STEPS = (
    ("one-off", "prepared"),
    ("cohort", "cohort"),
    ("features", "features"),
    ("again", "features"),
)
"""riskstrat's turns, and the stage each goes up to"""


def machine() -> dict[str, Any]:
    """The machine, by what matters for these figures."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(psutil.getloadavg()[0], 1),
    }


def events_of(bench: Bench, workload: Workload) -> int:
    """How many rows the slice has."""
    files = [
        bench.data / "clustered" / table.name / f"{part:03d}.parquet"
        for table in workload.tables
        for part in range(bench.parts)
    ]
    return sum(pq.read_metadata(file).num_rows for file in files)


class Mine:
    """riskstrat on the same slice: one-off stages, then features, then nothing new."""

    def __init__(
        self, bench: Bench, workload: Workload, name: str = "riskstrat", more: Sequence[str] = ()
    ) -> None:
        self.workload, self.bench, self.name = workload, bench, name
        self.extracts = write_extracts(workload, bench.data, bench.parts)
        self.study = write_config(workload, bench.data / "config")
        self.store, self.more = bench.work / "store" / f"{workload.name}{len(more)}", tuple(more)
        self.steps: list[dict[str, Measured]] = []
        self.costs: list[tuple[float, float, float]] = []
        self.stages: list[tuple[dict[str, Any], ...]] = []
        self.features: Path | None = None
        self.why = ""

    def run(self) -> str:
        """One turn, from an empty store; tells what it took."""
        ours.forget(self.store)
        steps: dict[str, Measured] = {}
        for step, until in STEPS:
            found = ours.run(self.study, self.extracts, self.store, until=until, more=self.more)
            if found.whole.code != 0:
                self.why = explain(found.whole)
                return f"{self.name}: {self.why}"
            steps[step] = found.whole
            if step == "features":
                self.stages.append(found.stages)
                self.features = found.features
        self.steps.append(steps)
        self.costs.append(self._cost(steps))
        return self.name + ": {:.1f} s, {:.1f} CPU s, {:.0f} MB".format(*self.costs[-1])

    def _cost(self, steps: dict[str, Measured]) -> tuple[float, float, float]:
        """The features alone, as the stage tells them, the loading of compiled code apart.

        Executors of a Spark are not in what the stage can tell: there, it is the command less the
        same command with nothing left to do.
        """
        made, again = steps["features"], steps["again"]
        if self.more or self.features is None:
            return made.wall - again.wall, made.cpu - again.cpu, made.peak_mb
        facts = ours.facts_of(self.features)
        apart = facts.get("loading_seconds", 0.0)
        return facts["seconds"] - apart, facts["cpu_seconds"] - apart, made.peak_mb

    def answers(self) -> list[Path]:
        """Its features in the peers' form."""
        assert self.features
        out = self.bench.work / "out" / self.workload.name / self.store.name
        return ours.as_peers_write(self.features, self.workload, self.bench.parts, out)

    def told(self) -> dict[str, Any]:
        """All figures."""
        people = self.workload.people_of(self.bench.parts - 1)[1]
        told: dict[str, Any] = {"name": self.name, "people": people}
        if not self.steps:
            return told | {"why": self.why}
        told |= _named(middle(self.costs))
        for step in ("one-off", "cohort", "again"):
            figures = [(s[step].wall, s[step].cpu, s[step].peak_mb) for s in self.steps]
            told[step] = _named(middle(figures))
        return told | {"repeats": len(self.steps), "stages": list(self.stages[-1])}


def _named(figures: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("wall", "cpu", "peak_mb"), figures, strict=True))


def side_by_side(
    bench: Bench, workload: Workload, engines: Sequence[Engine], repeat: int, own: Sequence[Mine]
) -> dict[str, Any]:
    """Measure engines and riskstrat, and compare their answers.

    Answers are held against riskstrat's, or the bare kernel's where riskstrat has none.
    """
    found = in_turn(bench, engines, repeat, own)
    people = workload.people_of(bench.parts - 1)[1]
    names = [feature.name for feature in workload.features()]
    truth, reference = bench.files(KERNEL), "bare kernel"
    told = [mine.told() for mine in own]
    for mine, said in zip(own, told, strict=True):
        if mine.features:
            answers = mine.answers()
            said["answers"] = {"text": str(compare(truth, answers, names))}
            said["facts"] = ours.facts_of(mine.features)
            said["remark"] = "compiled kernel" if said["facts"].get("kernel") else "in SQL"
            truth, reference = answers, mine.name
    return {
        "people": people,
        "events": events_of(bench, workload),
        "dates": len(workload.dates),
        "columns": len(names),
        "reference": reference,
        "riskstrat": told,
        "engines": summarise(bench, workload, engines, found, truth),
    }


def in_turn(bench: Bench, engines: Sequence[Engine], repeat: int, own: Sequence[Mine]) -> dict:
    """Every engine once, then again, so that a busy minute hits none alone."""
    runs: dict[str, list[Measured]] = {}
    why: dict[str, str] = {}
    for turn in range(repeat):
        for engine in engines:
            if engine.name in why or (engine.slow and turn):
                continue
            found = bench.run(engine)
            if isinstance(found, Measured) and found.code == 0:
                runs.setdefault(engine.name, []).append(found)
                told = "{:.1f} s, {:.1f} CPU s, {:.0f} MB".format(*cost(found))
            else:
                told = why[engine.name] = found if isinstance(found, str) else explain(found)
            print(f"{turn + 1}/{repeat} {engine.name}: {told}", file=sys.stderr, flush=True)
        for mine in own:
            print(f"{turn + 1}/{repeat} {mine.run()}", file=sys.stderr, flush=True)
    return {"runs": runs, "why": why}


def summarise(
    bench: Bench, workload: Workload, engines: Sequence[Engine], found: dict, truth: list[Path]
) -> list[dict[str, Any]]:
    """A row for each engine: figures, and whether its cells are the reference's."""
    names = [feature.name for feature in workload.features()]
    rows = []
    for engine in engines:
        row: dict[str, Any] = {"name": engine.name, "remark": engine.remark}
        _, high = workload.people_of(bench.parts - 1)
        row["people"] = engine.slow or high
        if engine.name in found["why"]:
            rows.append(row | {"why": found["why"][engine.name]})
            continue
        runs = found["runs"][engine.name]
        wall, cpu, peak = middle([cost(run) for run in runs])
        starts = sorted(run.phases["start"][1] for run in runs)
        row |= {"wall": wall, "cpu": cpu, "peak_mb": peak, "repeats": len(runs)}
        row |= {"start_cpu": starts[len(starts) // 2], "facts": dict(runs[-1].facts)}
        if "load" in runs[-1].phases:
            row["load"] = _named(runs[-1].phases["load"])
        if engine.answers:
            agreement = compare(truth, bench.files(engine), names, engine.slow or None)
            row["answers"] = {
                "text": str(agreement),
                "cells": agreement.cells,
                "differ": agreement.other,
                "rounding": agreement.rounding,
                "zero_not_empty": agreement.zero,
                "missing": len(agreement.missing),
                "worst": list(agreement.worst),
            }
        rows.append(row)
    return rows
