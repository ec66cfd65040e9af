"""LightGBM: fixed to give the same text whatever the machine's threads and the rows' order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
from numpy.typing import NDArray

from riskstrat.errors import StudyError
from riskstrat.risk_model.model import booster_names
from riskstrat.training.frame import Frame
from riskstrat.training.rows import BoolArray, IntArray
from riskstrat.vocabulary import FeatureKind

LEAF_FLOOR, FEWEST = 50, 10
"""People a leaf holds, and how few it may come down to where outcomes are rare."""
SMALL_DATA = 2000
WIDEST_LEAF = 5
"""times the smallest leaf: as far as the search goes"""
LARGEST_HESSIAN = 0.25
"""Of one row's log loss: 4 x the sum over a leaf is at most the number of its rows."""
SEARCH_ROUNDS, MOST_ROUNDS = 600, 1500
PATIENCE = 40
_THREADS = re.compile(r"^\[num_threads: \d+\]\n", re.MULTILINE)
_EXTREMES = re.compile(r"^feature_infos=(.*)$", re.MULTILINE)
METRIC = {"average_precision": "average_precision", "auroc": "auc", "log_loss": "binary_logloss"}
WORTH_A_THREAD = 1_000_000
"""Cells per thread: with fewer, threads wait for each other longer than they work."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """How small a leaf may be.

    LightGBM counts rows. A person with rows of several dates may fill a leaf alone, so a leaf of
    so many people must hold as many times that number as one person has rows.

    Attributes:
        people: that the smallest leaf holds.
        each: rows of the person who has most.
    """

    people: int
    each: int = 1

    @property
    def rows(self) -> int:
        """Rows in which there are ``people``, whoever they belong to."""
        return self.people * self.each

    @property
    def fewest(self) -> int:
        """Rows a leaf holds even where outcomes are so rare that no tree could grow."""
        return min(FEWEST, self.people) * self.each


def smallest_leaf(unit: IntArray) -> Leaves:
    """50 people; with fewer than 2,000 of them a fortieth, at least 10.

    Args:
        unit: int (n,), whose each training row is.
    """
    rows = np.unique(unit, return_counts=True)[1]
    people = LEAF_FLOOR if len(rows) >= SMALL_DATA else max(FEWEST, len(rows) // 40)
    return Leaves(people, int(rows.max(initial=1)))


def defaults(leaves: Leaves) -> dict[str, Any]:
    """Strongly regularised parameters, the first trial of every search.

    Features are sampled per node: per tree, LightGBM copies its bins for every tree, which
    makes a tree four times slower on 160,000 rows x 110 features.
    """
    return {
        "learning_rate": 0.08,
        "num_leaves": 8,
        "min_data_in_leaf": 2 * leaves.rows,
        "feature_fraction_bynode": 0.6,
        "bagging_fraction": 0.8,
        "lambda_l1": 0.01,
        "lambda_l2": 5.0,
    }


def suggest(trial: optuna.Trial, leaves: Leaves, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's parameters, leaving alone what the study fixes."""
    smallest, widest = leaves.rows, WIDEST_LEAF * leaves.rows
    draws: dict[str, Callable[[str], Any]] = {
        "learning_rate": lambda name: trial.suggest_float(name, 0.03, 0.15, log=True),
        "num_leaves": lambda name: trial.suggest_int(name, 4, 31, log=True),
        "min_data_in_leaf": lambda name: trial.suggest_int(name, smallest, widest, log=True),
        "feature_fraction_bynode": lambda name: trial.suggest_float(name, 0.3, 1.0),
        "bagging_fraction": lambda name: trial.suggest_float(name, 0.5, 1.0),
        "lambda_l1": lambda name: trial.suggest_float(name, 1e-3, 10.0, log=True),
        "lambda_l2": lambda name: trial.suggest_float(name, 1e-2, 50.0, log=True),
    }
    return {name: draw(name) for name, draw in draws.items() if name not in fixed}


def check_leaves(fixed: Mapping[str, Any], leaves: Leaves) -> None:
    """Nothing, or StudyError RS1265 when a study asks for leaves that remember people."""
    if int(fixed.get("min_data_in_leaf", leaves.rows)) < leaves.rows:
        raise StudyError(
            f"`training.parameters.lightgbm.min_data_in_leaf` is below {leaves.rows}, the smallest "
            f"leaf allowed here: {leaves.people} people, of whom one has up to {leaves.each} "
            "training rows; smaller ones remember people",
            fix=f"set it to {leaves.rows} or more, or leave it to the search",
            code="RS1265",
        )


