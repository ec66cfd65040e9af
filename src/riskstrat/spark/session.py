"""One Spark session for the stages of a run: opened when first needed, closed with the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from riskstrat.errors import OutOfMemoryError, RiskstratError, UsageError
from riskstrat.spark.cluster import Cluster, Desk
from riskstrat.store.worker import as_fault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOST = ("exited unexpectedly", "executorlostfailure", "java.lang.outofmemoryerror", "crashed")
"""how Spark says that processes doing its work went away"""
_open: dict[Cluster, SparkSession] = {}


def session_of(desk: Desk) -> SparkSession:
    """The session of this process; another cluster's is closed first.

    Raises:
        UsageError: the master cannot be reached.
    """
    cluster = desk.cluster
    if cluster not in _open:
        close()
        try:
            _open[cluster] = _connect(cluster) if cluster.connects else _start(cluster, desk.place)
        except Exception as fault:
            raise UsageError(
                f"there is no Spark at `{cluster.master}`, or it does not answer "
                f"({type(fault).__name__})",
                fix="check `--spark-master`, that the cluster runs, and that its Spark is of the "
                "same version as pyspark here",
            ) from None
    return _open[cluster]


def close() -> None:
    """Stop the session of this process, if there is one."""
    while _open:
        _open.popitem()[1].stop()


def _start(cluster: Cluster, place: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    # Workers must be this Python, with this riskstrat: on other machines, at the same path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.pop("SPARK_REMOTE", None)  # pyspark takes one or the other
    builder = SparkSession.builder.appName("riskstrat").master(cluster.master)
    for name, value in {**_always(), **(_at_home(cluster, place) if cluster.local else {})}.items():
        builder = builder.config(name, value)
    return _settled(builder.getOrCreate())


def _connect(cluster: Cluster) -> SparkSession:
    from pyspark.sql import SparkSession

    os.environ.pop("SPARK_REMOTE", None)
    return _settled(SparkSession.builder.remote(cluster.master).getOrCreate())


def _always() -> dict[str, str]:
    """What is fixed when the driver starts."""
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.python.worker.reuse": "true",
        "spark.sql.catalogImplementation": "in-memory",
        # The same work twice at once gains nothing, and both would write to the store.
        "spark.speculation": "false",
    }


def _at_home(cluster: Cluster, place: Path) -> dict[str, str]:
    """A Spark on this machine alone: heard by nobody else, leaving nothing outside the store."""
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": f"{cluster.heap // 2**20}m",
        "spark.local.dir": str(place),
        "spark.sql.warehouse.dir": str(place / "warehouse"),
    }


def _settled(session: SparkSession) -> SparkSession:
    """What decides on values: also where the driver is not ours."""
    for name, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.caseSensitive": "true",
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
        "spark.sql.parquet.compression.codec": "zstd",
    }.items():
        session.conf.set(name, value)
    return session


@contextmanager
def spark_errors() -> Iterator[None]:
    """Say in our own words what Spark says: its messages may hold row values."""
    try:
        yield
    except RiskstratError:
        raise
    except Exception as fault:
        if any(sign in str(fault).lower() for sign in LOST):
            raise OutOfMemoryError(
                "workers of Spark ended again and again, most likely for want of memory",
                fix="give them more with `--memory`, or fewer tasks at once with `--threads` or "
                "the number in `--spark-master`; finished stages are reused",
            ) from None
        raise as_fault(fault) from None
