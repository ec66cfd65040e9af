"""riskstrat: predictive risk stratification for public services.

The documented Python surface is small: what a notebook needs to run a study, look at a
run, compare runs, sign off and score. Everything else is reached through the ``riskstrat`` command.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Telemetry is on by default in some libraries; personal-data systems never phone home.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# No pickle is ever loaded from the registry (see docs/decisions).
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from riskstrat.api import (
        approve,
        compare,
        load_run,
        load_study,
        reject,
        review,
        run,
        runs,
        score,
        signoffs,
        submit,
        withdraw,
    )

__all__ = [
    "__version__",
    "approve",
    "compare",
    "load_run",
    "load_study",
    "reject",
    "review",
    "run",
    "runs",
    "score",
    "signoffs",
    "submit",
    "withdraw",
]


def __getattr__(name: str) -> Any:
    """Import the public functions when first asked for, so that `--help` stays quick."""
    if name in __all__:
        from riskstrat import api

        return getattr(api, name)
    raise AttributeError(f"module 'riskstrat' has no attribute {name!r}")
