"""Which Spark a run uses; no Spark is started here."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.world import World
from riskstrat.errors import ContractError, OutOfMemoryError, RiskstratError, UsageError
from riskstrat.spark import cluster as clusters
from riskstrat.spark.calls import STOP, answer
from riskstrat.spark.cluster import UNKNOWN_WIDTH, cluster_of
from riskstrat.spark.session import spark_errors
from riskstrat.store.worker import StageFault, end_kept, run_in_child

GB = 10**9


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pyspark and Java were there; no environment says which Spark to use."""
    for name in ("SPARK_REMOTE", "SPARK_MASTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clusters, "find_spec", lambda name: object())
    monkeypatch.setattr(clusters.shutil, "which", lambda name: "/usr/bin/java")


@pytest.mark.parametrize(
    ("given", "master", "width", "abreast"),
    [
        (None, "local[2,4]", 2, 2),
        ("local", "local[1,4]", 1, 1),
        ("local[3]", "local[3,4]", 3, 3),
        ("local[*]", "local[6,4]", 6, 6),
        ("local-cluster[2,3,1024]", "local-cluster[2,3,1024]", 6, 6),
        ("spark://host:7077", "spark://host:7077", UNKNOWN_WIDTH, 6),
        ("sc://host:15002", "sc://host:15002", UNKNOWN_WIDTH, 6),
    ],
)
def test_the_masters_name_says_how_wide_it_is(
    given: str | None, master: str, width: int, abreast: int
) -> None:
    found = cluster_of(given, threads=6, memory=4 * GB)
    assert (found.master, found.width, found.abreast) == (master, width, abreast)


def test_the_environment_names_a_spark_where_the_command_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPARK_MASTER", "spark://one:7077")
    assert cluster_of(None, threads=2, memory=GB).master == "spark://one:7077"
    monkeypatch.setenv("SPARK_REMOTE", "sc://other")
    assert cluster_of(None, threads=2, memory=GB).master == "sc://other"
    assert cluster_of("local[2]", threads=2, memory=GB).master == "local[2,4]"


def test_spark_takes_a_quarter_of_the_memory_and_a_remote_one_none_of_it() -> None:
    assert cluster_of("local[2]", threads=2, memory=8 * GB).heap == 2 * GB
    assert cluster_of("sc://host", threads=2, memory=8 * GB).heap == 0


@pytest.mark.parametrize("given", ["duck", "local[x]", "http://host", "spark:"])
def test_other_names_are_refused(given: str) -> None:
    with pytest.raises(UsageError, match="not the name of a Spark master"):
        cluster_of(given, threads=2, memory=GB)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters.shutil, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="needs Java"):
        cluster_of("local[2]", threads=2, memory=GB)
    monkeypatch.setattr(clusters, "find_spec", lambda name: None if name == "grpc" else object())
    with pytest.raises(UsageError, match="extra `connect`"):
        cluster_of("sc://host", threads=2, memory=GB)
    monkeypatch.setattr(clusters, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs pyspark") as refused:
        cluster_of("local[2]", threads=2, memory=GB)
    assert "make setup-spark" in refused.value.fix


def test_a_master_without_the_engine_is_a_mistake(county: World) -> None:
    said = county.ask("check", "--spark-master", "local[2]")
    assert said.code == 2
    assert "--engine spark" in said.err


# -- calls ---------------------------------------------------------------------------------------


def double(item: int, told: Any) -> int:
    told(item)
    return 2 * item


def refuse(item: int, told: Any) -> None:
    raise ContractError("ed: lacks a column", fix="ask for it", code="RS1003")


def pickled(value: Any) -> bytes:
    from multiprocessing.reduction import ForkingPickler

    return bytes(ForkingPickler.dumps(value))


def cells(row: pa.RecordBatch) -> tuple[int, bool, bytes]:
    return tuple(column[0].as_py() for column in row.columns)  # type: ignore[return-value]


def test_an_executor_answers_and_tells_how_far_it_is(tmp_path: Path) -> None:
    assert cells(answer(3, pickled(double), pickled(21), tmp_path)) == (3, False, b"42")
    assert (tmp_path / "3.told").read_text() == "21"


def test_after_a_fault_no_further_item_is_begun(tmp_path: Path) -> None:
    number, fault, body = cells(answer(0, pickled(refuse), pickled(1), tmp_path))
    assert (number, fault) == (0, True)
    assert b"RS1003" in body
    assert (tmp_path / STOP).exists()
    assert cells(answer(1, pickled(double), pickled(21), tmp_path)) == (1, False, b"null")


SECRET = "ZZ-SECRET-9931"


@pytest.mark.parametrize(
    ("fault", "family", "words"),
    [
        (RuntimeError(f"Python worker exited unexpectedly {SECRET}"), OutOfMemoryError, "workers"),
        (ConnectionRefusedError(111, SECRET), OutOfMemoryError, "Spark itself ended"),
        (ValueError(SECRET), StageFault, "internal error: ValueError"),
        (ContractError("ours"), ContractError, "ours"),
    ],
)
def test_what_spark_says_is_said_without_row_values(
    fault: Exception, family: type[RiskstratError], words: str
) -> None:
    with pytest.raises(family, match=words) as said, spark_errors():
        raise fault
    assert SECRET not in str(said.value)


# -- a child that is kept ------------------------------------------------------------------------


def pid(*, progress: Any) -> int:
    return os.getpid()


def fail(*, progress: Any) -> None:
    raise ContractError("refused")


def vanish(*, progress: Any) -> None:
    os._exit(3)


def test_a_kept_child_serves_call_after_call_until_it_is_ended(tmp_path: Path) -> None:
    def ask(work: Any) -> Any:
        return run_in_child(work, memory="1GB", keep=True).value

    first = ask(pid)
    with pytest.raises(ContractError):
        ask(fail)
    assert ask(pid) == first
    assert run_in_child(pid, memory="1GB").value != first
    end_kept(partial((tmp_path / "its last work").touch))
    assert (tmp_path / "its last work").exists()
    second = ask(pid)
    assert second != first
    with pytest.raises(StageFault, match="ended unexpectedly"):
        ask(vanish)
    assert ask(pid) not in (first, second)
    end_kept(partial((tmp_path / "again").touch))
