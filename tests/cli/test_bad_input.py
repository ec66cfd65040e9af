"""Whatever is wrong with the input: one exit code, one message that helps, nothing half written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from pipeline.world import Said, World

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
SECRET = "ZZ-SECRET-9931"
"""planted in the data; no message may repeat it"""
ROWS = 20_638
"""of the emergency department's extract, but for those of people who opted out"""

Spoil = Callable[[World], object]


def attendances(world: World) -> Path:
    return world.data / "ed_attendances.parquet"


def rewrite(change: Callable[[pa.Table], pa.Table], name: str = "ed_attendances") -> Spoil:
    """Change an extract, planting secrets among its values."""

    def spoil(world: World) -> None:
        path = world.data / f"{name}.parquet"
        table = pq.read_table(path)
        path.unlink()
        pq.write_table(change(table), path)

    return spoil


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def as_text(change: Callable[[str], bytes]) -> Spoil:
    """Send the emergency department's extract as a CSV file."""

    def spoil(world: World) -> None:
        table = pq.read_table(attendances(world))
        secret = pa.array([SECRET] * table.num_rows)
        table = with_column(table, "attendance_id", secret)
        buffer = pa.BufferOutputStream()
        pa_csv.write_csv(table, buffer)
        text = buffer.getvalue().to_pybytes().decode()
        (world.data / "ed_attendances.csv").write_bytes(change(text))
        world.change("sources/ed_attendances.yaml", "ed_attendances.parquet", "ed_attendances.csv")

    return spoil


def ragged(text: str) -> bytes:
    lines = text.splitlines(keepends=True)
    lines[1000] = lines[1000].rstrip("\n") + f',{SECRET},"more"\n'
    return "".join(lines).encode()


def set_to(*values: str) -> Spoil:
    """Change the study."""

    def spoil(world: World) -> None:
        world.change("studies/small.yaml", *values)

    return spoil


