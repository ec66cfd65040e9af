"""One Spark session for the stages of a run: opened when first needed, closed with the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from riskstrat.errors import OutOfMemoryError, RiskstratError, UsageError
from riskstrat.spark.cluster import Cluster, Desk
from riskstrat.store.worker import as_fault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOST = ("exited unexpectedly", "executorlostfailure", "java.lang.outofmemoryerror", "crashed")
"""how Spark says that processes doing its work went away"""
NO_DRIVER = ("Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError")
"""how pyspark says that Spark itself went away"""
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
        with suppress(Exception):  # one whose JVM has gone cannot be stopped
            _open.popitem()[1].stop()


def _start(cluster: Cluster, place: Path) -> SparkSession:
    from pyspark.sql import SparkSession

    # Workers must be this Python, with this riskstrat: on other machines, at the same path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.pop("SPARK_REMOTE", None)  # pyspark takes one or the other
    if cluster.local:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.appName("riskstrat").master(cluster.master)
    for name, value in {**_always(cluster), **(_at_home(place) if cluster.local else {})}.items():
        builder = builder.config(name, value)
    return _settled(builder.getOrCreate())


def _connect(cluster: Cluster) -> SparkSession:
    from pyspark.sql import SparkSession

    os.environ.pop("SPARK_REMOTE", None)
    return _settled(SparkSession.builder.remote(cluster.master).getOrCreate())


def _always(cluster: Cluster) -> dict[str, str]:
    """What is fixed when the driver starts."""
    return {
        "spark.driver.memory": f"{cluster.heap // 2**20}m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.python.worker.reuse": "true",
        "spark.sql.catalogImplementation": "in-memory",
        # The same work twice at once gains nothing, and both would write to the store.
        "spark.speculation": "false",
    }


def _at_home(place: Path) -> dict[str, str]:
    """A Spark on this machine alone: heard by nobody else, leaving nothing outside the store."""
    return {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
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
        lost = any(sign in str(fault).lower() for sign in LOST)
        if lost or type(fault).__name__ in NO_DRIVER:
            what = "workers of Spark ended again and again" if lost else "Spark itself ended"
            raise OutOfMemoryError(
                f"{what}, most likely for want of memory",
                fix="give them more with `--memory`, or fewer tasks at once with `--threads` or "
                "the number in `--spark-master`; finished stages are reused",
            ) from None
        raise as_fault(fault) from None
