"""The model registry: what was trained, what it was judged to be, and who decided to use it.

MLflow keeps the books (SQLite and a folder by default); promotion is ours. Every run is
registered. A version whose gates passed gets the alias ``challenger``; a sign-off makes it
``champion``, as the log says. Scoring never runs code found in the registry: it reads the model's
JSON and text with our own loader, after the digest of the whole folder was checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from riskstrat.errors import StorageError, UsageError
from riskstrat.risk_model import RiskModel
from riskstrat.store.registry_model import INNER, folder_digest, log_model
from riskstrat.store.registry_runs import (
    RunRecord,
    TrialRecord,
    follow_the_store,
    forget_unfinished,
    write_artifacts,
    write_runs,
)
from riskstrat.store.registry_session import session
from riskstrat.store.registry_versions import (
    CHALLENGER,
    CHAMPION,
    ModelVersion,
    aliases_of,
    description,
    ensure_model,
    kept_model,
    version_tags,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["CHALLENGER", "CHAMPION", "ModelVersion", "Registry", "RunRecord", "TrialRecord"]

SETTLED = "settled"
"""Tag of a version whose alias has been set: written last, so that a killed run is noticed."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry at an address.

    Args:
        uri: MLflow's tracking address, such as ``sqlite:////data/store/mlflow.db``.
        artifact_root: where files go when the address is a local database; a server decides
            for itself.
    """

    uri: str
    artifact_root: Path

    @classmethod
    def of_store(cls, store: Path) -> Registry:
        """The registry of a store; ``MLFLOW_TRACKING_URI`` overrides its address."""
        local = f"sqlite:///{(store / 'mlflow.db').resolve().as_posix()}"
        return cls(os.environ.get("MLFLOW_TRACKING_URI") or local, store / "artifacts")

    def log_run(self, record: RunRecord) -> ModelVersion:
        """Record a run and register its winner; a run already registered is returned as it is.

        Raises:
            StorageError: the registry cannot be written, or the package does not score.
            BusyError: another process is writing to it.
        """
        with self._session() as client:
            found = self._registered(client, record)
            if found is None:
                found = self._register(client, record)
            if SETTLED not in found.tags:
                self._settle(client, record, found.version)
            return self._read(client, record.study, found.version)

    def attach(self, name: str, version: int, files: Mapping[str, Path]) -> None:
        """Keep further files (report, figures) with the run that made a version.

        Args:
            files: artifact name -> file; what is there under that name is replaced.
        """
        with self._session() as client:
            run = client.get_model_version(name, str(version)).run_id
            for artifact, path in files.items():
                folder = Path(artifact).parent.as_posix()
                client.log_artifact(run, str(path), None if folder == "." else folder)

    def find_version(self, name: str, version: int | None = None) -> ModelVersion:
        """A version by number; without one the champion, else the challenger.

        Raises:
            UsageError: there is no such version, or nothing fit to score with.
        """
        with self._session() as client:
            if version is not None:
                return self._read(client, name, version)
            for alias in (CHAMPION, CHALLENGER):
                if number := aliases_of(client, name).get(alias):
                    return self._read(client, name, number)
        raise UsageError(
            f"no model of {name} is fit to score with: none is champion or challenger",
            fix=f"run the study {name}; if its gates fail, read its report, and name the version "
            "with `--version` only when the decision to use it is recorded",
            code="RS7452",
        )

    def versions(self, name: str) -> tuple[ModelVersion, ...]:
        """Every version of a study's model, the latest first."""
        with self._session() as client:
            found = client.search_model_versions(f"name = '{name}'")
            numbers = sorted((int(each.version) for each in found), reverse=True)
            return tuple(self._read(client, name, number) for number in numbers)

    def load(self, version: ModelVersion) -> RiskModel:
        """Read a model with our own loader, once every file of it has its recorded digest.

        Raises:
            StorageError: a file is missing, was added, or a byte of one changed.
        """
        return RiskModel.load(self.verified_model(version))

    def verified_model(self, version: ModelVersion) -> Path:
        """The folder of the model's own files, once every file has its recorded digest.

        Raises:
            StorageError: a file is missing, was added, or a byte of one changed.
        """
        return self._verified(version) / INNER

    def _verified(self, version: ModelVersion) -> Path:
        folder = self._fetch(version)
        if folder_digest(folder) != version.tags.get("model_digest"):
            raise StorageError(
                f"model {version.name} version {version.version} is not the one that was "
                "registered: its files no longer match the digest recorded then",
                fix="do not score with it: restore the store from a backup or run the study again",
                code="RS7453",
            )
        return folder

    def place(self, name: str, champion: int | None, *, rejected: int | None = None) -> None:
        """Have the aliases say what the log of sign-offs says; nothing that scores asks them.

        Args:
            champion: the version that may be used, or None; it is challenger no more.
            rejected: a version that is challenger no more either.

        Raises:
            BusyError: another process is writing to the registry.
        """
        with self._session() as client:
            now = aliases_of(client, name)
            if champion is None and CHAMPION in now:
                client.delete_registered_model_alias(name, CHAMPION)
            elif champion is not None and now.get(CHAMPION) != champion:
                client.set_registered_model_alias(name, CHAMPION, str(champion))
            if now.get(CHALLENGER, 0) in {champion, rejected}:
                client.delete_registered_model_alias(name, CHALLENGER)

    def fetched(self, version: ModelVersion) -> Path:
        """The logged folder of a version, copied from a remote registry if need be."""
        return self._fetch(version)

    def _session(self) -> AbstractContextManager[MlflowClient]:
        if database := _database(self.uri):
            database.parent.mkdir(parents=True, exist_ok=True)
        return session(self.uri)

    def _registered(self, client: MlflowClient, record: RunRecord) -> ModelVersion | None:
        wanted = f"name = '{record.study}' and tags.run_id = '{record.run_id}'"
        found = client.search_model_versions(wanted)
        if not found:
            return None
        return self._read(client, record.study, max(int(each.version) for each in found))

    def _register(self, client: MlflowClient, record: RunRecord) -> ModelVersion:
        experiment = self._experiment(client, record)
        forget_unfinished(client, experiment, record.run_id)
        run = write_runs(client, experiment, record)
        write_artifacts(client, run, record)
        model_id, model_digest = log_model(client, experiment, run, record)
        ensure_model(client, record)
        made = client.create_model_version(
            record.study,
            source=f"models:/{model_id}",
            run_id=run,
            tags=version_tags(record, model_id, model_digest),
            description=description(record),
            model_id=model_id,
        )
        client.set_terminated(run)
        return self._read(client, record.study, int(made.version))

    def _experiment(self, client: MlflowClient, record: RunRecord) -> str:
        database = _database(self.uri)
        place = (self.artifact_root / record.study).resolve().as_uri() if database else None
        if found := client.get_experiment_by_name(record.study):
            if database and place and found.artifact_location != place:
                follow_the_store(database, str(found.experiment_id), place)
            return str(found.experiment_id)
        return str(client.create_experiment(record.study, artifact_location=place))

    def _settle(self, client: MlflowClient, record: RunRecord, version: int) -> None:
        if record.passed:
            client.set_registered_model_alias(record.study, CHALLENGER, str(version))
        client.set_model_version_tag(record.study, str(version), SETTLED, "yes")

    def _read(self, client: MlflowClient, name: str, version: int) -> ModelVersion:
        from mlflow.exceptions import MlflowException

        try:
            found = client.get_model_version(name, str(version))
        except MlflowException as fault:
            if fault.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise UsageError(
                f"there is no version {version} of model {name} in the registry",
                fix=f"run the study {name}; each run that is complete registers one version",
                code="RS7454",
            ) from None
        tags = MappingProxyType(dict(found.tags))
        return ModelVersion(
            name=name,
            version=version,
            run_id=tags.get("run_id", ""),
            aliases=tuple(sorted(str(alias) for alias in found.aliases)),
            tags=tags,
            model_dir=self._folder(client, name, tags.get("model_id", "")),
        )

    def _folder(self, client: MlflowClient, name: str, model_id: str) -> Path:
        """The logged folder: in this store, even if it was moved, else where MLflow says."""
        place = urlparse(str(client.get_logged_model(model_id).artifact_location))
        here = kept_model(self.artifact_root, name, model_id)
        if here.exists() or place.scheme != "file":
            return here
        return Path(unquote(place.path))

    def _fetch(self, version: ModelVersion) -> Path:
        """The logged folder, copied from a remote registry if need be."""
        if version.model_dir.exists() or _database(self.uri):
            return version.model_dir
        with self._session():
            import mlflow

            mlflow.artifacts.download_artifacts(
                f"models:/{version.name}/{version.version}", dst_path=str(version.model_dir)
            )
        return version.model_dir


def _database(uri: str) -> Path | None:
    """The file behind a local address."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
