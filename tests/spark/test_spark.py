"""Whoever does the work, the rows are the same: DuckDB here, or the executors of a Spark."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.test_opt_outs import holders, opt_out, the_list_itself
from pipeline.world import World, lists_of
from riskstrat.disk import read_json
from riskstrat.study import load_study
from riskstrat.synthetic import make_county

HERE = Path(__file__).parent
STUDY = HERE.parents[1] / "configs" / "studies" / "emergency_admission.yaml"
AFTER_CONTRACTS = ("linkage", "prepared", "cohort", "features")
SMALL_CLUSTER = "local-cluster[2,1,1024]"
TIMED = ("run.json", "report.html", "report.json", "manifest.json")
"""files of a run that tell seconds, or digests of those that do"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("pyspark") is None, reason="pyspark is not installed: `make setup-spark`"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is none"),
]


def drive(what: str, data: Path, store: Path, master: str) -> None:
    """Run the stages in a process of their own, whose executors know `driver`, too."""
    path = os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, HERE / "driver.py", what, STUDY, data, store, master],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The extracts of a small county, and the store of a run on DuckDB."""
    folder = tmp_path_factory.mktemp("spark")
    data = make_county(folder / "county", people=2000, seed=3, linked=True).directory
    drive("stages", data, folder / "duckdb", "duckdb")
    return data, folder / "duckdb"


@pytest.fixture(scope="module")
def on_spark(places: tuple[Path, Path]) -> Path:
    """The store of a run on a Spark of two workers."""
    data, store = places
    drive("stages and rows", data, store.with_name("spark"), "local[2]")
    return store.with_name("spark")


def accepted(folder: Path) -> pa.Table:
    """Accepted rows in their order, whole or in parts."""
    return duckdb.sql(
        f"SELECT * FROM read_parquet('{folder}/accepted*.parquet', hive_partitioning=false)"
    ).to_arrow_table()


def same_as_duckdb(store: Path, other: Path) -> None:
    """Every artefact but accepted rows has the same bytes; those have the same cells."""
    folders = sorted(p.parent.relative_to(store) for p in store.glob("derived/*/*/manifest.json"))
    assert folders == sorted(
        p.parent.relative_to(other) for p in other.glob("derived/*/*/manifest.json")
    )
    for name in folders:
        ours, theirs = (read_json(root / name / "manifest.json") for root in (store, other))
        files, expected = (
            {file: each for file, each in one["files"].items() if "accepted" not in file}
            for one in (ours, theirs)
        )
        assert files == expected, name
        if name.parts[1] == "contracts":
            for fact in ("source", "rows_in", "rows_out", "rejected"):
                assert ours["facts"][fact] == theirs["facts"][fact], name
            assert accepted(store / name).equals(accepted(other / name)), ours["facts"]["source"]
    assert len(folders) == len(load_study(STUDY).sources) + len(AFTER_CONTRACTS)


def test_every_stage_is_the_same_on_spark(places: tuple[Path, Path], on_spark: Path) -> None:
    same_as_duckdb(on_spark, places[1])
    buckets = {p.name for p in on_spark.glob("derived/prepared/*/b[0-9]*")}
    assert len(buckets) > 2
    parts = [len(list(p.glob("accepted-*"))) for p in on_spark.glob("derived/contracts/*")]
    assert max(parts) > 1


def test_awkward_values_have_the_same_order_and_the_same_firsts(on_spark: Path) -> None:
    folder = on_spark.parent / "rows"
    repeated, found = map(int, (folder / "repeated.txt").read_text().split())
    assert found == repeated > 1000
    parts = sorted((folder / "sorted").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
    table = pa.concat_tables([pq.read_table(part) for part in parts])
    expected = pq.read_table(folder / "expected.parquet")
    assert table.cast(expected.schema).equals(expected)


def test_nothing_of_the_people_is_left_in_spark_s_folders(on_spark: Path) -> None:
    left = [p for p in (on_spark / "scratch").rglob("*") if p.is_file()]
    assert left == []


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[str]:
    """The address of a Spark Connect server of our own, on the loopback."""
    import pyspark

    home = Path(pyspark.__file__).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.memory": "1g",
        "spark.local.dir": tmp_path,
        "spark.ui.enabled": "false",
    }
    given = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    submit = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    server = subprocess.Popen(
        [
            home / "bin" / "spark-submit",
            *submit,
            "--master",
            "local[2,4]",
            *given,
            "spark-internal",
        ],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    try:
        give_up = time.monotonic() + 120
        while not _listens(port):
            assert server.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.5)
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def test_every_stage_is_the_same_behind_spark_connect(
    places: tuple[Path, Path], remote: str
) -> None:
    data, store = places
    drive("stages", data, store.with_name("connect"), remote)
    same_as_duckdb(store.with_name("connect"), store)


def test_killed_workers_and_executors_change_nothing(places: tuple[Path, Path]) -> None:
    data, store = places
    killed = store.with_name("killed")
    drive("stages, dying", data, killed, SMALL_CLUSTER)
    assert len(list(killed.glob("died-in-*"))) == 3
    same_as_duckdb(killed, store)


def spoil(world: World) -> None:
    """Extracts as text, in several files, and with faults of several kinds."""
    data = world.data
    con = duckdb.connect()

    def copy(source: str, to: str, sql: str = "SELECT * FROM old") -> None:
        con.execute(f"CREATE OR REPLACE TABLE old AS FROM '{data / source}.parquet'")
        con.execute(f"COPY ({sql}) TO '{data / to}'")

    copy("rent_arrears", "rent_arrears.csv")
    with (data / "rent_arrears.csv").open("a") as file:
        file.write("too,few\n")  # a row that does not fit the header
    world.change("sources/rent_arrears.yaml", "rent_arrears.parquet", "rent_arrears.csv")
    (data / "gp_registration").mkdir()
    for half in (0, 1):
        some = f"SELECT * FROM old WHERE hash(person_id) % 2 = {half}"
        copy("gp_registration", f"gp_registration/{half}.parquet", some)
    world.change("sources/gp_registration.yaml", "gp_registration.parquet", "gp_registration")
    copy("ed_attendances", "ed.parquet", "SELECT * REPLACE ('soon' AS arrived_on) FROM old")
    (data / "ed.parquet").replace(data / "ed_attendances.parquet")
    copy("admissions", "more.parquet", "FROM old UNION ALL FROM old")  # every key twice
    (data / "more.parquet").replace(data / "admissions.parquet")


def test_extracts_of_other_kinds_and_faults_are_told_alike(fresh: World) -> None:
    spoil(fresh)
    here = fresh.ask("check", "--json")
    there = fresh.ask("check", "--json", "--engine", "spark", "--spark-master", "local[2]")
    assert here.code == there.code == 10
    told, expected = json.loads(there.out), json.loads(here.out)
    assert told == expected
    refused = {row["where"] for row in told["findings"] if row["severity"] == "error"}
    assert refused >= {"rent_arrears", "ed_attendances", "admissions"}
    assert all(row["accepted"] for row in told["sources"] if row["source"] == "gp_registration")


def test_a_day_is_scored_alike_from_the_command_line(own: World) -> None:
    day = "2024-10-01"

    def released() -> dict[str, bytes]:
        return {
            path.relative_to(own.store).as_posix(): path.read_bytes()
            for path in own.store.glob(f"research/small/{day}/**/list.csv")
        }

    said = own.ask("score", "--as-of", day, "--research")
    assert said.code == 0, said.err
    expected = released()
    assert expected
    for folder in ("derived", "research"):
        shutil.rmtree(own.store / folder)
    spark = ("--engine", "spark", "--spark-master", "local[2]")
    said = own.ask("score", "--as-of", day, "--research", *spark)
    assert said.code == 0, said.err
    assert released() == expected
    assert next(own.store.glob("derived/contracts/*/accepted-00000.parquet"), None)
    assert [p for p in (own.store / "scratch").rglob("*") if p.is_file()] == []


def test_a_study_with_opt_outs_is_the_same_on_spark(own: World) -> None:
    """One objects for good, another did for a while; rows and dates of both are left out alike."""
    scored = pq.read_table(next(own.store.glob("derived/scores/*/scores.parquet")))
    stays, back = sorted(scored["unit_id"].to_pylist())[:2]
    opt_out(own, stays, date(2025, 11, 3))
    opt_out(own, back, date(2022, 1, 1), date(2023, 6, 1))

    def made(*spark: str) -> dict[str, bytes]:
        for folder in ("derived", "releases", "runs"):
            shutil.rmtree(own.store / folder, ignore_errors=True)
        said = own.ask("run", *spark)
        assert said.code == 0, said.err
        assert "of people who opted out not read" in said.err
        assert holders(own.store, stays) <= the_list_itself(own.store)
        kept = [p for p in said.folder.rglob("*") if p.is_file() and p.name not in TIMED]
        lists = [own.store / name for name in lists_of(own.store)]
        return {p.relative_to(own.store).as_posix(): p.read_bytes() for p in (*kept, *lists)}

    expected = made()
    found = made("--engine", "spark", "--spark-master", "local[2]")
    assert next(own.store.glob("derived/contracts/*/accepted-00000.parquet"), None)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    pairs = pq.read_table(next(own.store.glob("runs/small/*/features.parquet")))
    rows = pairs.select(["unit_id", "as_of"]).to_pylist()
    assert stays not in {row["unit_id"] for row in rows}
    days = {row["as_of"] for row in rows if row["unit_id"] == back}
    assert date(2022, 4, 1) not in days
    assert date(2023, 4, 1) not in days