@dataclass(frozen=True, slots=True)
class Boosted:
    """A fitted booster and how many of its rounds to use."""

    booster: lgb.Booster
    rounds: int

    @property
    def trees(self) -> int:
        """How many there are: more than ``rounds`` where boosting stopped early."""
        return int(self.booster.num_trees())

    def raw_score(self, matrix: NDArray[Any], rounds: int | None = None) -> NDArray[np.float64]:
        """Log-odds (n,) with the given number of rounds."""
        return np.asarray(
            self.booster.predict(matrix, raw_score=True, num_iteration=rounds or self.rounds)
        )

    def text(self, rounds: int | None = None, correction: float = 0.0) -> str:
        """LightGBM's text, without two lines that are not needed to predict.

        One names the machine's threads. The other holds the least and the largest value of every
        feature, each of which may be one person's.

        Args:
            rounds: how many trees to keep; by default those chosen.
            correction: added to all log-odds, by way of the first tree's leaves.
        """
        text = self.booster.model_to_string(num_iteration=rounds or self.rounds)
        if correction:
            moved = lgb.Booster(model_str=text)
            for leaf in range(moved.dump_model(num_iteration=1)["tree_info"][0]["num_leaves"]):
                moved.set_leaf_output(0, leaf, moved.get_leaf_output(0, leaf) + correction)
            text = moved.model_to_string()
        return _EXTREMES.sub(_untold, _THREADS.sub("", text))


@dataclass(frozen=True, slots=True)
class Boosting:
    """LightGBM on the rows a frame holds, handed over in Arrow as they lie.

    Attributes:
        frame: the encoded features.
        outcome: bool (n,), of all rows.
        leaves: how small they may be.
        threads, seed: for LightGBM.
    """

    frame: Frame
    outcome: BoolArray
    leaves: Leaves
    threads: int
    seed: int

    def dataset(self, rows: IntArray, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        """Binned rows, built once and used again for every trial; rising row numbers."""
        nominal = [
            position
            for position, feature in enumerate(self.frame.features)
            if feature.kind is FeatureKind.CATEGORY and not feature.ordered
        ]
        data = lgb.Dataset(
            self.frame.table(rows),
            label=self.outcome[rows].astype(np.float32),
            reference=reference,
            feature_name=list(booster_names(self.frame.features)),
            categorical_feature=nominal,
            params=self._always(),
            free_raw_data=True,
        )
        return data.construct()

    def fit(
        self,
        train: lgb.Dataset,
        parameters: Mapping[str, Any],
        *,
        rounds: int,
        validation: lgb.Dataset | None = None,
        stop_early: bool = True,
        metric: str = "log_loss",
        callbacks: Sequence[Callable[..., Any]] = (),
    ) -> Boosted:
        """Boost; with a validation set, stop when its log loss has not fallen for a while.

        Args:
            train, validation: from ``dataset``.
            parameters: of the learner.
            rounds: trees, at most.
            stop_early: False keeps all rounds, whatever the validation says.
            metric: reported to the callbacks besides log loss.
            callbacks: LightGBM's.

        Log loss decides when to stop even when another metric ranks the trials: it is a proper
        score and moves smoothly, where average precision jumps.
        """
        asked = self._always() | dict(parameters)
        cells = train.num_data() * train.num_feature()
        asked["num_threads"] = max(1, min(self.threads, cells // WORTH_A_THREAD))
        asked["min_sum_hessian_in_leaf"] = self._least_hessian(train)
        asked["metric"] = list(dict.fromkeys(["binary_logloss", METRIC[metric]]))
        using = list(callbacks)
        stopping = validation is not None and stop_early
        if stopping:
            using.append(lgb.early_stopping(PATIENCE, first_metric_only=True, verbose=False))
        booster = lgb.train(
            asked,
            train,
            num_boost_round=rounds,
            valid_sets=[validation] if validation is not None else None,
            callbacks=using,
        )
        return Boosted(booster, booster.best_iteration if stopping else rounds)

    def _always(self) -> dict[str, Any]:
        return {
            "objective": "binary",
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
            "feature_pre_filter": False,
            "num_threads": self.threads,
            "seed": self.seed % 2**31,
            "bagging_freq": 1,
            "max_bin": 127,
            "cat_smooth": 20.0,
            "min_data_per_group": max(2 * self.leaves.rows, 20),
        }

    def _least_hessian(self, train: lgb.Dataset) -> float:
        """Hessian a leaf must hold.

        LightGBM estimates a leaf's rows from its hessian and then underestimates how small a
        high-risk leaf is. A row's hessian is at most 1/4, so this sum is what truly keeps
        leaves large; where outcomes are so rare that no tree could grow, ten people are enough.
        """
        label = np.asarray(train.get_label(), dtype=np.float64)
        total = float(len(label) * label.mean() * (1 - label.mean()))
        wanted = LARGEST_HESSIAN * self.leaves.rows
        return float(min(wanted, max(total / 20, LARGEST_HESSIAN * self.leaves.fewest)))


def _untold(found: re.Match[str]) -> str:
    """As many features of which no values are known, in LightGBM's own word for it."""
    return "feature_infos=" + " ".join("none" for _ in found[1].split(" "))
