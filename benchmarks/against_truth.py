"""How close do the models come to the true risk of the made-up county?

The county's sealed truth holds the probability each outcome was drawn with. No model can rank
people better than that, except by luck or by leaking; a model worth having lies well above the
age-sex baseline and not far below the truth. Everything is computed on the same held-out people.

    python benchmarks/against_truth.py --data data/demo --store store --custody data/demo-custody

Extracts that the keepers linked are under their own pseudonyms. The linker's table says who these
are; a pseudonym under which several people are registered is left out and counted.
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
from true_people import is_raw, true_people, truth_folder

from riskstrat.api import Run, runs
from riskstrat.statistics import Evaluation, evaluate

TRUTH = {"emergency_admission": "emergency_admission_12m", "school_readiness": "school_not_ready"}
"""study -> the table of the sealed truth that is about its outcome"""
BASELINE, TRUE = "age_sex", "true risk"
KEY = ["unit_id", "as_of"]
SEED = 1
TOLERATED = 0.005
"""share of the test rows that the truth may not know, for a link was missed or is wrong"""


@dataclass(frozen=True, slots=True)
class Compared:
    """One study's entrants and the truth, on the same test rows."""

    study: str
    winner: str
    entrants: dict[str, Evaluation]
    unknown: int = 0
    """test rows of which nobody can say who they truly are"""

    def auroc(self, name: str) -> float:
        return self.entrants[name].metrics["auroc"].value

    @property
    def in_order(self) -> bool:
        """Whether baseline < model < truth, by their values."""
        return self.auroc(BASELINE) < self.auroc(self.winner) < self.auroc(TRUE)


def true_risks(study: str, data: Path, custody: Path) -> pa.Table:
    """``unit_id``, ``as_of`` and ``true_risk``, under the pseudonyms that the extracts have."""
    path = truth_folder(data) / f"{TRUTH[study]}.parquet"
    known = pq.read_table(path, columns=["person_id", "as_of", "true_risk"])
    if not is_raw(data):
        return known.rename_columns([*KEY, "true_risk"])
    who = true_people(data, custody)
    if who.mixed:
        print(f"\n{who.mixed:,} pseudonyms stand for several registered people and are left out")
    return who.table.join(known, "person_id", join_type="inner").select([*KEY, "true_risk"])


def compare(run: Run, study: str, known: pa.Table, *, raw: bool) -> Compared:
    """Evaluate every entrant of a run, and the truth, on the run's test rows.

    Args:
        run: a finished run.
        study: its study.
        known: of :func:`true_risks`.
        raw: whether the extracts were linked, so that some rows may be nobody's.

    Raises:
        SystemExit: test rows are not in the truth, so that they are about different counties.
    """
    rows = pq.read_table(run.folder / "predictions.parquet", filters=[("split", "=", "test")])
    groups = pq.read_table(run.folder / "groups.parquet", columns=[*KEY, "household"])
    rows = rows.join(groups, KEY).join(known, KEY)
    missing = rows.column("true_risk").null_count
    if missing > (TOLERATED * rows.num_rows if raw else 0):
        sys.exit(f"{study}: {missing:,} test rows are not in the truth; run it on that county")
    rows = rows.filter(pc.is_valid(rows.column("true_risk")))
    rows = rows.sort_by([(name, "ascending") for name in ("learner", *KEY)])
    learners = pc.unique(rows.column("learner")).to_pylist()
    entrants = {name: judged(_of(rows, name), "risk", "raw_score") for name in learners}
    first = _of(rows, learners[0])
    entrants[TRUE] = judged(first, "true_risk", "true_risk")
    training = json.loads((run.folder / "training.json").read_text(encoding="utf-8"))
    return Compared(study, str(training["winner"]), entrants, missing // len(learners))


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
    if found.unknown:
        print(f"  {found.unknown:,} more rows are under a pseudonym that the truth does not know")


def main() -> int:
    """Compare the newest run of each study; 1 if one of them is out of order."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--data", type=Path, default=Path("data/demo"))
    reader.add_argument("--store", type=Path, default=Path("store"))
    reader.add_argument("--custody", type=Path, help="the keepers' folders; default: DATA-custody")
    given = reader.parse_args()
    custody = given.custody or given.data.with_name(f"{given.data.name}-custody")
    raw, right = is_raw(given.data), True
    for study in TRUTH:
        finished = runs(study, store=given.store)
        if not finished:
            sys.exit(f"{given.store} has no run of {study}; `make train STUDY={study}` makes one")
        known = true_risks(study, given.data, custody)
        found = compare(finished[-1], study, known, raw=raw)
        show(found)
        right = right and found.in_order
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
