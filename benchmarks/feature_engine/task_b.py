"""Twelve models end to end: three settings on four rolling splits, as triage's quickstart has it.

    python benchmarks/feature_engine/task_b.py

10,000 people, seven monthly dates, 30 features. Each setting is trained on the first two, three,
four and five dates (140,000 rows in all) and judged on the next (40,000); then the winner is
trained on all six and tested on the last. The run goes from the extracts to the report, with
contracts, calibration, intervals, explanations and the audit of two groups.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import ours
import yaml
from extracts import PSEUDONYM, dump, write_config, write_extracts
from generate import generate
from render import task_b, write_page
from turns import machine
from watch import Measured
from workload import WORKLOADS, Workload

HERE = Path(__file__).parent
WORK = HERE.parent / ".work"
RESULTS = HERE.parent / "results"
ROWS = 300_000
NAME = "small_late"


def people_source(folder: Path, covered: list[dict[str, Any]]) -> None:
    """Add a source that says who people are, so that the audit has groups."""
    sexes = {"female": "female", "male": "male"}
    columns = {
        "person_id": {"type": "string", "required": True},
        "born_on": {"type": "date", "required": True},
        "sex": {"type": "string", "label": "sex", "required": True, "codes": sexes},
        "said_on": {"type": "date", "required": True},
    }
    source = {
        "source": "people",
        "title": "Who people are",
        "agency": "Agency of people",
        "agreement": "benchmark",
        "file": "people.parquet",
        "row": "description of a person",
        "rows": "descriptions of people",
        "shape": "attributes",
        "unit": "person",
        "unit_key": "person_id",
        "happened_on": "said_on",
        "known_on": "said_on",
        "born_on": "born_on",
        "coverage": covered,
        "columns": columns,
    }
    dump(folder / "sources" / "people.yaml", source)
    file = folder / "agreements" / "benchmark.yaml"
    agreement = yaml.safe_load(file.read_text(encoding="utf-8"))
    agreement["sources"]["people"] = {"columns": list(columns)}
    agreement["legal_basis"]["people"] = agreement["legal_basis"]["registrations"]
    dump(file, agreement)


def people_extract(workload: Workload, extracts: Path) -> None:
    """Write who people are: adults of all ages, half of them women."""
    duckdb.sql(
        f"COPY (SELECT {PSEUDONYM} AS person_id, "
        "DATE '1940-01-01' + CAST(person_id * 7919 % 22000 AS INTEGER) AS born_on, "
        "CASE WHEN person_id % 2 = 0 THEN 'female' ELSE 'male' END AS sex, "
        f"DATE '{workload.first}' AS said_on FROM (SELECT unnest(range({workload.people})) "
        f"AS person_id)) TO '{extracts}/people.parquet' (FORMAT parquet)"
    )


def study_of(workload: Workload, folder: Path) -> Path:
    """The benchmark's study with seven dates, three settings, an audit and a gate."""
    file = write_config(workload, folder)
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    covered = [{"from": workload.first, "to": study["release"]["as_of"]}]
    people_source(folder, covered)
    study["study"] = "twelve_models"
    study["title"] = "A costly visit within 30 days"
    study["cohort"]["as_of"]["dates"] = list(workload.dates[-7:])
    study["outcome"] |= {"name": "costly_visit", "where": "value >= 90"}
    study["training"] = {
        "folds": {"scheme": "rolling_origin", "test_last": 1, "validation_last": 4},
        "learners": ["lightgbm", "logistic_regression"],
        "baselines": ["base_rate", "age_sex", "prior_use"],
        # Two settings of boosting and one of logistic regression, on all rows.
        "tune": {"trials": 2, "rows": 1_000_000},
        "parameters": {"logistic_regression": {"C": 0.1, "penalty": "l2"}},
    }
    study["audit"] = {
        "groups": ["sex", "age_band"],
        "capacity": [0.01, 0.05, 0.20],
        "gates": ["auroc.low >= 0.5"],
    }
    found = folder / "studies" / "twelve_models.yaml"
    dump(found, study)
    return found


def row(name: str, found: Measured) -> dict[str, Any]:
    """One line of the table."""
    return {"name": name, "wall": found.wall, "cpu": found.cpu, "peak_mb": found.peak_mb}


def main() -> int:
    """Generate, measure, keep."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.parse_args()
    workload, data = WORKLOADS[NAME], WORK / NAME
    generate(NAME, ROWS, data)
    extracts = write_extracts(workload, data, workload.parts)
    people_extract(workload, extracts)
    study = study_of(workload, WORK / "task_b")
    store, on = WORK / "store" / "task_b", machine()
    ours.forget(store)
    done = ours.run(study, extracts, store, until=None)
    if done.whole.code not in (0, 20):
        sys.exit(f"the run failed:\n{done.whole.said}")
    stages = [
        f"{stage['stage']} {stage['seconds']:.1f} s" for stage in done.stages if stage["seconds"]
    ]
    whole = {
        "machine": on,
        "title": "Three settings on four rolling splits, 140,000 rows to learn from and 40,000 to "
        "judge on, 30 features; then the winner on all dates, from the extracts to the report with "
        "contracts, calibration, intervals, explanations, audit and lists.",
        "rows": [row("riskstrat run", done.whole)],
        "stages": list(done.stages),
        "remarks": [f"Stages: {', '.join(stages)}."],
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(whole, indent=2) + "\n"
    (RESULTS / "feature_engine_task_b.json").write_text(text, encoding="utf-8")
    print("\n".join(task_b(whole)), write_page(RESULTS), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
