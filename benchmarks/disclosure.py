"""What disclosure control of a whole release costs: protecting, interval audit, writing, reading.

    python benchmarks/disclosure.py [--people 300000] [--policies strict dfe] [--cells 20]

A county is drawn: people with an age band, sex, deprivation, ethnicity and small area, and a risk
that follows age and deprivation. Three tables of counts, a pseudonymised list and the lists of own
patients are made of it by the stage that makes those of a study. The naive way beside it is one
linear programme (HiGHS, `scipy.optimize.linprog`) for the least and one for the greatest count of
each hidden cell, over the whole system as a dense matrix; it is asked for ``--cells`` of them, and
its time for all of them follows. Both must say the same of these. Each policy is tried in a process
of its own. Results are printed, and kept in `benchmarks/results/` as Markdown and JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.optimize import linprog

from riskstrat.release.bands import band_scores
from riskstrat.release.earlier import Before
from riskstrat.release.interval.published import of_table
from riskstrat.release.interval.recover import recoverable
from riskstrat.release.interval.system import System, build
from riskstrat.release.policies import Policy, policy_named
from riskstrat.release.spec import Recipient, ReleaseSpec
from riskstrat.release.standing import Preview
from riskstrat.stages.releasing.disclosed import Disclosed, audited, disclosed, scanned
from riskstrat.stages.releasing.handover import Handover, Seen
from riskstrat.stages.releasing.release import write_folder
from riskstrat.store.worker import peak_mb
from riskstrat.study.load import load_study

HERE = Path(__file__).parent
STUDY = HERE.parent / "configs" / "studies" / "emergency_admission.yaml"
DAY = date(2025, 4, 1)
PER_AREA = 1_700
"""people in a small area of England (LSOA), about"""
ETHNICITY = (0.8, 0.08, 0.05, 0.04, 0.02, 0.01)
TOPICS = ("age", "falls", "admissions", "A&E attendances", "medicines")


def county(people: int, policy: Policy, rng: np.random.Generator) -> Handover:
    """A drawn county as it stands when its release is about to be made."""
    spec = ReleaseSpec(
        bands={"very_high": 0.005, "high": 0.05, "moderate": 0.20},
        recipients=(
            Recipient(to="public_health", rows="aggregate", by=("lsoa_code", "age_band")),
            Recipient(to="council", rows="aggregate", by=("age_band", "sex", "imd_quintile")),
            Recipient(to="equality", rows="aggregate", by=("ethnicity", "imd_quintile")),
            Recipient(
                to="icb_commissioner",
                rows="pseudonymised",
                columns=("release_id", "band", "risk_band", "age_band", "imd_quintile", "reasons"),
            ),
            Recipient(to="gp_practice", rows="own_patients", own="practice_id"),
        ),
    )
    groups, scores = drawn(people, rng)
    banded = band_scores(scores, {str(name): share for name, share in spec.bands.items()}, key="b")
    study = load_study(STUDY)
    return Handover(
        study=replace(study, spec=study.spec.model_copy(update={"release": spec})),
        seen={each.to: Seen(("reasons", "coarse"), frozenset(), {}) for each in spec.recipients},
        as_of=DAY,
        version={"name": "drawn", "version": 1, "aliases": [], "passed": True, "not_passed": ""},
        policy=policy,
        banded=banded,
        reasons=reasons(banded, rng),
        groups=groups,
        previous=None,
        certainty=(),
        standing=Preview(),
        identities={},
        opt_outs={},
        secret=bytes(32),
        made_up=True,
    )


def drawn(people: int, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """Attributes and risks of everybody."""
    areas = max(2, people // PER_AREA)
    area = rng.integers(0, areas, people)
    age = rng.choice(8, people, p=[0.21, 0.12, 0.14, 0.13, 0.14, 0.12, 0.09, 0.05])
    imd = area * 7 % 5
    ids = {
        "unit_id": [
            f"P{number:016x}" for number in rng.permutation(people).astype(np.int64) + 2**40
        ],
        "as_of": pa.array([DAY] * people, pa.date32()),
    }
    attributes = {
        "lsoa_code": [f"E01{each:06d}" for each in area],
        "age_band": [f"{10 * each}-{10 * each + 9}" for each in age],
        "sex": [("female", "male")[each] for each in rng.integers(0, 2, people)],
        "imd_quintile": [str(each + 1) for each in imd],
        "ethnicity": [f"group {each}" for each in rng.choice(6, people, p=ETHNICITY)],
        "practice_id": [f"A8{each // 5:04d}" for each in area],
    }  # fmt: skip
    risk = np.clip(rng.beta(1, 12, people) * (1 + age) / 3 * (1 + 0.3 * (imd == 0)), 0, 0.99)
    return pa.table(ids | attributes), pa.table(ids | {"raw_score": risk, "risk": risk})


def reasons(banded: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Two reasons for everybody."""
    first = rng.integers(0, len(TOPICS), banded.num_rows)
    pairs = [[TOPICS[each], TOPICS[(each + 1) % len(TOPICS)]] for each in first]
    told = pa.array(pairs, pa.list_(pa.string()))
    whom = {name: banded[name] for name in ("unit_id", "as_of")}
    return pa.table({**whom, "reasons": told, "coarse": told})


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def measure(people: int, name: str, cells: int) -> dict[str, Any]:
    """One release under one policy."""
    policy = policy_named(name)
    hand = county(people, policy, np.random.default_rng([people, 1]))
    protecting, out = timed(lambda: disclosed(hand, Before()))
    recoverable.cache_clear()  # protecting has asked the same question
    auditing, breaches = timed(lambda: audited(out, Before(), policy))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        writing, _ = timed(lambda: write(hand, out, root))
        scanning, said = timed(lambda: scanned(hand, out, root, policy))
        files = [path for path in root.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    if breaches or said:
        sys.exit(f"{name}: the release was refused: {[*breaches, *said][:5]}")
    ours = peak_mb()
    return {
        "policy": name,
        "people": people,
        "cells": sum(len(table.rows) * len(table.counts) for table in out.tables),
        "hidden": sum(table.suppressed for table in out.tables),
        "for_others": sum(len(table.hidden) for table in out.tables),
        "files": len(files),
        "file_mb": round(size / 1e6, 1),
        "protect_seconds": round(protecting, 2),
        "audit_seconds": round(auditing, 2),
        "write_seconds": round(writing, 2),
        "scan_seconds": round(scanning, 2),
        "peak_mb": ours,
        "naive": naive(out, policy, cells),
    }


def write(hand: Handover, out: Disclosed, root: Path) -> None:
    """All folders of the release."""
    for handed in out.handed:
        write_folder(hand, out, handed, root / handed.folder)


def naive(out: Disclosed, policy: Policy, cells: int) -> dict[str, Any]:
    """Two dense linear programmes for each of some hidden cells, and the time of all of them."""
    known = (of_table(table, policy, number) for number, table in enumerate(out.tables))
    system = build(tuple(each for each in known if each))
    asked = np.flatnonzero(~np.isnan(system.need_low))
    if not len(asked):
        return {"hidden": 0}
    matrix = dense(system)
    some = np.random.default_rng(1).permutation(asked)[:cells]
    seconds, kept = timed(lambda: [stays_open(system, matrix, int(place)) for place in some])
    return {
        "hidden": len(asked),
        "asked": len(some),
        "seconds": round(seconds, 2),
        "seconds_for_all": round(seconds / len(some) * len(asked), 1),
        "agrees": all(kept),
        "peak_mb": peak_mb(),
    }


def dense(system: System) -> np.ndarray:
    """The sums as a matrix (sums, groups)."""
    matrix = np.zeros((int(system.owner.max()) + 1, len(system.low)))
    np.add.at(matrix, (system.owner, system.member), system.sign)
    return matrix


def stays_open(system: System, matrix: np.ndarray, place: int) -> bool:
    """Whether the linear bounds of a hidden count hold all that its mark stands for."""
    high = [None if np.isinf(each) else each for each in system.high]
    weights = np.zeros(len(system.low))
    bounds = list(zip(system.low, high, strict=True))
    found = []
    for sign in (1.0, -1.0):
        weights[place] = sign
        solved = linprog(
            weights, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=bounds, method="highs"
        )
        found.append(sign * solved.fun)
    least, most = found
    within = least <= system.need_low[place] + 1e-6 and most >= system.need_high[place] - 1e-6
    return bool(within)


def as_markdown(results: Sequence[dict[str, Any]]) -> str:
    """The tables of the results page."""
    lines = [
        "# Disclosure control of a whole release",
        "",
        f"A drawn county of {results[0]['people']:,} people; three tables of counts, a "
        f"pseudonymised list, a list for each practice. {os.cpu_count()} cores.",
        "",
        "| policy | cells | hidden | for the sake of others | protect s | audit s | write s | "
        "scan s | files | MB of files | peak MB |",
        "| --- " * 11 + "|",
    ]
    for each in results:
        cells = [
            each["policy"], f"{each['cells']:,}", f"{each['hidden']:,}", f"{each['for_others']:,}",
            each["protect_seconds"], each["audit_seconds"], each["write_seconds"],
            each["scan_seconds"], f"{each['files']:,}", each["file_mb"], round(each["peak_mb"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        "The naive way: two dense linear programmes for each hidden count.",
        "",
        "| policy | asked of | seconds | seconds for all hidden | audit, times faster | peak MB | "
        "same answer |",
        "| --- " * 7 + "|",
    ]
    for each in (each for each in results if each["naive"]["hidden"]):
        other = each["naive"]
        faster = other["seconds_for_all"] / max(each["audit_seconds"], 0.01)
        cells = [
            each["policy"], f"{other['asked']:,} of {other['hidden']:,}", other["seconds"],
            f"{other['seconds_for_all']:,}", f"{faster:,.0f}", round(other["peak_mb"]),
            "yes" if other["agrees"] else "no",
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure each policy in its own process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--policies", nargs="+", default=["strict", "hes", "dfe"])
    parser.add_argument("--cells", type=int, default=20, help="hidden cells the naive way is asked")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.people, args.one, args.cells)))
        return
    results = []
    for name in args.policies:
        words = ["--people", str(args.people), "--cells", str(args.cells), "--one", name]
        done = subprocess.run(
            [sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True
        )
        results.append(json.loads(done.stdout))
    told = as_markdown(results)
    print(told)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "disclosure.json").write_text(
        json.dumps(results, indent=1) + "\n", encoding="utf-8"
    )
    (args.out / "disclosure.md").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
