"""Versions of a study's model: what is kept with each, and its aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstrat.vocabulary import NO_GATES

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from riskstrat.store.registry_runs import RunRecord

CHAMPION, CHALLENGER = "champion", "challenger"
DESCRIBED = ("auroc", "average_precision", "calibration_slope")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered model.

    Attributes:
        name, version: the study's name and a number counting from 1.
        run_id: the riskstrat run that made it.
        aliases: of ``champion`` and ``challenger``, those it holds.
        tags: verdict and digests.
        model_dir: the logged folder, on this machine.
    """

    name: str
    version: int
    run_id: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    model_dir: Path

    @property
    def passed(self) -> bool:
        """Whether all gates passed, of at least one."""
        return self.tags.get("verdict") == "pass"

    @property
    def not_passed(self) -> str:
        """Why it is no candidate by itself; '' if it is."""
        if self.passed:
            return ""
        return NO_GATES if self.tags.get("verdict") == "no gates" else "its gates did not pass"


def version_tags(record: RunRecord, model_id: str, model_digest: str) -> dict[str, str]:
    """What the registry keeps with a version, so that it can be traced and verified."""
    return {
        "run_id": record.run_id,
        "study_digest": record.study_digest,
        "data_fingerprint": record.data_fingerprint,
        "lock_digest": record.lock_digest,
        "learner": record.winner,
        "verdict": record.verdict,
        "model_id": model_id,
        "model_digest": model_digest,
        **record.version_tags,
    }


def description(record: RunRecord) -> str:
    """What a person reading the registry should know first."""
    failed = [
        str(gate.get("text", gate.get("name"))) for gate in record.gates if not gate["passed"]
    ]
    if not record.gates:
        verdict = f"{NO_GATES[0].upper()}{NO_GATES[1:]}, so nothing was decided."
    elif record.passed:
        verdict = f"All {len(record.gates)} gates passed."
    else:
        verdict = f"{len(failed)} of {len(record.gates)} gates not passed: {'; '.join(failed)}."
    held_out = record.metrics.get("test", {}).get(record.winner, {})
    numbers = [_sentence(name, held_out[name]) for name in DESCRIBED if name in held_out]
    return f"{record.title}. Learner: {record.winner}. {' '.join(numbers)} {verdict}"


def _sentence(name: str, estimate: Mapping[str, Any]) -> str:
    value, low, high = (estimate.get(key) for key in ("value", "low", "high"))
    if value is None:
        return f"{name} could not be estimated."
    if low is None or high is None:
        return f"{name} {value:.3f}."
    return f"{name} {value:.3f} ({low:.3f} to {high:.3f})."


def ensure_model(client: MlflowClient, record: RunRecord) -> None:
    """Give the study a name in the registry, unless it has one."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(record.study, description=record.title)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def aliases_of(client: MlflowClient, name: str) -> dict[str, int]:
    """Alias -> version number; nothing for a study without a registered model."""
    from mlflow.exceptions import MlflowException

    try:
        model = client.get_registered_model(name)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
    return {str(alias): int(number) for alias, number in model.aliases.items()}


def kept_model(artifact_root: Path, name: str, model_id: str) -> Path:
    """Where the logged folder of a model is in a store: its own, or a copy of a remote one's."""
    here = artifact_root / name / "models" / model_id / "artifacts"
    return here if here.exists() else artifact_root / "fetched" / model_id
