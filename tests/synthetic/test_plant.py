"""Planted faults: found in the truth alone, and nothing else of the county moves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskstrat.synthetic import make_county
from riskstrat.synthetic.plant import THINNED, read_plant

PEOPLE, SEED = 2_000, 5
UNDER = "under_recorded:ethnicity=asian:0.5"
LEAK = "leak:prescriptions.drug_class=dementia:0.5"


@pytest.fixture(scope="module")
def counties(tmp_path_factory):
    base = tmp_path_factory.mktemp("planted")
    for name, plants in {"clean": (), "under": (UNDER,), "leak": (LEAK,)}.items():
        make_county(base / name, people=PEOPLE, seed=SEED, linked=True, plants=plants)
    return base


def same_bytes(one: Path, other: Path) -> set[str]:
    return {
        path.stem
        for path in one.glob("*.parquet")
        if path.read_bytes() == (other / path.name).read_bytes()
    }


def test_nothing_moves_but_what_is_planted(counties):
    names = {path.stem for path in (counties / "clean").glob("*.parquet")}
    assert names - same_bytes(counties / "clean", counties / "under") == set(THINNED)
    assert names - same_bytes(counties / "clean", counties / "leak") == {"prescriptions"}


def test_half_of_the_groups_records_were_never_written_and_all_of_the_others(counties):
    people = pq.read_table(counties / "clean" / "demographics.parquet")
    asian = people.filter(pc.equal(people["ethnicity"], "asian"))["person_id"]

    def rows(county, source, of):
        table = pq.read_table(counties / county / f"{source}.parquet", columns=["person_id"])
        members = pc.is_in(table["person_id"], value_set=of.combine_chunks())
        return pc.sum(members).as_py(), table.num_rows

    for source in ("gp_events", "ed_attendances"):
        (before, all_before), (after, all_after) = (
            rows(county, source, asian) for county in ("clean", "under")
        )
        assert 0.4 < after / before < 0.65  # people whose ethnicity is not stated are thinned too
        assert all_after > 0.9 * all_before
    medicines = [rows(county, "prescriptions", asian) for county in ("clean", "under")]
    assert medicines[0] == medicines[1]


def test_a_leaking_record_is_dated_before_the_year_of_the_stay_it_was_made_for(counties):
    made = pq.read_table(counties / "leak" / "prescriptions.parquet")
    usual = pq.read_table(counties / "clean" / "prescriptions.parquet")
    assert made.num_rows > usual.num_rows
    chosen = made.filter(pc.equal(made["drug_class"], "dementia"))
    in_march = pc.and_(
        pc.equal(pc.month(chosen["issued_on"]), 3),
        pc.greater_equal(pc.day(chosen["issued_on"]), 18),
    )
    assert pc.sum(in_march).as_py() > 0.8 * (made.num_rows - usual.num_rows)
    stays = pq.read_table(counties / "clean" / "admissions.parquet")
    who = set(chosen.filter(in_march)["person_id"].to_pylist())
    admitted = set(stays["person_id"].to_pylist())
    assert np.mean([person in admitted for person in who]) > 0.9


def test_only_the_sealed_truth_tells_of_it(counties):
    told = json.loads((counties / "under-truth" / "planted.json").read_text(encoding="utf-8"))
    assert [fault["fault"] for fault in told["faults"]] == [UNDER]
    clean = json.loads((counties / "clean-truth" / "planted.json").read_text(encoding="utf-8"))
    assert "faults" not in clean
    assert not any("asian" in p.name for p in (counties / "under").iterdir())


def test_a_raw_county_takes_plants_too(tmp_path):
    for name, plants in {"clean": (), "under": (UNDER,)}.items():
        make_county(tmp_path / name, people=600, seed=3, plants=plants)
    rows = [
        pq.read_metadata(tmp_path / name / "raw/general_practice/gp_events.parquet").num_rows
        for name in ("clean", "under")
    ]
    assert rows[1] < rows[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("under_recorded:ethnicity=roma:0.4", "white, asian"),
        ("under_recorded:age=80:0.4", "looks like"),
        ("under_recorded:sex=female:1.4", "looks like"),
        ("leak:gp_events.code=x:0.5", "prescriptions.drug_class"),
        ("leak", "looks like"),
    ],
)
def test_what_cannot_be_planted_is_refused_by_name(text, says):
    with pytest.raises(ValueError, match=says):
        read_plant(text)
