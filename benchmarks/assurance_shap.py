"""Exact contributions: for a released list, and for everybody, beside `shap` as it comes.

    python benchmarks/assurance_shap.py [--listed 15000] [--everyone 300000] [--features 250]

A booster is learnt from made-up counts, flags and amounts. riskstrat explains a list and then
everybody, in parts that are written as `riskstrat contributions` writes them;
`shap.TreeExplainer`, with its defaults, explains as many rows as it takes to see its speed. Both
find the same contributions, which is checked on the rows that both explained. Run it with
nothing else running; ``shap_section`` is what `assurance.py` calls.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.audit.explain import contributions
from riskstrat.audit.reasons import reasons
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.risk_model.model import booster_names
from riskstrat.risk_model.tree_shap import load
from riskstrat.stages.contributions import PART_ROWS, explain_part, part_file
from riskstrat.vocabulary import FeatureColumn, FeatureKind

TREES, LEAVES, LEARNT_FROM = 300, 31, 60_000
NAIVE_ROWS = 1_000
AT_ONCE = 50_000


def made_up(n: int, features: int, seed: int) -> pa.Table:
    """Rows such as a study has: counts that are mostly zero, amounts, flags, some of it missing."""
    rng = np.random.default_rng([seed, n])
    columns: dict[str, Any] = {
        "unit_id": [f"u{seed:03d}{i:09d}" for i in range(n)],
        "as_of": pa.array(np.full(n, 20_000, np.int32)).cast(pa.date32()),
    }
    for i in range(features):
        kind = i % 4
        if kind == 0:
            values = rng.poisson(rng.gamma(0.5, 1.0, n)).astype(np.float32)
        elif kind == 1:
            values = rng.gamma(1.0, 200.0, n).astype(np.float32)
        elif kind == 2:
            values = (rng.random(n) < 0.1).astype(np.float32)
        else:
            values = rng.integers(1, 1095, n).astype(np.float32)
        missing = rng.random(n) < (0.5 if kind == 3 else 0.03)
        columns[f"feature_{i}"] = pa.array(values, mask=missing)
    return pa.table(columns)


def learnt(features: int) -> RiskModel:
    """A booster of the size that a search over 250 features ends with."""
    table = made_up(LEARNT_FROM, features, 1)
    names = [f"feature_{i}" for i in range(features)]
    columns = tuple(
        FeatureColumn(
            name, name.replace("_", " "), FeatureKind.NUMBER, "made_up", f"agency {i % 6}"
        )
        for i, name in enumerate(names)
    )
    x = np.column_stack([table[name].to_numpy() for name in names])
    rng = np.random.default_rng(2)
    weight = rng.normal(0, 0.5, features) / np.nanstd(x, axis=0)
    score = np.nan_to_num((x - np.nanmean(x, axis=0)) * weight).sum(axis=1)
    y = rng.random(len(x)) < 1 / (1 + np.exp(2.2 - score / score.std()))
    settings = {
        "objective": "binary", "verbosity": -1, "num_leaves": LEAVES, "min_data_in_leaf": 100,
        "learning_rate": 0.05, "feature_fraction_bynode": 0.6, "max_bin": 127, "seed": 3,
        "deterministic": True, "force_row_wise": True,
    }  # fmt: skip
    data = lgb.Dataset(x, label=y, feature_name=list(booster_names(columns)))
    booster = lgb.train(settings, data, num_boost_round=TREES)
    return RiskModel(
        "lightgbm", "lightgbm", columns, ((),) * features, booster=booster.model_to_string()
    )


def shap_section(
    *,
    listed: int = 15_000,
    everyone: int = 300_000,
    features: int = 250,
    threads: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Seconds of ours beside `shap`'s, with the ratio of rows a second.

    Args:
        listed: people on the released list; explained in plain words, too.
        everyone: people whose contributions are written, in parts.
        features: of the model.
        threads: of ours; `shap` uses what it likes.
        say: told what is going on.

    Returns:
        Rows of what, rows, seconds, rows_a_second, naive, naive_rows, naive_seconds, ratio,
        difference (the largest between the two, in log-odds).
    """
    workers = threads or os.cpu_count() or 1
    say(f"learning {TREES} trees of {LEAVES} leaves from {features} features")
    model = learnt(features)
    load()
    people = made_up(listed, features, 4)
    contributions(model, people.slice(0, 10))  # lays out the trees, once for a model
    say(f"explaining {listed:,} people")
    started = time.perf_counter()
    found = contributions(model, people, workers)
    told = reasons(found)
    seconds = time.perf_counter() - started
    assert told.num_rows == listed
    naive, naive_rows, difference = _by_shap(model, people, found.values)
    say(f"explaining {everyone:,} people")
    whole = _everyone(model, everyone, features, workers)
    per_row = naive / naive_rows
    return [
        _row("a released list, in words", listed, seconds, per_row, naive_rows, difference),
        _row("everybody, written in parts", everyone, whole, per_row, naive_rows, difference),
    ]


def _row(
    what: str, rows: int, seconds: float, per_row: float, naive_rows: int, difference: float
) -> dict[str, Any]:
    return {
        "what": what,
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_a_second": round(rows / seconds),
        "naive": "shap.TreeExplainer, defaults",
        "naive_rows": naive_rows,
        "naive_seconds": round(per_row * rows, 1),
        "ratio": round(per_row * rows / seconds, 1),
        "difference": difference,
    }


def _by_shap(model: RiskModel, people: pa.Table, ours: Any) -> tuple[float, int, float]:
    """Seconds that `shap` takes for some rows, how many, and the largest difference."""
    import shap

    rows = min(NAIVE_ROWS, people.num_rows)
    x = np.column_stack([people[f.name].to_numpy()[:rows] for f in model.features])
    explainer = shap.TreeExplainer(lgb.Booster(model_str=model.booster))
    started = time.perf_counter()
    theirs = np.asarray(explainer.shap_values(x))
    return time.perf_counter() - started, rows, float(np.abs(theirs - ours[:rows]).max())


def _everyone(model: RiskModel, rows: int, features: int, workers: int) -> float:
    """Seconds to explain rows of a file and write them in parts, as the command does."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = folder / "features.parquet"
        sizes = [min(AT_ONCE, rows - start) for start in range(0, rows, AT_ONCE)]
        schema = made_up(1, features, 5).schema
        with pq.ParquetWriter(made, schema) as file:
            for number, size in enumerate(sizes):
                file.write_table(made_up(size, features, 5 + number))
        model.save(folder / "model")
        read = FeatureRows.of_file(made)
        starts = range(0, rows, PART_ROWS)
        started = time.perf_counter()
        with ThreadPoolExecutor(workers) as pool:
            gaps = list(
                pool.map(
                    lambda start: explain_part(folder, read, start, min(PART_ROWS, rows - start)),
                    starts,
                )
            )
        seconds = time.perf_counter() - started
        assert max(gaps) < 1e-9
        assert all(part_file(folder, start).exists() for start in starts)
        return seconds


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--listed", type=int, default=15_000)
    parser.add_argument("--everyone", type=int, default=300_000)
    parser.add_argument("--features", type=int, default=250)
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    found = shap_section(
        listed=asked.listed,
        everyone=asked.everyone,
        features=asked.features,
        threads=asked.threads or None,
        say=print,
    )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
