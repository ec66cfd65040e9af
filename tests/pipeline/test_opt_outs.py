"""Somebody who opts out is in nothing that is made afterwards; and no agreement, no row read."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.world import CONFIGS, World, read

KIND = "national"


def listed(world: World) -> str:
    """The pseudonym of somebody on a practice's list of the finished run."""
    for path in sorted(world.store.glob("releases/small/*/gp_practice/*/list.csv")):
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.DictReader(handle):
                return row["unit_id"]
    raise AssertionError("nobody is listed")


def opt_out(world: World, person: str, starts: date, ends: date | None = None) -> None:
    """Add one objection to the county's list."""
    path = world.data / "opt_outs.parquet"
    before = pq.read_table(path)
    row = {"person_id": person, "kind": KIND, "starts_on": starts, "ends_on": ends,
           "recorded_on": starts}  # fmt: skip
    path.unlink()  # the file may be shared with other worlds
    pq.write_table(pa.concat_tables([before, pa.Table.from_pylist([row], before.schema)]), path)


def holders(store: Path, person: str) -> set[str]:
    """Files of a store that name somebody, in any column or anywhere in their text."""
    found = set()
    for path in (path for path in store.rglob("*") if path.is_file()):
        if path.suffix in (".parquet", ".arrow"):
            table = pq.read_table(path) if path.suffix == ".parquet" else _arrow(path)
            texts = (pc.cast(c, pa.string()) for c in table.columns if _is_text(c.type))
            if any(pc.any(pc.equal(column, person)).as_py() for column in texts):
                found.add(path.relative_to(store).as_posix())
        elif person.encode() in path.read_bytes():
            found.add(path.relative_to(store).as_posix())
    return found


def _is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(plain) or pa.types.is_large_string(plain)


