"""The made-up county keeps its promises: repeatable, consistent, and its truth stays exact."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from riskstrat.synthetic import CountySummary, make_county
from riskstrat.synthetic.county import EXTRACTS

PERSON_KEYED = {
    "gp_events": "event_date",
    "prescriptions": "issued_on",
    "ed_attendances": "arrived_on",
    "admissions": "admitted_on",
    "adult_social_care": "started_on",
    "children_social_care": "started_on",
    "health_visitor_reviews": "reviewed_on",
    "school_census": "census_date",
    "eyfs_profile": "assessed_on",
}
HOUSEHOLD_KEYED = ("police_incidents", "tenancies", "rent_arrears", "benefits")
EMERGENCY = "('21', '22', '23', '24', '25', '2A', '2D', '28')"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> CountySummary:
    return make_county(
        tmp_path_factory.mktemp("county") / "demo", people=8000, seed=11, linked=True
    )


@pytest.fixture(scope="module")
def db(county: CountySummary) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    for path in sorted(county.directory.glob("*.parquet")):
        connection.execute(f"create view {path.stem} as select * from '{path}'")
    for path in sorted(county.truth_directory.glob("*.parquet")):
        connection.execute(f"create view true_{path.stem} as select * from '{path}'")
    yield connection
    connection.close()


def number(db: duckdb.DuckDBPyConnection, query: str) -> float:
    found = db.execute(query).fetchone()
    assert found is not None
    return float(found[0])


def digests(*folders: Path) -> dict[str, str]:
    files = [file for folder in folders for file in sorted(folder.iterdir())]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path):
    first = make_county(tmp_path / "a", people=1500, seed=5, linked=True)
    again = make_county(tmp_path / "b", people=1500, seed=5, linked=True)
    other = make_county(tmp_path / "c", people=1500, seed=6, linked=True)
    one = digests(first.directory, first.truth_directory)
    assert one == digests(again.directory, again.truth_directory)
    changed = digests(other.directory, other.truth_directory)
    assert {name for name in one if one[name] == changed[name]} == {"README.md"}


def test_several_blocks_make_one_county(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("riskstrat.synthetic.county.BLOCK", 700)
    seen: list[tuple[int, int]] = []
    summary = make_county(
        tmp_path / "a",
        people=2000,
        seed=5,
        linked=True,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    path = summary.directory
    for name, key in (("demographics", "person_id"), ("prescriptions", "item_id")):
        query = f"select count(*) - count(distinct {key}) from '{path}/{name}.parquet'"
        assert duckdb.execute(query).fetchone() == (0,)


def test_nothing_half_written_is_seen_and_other_files_are_safe(tmp_path: Path):
    make_county(tmp_path / "demo", people=300, seed=1)
    make_county(tmp_path / "demo", people=300, seed=2)
    assert {entry.name for entry in tmp_path.iterdir()} == {"demo", "demo-truth"}
    (tmp_path / "demo" / "thesis.docx").write_text("irreplaceable")
    with pytest.raises(ValueError, match="other files"):
        make_county(tmp_path / "demo", people=300, seed=3)
    with pytest.raises(ValueError, match="needs people"):
        make_county(tmp_path / "none", people=0, seed=3)


def test_a_county_has_about_the_people_it_was_asked_for(county: CountySummary):
    assert county.registered == pytest.approx(8000, rel=0.03)
    assert set(county.rows) == {*EXTRACTS, "area_deprivation"}
    assert all(rows > 0 for rows in county.rows.values())


def test_every_record_belongs_to_someone(db: duckdb.DuckDBPyConnection):
    for name in (*PERSON_KEYED, "gp_registration", "residence", "deaths"):
        strangers = f"select count(*) from {name} anti join demographics using (person_id)"
        assert number(db, strangers) == 0, name
    for name in HOUSEHOLD_KEYED:
        strangers = f"select count(*) from {name} anti join residence using (household_id)"
        # A home whose people all died before they were registered there is the only exception.
        assert number(db, strangers) <= 0.001 * number(db, f"select count(*) from {name}"), name
    assert (
        number(db, "select count(*) from residence anti join area_deprivation using (lsoa_code)")
        == 0
    )


def test_people_live_in_one_place_at_a_time(db: duckdb.DuckDBPyConnection):
    overlaps = """
        select count(*) from (
            select ends_on, lead(starts_on) over (partition by person_id order by starts_on) as next
            from residence
        ) where next is not null and (ends_on is null or ends_on != next)
    """
    assert number(db, overlaps) == 0
    assert number(db, "select count(*) from residence where ends_on <= starts_on") == 0


def test_impossible_dates_are_the_planted_ones_and_no_others(
    db: duckdb.DuckDBPyConnection, county: CountySummary
):
    for name, on in PERSON_KEYED.items():
        joined = f"""
            from (select distinct * from {name}) join demographics using (person_id)
            left join deaths using (person_id)
        """
        found = {
            "date_in_future": number(db, f"select count(*) {joined} where {on} > '2025-08-31'"),
            "before_birth": number(db, f"select count(*) {joined} where {on} < birth_month"),
            "after_death": number(
                db, f"select count(*) {joined} where {on} > died_on and {on} <= '2025-08-31'"
            ),
        }
        for kind, count in found.items():
            assert count == county.defects.get(f"{name}.{kind}", 0), (name, kind)


def test_a_tolerated_share_of_rows_is_sent_twice(
    db: duckdb.DuckDBPyConnection, county: CountySummary
):
    keys = {"ed_attendances": "attendance_id", "admissions": "spell_id", "gp_events": "event_id"}
    for name, key in keys.items():
        twice = number(db, f"select count(*) - count(distinct {key}) from {name}")
        assert twice == county.defects[f"{name}.duplicate_key"]
        assert 0 < twice < 0.02 * county.rows[name]
    for name, key in (("prescriptions", "item_id"), ("police_incidents", "incident_id")):
        assert number(db, f"select count(*) - count(distinct {key}) from {name}") == 0


def test_one_month_of_emergency_department_records_never_came(db: duckdb.DuckDBPyConnection):
    month = "select count(*) from ed_attendances where arrived_on between {} and {}"
    assert number(db, month.format("'2022-11-01'", "'2022-11-30'")) == 0
    assert number(db, month.format("'2022-10-01'", "'2022-10-31'")) > 0


def test_nothing_is_recorded_before_it_happened_or_after_the_extracts_were_drawn(
    db: duckdb.DuckDBPyConnection,
):
    for name, on in PERSON_KEYED.items():
        early = f"select count(*) from {name} where recorded_on < {on} and {on} <= '2025-08-31'"
        assert number(db, early) == 0, name
        assert number(db, f"select count(*) from {name} where recorded_on > '2025-12-31'") == 0


def test_the_end_of_a_spell_is_known_when_it_has_ended(db: duckdb.DuckDBPyConnection):
    for name in ("gp_registration", "residence", "tenancies", "benefits"):
        odd = f"""
            select count(*) from {name}
            where (ends_on is null) != (end_recorded_on is null)
               or end_recorded_on < ends_on or end_recorded_on < recorded_on
        """
        assert number(db, odd) == 0, name


def test_the_truth_is_what_the_extracts_show(db: duckdb.DuckDBPyConnection):
    disagree = f"""
        with stayed as (
            select t.* from true_emergency_admission_12m t
            join gp_registration r using (person_id)
            left join deaths d using (person_id)
            where r.ends_on is null or r.ends_on > t.as_of + 365 or d.died_on is not null
        ), shown as (
            select s.person_id, s.as_of,
                bool_or(coalesce(a.admitted_on >= s.as_of and a.admitted_on < s.as_of + 365, false))
                or bool_or(coalesce(d.died_on >= s.as_of and d.died_on < s.as_of + 365, false))
                    as happened
            from stayed s
            left join (select * from admissions where admission_method in {EMERGENCY}) a
                using (person_id)
            left join deaths d using (person_id)
            group by all
        )
        select count(*) from stayed join shown using (person_id, as_of)
        where stayed.happened != shown.happened
    """
    assert number(db, disagree) == 0
    profiles = """
        select count(*) from eyfs_profile p join true_school_not_ready t
            on p.person_id = t.person_id and year(p.assessed_on) = year(t.as_of) + 1
        where p.good_level_of_development = t.happened
    """
    assert number(db, profiles) == 0


def test_the_truth_covers_exactly_those_registered_on_the_day(db: duckdb.DuckDBPyConnection):
    registered = """
        select count(*) from (
            select t.person_id from true_emergency_admission_12m t where as_of = '2020-04-01'
        ) t full join (
            select person_id from gp_registration
            where starts_on <= '2020-04-01' and (ends_on is null or ends_on > '2020-04-01')
        ) r using (person_id)
        where t.person_id is null or r.person_id is null
    """
    assert number(db, registered) == 0


def test_no_extract_carries_the_truth(county: CountySummary, db: duckdb.DuckDBPyConnection):
    for name in county.rows:
        columns = {row[0] for row in db.execute(f"describe {name}").fetchall()}
        assert not columns & {"true_risk", "happened", "person_need", "household_need"}
        assert not any(column.startswith("_") for column in columns)


def test_pseudonyms_tell_nothing_of_age_or_order(db: duckdb.DuckDBPyConnection):
    query = """
        select abs(corr(('0x' || substr(person_id, 2, 8))::bigint, year(birth_month)))
        from demographics
    """
    assert number(db, query) < 0.05


def test_twenty_thousand_people_are_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    began = time.perf_counter()
    summary = make_county(tmp_path / "demo", people=20_000, seed=1, linked=True)
    with capsys.disabled():
        rows = sum(summary.rows.values())
        print(f"\n20,000 people, {rows:,} rows: {time.perf_counter() - began:.1f} s")
