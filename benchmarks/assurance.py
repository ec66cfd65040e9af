"""What assurance costs, beside the naive way, in one run.

    python benchmarks/assurance.py                      # every section at full size: some minutes
    python benchmarks/assurance.py bootstrap --rows 200000 --replicates 200

Each section times ours and the plain way of doing the same on the same machine in the same run,
and tells the ratio. Where the naive way would take hours, it does a few rounds and is scaled up;
the table says how many. Run it with nothing else running. A new section is a function that
yields `Timed` and a line in `SECTIONS`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from assurance_shap import learnt, made_up, shap_section

RESULTS = Path(__file__).resolve().parent / "results"
SHARES = (0.005, 0.05, 0.20)
NAIVE_BOOTSTRAP = "pandas: draw households, concatenate, Fairlearn's MetricFrame for each group"
GROUPS = ("sex", "age_band", "ethnicity", "imd_quintile", "rural")
LEVELS = {
    "sex": [0.51, 0.49],
    "age_band": [0.25, 0.45, 0.15, 0.1, 0.05],
    "ethnicity": [0.84, 0.06, 0.03, 0.03, 0.02, 0.02],
    "imd_quintile": [0.2] * 5,
    "rural": [0.7, 0.3],
}


@dataclass(frozen=True, slots=True)
class Timed:
    """One thing done two ways.

    Attributes:
        what: with its size.
        ours: seconds of wall clock.
        naive: seconds of the plain way, scaled up from ``rounds`` of ``of``.
        naive_way: what the plain way is.
        target: seconds that ours should stay under; None: there is none.
        peak_mb: of this process so far.
    """

    what: str
    ours: float
    naive: float
    naive_way: str
    rounds: int
    of: int
    target: float | None
    peak_mb: float

    @property
    def ratio(self) -> str:
        """How many times as long the naive way takes."""
        return f"{self.naive / self.ours:,.0f}x"


def peak_mb() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def county(rows: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Outcome, risk, groups and households (about two rows each) of a made-up county."""
    rng = np.random.default_rng(seed)
    household = rng.integers(0, rows // 2, rows)
    shared = rng.normal(size=rows // 2)[household]
    risk = 1 / (1 + np.exp(2.6 - 0.8 * shared - 0.6 * rng.normal(size=rows)))
    made = {"y": rng.random(rows) < risk, "risk": risk, "household": household}
    for name, shares in LEVELS.items():
        made[name] = np.array([f"{name} {i}" for i in range(len(shares))])[
            rng.choice(len(shares), rows, p=np.array(shares) / sum(shares))
        ]
    return made


def bootstrap(asked: argparse.Namespace) -> Iterator[Timed]:
    """Clustered replicates of every metric at capacity, by five groups."""
    from riskstrat.statistics import Cut, evaluate_groups, group_counts

    group_counts.load()
    made = county(asked.rows)
    groups = {name: made[name] for name in GROUPS}
    cuts = [Cut.top(share) for share in SHARES]
    started = time.monotonic()
    evaluate_groups(
        made["y"], made["risk"], groups, cuts, clusters=made["household"],
        replicates=asked.replicates, rng=np.random.default_rng(0),
    )  # fmt: skip
    ours = time.monotonic() - started
    naive = _naive_bootstrap(made, GROUPS, asked.naive_rounds)
    yield Timed(
        what=(
            f"{asked.replicates:,} clustered replicates, {asked.rows:,} rows, {len(GROUPS)} "
            f"groups, {len(SHARES)} capacities"
        ),
        ours=ours,
        naive=naive * asked.replicates,
        naive_way=NAIVE_BOOTSTRAP,
        rounds=asked.naive_rounds,
        of=asked.replicates,
        target=60.0 * asked.rows / 1e6 * asked.replicates / 1_000,
        peak_mb=peak_mb(),
    )


def _naive_bootstrap(made: Mapping[str, np.ndarray], groups: Sequence[str], rounds: int) -> float:
    """Seconds for one replicate done as most people would."""
    from fairlearn.metrics import (
        MetricFrame,
        false_negative_rate,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )
    from sklearn.metrics import brier_score_loss, precision_score, roc_auc_score

    frame = pd.DataFrame(dict(made))
    rows_of = frame.groupby("household").indices
    names = np.array(list(rows_of))
    rates = {
        "selection_rate": selection_rate,
        "sensitivity": true_positive_rate,
        "false_positive_rate": false_positive_rate,
        "false_negative_rate": false_negative_rate,
        "ppv": lambda y, p: precision_score(y, p, zero_division=np.nan),
    }
    rng = np.random.default_rng(0)
    started = time.monotonic()
    for _ in range(rounds):
        drawn = rng.choice(names, len(names))
        sample = frame.iloc[np.concatenate([rows_of[name] for name in drawn])]
        for share in SHARES:
            listed = sample["risk"] >= sample["risk"].quantile(1 - share)
            for group in groups:
                frames = MetricFrame(
                    metrics=rates,
                    y_true=sample["y"],
                    y_pred=listed,
                    sensitive_features=sample[group],
                )
                assert len(frames.by_group)
        for group in groups:
            for _, own in sample.groupby(group):
                roc_auc_score(own["y"], own["risk"])
                brier_score_loss(own["y"], own["risk"])
    return (time.monotonic() - started) / rounds


def audit(asked: argparse.Namespace) -> Iterator[Timed]:
    """The whole audit stage: groups, curves, proxies, leaks, explanations, gates."""
    from riskstrat.audit.audit import audit as whole_audit
    from riskstrat.audit.spec import AuditSpec
    from riskstrat.risk_model import FeatureRows
    from riskstrat.statistics import evaluate

    made = county(asked.people)
    groups = {f"{name}_{i}": made[name] for i in (1, 2) for name in GROUPS}
    chosen = tuple(groups)[:8]
    model = learnt(asked.features)
    with tempfile.TemporaryDirectory() as folder:
        table_ = made_up(asked.people, asked.features, 9)
        keys = {"unit_id": table_["unit_id"], "as_of": table_["as_of"]}
        path = Path(folder) / "features.parquet"
        pq.write_table(table_.sort_by([("as_of", "ascending"), ("unit_id", "ascending")]), path)
        del table_
        rows = {"split": ["test"] * asked.people, "outcome": made["y"]}
        scored = {"m": made["risk"], "age_sex": np.full(asked.people, made["y"].mean())}
        predictions = pa.concat_tables(
            pa.table({**keys, **rows, "learner": [name] * asked.people, "risk": score,
                      "raw_score": score})
            for name, score in scored.items()
        )  # fmt: skip
        measured = evaluate(
            made["y"], made["risk"], shares=SHARES, replicates=20, rng=np.random.default_rng(1)
        ).as_dict()
        held = pa.table({**keys, **{k: groups[k] for k in chosen}, "household": made["household"]})
        spec = AuditSpec.model_validate(
            {"groups": chosen, "capacity": SHARES, "gates": ["auroc.low >= 0.6"]}
        )
        started = time.monotonic()
        whole_audit(
            predictions, {"test": {"m": measured}}, replace(model, name="m"),
            FeatureRows.of_file(path), held, spec, baselines=["age_sex"], cluster="household",
            replicates=asked.replicates, seed=1,
            progress=lambda share, text: print(f"  {share:.0%} {text}", file=sys.stderr),
        )  # fmt: skip
        ours = time.monotonic() - started
        peak = peak_mb()
    columns = {**groups, **{name: made[name] for name in ("y", "risk", "household")}}
    naive = _naive_bootstrap(columns, chosen, asked.naive_rounds)
    yield Timed(
        what=(
            f"full audit, {asked.people:,} people x {asked.features} features, 8 groups, "
            f"{asked.replicates:,} replicates"
        ),
        ours=ours,
        naive=naive * asked.replicates,
        naive_way=f"its intervals alone, {NAIVE_BOOTSTRAP}",
        rounds=asked.naive_rounds,
        of=asked.replicates,
        target=300.0,
        peak_mb=peak,
    )


def shap(asked: argparse.Namespace) -> Iterator[Timed]:
    """Exact contributions of a released list, and of everybody, beside `shap` as it comes."""
    for row in shap_section(everyone=asked.people, features=asked.features, say=_say):
        yield Timed(
            what=f"contributions: {row['what']}, {row['rows']:,} x {asked.features} features",
            ours=row["seconds"],
            naive=row["naive_seconds"],
            naive_way=f"shap.TreeExplainer with its defaults, from {row['naive_rows']:,} rows",
            rounds=row["naive_rows"],
            of=row["rows"],
            target=60.0 if row["rows"] <= 15_000 else None,
            peak_mb=peak_mb(),
        )


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr)


SECTIONS: Mapping[str, Callable[[argparse.Namespace], Iterator[Timed]]] = {
    "bootstrap": bootstrap,
    "audit": audit,
    "shap": shap,
}
"""name -> function; a new section is a function above and its line here"""


def table(found: Mapping[str, list[Timed]]) -> str:
    """The results as Markdown."""
    lines = [
        "# What assurance costs",
        "",
        f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}. "
        "Made by `benchmarks/assurance.py`.",
        "",
        "| | ours | target | naive way | ratio | peak |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, rows in found.items():
        for row in rows:
            scaled = "" if row.rounds == row.of else f" (from {row.rounds} of {row.of:,})"
            naive = f"{row.naive:,.0f} s{scaled}"
            target = "-" if row.target is None else f"{row.target:,.0f} s"
            lines.append(
                f"| **{name}**: {row.what} | {row.ours:,.1f} s | {target} | {naive}: "
                f"{row.naive_way} | {row.ratio} | {row.peak_mb:,.0f} MB |"
            )
    return "\n".join(lines) + "\n"


def _keep(found: Mapping[str, list[Timed]]) -> None:
    """Write what was found beside what earlier runs found of other sections."""
    path = RESULTS / "assurance.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = {name: [Timed(**row) for row in rows] for name, rows in before.items()} | dict(found)
    whole = {name: kept[name] for name in SECTIONS if name in kept}
    plain = {name: [asdict(row) for row in rows] for name, rows in whole.items()}
    path.with_suffix(".md").write_text(table(whole), encoding="utf-8")
    path.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; default all")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=300_000, help="of the audit and shap")
    parser.add_argument("--features", type=int, default=250)
    parser.add_argument("--replicates", type=int, default=1_000)
    parser.add_argument("--naive-rounds", type=int, default=2)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="write results/assurance.md and .json; sections not run stay as they are",
    )
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}")
    found = {name: list(SECTIONS[name](asked)) for name in asked.sections or SECTIONS}
    print(table(found))
    if asked.keep:
        _keep(found)
    late = [row for rows in found.values() for row in rows if row.target and row.ours > row.target]
    for row in late:
        print(f"over its target: {row.what}", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
