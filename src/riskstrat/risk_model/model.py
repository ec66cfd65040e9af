"""A fitted, calibrated scorer with its provenance: features in, probability out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import lightgbm as lgb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from riskstrat.errors import StorageError
from riskstrat.risk_model.calibrator import Calibrator
from riskstrat.risk_model.encode import encode, require
from riskstrat.risk_model.linear import LinearScorer
from riskstrat.vocabulary import FeatureColumn, FeatureKind

if TYPE_CHECKING:
    from riskstrat.risk_model.tree_shap import TreeShap

FloatArray = NDArray[np.float64]

FORMAT = 1
BATCH_ROWS = 65_536
LIGHTGBM, EXISTING_SCORE = "lightgbm", "existing_score"
KINDS = (
    LIGHTGBM,
    "logistic_regression",
    EXISTING_SCORE,
    "base_rate",
    "age_sex",
    "prior_use",
)


@dataclass(frozen=True, slots=True)
class RiskModel:
    """A scorer that can be read, saved as text and loaded again without running any code.

    Attributes:
        name: the learner's name in metrics and predictions.
        kind: one of ``KINDS``.
        features: the columns it reads, by name.
        levels: the categories of each feature in the order of their codes, () for a number.
        parameters: how it learnt; for an existing score ``fill`` and ``positive_at``.
        calibrator: from raw score to risk.
        booster: LightGBM's own text, for that kind.
        linear: the linear scorer, for logistic regression and the baselines.
        provenance: plain JSON values: dates, counts, versions.
    """

    name: str
    kind: str
    features: tuple[FeatureColumn, ...]
    levels: tuple[tuple[str, ...], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    calibrator: Calibrator = field(default_factory=Calibrator)
    booster: str = ""
    linear: LinearScorer | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def raw_scores(self, table: pa.Table) -> FloatArray:
        """Scores before calibration (n,): probabilities, or an existing score as published.

        Raises:
            StudyError: RS1261 or RS1262, when the table lacks a feature or its type is wrong.
        """
        return self._in_batches(table, self.raw_of)

    def risks(self, table: pa.Table) -> FloatArray:
        """Calibrated probabilities (n,). Raises as ``raw_scores`` does."""
        return self.calibrate(self.raw_scores(table))

    def calibrate(self, raw: NDArray[Any]) -> FloatArray:
        """Risks (n,) for raw scores (n,)."""
        return self.calibrator(raw)

    def log_odds(self, table: pa.Table) -> FloatArray:
        """Log-odds of the raw score (n,); an existing score as it is."""
        return self._in_batches(table, self._log_odds_of)

    def contributions(self, table: pa.Table, threads: int = 1) -> tuple[FloatArray, float]:
        """What each feature adds to the log-odds of the raw score, and where they start.

        With LightGBM the Shapley values of ``tree_shap``, at some twice the cost of a score.

        Args:
            table: the rows.
            threads: that may work; the answer does not depend on it.

        Returns:
            (n, features) and the base; base plus a row's sum is its ``log_odds``.
        """
        require(table.schema, self.features)
        parts = [self._contributions_of(matrix, threads) for matrix in self._matrices(table)]
        if not parts:
            return np.empty((0, len(self.features))), self._base
        return np.concatenate(parts), self._base

    def contributions_by_lightgbm(self, table: pa.Table) -> FloatArray | None:
        """The same by LightGBM's own code, some fifty times slower: to hold ours against.

        Returns:
            (n, features + 1), the base last; None for another kind of model.
        """
        if self.kind != LIGHTGBM:
            return None
        require(table.schema, self.features)
        booster = _booster(self.booster)
        parts = [
            np.asarray(booster.predict(matrix, pred_contrib=True))
            for matrix in self._matrices(table)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.features) + 1))

    def raw_of(self, matrix: NDArray[Any]) -> FloatArray:
        """Raw scores (n,) of an encoded matrix (n, features)."""
        found = self._log_odds_of(matrix)
        return found if self.kind == EXISTING_SCORE else np.asarray(expit(found))

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and, for LightGBM, ``booster.txt``; no pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._plain(), indent=1, sort_keys=True, allow_nan=False)
        (folder / "model.json").write_text(text + "\n", encoding="utf-8")
        if self.booster:
            (folder / "booster.txt").write_text(self.booster, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote.

        Raises:
            StorageError: RS7461, when a file is absent, or is not a model of this format.
        """
        try:
            plain = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if plain["format"] != FORMAT:
                raise ValueError(f"format {plain['format']}, this version reads {FORMAT}")
            booster = ""
            if plain["kind"] == LIGHTGBM:
                booster = (folder / "booster.txt").read_text(encoding="utf-8")
            model = cls._from_plain(plain, booster)
        except (OSError, KeyError, TypeError, ValueError, lgb.basic.LightGBMError) as problem:
            raise StorageError(
                f"{folder.name}: the stored model cannot be read ({type(problem).__name__})",
                fix="train the model again, or restore its folder from the registry",
                code="RS7461",
            ) from problem
        return model

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """A published score keeps its own precision; features are float32 as they were learnt."""
        return np.float64 if self.kind == EXISTING_SCORE else np.float32

    @property
    def _base(self) -> float:
        if self.kind == LIGHTGBM:
            return _tree_shap(self.booster).base
        return self.linear.intercept if self.linear else 0.0

    def _matrices(self, table: pa.Table) -> Iterator[NDArray[Any]]:
        for start in range(0, table.num_rows, BATCH_ROWS):
            part = table.slice(start, BATCH_ROWS)
            yield encode(part, self.features, self.levels, self.dtype)

    def _in_batches(self, table: pa.Table, score: Callable[..., FloatArray]) -> FloatArray:
        require(table.schema, self.features)
        parts = [score(matrix) for matrix in self._matrices(table)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _log_odds_of(self, matrix: NDArray[Any]) -> FloatArray:
        if self.kind == LIGHTGBM:
            return np.asarray(_booster(self.booster).predict(matrix, raw_score=True))
        if self.linear is not None:
            return self.linear.log_odds(matrix)
        return self._published(matrix)

    def _contributions_of(self, matrix: NDArray[Any], threads: int) -> FloatArray:
        if self.kind == LIGHTGBM:
            return _tree_shap(self.booster).values(matrix, threads)
        if self.linear is not None:
            return self.linear.contributions(matrix)
        return self._published(matrix)[:, None]

    def _published(self, matrix: NDArray[Any]) -> FloatArray:
        column = matrix[:, 0].astype(np.float64)
        return np.where(np.isnan(column), float(self.parameters["fill"]), column)

    def _plain(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "name": self.name,
            "kind": self.kind,
            "features": [_plain_feature(feature) for feature in self.features],
            "levels": [list(levels) for levels in self.levels],
            "parameters": dict(self.parameters),
            "calibrator": self.calibrator.as_dict(),
            "linear": self.linear.as_dict() if self.linear else None,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def _from_plain(cls, plain: Mapping[str, Any], booster: str) -> Self:
        features = tuple(_feature(item) for item in plain["features"])
        if plain["kind"] not in KINDS:
            raise ValueError("unknown kind of model")
        if booster and _booster(booster).feature_name() != list(booster_names(features)):
            raise ValueError("booster.txt and model.json name different features")
        return cls(
            name=plain["name"],
            kind=plain["kind"],
            features=features,
            levels=tuple(tuple(levels) for levels in plain["levels"]),
            parameters=plain["parameters"],
            calibrator=Calibrator.from_dict(plain["calibrator"]),
            booster=booster,
            linear=LinearScorer.from_dict(plain["linear"]) if plain["linear"] else None,
            provenance=plain["provenance"],
        )


def booster_names(features: tuple[FeatureColumn, ...]) -> tuple[str, ...]:
    """Names LightGBM can keep in its text: no blanks or brackets, each once."""
    return tuple(
        f"{position}_{re.sub(r'[^A-Za-z0-9_.-]', '_', feature.name)}"
        for position, feature in enumerate(features)
    )


@lru_cache(maxsize=16)
def _booster(text: str) -> lgb.Booster:
    return lgb.Booster(model_str=text)


def _tree_shap(text: str) -> TreeShap:
    # What it is compiled with takes half a second to import: most processes explain nobody.
    from riskstrat.risk_model.tree_shap import tree_shap

    return tree_shap(text)


def _plain_feature(feature: FeatureColumn) -> dict[str, Any]:
    found = {name: getattr(feature, name) for name in feature.__slots__}
    return found | {
        "kind": feature.kind.value,
        "levels": list(feature.levels),
        "labels": dict(feature.labels),
    }


def _feature(value: Mapping[str, Any]) -> FeatureColumn:
    plain = dict(value)
    plain["kind"] = FeatureKind(plain["kind"])
    plain["levels"] = tuple(plain["levels"])
    return FeatureColumn(**plain)
