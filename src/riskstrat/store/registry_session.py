"""MLflow, quiet and bound to one address for as long as a block lasts."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from riskstrat.errors import BusyError, StorageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

QUIET = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
LOUD = ("mlflow", "alembic", "sqlalchemy.engine")
_ONE_AT_A_TIME = threading.RLock()
"""MLflow keeps its address in a global, so two threads must not bind it at once."""


@contextmanager
def session(uri: str) -> Iterator[MlflowClient]:
    """A client for ``uri``; MLflow's global address and the environment are put back after.

    Raises:
        BusyError: another process is writing to the registry's database.
        StorageError: the registry cannot be read or written.
    """
    with _ONE_AT_A_TIME, _environment(QUIET | {"MLFLOW_TRACKING_URI": uri}):
        import mlflow  # sets up loggers of its own, so they are silenced only after it
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
        try:
            with _silence():
                mlflow.set_tracking_uri(uri)
                mlflow.set_registry_uri(uri)
                yield mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        except (MlflowException, SQLAlchemyError) as fault:
            raise _restated(fault) from None
        finally:
            mlflow.set_tracking_uri(before[0])
            mlflow.set_registry_uri(before[1])


def _restated(fault: Any) -> BusyError | StorageError:
    """The fault in plain words; MLflow's own text may print rows, so it is not passed on."""
    text = str(fault).lower()
    if "database is locked" in text:
        return BusyError(
            "the model registry is being written to by another process",
            fix="wait for the other run to finish and run the same command again",
        )
    if any(sign in text for sign in ("disk is full", "no space left", "disk i/o error")):
        return StorageError(
            "the model registry cannot be written: the disk is full or failing",
            fix="free some space and run the same command again; finished stages are reused",
            code="RS7401",
        )
    return StorageError(
        f"the model registry refused a request ({getattr(fault, 'error_code', 'unknown')})",
        fix="check that the registry's address is right and that its database belongs to this "
        "version of MLflow (`mlflow db upgrade` brings an older one up to date)",
        code="RS7450",
    )


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _silence() -> Iterator[None]:
    """Keep MLflow's progress notes, database migrations and hints out of the terminal."""
    loggers = [logging.getLogger(name) for name in LOUD]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