def cut(world: World) -> None:
    content = attendances(world).read_bytes()
    attendances(world).unlink()
    attendances(world).write_bytes(content[: len(content) // 2])


def secrets(table: pa.Table) -> pa.Array:
    return pa.array([SECRET] * table.num_rows)


def repeated(table: pa.Table) -> pa.Table:
    return with_column(table, "attendance_id", secrets(table))


def in_future(table: pa.Table) -> pa.Table:
    days = pa.array([date(2031, 1, 1)] * table.num_rows)
    return with_column(
        with_column(
            table, "attendance_id", pa.array([f"{SECRET}-{row}" for row in range(table.num_rows)])
        ),
        "arrived_on",
        days,
    )


def no_outcomes(world: World) -> None:
    def planned(table: pa.Table) -> pa.Table:
        return with_column(table, "admission_method", pa.array(["11"] * table.num_rows))

    rewrite(planned, "admissions")(world)
    world.change("studies/small.yaml", "counts_as_event", "excluded")


BAD: dict[str, tuple[Spoil, int, Sequence[str]]] = {
    "a missing file": (
        lambda w: attendances(w).unlink(),
        10,
        ["ed_attendances", "ed_attendances.parquet", "does not exist"],
    ),
    "a truncated file": (cut, 10, ["ed_attendances.parquet"]),
    "a file of nothing": (
        lambda w: (attendances(w).unlink(), attendances(w).touch()),
        10,
        ["ed_attendances.parquet", "empty"],
    ),
    "a table without rows": (
        rewrite(lambda table: table.slice(0, 0)),
        10,
        ["ed_attendances", "no rows"],
    ),
    "a text file in another encoding": (
        as_text(lambda text: text.encode("utf-16")),
        10,
        ["ed_attendances.csv", "utf-8", "encoding"],
    ),
    "a text file with another delimiter": (
        as_text(lambda text: text.replace(",", ";").encode()),
        10,
        ["ed_attendances.csv", "delimiter", ";"],
    ),
    "a text file with a row too long": (
        as_text(ragged),
        10,
        ["ed_attendances.csv", "1,001"],
    ),
    "a missing column": (
        rewrite(lambda table: table.drop_columns(["arrived_on"])),
        10,
        ["ed_attendances", "arrived_on"],
    ),
    "a renamed column": (
        rewrite(
            lambda table: table.rename_columns(
                ["arrival_on" if name == "arrived_on" else name for name in table.column_names]
            )
        ),
        10,
        ["arrived_on", "arrival_on"],
    ),
    "a column of another type": (
        rewrite(lambda table: with_column(table, "arrived_on", secrets(table))),
        10,
        ["arrived_on", "date"],
    ),
    "keys that repeat": (
        rewrite(repeated),
        10,
        ["ed_attendances", "attendance_id", f"{ROWS:,}"],
    ),
    "dates in the future": (
        rewrite(in_future),
        10,
        ["ed_attendances", "arrived_on", f"{ROWS:,}"],
    ),
    "outcomes of one class": (no_outcomes, 14, ["emergency_admission_12m", "is `no` for all"]),
    "a cohort of nobody": (
        set_to("age_at_as_of >= 18", "age_at_as_of >= 118"),
        14,
        ["the cohort is empty", "age_at_as_of >= 118"],
    ),
    "an unknown key": (set_to("capacity:", "capacities:"), 12, ["capacities", "capacity"]),
    "a misspelt source": (
        set_to("source: rent_arrears", "source: rent_arears"),
        12,
        ["rent_arears", "rent_arrears"],
    ),
    "a misspelt column": (
        set_to("max(weeks_owed)", "max(weeks_owned)"),
        12,
        ["weeks_owned", "weeks_owed"],
    ),
    "an expression with a subquery": (
        set_to("age_at_as_of >= 18", "age_at_as_of >= (select 18)"),
        12,
        ["who"],
    ),
    "an expression with an unknown column": (
        set_to("age_at_as_of >= 18", "age_at_as_off >= 18"),
        12,
        ["age_at_as_off", "age_at_as_of"],
    ),
    "an expression of the wrong type": (
        set_to("age_at_as_of >= 18", "age_at_as_of >= 'old'"),
        12,
        ["who"],
    ),
    "a study that is not YAML": (set_to("study: small", "study: [small"), 12, ["small.yaml"]),
    "an agreement that has ended": (
        lambda w: w.change("agreements/health.yaml", "ends: 2030-03-31", "ends: 2020-03-31"),
        11,
        ["MC-ISA-2015-01", "2020-03-31"],
    ),
    "a purpose that is not granted": (
        lambda w: w.change(
            "agreements/housing_and_benefits.yaml",
            "purposes: [case_finding, commissioning]",
            "purposes: [commissioning]",
        ),
        11,
        ["MC-ISA-2017-05", "case_finding"],
    ),
    "a column that is not granted": (
        lambda w: w.change(
            "agreements/health.yaml",
            "columns: [lsoa_code, imd_decile, imd_quintile, rural, published_on]",
            "columns: [lsoa_code, imd_decile, rural, published_on]",
        ),
        11,
        ["imd_quintile", "MC-ISA-2015-01"],
    ),
}


def helps(said: Said, *words: str) -> None:
    """One message that says what, where and how to fix it, and gives its code."""
    assert "Traceback" not in said.err + said.out
    assert SECRET not in said.err + said.out
    error = said.err[said.err.index("error ") :]
    assert said.err.count("error RS") == 1
    assert "\n  to fix:  " in error
    code = error.split()[1].rstrip(":")
    assert f"riskstrat explain {code}" in error
    for word in words:
        assert word in error, f"{word!r} is not in:\n{error}"


@pytest.mark.parametrize("fault", BAD)
def test_the_message_helps_and_nothing_is_half_written(own: World, fault: str) -> None:
    spoil, code, words = BAD[fault]
    before = own.outcomes()
    spoil(own)
    said = own.ask("run")
    assert said.code == code, said.err
    assert said.out == ""
    helps(said, *words)
    assert own.outcomes() == before
    assert own.left_behind() == []


@pytest.mark.parametrize("fault", ["keys that repeat", "an agreement that has ended"])
def test_check_says_the_same_as_run_and_lists_every_source(fresh: World, fault: str) -> None:
    spoil, code, words = BAD[fault]
    spoil(fresh)
    said = fresh.ask("check")
    assert said.code == code
    helps(said, *words)
    assert "rent_arrears" in said.out
    assert not fresh.store.exists()


@pytest.mark.parametrize("vital", ["demographics", "deaths"])
def test_check_goes_on_without_births_or_deaths(fresh: World, vital: str) -> None:
    """Every other extract is held against them, when they can be read."""
    (fresh.data / f"{vital}.parquet").unlink()
    said = fresh.ask("check")
    assert said.code == 10
    helps(said, f"{vital}.parquet")
    found = json.loads(fresh.ask("check", "--json", "--quiet").out)
    accepted = {row["source"]: row["accepted"] for row in found["sources"]}
    assert accepted.pop(vital) is None
    assert all(accepted.values())


def test_an_error_can_be_read_by_a_program(fresh: World) -> None:
    attendances(fresh).unlink()
    said = fresh.ask("run", "--json", "--quiet")
    error = json.loads(said.out)["error"]
    assert said.code == error["exit_code"] == 10
    assert error["code"].startswith("RS10")
    assert "ed_attendances" in error["message"]
    assert error["fix"]
    assert said.err == ""


def test_check_as_json_holds_the_error_too(fresh: World) -> None:
    attendances(fresh).unlink()
    said = fresh.ask("check", "--json", "--quiet")
    found = json.loads(said.out)
    assert said.code == 10
    assert found["error"]["code"].startswith("RS10")
    assert {row["source"] for row in found["sources"]} >= {"admissions", "ed_attendances"}


def test_two_faults_in_a_study_are_told_together(fresh: World) -> None:
    fresh.change("studies/small.yaml", "capacity:", "capacities:")
    fresh.change("studies/small.yaml", "seed: 7", "seed: seven")
    said = fresh.ask("run")
    assert said.code == 12
    helps(said, "capacities", "seed")


def test_a_data_folder_that_is_not_there_is_a_wrong_call(fresh: World, tmp_path: Path) -> None:
    said = fresh.ask("run", "--data", tmp_path / "nowhere")
    assert said.code == 2
    helps(said, "nowhere", "--data")
    assert not fresh.store.exists()


def test_a_study_file_that_is_not_there_says_so(fresh: World) -> None:
    fresh.study.unlink()
    said = fresh.ask("run")
    assert said.code == 12
    helps(said, "small.yaml")


@pytest.mark.parametrize("memory", ["much", "-4GB", "4"])
def test_an_amount_of_memory_must_be_one(fresh: World, memory: str) -> None:
    said = fresh.ask("run", f"--memory={memory}")
    assert said.code == 2
    helps(said, memory, "4GB")


def test_an_unknown_option_is_a_wrong_call(fresh: World) -> None:
    said = fresh.ask("run", "--stroe", "x")
    assert said.code == 2
    assert "--stroe" in said.err
    assert "Traceback" not in said.err


def test_a_store_in_use_says_so(fresh: World) -> None:
    from riskstrat.store.artefacts import Store

    with Store(fresh.store).held():
        said = fresh.ask("run")
    assert said.code == 75
    helps(said, "another run", "--store")


@pytest.mark.parametrize(
    ("command", "memory"), [("check", "10MB"), pytest.param("run", "50MB", marks=pytest.mark.slow)]
)
def test_too_little_memory_is_told_or_is_enough(fresh: World, command: str, memory: str) -> None:
    said = fresh.ask(command, "--memory", memory)
    assert said.code in {0, 137}
    if said.code:
        helps(said, "--memory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_may_not_be_written_says_so(fresh: World) -> None:
    fresh.store.mkdir()
    fresh.store.chmod(0o500)
    said = fresh.ask("run")
    assert said.code == 74
    helps(said, str(fresh.store))


def test_a_store_that_is_a_file_says_so(fresh: World) -> None:
    fresh.store.write_text("not a folder")
    said = fresh.ask("run")
    assert said.code == 74
    helps(said, str(fresh.store))


@pytest.mark.parametrize(("stage", "room"), [("contracts", 60_000), ("register", 1_000_000)])
def test_a_full_disk_is_told_and_nothing_half_written_is_kept(
    own: World, stage: str, room: int
) -> None:
    """The largest file a process may write stands in for the room on the disk."""
    before = own.outcomes()
    if stage == "contracts":
        rewrite(lambda table: table.slice(1))(own)
    else:
        own.change("studies/small.yaml", "auroc.low >= 0.5", "auroc.low >= 0.6")
    said = own.shell("run", start=LIMIT.format(room))
    assert said.code == 74, said.err
    helps(said, "free some space")
    assert own.outcomes() == before
    assert own.left_behind() == []


def test_values_of_a_numbers_column_are_not_repeated(own: World) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        odd = pc.if_else(pc.greater(table["weeks_owed"], 0), SECRET, SECRET)
        return with_column(table, "weeks_owed", odd)

    rewrite(spoil, "rent_arrears")(own)
    said = own.ask("run")
    assert said.code == 10
    helps(said, "rent_arrears", "weeks_owed")
