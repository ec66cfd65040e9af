"""What a stage needs to know, and how the parent names a function that it must not import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from riskstrat.stages.lineage import Lineage
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.worker import Progress
from riskstrat.study import Study


@dataclass(frozen=True, slots=True)
class Job:
    """The question, where things are, and what the work may use."""

    study: Study
    lineage: Lineage
    store: Store
    data: Path
    memory: str
    threads: int
    score_on: date | None = None

    def artefact(self, stage: str) -> Artefact:
        """The finished output of a parent stage, its bytes verified."""
        found = self.store.artefact(stage.split("/")[0], self.lineage[stage])
        if found is None:
            raise RuntimeError(f"stage {stage} has not run")
        return found

    def folder(self, stage: str) -> Path:
        """The folder of a parent stage's output."""
        return self.artefact(stage).folder

    @property
    def day(self) -> date:
        """The day that is scored for."""
        if self.score_on is None:
            raise RuntimeError("this job scores no day")
        return self.score_on


def call(function: str, *arguments: Any, progress: Progress) -> Any:
    """Call ``riskstrat.stages.<module>.<name>``; runs in the child, where heavy imports belong."""
    module, name = function.rsplit(".", 1)
    return getattr(import_module(f"riskstrat.stages.{module}"), name)(*arguments, progress=progress)


COUNTY = "county.json"
"""beside made-up extracts: how they were made"""


def is_made_up(data: Path) -> bool:
    """Whether a folder of extracts holds a made-up county."""
    return (data / COUNTY).exists()
