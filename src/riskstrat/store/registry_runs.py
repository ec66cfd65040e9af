"""One run of a study as MLflow runs: a parent, a child per learner, a grandchild per trial."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from riskstrat.vocabulary import FeatureColumn

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAM_LIMIT = 500
"""Some MLflow servers refuse longer values; the whole text is in ``params.json``."""
BATCH = 100
RUN_ID = "riskstrat.run_id"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial of a search: what was tried and what it scored."""

    learner: str
    number: int
    params: Mapping[str, Any]
    value: float | None
    """the tuned metric, higher is better; None for a pruned or failed trial"""
    state: str = "complete"
    fold: str = ""

    @classmethod
    def from_tuning(cls, row: Mapping[str, Any]) -> Self:
        """From a row of ``TrainingResult.tuning``."""
        return cls(
            learner=row["learner"],
            number=row["number"],
            params=row["parameters"],
            value=row["value"],
            state=row["state"],
            fold=str(row.get("fold", "")),
        )


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything the registry is told about a run: plain data, no person and no row.

    Attributes:
        study, title, run_id: which study and which answer.
        winner: the learner that is registered.
        metrics: the content of ``metrics.json``: split -> learner -> metric -> estimate.
        gates: the verdict of each gate, as in ``run.json``.
        passed: whether all gates passed.
        model_dir: the folder ``RiskModel.save`` wrote for the winner.
        features: the winner's columns, in its order.
        study_text: the study file as it was read.
        study_digest, data_fingerprint, lock_digest: what it was made from.
        params: settings worth comparing between runs; any depth, flattened with dots.
        trials: the searches.
        files: artifact name -> file or folder to keep with the run (report, figures).
        tags: further facts, such as the commit.
        version_tags: what is kept with the registered version besides its digests.
    """

    study: str
    title: str
    run_id: str
    winner: str
    metrics: Mapping[str, Any]
    gates: Sequence[Mapping[str, Any]]
    passed: bool
    model_dir: Path
    features: tuple[FeatureColumn, ...]
    study_text: str
    study_digest: str
    data_fingerprint: str
    lock_digest: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    trials: tuple[TrialRecord, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    version_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, or ``no gates``: then nothing was decided, and it is no pass."""
        if not self.gates:
            return "no gates"
        return "pass" if self.passed else "fail"


def write_runs(client: MlflowClient, experiment: str, record: RunRecord) -> str:
    """Write the parent run, its learners and their trials.

    Returns:
        MLflow's id of the parent run, still open.
    """
    tags = {
        RUN_ID: record.run_id,
        "study_digest": record.study_digest,
        "data_fingerprint": record.data_fingerprint,
        "lock_digest": record.lock_digest,
        "verdict": record.verdict,
        "winner": record.winner,
        **record.tags,
    }
    parent = _open(client, experiment, record.run_id[:12], tags)
    _log(client, parent, record.params, dict(flat_metrics(record.metrics)))
    for learner in _learners(record):
        _write_learner(client, experiment, parent, learner, record)
    return parent


def write_artifacts(client: MlflowClient, run: str, record: RunRecord) -> None:
    """Keep the study file, the figures and the run's files with the run."""
    client.log_text(run, record.study_text, "study.yaml")
    client.log_text(run, _json(record.params), "params.json")
    client.log_text(run, _json(record.metrics), "metrics.json")
    client.log_text(run, _json({"passed": record.passed, "gates": record.gates}), "gates.json")
    for name, path in record.files.items():
        if path.is_dir():
            client.log_artifacts(run, str(path), name)
        else:
            folder = str(Path(name).parent)
            client.log_artifact(run, str(path), None if folder == "." else folder)


def _learners(record: RunRecord) -> list[str]:
    named = [learner for split in record.metrics.values() for learner in split]
    return list(dict.fromkeys([*named, *(trial.learner for trial in record.trials)]))


def _write_learner(
    client: MlflowClient, experiment: str, parent: str, learner: str, record: RunRecord
) -> None:
    run = _open(client, experiment, learner, {"learner": learner}, parent)
    own = {
        split: {learner: learners[learner]}
        for split, learners in record.metrics.items()
        if learner in learners
    }
    metrics = {key.replace(f".{learner}.", ".", 1): v for key, v in flat_metrics(own).items()}
    _log(client, run, {"learner": learner}, metrics)
    for trial in record.trials:
        if trial.learner == learner:
            _write_trial(client, experiment, run, trial)
    client.set_terminated(run)


