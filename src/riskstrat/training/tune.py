"""The search for parameters: seeded, resumable, and inside the training data only."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

Parameters: TypeAlias = Mapping[str, Any]
Suggest: TypeAlias = Callable[[optuna.Trial], dict[str, Any]]
Score: TypeAlias = Callable[[dict[str, Any], optuna.Trial], float]
Progress: TypeAlias = Callable[[float, str], None]

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
Direction = Literal["maximize", "minimize"]
DIRECTION: Mapping[str, Direction] = MappingProxyType(
    {"average_precision": "maximize", "auroc": "maximize", "log_loss": "minimize"}
)
ROUNDS = "rounds"
"""The attribute under which a trial keeps how many boosting rounds it chose."""


@dataclass(frozen=True, slots=True)
class Search:
    """One search.

    Attributes:
        learner: whose parameters.
        fold: which fold's training part it looks at.
        trials: how many to finish.
        metric: what the objective returns, a key of ``DIRECTION``.
        seed: with the number of finished trials, decides what is tried next.
        identity: digest of everything the answer depends on; another identity starts anew.
        folder: where unfinished searches are kept.
        max_minutes: stop early, at the price of depending on the machine's speed.
    """

    learner: str
    fold: str
    trials: int
    metric: str
    seed: int
    identity: str
    folder: Path
    max_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        parameters: of the best trial, or the defaults.
        rounds: boosting rounds the best trial chose; None where that means nothing.
        records: one row per finished trial: number, learner, fold, parameters, value, state,
            rounds.
        stopped_by_time: whether ``max_minutes`` cut it short.
    """

    parameters: Parameters
    rounds: int | None = None
    records: tuple[dict[str, Any], ...] = ()
    stopped_by_time: bool = False


class NumberedTPE(BaseSampler):
    """TPE seeded anew for each trial, so that a resumed search goes on as if never stopped."""

    def __init__(self, seed: int, trials: int) -> None:
        self._seed = seed
        self._startup = min(10, max(4, trials // 3))
        self.number = 0
        self._tpe = self._fresh()

    def _fresh(self) -> TPESampler:
        return TPESampler(
            seed=(self._seed + 7919 * self.number) % 2**32, n_startup_trials=self._startup
        )

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Seed by the trial's number among the finished ones, whatever was killed before."""
        self._tpe = self._fresh()
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As TPE."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As TPE."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As TPE."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


def search(
    what: Search,
    defaults: Parameters,
    suggest: Suggest,
    score: Score,
    progress: Progress | None = None,
) -> Found:
    """Try the defaults, then what TPE suggests; finished trials of a killed search are kept.

    Args:
        what: the search.
        defaults: parameters of the first trial, all that is used when ``trials`` is 0.
        suggest: draws a trial's parameters.
        score: the metric of some parameters on the inner validation; may prune the trial.
        progress: told the share done and a sentence after each trial.
    """
    if not what.trials:
        return Found(dict(defaults))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = NumberedTPE(what.seed, what.trials)
        study = _open(what, sampler)
        stopped = _run(study, what, sampler, defaults, (suggest, score), progress)
        return _best(study, what, stopped)


def _open(what: Search, sampler: BaseSampler) -> Study:
    what.folder.mkdir(parents=True, exist_ok=True)
    path = what.folder / f"{what.learner}-{what.fold}-{what.identity[:16]}.journal"
    _mend(path)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))),
        study_name=what.identity,
        sampler=sampler,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=20),
        direction=DIRECTION[what.metric],
        load_if_exists=True,
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _mend(path: Path) -> None:
    """Drop what a killed process left: its lock, and a last line it did not finish.

    The store's own lock sees to it that nobody else searches here.
    """
    for lock in path.parent.glob(f"{path.name}.lock*"):
        lock.unlink()
    if path.exists():
        text = path.read_bytes()
        if text and not text.endswith(b"\n"):
            path.write_bytes(text[: text.rfind(b"\n") + 1])


def _run(
    study: Study,
    what: Search,
    sampler: NumberedTPE,
    defaults: Parameters,
    how: tuple[Suggest, Score],
    progress: Progress | None,
) -> bool:
    """Finish the trials that are left; True when time ran out."""
    suggest, score = how
    began = time.monotonic()
    limit = float("inf") if what.max_minutes is None else 60 * what.max_minutes
    for number in range(len(_finished(study)), what.trials):
        if number and time.monotonic() - began > limit:
            return True
        sampler.number = number
        if number == 0 and not study.get_trials(states=(TrialState.WAITING,)):
            study.enqueue_trial(dict(defaults))
        trial = study.ask()
        try:
            study.tell(trial, score(suggest(trial), trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        if progress is not None:
            best = _ranked(study, what)[0].value
            progress(
                (number + 1) / what.trials,
                f"{what.learner}, {what.fold}: trial {number + 1} of {what.trials}, "
                f"best {what.metric} {best:.4f}",
            )
    return False


def _finished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=FINISHED)


def _ranked(study: Study, what: Search) -> list[FrozenTrial]:
    """Completed trials, best first; the earlier of two equals comes first."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    sign = -1.0 if DIRECTION[what.metric] == "maximize" else 1.0
    return sorted(done, key=lambda trial: (sign * float(trial.value or 0.0), trial.number))


def _best(study: Study, what: Search, stopped: bool) -> Found:
    best = _ranked(study, what)[0]
    records = tuple(
        {
            "number": number,
            "learner": what.learner,
            "fold": what.fold,
            "parameters": dict(sorted(trial.params.items())),
            "value": trial.value if trial.state is TrialState.COMPLETE else None,
            "state": trial.state.name.lower(),
            ROUNDS: trial.user_attrs.get(ROUNDS),
        }
        for number, trial in enumerate(_finished(study))
    )
    return Found(dict(best.params), best.user_attrs.get(ROUNDS), records, stopped)
