"""The code that MLflow runs when somebody loads a registered model by its address.

MLflow copies this file beside the model ("models from code") and executes it on loading, so it
holds nothing but the way from a table of features to a score. The model itself is read by
riskstrat's own loader from JSON and LightGBM's text: nothing is ever unpickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from riskstrat.risk_model import RiskModel
from riskstrat.vocabulary import FeatureColumn, FeatureKind


class Scorer(PythonModel):  # type: ignore[misc]  # mlflow has no types
    """Features in, ``raw_score`` and calibrated ``risk`` out, one row per row."""

    def load_context(self, context: Any) -> None:
        """Read the model from the folder logged as the artifact ``model``."""
        self.model = RiskModel.load(Path(context.artifacts["model"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score people.

        Args:
            context: MLflow's, unused after loading.
            model_input: one column per feature; an absent column means it is not known for
                anybody. Further columns are ignored.
            params: none are taken.

        Returns:
            ``raw_score`` and ``risk`` (double), with the index of ``model_input``.
        """
        features = as_features(model_input, self.model.features)
        return pd.DataFrame(
            {
                "raw_score": self.model.raw_scores(features),
                "risk": self.model.risks(features),
            },
            index=model_input.index,
        )


def as_features(frame: pd.DataFrame, columns: tuple[FeatureColumn, ...]) -> pa.Table:
    """The frame as a table of features; the model narrows numbers to what it was trained on."""
    arrays = {}
    for column in columns:
        kind = pa.float64() if column.kind is FeatureKind.NUMBER else pa.string()
        if column.name not in frame:
            arrays[column.name] = pa.nulls(len(frame), kind)
            continue
        values = frame[column.name]
        if column.kind is FeatureKind.NUMBER:
            values = values.astype("float64")
        arrays[column.name] = pa.array(values, type=kind, from_pandas=True)
    return pa.table(arrays)


set_model(Scorer())
