"""The ground that learning stands on: which rows there are, how they are split, which are drawn.

It follows from the study and the data alone, so whoever learns again finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from riskstrat.risk_model import FeatureRows
from riskstrat.training.folds import (
    FALLBACK_K,
    MIN_TRAINING_OUTCOMES,
    Fold,
    Plan,
    Split,
    deal,
    plan_folds,
)
from riskstrat.training.frame import Frame, make_frame
from riskstrat.training.rows import BoolArray, IntArray, Rows, arrange
from riskstrat.training.sampling import Drawn, check_room, draw
from riskstrat.training.spec import TrainingSpec
from riskstrat.vocabulary import FeatureColumn


@dataclass(frozen=True, slots=True)
class Ground:
    """Rows, their split, and what is learnt from.

    Attributes:
        rows: whose outcome is known.
        features: all features, of these rows and others.
        place: int (n,), the number of each row among the features.
        plan: the folds; the last gives the registered model.
        trained: int, rising: rows that any fold may learn from.
        drawn: which of them boosting learns from.
        clusters: int (n,), what is resampled whole.
        seed: of the study.
    """

    rows: Rows
    features: FeatureRows
    place: IntArray
    plan: Plan
    trained: IntArray
    drawn: Drawn
    clusters: IntArray
    seed: int

    @property
    def held(self) -> IntArray:
        """int, rising: the rows that boosting learns from in any fold."""
        return self.drawn.of(self.trained)

    def frame(
        self,
        columns: Sequence[FeatureColumn],
        held: IntArray | None = None,
        *,
        memory: int | None = None,
    ) -> Frame:
        """Some features, with some rows kept in memory; others are read where they lie.

        Args:
            columns: which features.
            held: rising row numbers; by default all that boosting learns from.
            memory: bytes the work may use.

        Raises:
            OutOfMemoryError: RS1371, as for training.
        """
        kept = self.held if held is None else held
        check_room(len(self.rows), len(kept), len(columns), memory)
        return make_frame(self.features, self.place, kept, columns, learnt=self.held)

    def restricted(self, fold: Fold, keep: BoolArray) -> Fold:
        """A fold whose learning, inner splits included, is of kept rows alone; its test stays.

        Where no inner split keeps two sides, units are split anew.

        Args:
            fold: of the study.
            keep: bool (n,), of all rows.
        """
        train = fold.train[keep[fold.train]]
        inner = tuple(
            Split(split.name, learn, judge)
            for split in fold.inner
            if self._two_answers(learn := split.train[keep[split.train]])
            and self._two_answers(judge := split.evaluate[keep[split.evaluate]])
        )
        if not inner and self._two_answers(train):
            inner = self._parts(train)
        return replace(fold, train=train, inner=inner)

    def _parts(self, train: IntArray) -> tuple[Split, ...]:
        """Whole clusters of some rows dealt to a few parts, each left out once."""
        labels, outcome = self.clusters[train], self.rows.outcome[train]
        side = deal(labels, outcome, FALLBACK_K, (self.seed, 92), what="cluster")
        return tuple(
            Split(f"validation_{part + 1}", train[side != part], train[side == part])
            for part in range(FALLBACK_K)
        )

    def _two_answers(self, rows: IntArray) -> bool:
        """Whether enough of some rows have the outcome, and one does not, to learn from them."""
        found = int(self.rows.outcome[rows].sum())
        return MIN_TRAINING_OUTCOMES <= found < len(rows)


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
    drawn = draw(rows, trained, columns, spec.sample, seed)
    clusters = rows.clusters(spec.cluster)
    return Ground(rows, features, place, plan, trained, drawn, clusters, seed)
