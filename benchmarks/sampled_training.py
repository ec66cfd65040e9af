"""What learning from a share of the rows without the outcome costs, against learning from all.

    python benchmarks/sampled_training.py STUDY --store STORE [--negatives 0.3 0.1 0.03]

Trains boosting with its default parameters on the newest cohort and features of a store, once on
all rows and once for each share, each in a process of its own. All are judged on the same
held-out rows, none of them sampled; differences are paired, and their 95% intervals resample the
study's clusters. Results are printed, and kept in `benchmarks/results/` as Markdown and JSON.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from riskstrat.risk_model import FeatureRows
from riskstrat.stages.learn import columns_of
from riskstrat.statistics.ranked import cumulate, rank_rows, ranked_auroc
from riskstrat.statistics.resample import Clusters, find_clusters, replicate
from riskstrat.store.worker import peak_mb
from riskstrat.study import load_study
from riskstrat.study.planned import feature_plan
from riskstrat.training.entrants import needed_attributes
from riskstrat.training.fit import fit

HERE = Path(__file__).parent
LEARNER = "lightgbm"
TOLD = ("auroc", "calibration_slope", "calibration_in_the_large", "ece", "brier")
REPLICATES = 200


@dataclass(frozen=True, slots=True)
class Where:
    """The study and the derived folders of its cohort and features."""

    study: Path
    cohort: Path
    features: Path

    @classmethod
    def newest(cls, study: Path, store: Path) -> Where:
        """The newest cohort and features of a store."""
        found = []
        for stage in ("cohort", "features"):
            files = sorted(
                (store / "derived" / stage).glob(f"*/{stage}.parquet"),
                key=lambda file: file.stat().st_mtime,
            )
            if not files:
                sys.exit(f"{store}: no {stage} has been made yet; run `riskstrat run` first")
            found.append(files[-1].parent)
        return cls(study, *found)


def train(where: Where, sample: Any, threads: int, out: Path) -> None:
    """Train once; keep the held-out scores and what it cost."""
    study = load_study(where.study)
    plan = study.spec.training.model_dump() | {
        "learners": (LEARNER,),
        "baselines": (),
        "tune": {"trials": 0},
        "replicates": REPLICATES,
        "sample": sample,
    }
    spec = type(study.spec.training).model_validate(plan)
    groups = where.features / "groups.parquet"
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        result = fit(
            columns_of(where.cohort / "cohort.parquet", ["outcome"]),
            FeatureRows.of_file(where.features / "features.parquet"),
            feature_plan(study).columns,
            columns_of(groups, needed_attributes(spec, pq.read_schema(groups).names)),
            spec,
            horizon_days=study.spec.outcome.within.days,
            capacity=(),
            seed=study.spec.seed,
            threads=threads,
            scratch=Path(scratch),
        )
    [tested] = [one for one in result.scored if one.split == "test"]
    np.savez(
        f"{out}.npz",
        y=result.rows.outcome[tested.rows],
        raw=tested.raw,
        risk=tested.risk,
        clusters=result.rows.labels(spec.cluster)[tested.rows],
    )
    model = result.models[LEARNER]
    facts = {
        "sample": result.sample,
        "trained": model.provenance["n"],
        "rounds": model.parameters["n_estimators"],
        "seconds": round(time.monotonic() - started, 1),
        "peak_mb": peak_mb(),
        "metrics": {name: result.metrics["test"][LEARNER][name] for name in TOLD},
    }
    Path(f"{out}.json").write_text(json.dumps(facts), encoding="utf-8")


def differences(
    ours: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """What another model loses in AUROC and adds to the Brier score, paired."""
    y, who = ours["y"], find_clusters(ours["clusters"], len(ours["y"]))
    first, second = rank_rows(y, ours["raw"], who), rank_rows(y, theirs["raw"], who)
    worse = (theirs["risk"] - y) ** 2 - (ours["risk"] - y) ** 2
    sums, sizes = per_cluster(worse, who), per_cluster(np.ones(len(y)), who)

    def kernel(weights: NDArray[Any]) -> dict[tuple[str, ...], NDArray[Any]]:
        auroc = ranked_auroc(cumulate(first, weights)) - ranked_auroc(cumulate(second, weights))
        return {("auroc",): auroc, ("brier",): (weights @ sums) / (weights @ sizes)}

    found = replicate(kernel, len(y), who.count, REPLICATES, np.random.default_rng(1))
    return {name: found.estimate((name,), len(y)).as_dict() for name in ("auroc", "brier")}


def per_cluster(values: NDArray[Any], who: Clusters) -> NDArray[Any]:
    """Sums (clusters,) of values (rows,)."""
    return np.bincount(who.of_row, weights=values, minlength=who.count)


def estimate(value: Mapping[str, Any], digits: int = 4) -> str:
    """``0.7571 (0.7505 to 0.7641)``."""
    return f"{value['value']:.{digits}f} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"


def as_markdown(results: list[dict[str, Any]], rows: int) -> str:
    """Two tables: what it costs, and what it does to the model."""
    lines = [
        "# Learning from a share of the rows without the outcome",
        "",
        f"Judged on {rows:,} held-out rows, none of them sampled. 95% intervals; the differences "
        "are paired.",
        "",
        "| negatives kept | rows learnt from | trees | seconds | peak MB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in results:
        kept = each["sample"]["kept"] if each["sample"] else each["trained"]
        lines.append(
            f"| {each['name']} | {kept:,} | {each['rounds']} | {each['seconds']} "
            f"| {each['peak_mb']:.0f} |"
        )
    lines += ["", "| negatives kept | " + " | ".join(TOLD) + " | AUROC lost | Brier score added |"]
    lines.append("| --- " * (len(TOLD) + 3) + "|")
    for each in results:
        shown = [estimate(each["metrics"][name]) for name in TOLD]
        against = each.get("against_all")
        lost = (
            [estimate(against["auroc"], 5), estimate(against["brier"], 6)] if against else ["", ""]
        )
        lines.append("| " + " | ".join([each["name"], *shown, *lost]) + " |")
    return "\n".join(lines) + "\n"


def compare(arguments: argparse.Namespace) -> None:
    """Train each way in a process of its own, and hold every sample against all rows."""
    results: list[dict[str, Any]] = []
    everyone: dict[str, NDArray[Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for share in ("off", *arguments.negatives):
            out = Path(folder) / str(share)
            subprocess.run([*sys.orig_argv, "--one", str(share), "--out", str(out)], check=True)
            facts = json.loads(Path(f"{out}.json").read_text(encoding="utf-8"))
            with np.load(f"{out}.npz") as held:
                scores = dict(held)
            everyone = everyone or scores
            against = None if share == "off" else differences(everyone, scores)
            name = "all" if share == "off" else f"{share:.0%}"
            results.append({"name": name, **facts, "against_all": against})
            print(name, facts["seconds"], "s", facts["peak_mb"], "MB", against, flush=True)
    text = as_markdown(results, len(everyone["y"]))
    print(text)
    kept = HERE / "results" / arguments.name
    kept.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    kept.with_suffix(".md").write_text(text, encoding="utf-8")


def main() -> None:
    """Read the arguments; with `--one`, train once and leave the rest to the caller."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("study", type=Path)
    reader.add_argument("--store", type=Path, default=Path("store"))
    reader.add_argument("--negatives", type=float, nargs="*", default=[0.3, 0.1, 0.03])
    reader.add_argument("--threads", type=int, default=2)
    reader.add_argument("--name", default="sampled_training", help="of the files in results/")
    reader.add_argument("--one", help=argparse.SUPPRESS)
    reader.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = reader.parse_args()
    if arguments.one is None:
        compare(arguments)
        return
    sample = "off" if arguments.one == "off" else {"negatives": float(arguments.one)}
    train(Where.newest(arguments.study, arguments.store), sample, arguments.threads, arguments.out)


if __name__ == "__main__":
    main()
