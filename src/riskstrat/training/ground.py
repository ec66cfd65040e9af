"""The ground that learning stands on: which rows there are, how they are split, which are drawn.

It follows from the study and the data alone, so whoever learns again finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from riskstrat.risk_model import FeatureRows
from riskstrat.training.folds import Plan, plan_folds
from riskstrat.training.rows import IntArray, Rows, arrange
from riskstrat.training.sampling import Drawn, draw
from riskstrat.training.spec import TrainingSpec


@dataclass(frozen=True, slots=True)
class Ground:
    """Rows, their split, and what is learnt from.

    Attributes:
        rows: whose outcome is known.
        place: int (n,), the number of each among the features.
        plan: the folds; the last gives the registered model.
        trained: int, rising: rows that any fold may learn from.
        drawn: which of them boosting learns from.
    """

    rows: Rows
    place: IntArray
    plan: Plan
    trained: IntArray
    drawn: Drawn


def lay_ground(
    cohort: pa.Table,
    features: FeatureRows,
    groups: pa.Table,
    spec: TrainingSpec,
    *,
    columns: int,
    horizon_days: int,
    seed: int,
) -> Ground:
    """Arrange the rows, split them and draw what is learnt from.

    Args:
        cohort, features, groups, horizon_days, seed: as for ``fit``.
        spec: the study's ``training``.
        columns: how many features the widest learner reads.

    Raises:
        TooThinError: RS1401 to RS1405, when the data cannot answer.
        StudyError: RS1263 or RS1264, when the tables do not fit each other or the study.
    """
    rows, place = arrange(cohort, features, groups)
    plan = plan_folds(rows, spec.folds, horizon_days=horizon_days, seed=seed)
    trained = np.unique(np.concatenate([fold.train for fold in plan.folds]))
    return Ground(rows, place, plan, trained, draw(rows, trained, columns, spec.sample, seed))
