"""The winner as an MLflow model: a folder of text files, with a digest over all of them."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat import __version__
from riskstrat.errors import RiskstratError, StorageError
from riskstrat.signoff.binding import model_files
from riskstrat.vocabulary import FeatureColumn, FeatureKind

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

    from riskstrat.store.registry_runs import RunRecord

SCORER = Path(__file__).with_name("scorer_model.py")
INNER = "artifacts/risk_model"
"""Where, inside the logged folder, the files of ``RiskModel.save`` are."""
NEEDED = ("lightgbm", "mlflow", "numpy", "pandas", "pyarrow")


def log_model(
    client: MlflowClient, experiment: str, run: str, record: RunRecord
) -> tuple[str, str]:
    """Package the winner, prove that the package scores, and store it with the run.

    Returns:
        MLflow's id of the logged model, and the digest of its folder.

    Raises:
        StorageError: the packaged model does not answer as the trained one does.
    """
    tags = {"learner": record.winner, "run_id": record.run_id}
    logged = client.create_logged_model(
        experiment, name=record.winner, source_run_id=run, tags=tags, model_type="riskstrat"
    )
    with tempfile.TemporaryDirectory(prefix="riskstrat-") as temporary:
        folder = Path(temporary) / "model"
        _save(folder, Path(temporary) / "risk_model", logged.model_id, run, record)
        _answers_alike(folder, record)
        client.log_model_artifacts(logged.model_id, str(folder))
        found = folder_digest(folder)
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_id), found


def folder_digest(folder: Path) -> str:
    """One digest over every file below ``folder``, by relative name.

    It is what a sign-off is bound to.
    """
    return model_files(folder).digest


def _save(folder: Path, copy: Path, model_id: str, run: str, record: RunRecord) -> None:
    import mlflow
    from mlflow.models import Model

    shutil.copytree(record.model_dir, copy)
    mlflow.pyfunc.save_model(
        path=str(folder),
        mlflow_model=Model(artifact_path=record.winner, run_id=run, model_id=model_id),
        python_model=str(SCORER),
        artifacts={"model": str(copy)},
        signature=signature(record.features),
        input_example=example(record.features),
        pip_requirements=requirements(),
        metadata={"study": record.study, "run_id": record.run_id, "learner": record.winner},
    )
    _forget_local_paths(folder)


def _forget_local_paths(folder: Path) -> None:
    """MLflow notes where each file lay on this machine; nobody needs that, and it tells names."""
    from mlflow.models import Model

    model = Model.load(str(folder / "MLmodel"))
    flavour = model.flavors["python_function"]
    flavour["model_code_path"] = SCORER.name
    for artifact in flavour["artifacts"].values():
        artifact["uri"] = artifact["path"]
    model.save(str(folder / "MLmodel"))


def signature(features: tuple[FeatureColumn, ...]) -> ModelSignature:
    """Doubles and strings, all optional: an absent value is an answer, not a mistake."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = [
        ColSpec("double" if f.kind is FeatureKind.NUMBER else "string", f.name, required=False)
        for f in features
    ]
    outputs = [ColSpec("double", "raw_score"), ColSpec("double", "risk")]
    return ModelSignature(Schema(inputs), Schema(outputs))


def example(features: tuple[FeatureColumn, ...]) -> pd.DataFrame:
    """Three made-up rows, from the columns' descriptions alone: never anybody's own values."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for feature in features:
        if feature.kind is FeatureKind.NUMBER:
            columns[feature.name] = pd.array([0.0, 1.0, 2.0], dtype="float64")
        else:
            levels = feature.levels or ("",)
            columns[feature.name] = [levels[i % len(levels)] for i in range(3)]
    return pd.DataFrame(columns)


def requirements() -> list[str]:
    """What the scorer needs, pinned; given so that MLflow does not guess them in a subprocess."""
    pins = [f"riskstrat=={__version__}"]
    for package in NEEDED:
        try:
            pins.append(f"{package}=={version(package)}")
        except PackageNotFoundError:  # a slimmed-down installation
            continue
    return pins


def _answers_alike(folder: Path, record: RunRecord) -> None:
    """Load the package as a stranger would, and compare its scores with the model's own."""
    import numpy as np

    from riskstrat.risk_model import RiskModel

    rows = example(record.features)
    try:
        answered = _predict(folder, rows)
    except RiskstratError:
        raise
    except Exception as fault:  # MLflow's text may print the rows, so it is not passed on
        raise StorageError(
            f"the packaged model of {record.study} cannot score ({type(fault).__name__})",
            fix="compare the model's features with those of the run, then run the study again",
            code="RS7451",
        ) from None
    from riskstrat.store.scorer_model import as_features

    own = RiskModel.load(record.model_dir).risks(as_features(rows, record.features))
    if not np.array_equal(np.asarray(own), answered["risk"].to_numpy(), equal_nan=True):
        raise StorageError(
            f"the packaged model of {record.study} does not score as the trained one does",
            fix="this is a fault of the installation: check `make test`, then run again",
            code="RS7451",
        )


def _predict(folder: Path, rows: pd.DataFrame) -> pd.DataFrame:
    import mlflow

    answered: pd.DataFrame = mlflow.pyfunc.load_model(str(folder)).predict(rows)
    return answered
