"""A finished run set out for drills: its model, its people, and the model's scores of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from riskstrat.risk_model import RiskModel
from riskstrat.robustness.paired import Compared, compare
from riskstrat.stages.jobs import Job, amount
from riskstrat.stages.learn import columns_of, ground_of, model_of, tested_rows, winner_of
from riskstrat.statistics.estimate import BoolArray, FloatArray, IntArray
from riskstrat.statistics.paired import Scorer
from riskstrat.training.again import Procedure, procedure_of
from riskstrat.training.folds import Fold
from riskstrat.training.frame import Frame
from riskstrat.training.ground import Ground
from riskstrat.training.spec import RollingOrigin

REPLICATES = 300
Rows = list[dict[str, Any]]
Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What the drills work on.

    Attributes:
        job: of the study.
        procedure: how the run's winner was learnt.
        frame: its features.
        quick: fewer repetitions.
        area: the attribute that names places; '' where there is none.
    """

    job: Job
    procedure: Procedure
    frame: Frame
    quick: bool
    area: str

    @property
    def model(self) -> RiskModel:
        """The run's winner."""
        return self.procedure.model

    @property
    def ground(self) -> Ground:
        """The study's rows and folds."""
        return self.procedure.ground

    @property
    def rolling(self) -> bool:
        """Whether later dates test earlier ones."""
        return isinstance(self.job.study.spec.training.folds, RollingOrigin)

    @property
    def fold(self) -> Fold:
        """The fold whose test is what single refits are judged on."""
        return self.ground.plan.folds[0]

    @property
    def outcome(self) -> BoolArray:
        """bool (n,), of every row of the ground."""
        return self.ground.rows.outcome

    def some(self, many: int, few: int) -> int:
        """How often something is repeated."""
        return few if self.quick else many

    def folds(self) -> Iterator[Fold]:
        """Every fold that tests somebody."""
        return (fold for fold in self.ground.plan.folds if len(fold.test))

    def tested(self) -> IntArray:
        """Row numbers of everybody who is tested, fold by fold."""
        return np.concatenate([fold.test for fold in self.folds()])

    def intact(self) -> Scorer:
        """The model with all it has, on everybody tested: the run's own scores.

        Of grouped folds, which each have parameters of their own, it is learnt again with the
        winner's, to compare like with like.
        """
        if self.rolling:
            return self._own_scores()
        return self.again()

    def again(self, without: Collection[str] = ()) -> Scorer:
        """The model learnt again in every fold, without some features, on everybody tested."""
        frame = self.frame.without(without)
        parts = [self.learnt_on(fold, frame) for fold in self.folds()]
        return Scorer(
            risk=np.concatenate([part.risk for part in parts]),
            raw=np.concatenate([part.raw for part in parts]),
        )

    def learnt_on(self, fold: Fold, frame: Frame | None = None) -> Scorer:
        """The model learnt again on a fold, calibrated as the study has it, on the fold's test."""
        method = self.job.study.spec.training.calibrate
        raw, risk = self.procedure.scores(frame or self.frame, fold, calibrate=method)
        return Scorer(risk=risk, raw=raw)

    def raw(self, **how: Any) -> FloatArray:
        """Raw scores of the model learnt again on ``fold``, from other outcomes or another seed."""
        return self.procedure.scores(self.frame, self.fold, **how)[0]

    def _own_scores(self) -> Scorer:
        table = tested_rows(self.job, self.model.name)
        raw, risk = (np.asarray(table[name].to_numpy()) for name in ("raw_score", "risk"))
        return Scorer(risk=risk, raw=raw)

    def held_against(
        self, rows: IntArray, first: Scorer, second: Scorer, *, seed: int
    ) -> list[Compared]:
        """Two models on some rows; raises NotEstimable where all had one outcome."""
        return compare(
            self.outcome[rows],
            first,
            second,
            clusters=self.ground.clusters[rows],
            shares=self.job.study.spec.audit.capacity,
            replicates=self.some(REPLICATES, 100),
            rng=np.random.default_rng([self.ground.seed, 70, seed]),
            lists=self.lists(rows),
        )

    def lists(self, rows: IntArray) -> IntArray | None:
        """The list that each of some rows is of; None where all dates are one ranking."""
        return self.ground.rows.as_of[rows] if self.job.study.spec.cohort.lists_by_date else None


def set_up(job: Job, *, quick: bool) -> Bench:
    """Read the run's winner, and set its rows and features out as they were."""
    model = model_of(job, winner_of(job))
    area = place_of(job, pq.read_schema(job.folder("features") / "groups.parquet").names)
    ground = ground_of(job, model.features, [area] if area else [])
    frame = ground.frame(model.features, memory=amount(job.memory))
    return Bench(job, procedure_of(model, ground, job.threads), frame, quick, area)


def place_of(job: Job, present: list[str]) -> str:
    """The attribute that names places: the study's own, or that of the fewest of them.

    A place is an identifier without declared values that several units share: a practice, an area,
    a school; not what is resampled whole.
    """
    study = job.study
    if study.spec.stress.area:
        return study.spec.stress.area
    kinds = ("column", "relation")
    open_ended = [
        name
        for name, attribute in study.attributes.items()
        if attribute.kind in kinds and not attribute.is_category and name in present
    ]
    named = [name for name in open_ended if name != study.spec.training.cluster]
    counted = {name: _places(job, name) for name in named}
    fit = {name: count for name, count in counted.items() if count}
    return min(fit, key=lambda name: (fit[name], name), default="")


def _places(job: Job, name: str) -> int:
    """How many places an attribute names, if it names places at all: else 0."""
    table = columns_of(job.folder("features") / "groups.parquet", [name])
    values = table[name].combine_chunks() if table.num_rows else table[name]
    count = len(values.dictionary) if hasattr(values, "dictionary") else 0
    return count if 2 <= count <= table.num_rows // 100 else 0