def _write_trial(client: MlflowClient, experiment: str, parent: str, trial: TrialRecord) -> None:
    tags = {"learner": trial.learner, "trial": str(trial.number), "state": trial.state}
    tags = {**tags, "fold": trial.fold}
    fold = f" {trial.fold}" if trial.fold else ""
    run = _open(client, experiment, f"{trial.learner}{fold} trial {trial.number}", tags, parent)
    value = {} if trial.value is None else {"tuning_value": trial.value}
    _log(client, run, trial.params, value)
    client.set_terminated(run, status="FAILED" if trial.state == "failed" else "FINISHED")


def _open(
    client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str], parent: str = ""
) -> str:
    above = {"mlflow.parentRunId": parent} if parent else {}
    # The person at the keyboard and the script's path stay out: MLflow would record both.
    given = {key: value for key, value in tags.items() if value}
    run = client.create_run(experiment, tags={**given, **above}, run_name=name)
    return str(run.info.run_id)


def _log(
    client: MlflowClient, run: str, params: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    from mlflow.entities import Metric, Param

    texts = [Param(key, _short(value)) for key, value in flat_params(params)]
    numbers = [Metric(key, value, 0, 0) for key, value in metrics.items() if isfinite(value)]
    for start in range(0, max(len(texts), len(numbers)), BATCH):
        part = slice(start, start + BATCH)
        client.log_batch(run, metrics=numbers[part], params=texts[part])


def flat_params(params: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as ``training.tune.trials`` -> text."""
    for key, value in params.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            yield from flat_params(value, f"{name}.")
        elif isinstance(value, str):
            yield name, value
        else:
            yield name, json.dumps(value, default=str)


def _short(text: str) -> str:
    return text if len(text) <= PARAM_LIMIT else f"{text[: PARAM_LIMIT - 20]} … (params.json)"


def flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """``metrics.json`` as ``test.lightgbm.auroc``, ``.low``, ``.high``, ``.at_0.05.ppv`` ...

    Examples:
        >>> flat_metrics({"test": {"lightgbm": {"auroc": {"value": 0.8, "low": 0.7, "n": 9}}}})
        {'test.lightgbm.auroc': 0.8, 'test.lightgbm.auroc.low': 0.7}
    """
    out: dict[str, float] = {}
    for split, learners in metrics.items():
        for learner, values in learners.items():
            above = f"{split}.{learner}."
            for name, value in values.items():
                if name == "at_capacity":
                    for at in value:
                        out |= _flat_estimates(f"{above}at_{at['share']:g}.", at)
                else:
                    out |= _flat_estimates(above, {name: value})
    return out


def _flat_estimates(above: str, values: Mapping[str, Any]) -> dict[str, float]:
    out: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            parts = {"": value.get("value"), ".low": value.get("low"), ".high": value.get("high")}
        else:
            parts = {"": value}
        for suffix, number in parts.items():
            if isinstance(number, int | float) and not isinstance(number, bool):
                out[f"{above}{name}{suffix}"] = float(number)
    return out


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=_plain, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def forget_unfinished(client: MlflowClient, experiment: str, run_id: str) -> None:
    """Remove what a killed process wrote of this run, so that nothing is listed twice."""
    for run in client.search_runs([experiment], f"tags.`{RUN_ID}` = '{run_id}'"):
        _delete_below(client, experiment, run.info.run_id)
        client.delete_run(run.info.run_id)


def _delete_below(client: MlflowClient, experiment: str, run: str) -> None:
    for child in client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run}'"):
        _delete_below(client, experiment, child.info.run_id)
        client.delete_run(child.info.run_id)


def follow_the_store(database: Path, experiment: str, place: str) -> None:
    """MLflow keeps absolute addresses and has no call to change one when a store is moved."""
    with closing(sqlite3.connect(database)) as db, db:
        change = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
        db.execute(change, (place, int(experiment)))
