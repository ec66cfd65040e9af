"""Which Spark a run uses, how wide it is, and what of this machine's memory it takes."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from riskstrat.errors import UsageError

DEFAULT = "local[2]"
CONNECT = "sc://"
UNKNOWN_WIDTH = 64
"""tasks at once, where the master's name does not tell: only the number of pieces depends on it"""
LEAST_HEAP, MOST_HEAP = 768 * 2**20, 8 * 2**30
_LOCAL = re.compile(r"local(?:\[(\d+|\*)(?:,\s*\d+)?\])?")
_LOCAL_CLUSTER = re.compile(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Spark, by the name of its master.

    Attributes:
        master: as ``spark-submit --master`` takes it, or the address of a Spark Connect server.
        width: tasks at once.
        abreast: tasks at once on one machine; they share the memory of the job.
        heap: bytes of the driver's JVM on this machine.
    """

    master: str
    width: int
    abreast: int
    heap: int

    @property
    def connects(self) -> bool:
        """Whether the driver runs elsewhere, behind Spark Connect."""
        return self.master.startswith(CONNECT)

    @property
    def local(self) -> bool:
        """Whether all of it runs on this machine."""
        return self.master.startswith("local")


@dataclass(frozen=True, slots=True)
class Desk:
    """A cluster, and the folder it shares with this process.

    Attributes:
        cluster: which Spark.
        place: an existing folder; a local Spark shuffles there, too.
    """

    cluster: Cluster
    place: Path


def cluster_of(given: str | None, *, threads: int, memory: int) -> Cluster:
    """The cluster a user named, or else the environment.

    Args:
        given: ``--spark-master``; else ``SPARK_REMOTE``, ``SPARK_MASTER``, then ``local[2]``.
        threads: of the job: on a cluster, tasks at once on each machine.
        memory: bytes of the job.

    Raises:
        UsageError: pyspark or Java is missing, or the name is not one of a master.
    """
    environment = os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_MASTER")
    master = (given or environment or DEFAULT).strip()
    _refuse_what_is_missing(master)
    heap = min(max(memory // 4, LEAST_HEAP), MOST_HEAP)
    if found := _LOCAL.fullmatch(master):
        width = threads if found[1] == "*" else int(found[1] or 1)
        # Of itself, a local Spark gives up when one worker has died once.
        return Cluster(f"local[{width},4]", width, width, heap)
    if found := _LOCAL_CLUSTER.fullmatch(master):
        executors, cores = int(found[1]), int(found[2])
        return Cluster(master, executors * cores, executors * cores, heap)
    if not re.fullmatch(r"(spark|k8s|sc)://.+|yarn", master):
        raise UsageError(
            f"`{master}` is not the name of a Spark master",
            fix="write `local[4]`, `spark://host:7077`, `yarn`, `k8s://...`, or `sc://host:15002` "
            "for Spark Connect",
        )
    return Cluster(master, UNKNOWN_WIDTH, threads, 0 if master.startswith(CONNECT) else heap)


def _refuse_what_is_missing(master: str) -> None:
    if find_spec("pyspark") is None:
        raise UsageError(
            "`--engine spark` needs pyspark, which is not installed",
            fix="install it with `make setup-spark`, or with `pip install 'riskstrat[spark]'`",
        )
    if master.startswith(CONNECT):
        if find_spec("grpc") is None:
            raise UsageError(
                "Spark Connect needs pyspark with its extra `connect`, which is not installed",
                fix="install it with `make setup-spark`, or with `pip install 'pyspark[connect]'`",
            )
        return
    home = os.environ.get("JAVA_HOME", "")
    if not (shutil.which("java") or (home and Path(home, "bin", "java").exists())):
        raise UsageError(
            "`--engine spark` needs Java, and there is none on this machine",
            fix="install Java 17 or 21, or set JAVA_HOME to where it is",
        )
