"""Loads what MLflow needs for its database, once, in the process that children are forked from.

It takes over a second, and three stages of a run would each wait for it. Nothing is opened here:
a connection, or a thread, would not survive the fork.
"""

from __future__ import annotations

import os
import warnings

from riskstrat.store.registry_session import QUIET

os.environ.update(QUIET)  # read when MLflow is imported
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc
    import mlflow.store.db.utils
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