def _arrow(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        try:
            return pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            return pa.ipc.open_stream(source).read_all()


def the_list_itself(store: Path) -> set[str]:
    """Accepted lists of opt-outs: the one thing that must name whoever opted out."""
    return {
        path.relative_to(store).as_posix()
        for folder in store.glob("derived/contracts/*")
        for path in folder.glob("accepted*.parquet")
        if "kind" in pq.read_schema(path).names and "ends_on" in pq.read_schema(path).names
    }


@pytest.mark.slow
def test_whoever_opts_out_is_in_no_artefact_made_afterwards(own: World) -> None:
    person = listed(own)
    assert holders(own.store, person) - the_list_itself(own.store)
    opt_out(own, person, date(2025, 11, 3))
    afresh = own.root / "afresh"
    said = own.ask("run", "--store", afresh)
    assert said.code == 0, said.err
    named = holders(afresh, person)
    assert named <= the_list_itself(afresh), named
    assert (afresh / "releases/small/2025-04-01").is_dir()
    assert "of people who opted out not read" in said.err


def test_an_objection_changes_what_is_made_and_names_nobody(own: World) -> None:
    """The same store: what was made before the objection stays, and is used no more."""
    person = listed(own)
    before = {path for path in own.store.rglob("*") if path.is_file()}
    opt_out(own, person, date(2025, 11, 3))
    said = own.ask("run", "--until", "features")
    assert said.code == 0, said.err
    made = {path for path in own.store.rglob("*") if path.is_file()} - before
    named = {own.store / name for name in holders(own.store, person)} & made
    assert named <= {own.store / name for name in the_list_itself(own.store)}, named
    cohort = pq.read_table(said.folder / "features.parquet", columns=["unit_id"])
    assert person not in cohort["unit_id"].to_pylist()
    assert person not in said.err + said.out


def test_who_took_an_objection_back_is_left_out_on_the_days_it_held(own: World) -> None:
    table = pq.read_table(own.store / latest(own, "cohort") / "cohort.parquet")
    pairs: dict[str, list[date]] = {}
    for row in table.select(["unit_id", "as_of"]).to_pylist():
        pairs.setdefault(row["unit_id"], []).append(row["as_of"])
    days = [date(2021, 4, 1), date(2022, 4, 1), date(2023, 4, 1), date(2024, 4, 1)]
    person = min(unit for unit, found in pairs.items() if sorted(found) == days)
    opt_out(own, person, date(2022, 1, 1), date(2023, 4, 1))
    said = own.ask("run", "--until", "cohort")
    assert said.code == 0, said.err
    rows = pq.read_table(said.folder / "cohort.parquet").select(["unit_id", "as_of"]).to_pylist()
    found = sorted(row["as_of"] for row in rows if row["unit_id"] == person)
    assert found == [date(2021, 4, 1), date(2023, 4, 1), date(2024, 4, 1)]
    steps = read(said.folder / "flow.json")
    assert steps[-1]["step"] == "not opted out on the day"
    assert steps[-1]["removed"] >= 1
    assert steps[-1]["left"] == len(rows)


def latest(world: World, stage: str) -> str:
    """The newest folder of a stage's output that has outcomes, relative to the store."""
    found = [p for p in world.store.glob(f"derived/{stage}/*/cohort.parquet")
             if "outcome" in pq.read_schema(p).names]  # fmt: skip
    return max(found, key=lambda p: p.stat().st_mtime).parent.relative_to(world.store).as_posix()


def test_a_manifest_tells_what_each_column_derives_from_and_which_opt_outs(own: World) -> None:
    told = read(own.store / "releases/small/2025-04-01/icb_commissioner/manifest.json")
    assert set(told["derives_from"]) == set(told["columns"])
    band = told["derives_from"]["band"]
    assert set(band["agreements"]) == {"MC-ISA-2015-01", "MC-ISA-2017-05"}
    assert band["shows"] == {}
    assert "rent_arrears" in band["sources"]
    assert told["derives_from"]["imd_quintile"]["shows"] == {"area_deprivation": ["imd_quintile"]}
    assert "rent_arrears" not in told["derives_from"]["reasons"]["shows"]
    assert told["opt_outs"]["opt_outs"]["told_up_to"] == "2026-01-01"
    assert told["opt_outs"]["opt_outs"]["people"].keys() >= {"any", "national"}


def test_a_reason_made_from_what_a_recipient_may_not_see_is_not_shown_to_it(own: World) -> None:
    release = own.store / "releases/small/2025-04-01"
    told = (release / "icb_commissioner/list.csv").read_text(encoding="utf-8-sig")
    assert "emergency department attendances" in told
    assert "arrears" not in told and "weeks" not in told
    own_lists = "".join(
        path.read_text(encoding="utf-8-sig") for path in release.glob("gp_practice/*/list.csv")
    )
    assert "attendance" in own_lists


@pytest.mark.parametrize("study", ["emergency_admission", "school_readiness"])
@pytest.mark.parametrize("command", ["run", "score", "check", "prepare"])
def test_a_column_taken_out_of_an_agreement_stops_both_studies_before_a_row_is_read(
    tmp_path: Path, command: str, study: str
) -> None:
    """There is no row to be read: the data folder is empty, and nobody gets to notice."""
    world = World(tmp_path)
    shutil.copytree(CONFIGS, world.configs)
    world.data.mkdir()
    world.change("agreements/health.yaml", "      - birth_month\n      - sex\n", "      - sex\n")
    shutil.copyfile(world.configs / "studies" / f"{study}.yaml", world.study)
    said = world.ask(command)
    assert said.code == 11, said.err
    assert "does not cover birth_month of source demographics" in said.err
    assert "have the agreement extended" in said.err
    assert not world.store.exists()


def test_check_prints_the_matrix_and_the_data_flow(county: World) -> None:
    said = county.ask("check")
    assert said.code == 0, said.err
    for words in (
        "Who may have what, for case finding", "Who may have what, for commissioning",
        "icb_commissioner", "counts: scores only", "flowchart LR", "Opt-outs",
    ):  # fmt: skip
        assert words in said.out
    told = json.loads(county.ask("check", "--json", "--quiet").out)
    row = next(r for r in told["legal_basis"] if r["source"] == "admissions" and r["studied"])
    assert row["recipients"]["gp_practice"] == "own patients, counts: all columns"
    assert row["opt_outs"] == ["national", "risk_stratification"]
    assert told["data_flow"].startswith("flowchart LR")
    [found] = [f for f in told["findings"] if f["code"] == "RS1119"]
    assert "had opted out" in found["message"]


def test_check_reads_nobodys_rows_while_it_is_not_known_who_opted_out(fresh: World) -> None:
    (fresh.data / "opt_outs.parquet").unlink()
    said = fresh.ask("check", "--json", "--quiet")
    told = json.loads(said.out)
    assert said.code == 10 and told["error"]["code"] == "RS1001"
    read_rows = {r["source"]: r["rows_in"] for r in told["sources"]}
    assert read_rows.pop("rent_arrears") and read_rows.pop("area_deprivation")
    assert set(read_rows.values()) == {None}


def test_no_list_outlives_an_agreement_behind_it(own: World) -> None:
    longer = "release.valid_for=3650 days"
    said = own.ask("score", "--as-of", "2025-07-01", "--set", longer, "--research")
    assert said.code == 0, said.err
    for path in own.store.glob("research/small/2025-07-01/**/manifest.json"):
        assert read(path)["expires_on"] == "2030-03-31"
    log = (own.store / "log/ledger.jsonl").read_text(encoding="utf-8").splitlines()
    entry = next(e for e in map(json.loads, log) if e["what"] == "research small 2025-07-01")
    assert entry["details"]["opt_outs"]["opt_outs"]["told_up_to"] == "2026-01-01"
    assert entry["details"]["opt_outs"]["opt_outs"]["people"]["any"].isdigit()
