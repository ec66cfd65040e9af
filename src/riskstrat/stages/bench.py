"""A finished run set out for drills: its model, its people, and the model's scores of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from riskstrat.disk import read_json
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.robustness.paired import Compared, Scored, compare
from riskstrat.stages.jobs import Job, amount
from riskstrat.stages.learn import columns_of
from riskstrat.statistics.estimate import BoolArray, FloatArray, IntArray
from riskstrat.training.again import Setting, set_out
from riskstrat.training.entrants import needed_attributes
from riskstrat.training.folds import Fold
from riskstrat.training.refit import Refit
from riskstrat.training.spec import RollingOrigin

REPLICATES = 300
Rows = list[dict[str, Any]]
Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Bench:
    """What the drills work on.

    Attributes:
        job: of the study.
        model: the run's winner.
        refit: learns it again.
        quick: fewer repetitions.
        area: the attribute that names places; '' where there is none.
    """

    job: Job
    model: RiskModel
    refit: Refit
    quick: bool
    area: str

    @property
    def setting(self) -> Setting:
        """The study's rows, folds and features."""
        return self.refit.setting

    @property
    def rolling(self) -> bool:
        """Whether later dates test earlier ones."""
        return isinstance(self.job.study.spec.training.folds, RollingOrigin)

    @property
    def fold(self) -> Fold:
        """The fold whose test is what single refits are judged on."""
        return self.setting.plan.folds[0]

    @property
    def outcome(self) -> BoolArray:
        """bool (n,), of every row of the setting."""
        return self.setting.rows.outcome

    def some(self, many: int, few: int) -> int:
        """How often something is repeated."""
        return few if self.quick else many

    def folds(self) -> Iterator[Fold]:
        """Every fold that tests somebody."""
        return (fold for fold in self.setting.plan.folds if len(fold.test))

    def tested(self) -> IntArray:
        """Row numbers of everybody who is tested, fold by fold."""
        return np.concatenate([fold.test for fold in self.folds()])

    def intact(self) -> Scored:
        """The model with all it has, on everybody tested: the run's own scores.

        Of grouped folds, which each have parameters of their own, it is learnt again with the
        winner's, to compare like with like.
        """
        if self.rolling:
            return self._own_scores()
        return self.again()

    def again(self, **how: Any) -> Scored:
        """The model learnt again in every fold, on everybody tested."""
        parts = [self.refit.scores(fold, **how) for fold in self.folds()]
        return Scored(
            np.concatenate([raw for raw, _ in parts]), np.concatenate([risk for _, risk in parts])
        )

    def _own_scores(self) -> Scored:
        chosen = [("split", "=", "test"), ("learner", "=", self.model.name)]
        file = self.job.folder("training") / "predictions.parquet"
        table = pq.read_table(file, filters=chosen).sort_by(
            [("as_of", "ascending"), ("unit_id", "ascending")]
        )
        raw, risk = (np.asarray(table[name].to_numpy()) for name in ("raw_score", "risk"))
        return Scored(raw, risk)

    def held_against(
        self, rows: IntArray, first: Scored, second: Scored, *, seed: int
    ) -> list[Compared]:
        """Two models on some rows; raises NotEstimable where all had one outcome."""
        return compare(
            self.outcome[rows],
            first,
            second,
            clusters=self.setting.clusters[rows],
            shares=self.job.study.spec.audit.capacity,
            replicates=self.some(REPLICATES, 100),
            rng=np.random.default_rng([self.setting.seed, 70, seed]),
        )


def set_up(job: Job, *, quick: bool) -> Bench:
    """Read the run's winner, and set its rows and features out as they were."""
    study, training, features = job.study, job.folder("training"), job.folder("features")
    spec = study.spec.training
    winner = read_json(training / "training.json")["winner"]
    model = RiskModel.load(training / "models" / winner)
    file = features / "groups.parquet"
    present = pq.read_schema(file).names
    area = place_of(job, present)
    wanted = (*needed_attributes(spec, present), *([area] if area else []))
    setting = set_out(
        columns_of(job.folder("cohort") / "cohort.parquet", ["outcome"]),
        FeatureRows.of_file(features / "features.parquet"),
        model.features,
        columns_of(file, wanted),
        spec,
        horizon_days=study.spec.outcome.within.days,
        seed=study.spec.seed,
        memory=amount(job.memory),
    )
    return Bench(job, model, Refit(setting, model, spec, job.threads), quick, area)


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


def scored(raw: FloatArray, risk: FloatArray, at: IntArray | BoolArray) -> Scored:
    """Some of the scores."""
    return Scored(raw[at], risk[at])
