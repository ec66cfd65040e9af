"""How far the explanations can be trusted, in its child process: exact, steady, and drawn.

Beside the audit, and not in it: a change of groups or gates needs none of this again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from riskstrat.audit.effects import effects
from riskstrat.audit.explain import Contributions, contributions, sample
from riskstrat.audit.explain_checks import (
    HELD_TWICE,
    check_exact,
    check_stability,
    largest_difference,
)
from riskstrat.audit.stability import STABILITY, Sizes, sizes, stability
from riskstrat.audit.tested import Tested, read_tested
from riskstrat.disk import write_json
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.stages.engine import as_rows, making
from riskstrat.stages.jobs import Job, amount
from riskstrat.stages.learn import ground_of, model_of, tested_rows, winner_of
from riskstrat.stages.lineage import EXPLANATIONS
from riskstrat.store.worker import Progress
from riskstrat.training.again import LEARNS, procedure_of
from riskstrat.vocabulary import Finding

EXPLAINED = 5_000
"""people tested whose contributions rank the features, of the model and of its refits"""
DRAWN = 20_000
"""people tested whose contributions are drawn by value"""


def explanations_stage(job: Job, *, progress: Progress) -> None:
    """Hold contributions against scores, refit the model, and say how values act."""
    facts: dict[str, Any] = {}
    with making(job, EXPLANATIONS, facts) as folder:
        model, tested = read_winner(job)
        shown = explained(tested, model, DRAWN, job)
        write_json(folder / "effects.json", effects(shown))
        few = sample(len(tested.place), HELD_TWICE, seed=job.study.spec.seed)
        difference = largest_difference(model, tested.of(few))
        progress(0.2, "contributions held against scores")
        found = check_exact(model.name, len(shown.values), shown.gap, len(few), difference)
        found += _steadiness(job, model, tested, folder, progress)
        write_json(folder / "explanation_findings.json", as_rows(tuple(found)))
        facts |= {
            "rows_in": len(tested.place),
            "rows_out": len(shown.values),
            "gap": shown.gap,
            "difference": difference,
            "refits": job.study.spec.audit.refits if model.kind in LEARNS else 0,
        }


def read_winner(job: Job) -> tuple[RiskModel, Tested]:
    """The winner, and the rows it was tested on with their features."""
    winner = winner_of(job)
    model = model_of(job, winner)
    features = FeatureRows.of_file(job.folder("features") / "features.parquet")
    return model, read_tested(tested_rows(job, winner), features, model)


def explained(tested: Tested, model: RiskModel, most: int, job: Job) -> Contributions:
    """The contributions of some of the rows tested, drawn without looking at outcomes."""
    chosen = sample(len(tested.place), most, seed=job.study.spec.seed)
    return contributions(model, tested.of(chosen), job.threads)


def _steadiness(
    job: Job, model: RiskModel, tested: Tested, folder: Path, progress: Progress
) -> list[Finding]:
    """Ranks of the model's features beside those of its refits, written and judged."""
    shown = explained(tested, model, EXPLAINED, job)
    own = sizes(shown.values, model.features)
    asked = job.study.spec.audit.refits if model.kind in LEARNS else 0
    again: list[Sizes] = []
    if asked:
        ground = ground_of(job, model.features)
        again = procedure_of(model, ground, job.threads).resampled(
            ground.frame(model.features, memory=amount(job.memory)),
            ground.plan.folds[-1].train,
            asked,
            lambda one: sizes(one.contributions(shown.rows)[0], model.features),
            told=lambda done: progress(
                0.3 + 0.7 * done / asked, f"{done} of {asked} refits on people drawn anew"
            ),
        )
    rows = stability(own, again, model.features)
    table = pa.Table.from_pylist(rows, schema=STABILITY)
    pq.write_table(table, folder / "stability.parquet", compression="zstd")
    return check_stability(model.name, own, again)
