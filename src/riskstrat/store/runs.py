"""Run folders: found by path or id, read with their bytes verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskstrat.disk import read_json
from riskstrat.errors import UsageError
from riskstrat.store.artefacts import Store


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One answer to a study: the folder `riskstrat run` prints."""

    folder: Path

    @property
    def facts(self) -> Mapping[str, Any]:
        """What `run.json` holds: digests, versions, stages, verdict, model."""
        facts: Mapping[str, Any] = read_json(self.folder / "run.json")
        return facts

    @property
    def metrics(self) -> Mapping[str, Any]:
        """`{split: {learner: {metric: {value, low, high, n}, at_capacity: [...]}}}`."""
        metrics: Mapping[str, Any] = read_json(self.folder / "metrics.json")
        return metrics

    @property
    def name(self) -> str:
        """`<study>/<run_id>`."""
        return f"{self.folder.parent.name}/{self.folder.name}"


def find_run(reference: Path, store: Store) -> RunFolder:
    """A run by its folder, by `<study>/<run_id>`, or by a run id (or its beginning).

    Raises:
        UsageError: no run, or several, fit; the message lists what there is.
    """
    if (reference / "run.json").exists():
        return RunFolder(reference)
    known = all_runs(store)
    text = reference.as_posix().rstrip("/")
    fitting = [run for run in known if run.folder.name.startswith(text) or run.name == text]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(run.name for run in (fitting or known)[-8:]) or "none yet"
    raise UsageError(
        f"{len(fitting) or 'no'} run{'s' if len(fitting) != 1 else ''} fit `{text}`",
        fix=f"name one of the runs in {store.root / 'runs'}: {listed}",
    )


def all_runs(store: Store, study: str | None = None) -> list[RunFolder]:
    """Every finished run, oldest first."""
    found = [RunFolder(path.parent) for path in store.root.glob(f"runs/{study or '*'}/*/run.json")]
    return sorted(found, key=lambda run: (run.facts["finished"], run.name))
