"""What a stage needs to know, and how the parent names a function that it must not import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from riskstrat.spark.cluster import Cluster
from riskstrat.stages.lineage import Lineage
from riskstrat.store.artefacts import Artefact, Store
from riskstrat.store.worker import Progress
from riskstrat.study import Study

SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


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
    cluster: Cluster | None = None
    """the Spark that does the work on rows; None: this machine does it, with DuckDB"""

    def artefact(self, stage: str) -> Artefact:
        """The finished output of a parent stage, its bytes verified.

        In a child they are verified once: a stage asks for them in every bucket.
        """
        name, digest = stage.split("/")[0], self.lineage[stage]
        known = (self.store.root, name, digest)
        if known in _verified:
            return _verified[known]
        found = self.store.artefact(name, digest)
        if found is None:
            raise RuntimeError(f"stage {stage} has not run")
        if _in_child:
            _verified[known] = found
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


_in_child = False
_verified: dict[tuple[Path, str, str], Artefact] = {}


def verify_once() -> None:
    """From now on this process, which lives for one run at most, trusts what it has verified."""
    global _in_child
    _in_child = True


def amount(memory: str) -> int:
    """Bytes in a text such as ``4GB`` or ``800 MiB``, as ``--memory`` takes it.

    Examples:
        >>> amount("1.5GB"), amount("2 MiB")
        (1500000000, 2097152)
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]+)\s*", memory)
    if not found:
        raise ValueError(f"`{memory}` is not an amount of memory")
    return int(float(found[1]) * SIZES[found[2].upper()])


def call(function: str, *arguments: Any, progress: Progress) -> Any:
    """Call ``riskstrat.stages.<module>.<name>``; runs in the child, where heavy imports belong."""
    verify_once()
    if arguments and isinstance(arguments[0], Job):
        arguments[0].store.at_work()
    module, name = function.rsplit(".", 1)
    return getattr(import_module(f"riskstrat.stages.{module}"), name)(*arguments, progress=progress)


COUNTY = "county.json"
"""beside made-up extracts: how they were made"""


def is_made_up(data: Path) -> bool:
    """Whether a folder of extracts holds a made-up county."""
    return (data / COUNTY).exists()
