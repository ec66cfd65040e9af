"""Where things are, what a run may use, and who is told how far it is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Protocol

from riskstrat.errors import UsageError
from riskstrat.spark.cluster import Cluster, cluster_of
from riskstrat.stages.jobs import amount
from riskstrat.store.artefacts import Store


class Listener(Protocol):
    """Told what the pipeline does; the command line draws it."""

    def starts(self, stage: str) -> None:
        """A stage begins."""

    def moves(self, share: float, words: str = "") -> None:
        """It has come so far: a share in [0, 1] and a few words."""

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """It has ended, or did not have to begin."""


class Silent:
    """A listener that says nothing."""

    def starts(self, stage: str) -> None:
        """Say nothing."""

    def moves(self, share: float, words: str = "") -> None:
        """Say nothing."""

    def ends(self, stage: str, summary: str, seconds: float, *, reused: bool) -> None:
        """Say nothing."""


def whoever_asks() -> str:
    """The user's name for the log: ``RISKSTRAT_USER``, else that of the operating system."""
    from getpass import getuser

    try:
        return os.environ.get("RISKSTRAT_USER", "").strip() or getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"user {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Options:
    """Where things are and what the run may use. None of it may change a byte of the result."""

    data: Path
    store: Store
    memory: str
    threads: int
    today: date
    user: str = field(default_factory=whoever_asks)
    """who the log says asked"""
    cluster: Cluster | None = None
    """the Spark that works on rows, or None where this machine does"""

    @classmethod
    def make(
        cls,
        *,
        data: Path,
        store: Path,
        memory: str,
        threads: int,
        today: date,
        engine: str = "duckdb",
        spark_master: str | None = None,
        verify: bool = False,
    ) -> Options:
        """Check and complete what the user gave.

        Args:
            verify: read extracts and finished stages again, whatever is remembered of them.

        Raises:
            UsageError: something is missing, or does not go with another.
        """
        if not data.is_dir():
            raise UsageError(
                f"{data}: no such folder of extracts",
                fix="give the folder with `--data DIR`, or make the demo county with `make data`",
            )
        threads = threads or os.cpu_count() or 1
        made = cls(data, Store(store, afresh=verify), _memory(memory), threads, today)
        if engine == "spark":
            cluster = cluster_of(spark_master, threads=threads, memory=amount(memory))
            return replace(made, cluster=cluster)
        if spark_master:
            raise UsageError(
                "`--spark-master` without `--engine spark`", fix="add `--engine spark`"
            )
        return made


def _memory(text: str) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s*(MB|GB|MiB|GiB)", text, flags=re.IGNORECASE):
        raise UsageError(f"`{text}` is not an amount of memory", fix="write `4GB` or `800MB`")
    return text
