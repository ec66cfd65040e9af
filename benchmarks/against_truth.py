"""How close do the models come to the true risk of the made-up county?

The county's sealed truth holds the probability each outcome was drawn with. No model can rank
people better than that, except by luck or by leaking; a model worth having lies well above the
age-sex baseline and not far below the truth. Everything is computed on the same held-out people.

    python benchmarks/against_truth.py --data data/demo --store store
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from riskstrat.api import Run, runs
from riskstrat.statistics import Evaluation, evaluate

TRUTH = {"emergency_admission": "emergency_admission_12m", "school_readiness": "school_not_ready"}
"""study -> the table of the sealed truth that is about its outcome"""
BASELINE, TRUE = "age_sex", "true risk"
KEY = ["unit_id", "as_of"]
SEED = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """One study's entrants and the truth, on the same test rows."""

    study: str
    winner: str
    entrants: dict[str, Evaluation]

    def auroc(self, name: str) -> float:
        return self.entrants[name].metrics["auroc"].value

    @property
    def in_order(self) -> bool:
        """Whether baseline < model < truth, by their values."""
        return self.auroc(BASELINE) < self.auroc(self.winner) < self.auroc(TRUE)


def truth_folder(data: Path) -> Path:
    """Where the sealed truth of a made-up county lies: beside it."""
    facts = json.loads((data / "county.json").read_text(encoding="utf-8"))
    return data.parent / str(facts["truth"])


def compare(run: Run, study: str, truth: Path) -> Compared:
    """Evaluate every entrant of a run, and the truth, on the run's test rows.

    Raises:
        SystemExit: a test row is not in the truth, so that they are about different counties.
    """
    known = pq.read_table(truth / f"{TRUTH[study]}.parquet").select(
        ["person_id", "as_of", "true_risk"]
    )
    known = known.rename_columns([*KEY, "true_risk"])
    rows = pq.read_table(run.folder / "predictions.parquet", filters=[("split", "=", "test")])
    groups = pq.read_table(run.folder / "groups.parquet", columns=[*KEY, "household"])
    rows = rows.join(groups, KEY).join(known, KEY)
    if missing := rows.column("true_risk").null_count:
        sys.exit(f"{study}: {missing:,} test rows are not in {truth}; run the study on that county")
    rows = rows.sort_by([(name, "ascending") for name in ("learner", *KEY)])
    learners = pc.unique(rows.column("learner")).to_pylist()
    entrants = {name: judged(_of(rows, name), "risk", "raw_score") for name in learners}
    first = _of(rows, learners[0])
    entrants[TRUE] = judged(first, "true_risk", "true_risk")
    training = json.loads((run.folder / "training.json").read_text(encoding="utf-8"))
    return Compared(study, str(training["winner"]), entrants)


def _of(rows: pa.Table, learner: str) -> pa.Table:
    return rows.filter(pc.equal(rows.column("learner"), learner))


def judged(rows: pa.Table, risk: str, ranking: str) -> Evaluation:
    """Metrics with intervals that resample households; the same resamples for every entrant."""
    household = pc.coalesce(rows.column("household"), rows.column("unit_id"))
    return evaluate(
        rows.column("outcome").to_numpy(),
        rows.column(risk).to_numpy(),
        ranking=rows.column(ranking).to_numpy(),
        clusters=household.to_numpy(),
        rng=np.random.default_rng(SEED),
    )


def show(found: Compared) -> None:
    order = sorted(found.entrants, key=found.auroc)
    n, positives = found.entrants[TRUE].n, found.entrants[TRUE].positives
    print(f"\n{found.study}: {n:,} held-out rows, {positives:,} with the outcome")
    print(f"  {'':<22}{'AUROC (95% interval)':<26}calibration slope (95% interval)")
    for name in order:
        metrics = found.entrants[name].metrics
        cells = [
            f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"
            for e in (metrics["auroc"], metrics["calibration_slope"])
        ]
        slope = cells[1] if name in (found.winner, TRUE) else ""
        print(
            f"  {name + (' *' if name == found.winner else ''):<22}{cells[0]:<26}{slope}".rstrip()
        )
    baseline, model, truth = map(found.auroc, (BASELINE, found.winner, TRUE))
    share = (model - baseline) / (truth - baseline)
    answer = "yes" if found.in_order else "no"
    print("  * wins on validation")
    print(f"  {BASELINE} < {found.winner} < {TRUE}: {answer}")
    print(f"  the model gains {share:.0%} of what could be gained over {BASELINE}")


def main() -> int:
    """Compare the newest run of each study; 1 if one of them is out of order."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--data", type=Path, default=Path("data/demo"))
    reader.add_argument("--store", type=Path, default=Path("store"))
    given = reader.parse_args()
    truth, right = truth_folder(given.data), True
    for study in TRUTH:
        finished = runs(study, store=given.store)
        if not finished:
            sys.exit(f"{given.store} has no run of {study}; `make train STUDY={study}` makes one")
        found = compare(finished[-1], study, truth)
        show(found)
        right = right and found.in_order
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
