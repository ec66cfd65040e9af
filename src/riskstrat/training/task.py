"""What a learner is given, and what it gives back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import optuna
from numpy.typing import NDArray

from riskstrat.derivation import digest
from riskstrat.risk_model import LinearScorer, RiskModel
from riskstrat.statistics import points
from riskstrat.training.folds import Fold, Split
from riskstrat.training.frame import Frame
from riskstrat.training.rows import FloatArray, IntArray, Rows, sample_units
from riskstrat.training.sampling import Drawn
from riskstrat.training.spec import Tune
from riskstrat.training.tune import Found, Progress, Search, search


@dataclass(frozen=True, slots=True)
class Task:
    """What a learner is given: one fold, and how to go about it.

    Attributes:
        name: the learner's name.
        frame: what it may read.
        rows, fold: it may look at ``fold.train`` and ``fold.inner``, at nothing else.
        drawn: which of them boosting learns from; calibrators and metrics see all.
        fixed: parameters the study sets.
        options: what else the study says of this learner, such as ``positive_at``.
        tune, seed, threads, scratch, progress: how to search.
    """

    name: str
    frame: Frame
    rows: Rows
    fold: Fold
    drawn: Drawn
    fixed: Mapping[str, Any]
    options: Mapping[str, Any]
    tune: Tune
    seed: int
    threads: int
    scratch: Path
    progress: Progress | None = None

    def search(
        self,
        trials: int,
        defaults: Mapping[str, Any],
        suggest: Callable[[optuna.Trial], dict[str, Any]],
        score: Callable[[dict[str, Any], optuna.Trial], float],
    ) -> Found:
        """Search on this fold; what is already fixed is not searched."""
        free = {name: value for name, value in defaults.items() if name not in self.fixed}
        what = Search(
            learner=self.name,
            fold=self.fold.name,
            trials=trials if free else min(trials, 1),
            metric=self.tune.metric,
            seed=self.seed,
            identity=self._identity(trials),
            folder=self.scratch,
            max_minutes=self.tune.max_minutes,
        )
        return search(what, free, suggest, score, self.progress)

    def searched_splits(self) -> tuple[Split, ...]:
        """The inner splits, each side cut down to ``tune.rows`` by whole units."""
        return tuple(
            Split(
                inner.name,
                sample_units(self.rows, inner.train, self.tune.rows, (self.seed, number, 0)),
                sample_units(self.rows, inner.evaluate, self.tune.rows, (self.seed, number, 1)),
            )
            for number, inner in enumerate(self.fold.inner)
        )

    def metric(self, rows: IntArray, raw: FloatArray) -> float:
        """The metric of the search."""
        return measure(self.tune.metric, self.rows.outcome[rows], raw)

    def _identity(self, trials: int) -> str:
        looked_at = hashlib.sha256(self.rows.outcome.tobytes())
        for split in self.searched_splits():
            for part in (split.train, split.evaluate):
                looked_at.update(len(part).to_bytes(8, "little"))
                looked_at.update(part.tobytes())
        return digest(
            self.name,
            self.frame.fingerprint,
            looked_at.hexdigest(),
            self.tune.model_dump(exclude={"max_minutes"}),
            self.fixed,
            [self.seed, trials, optuna.__version__],
        )


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a learner made of one fold.

    Attributes:
        model: fitted on ``fold.train``, not yet calibrated.
        seen_by_none: row numbers of the inner validation, rising.
        raw: float, their scores from models that had not seen them.
        records: the search's trials.
        notes: what a reader should know.
    """

    model: RiskModel
    seen_by_none: IntArray
    raw: FloatArray
    records: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


Learn: TypeAlias = Callable[[Task], Learnt]


def measure(metric: str, outcome: NDArray[Any], score: FloatArray) -> float:
    """``average_precision``, ``auroc`` or ``log_loss`` of scores."""
    found: Mapping[str, Callable[..., float]] = {
        "average_precision": points.average_precision,
        "auroc": points.auroc,
        "log_loss": points.log_loss,
    }
    return float(found[metric](outcome, score))


def make_model(
    task: Task,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    booster: str = "",
    linear: LinearScorer | None = None,
) -> RiskModel:
    """The model of a task, not yet calibrated and without provenance."""
    return RiskModel(
        name=task.name,
        kind=kind,
        features=task.frame.features,
        levels=task.frame.levels,
        parameters=dict(sorted(parameters.items())),
        booster=booster,
        linear=linear,
    )


def pooled(
    task: Task,
    model: RiskModel,
    raw: list[FloatArray],
    found: Found,
    notes: tuple[str, ...] = (),
) -> Learnt:
    """Pool the inner validation in the order of the rows."""
    rows = np.concatenate([split.evaluate for split in task.fold.inner])
    order = np.argsort(rows, kind="stable")
    if found.stopped_by_time:
        notes += (
            f"The search of {task.name} ({task.fold.name}) stopped after {len(found.records)} "
            f"trials, when its time was up: this run depends on the machine's speed.",
        )
    return Learnt(model, rows[order], np.concatenate(raw)[order], found.records, notes)
