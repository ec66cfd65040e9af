"""Raw extracts: agencies' own ids and identifiers, and a truth that puts them together again."""

from __future__ import annotations

import gc
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from riskstrat.synthetic import CountySummary, make_county
from riskstrat.synthetic.agencies import AGENCIES, PUBLIC
from riskstrat.synthetic.error_rates import PEOPLE, PLACES
from riskstrat.synthetic.extracts import EXTRACTS
from riskstrat.synthetic.numbers import valid_nhs_number, valid_pupil_number

CONFIGS = Path(__file__).parents[2] / "configs"
REGISTERS = ("gp_registration", "residence", "demographics")
"""extracts in which a second registration leaves its own rows"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[CountySummary, CountySummary]:
    """One county raw, and the same one linked."""
    folder = tmp_path_factory.mktemp("raw")
    return (
        make_county(folder / "raw", people=6000, seed=11),
        make_county(folder / "linked", people=6000, seed=11, linked=True),
    )


@pytest.fixture(scope="module")
def county(places: tuple[CountySummary, CountySummary]) -> CountySummary:
    return places[0]


@pytest.fixture(scope="module")
def db(places: tuple[CountySummary, CountySummary]) -> Iterator[duckdb.DuckDBPyConnection]:
    raw, linked = places
    connection = duckdb.connect()
    for path in raw.directory.glob("raw/*/*.parquet"):
        connection.execute(f"create view {path.parent.name}_{path.stem} as from '{path}'")
    for path in raw.truth_directory.glob("*.parquet"):
        connection.execute(f"create view true_{path.stem} as from '{path}'")
    for path in linked.directory.glob("*.parquet"):
        connection.execute(f"create view linked_{path.stem} as from '{path}'")
    yield connection
    connection.close()


def number(db: duckdb.DuckDBPyConnection, query: str) -> float:
    found = db.execute(query).fetchone()
    assert found is not None
    return float(found[0])


def columns(county: CountySummary, agency: str, name: str) -> list[str]:
    return list(pq.read_schema(county.directory / "raw" / agency / f"{name}.parquet").names)


def digests(*folders: Path) -> dict[str, str]:
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*.*"))]
    return {
        str(path.relative_to(folder.parent)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder, path in files
    }


def joined(agency: str, name: str) -> str:
    """SQL: an extract with true ids in the place of local ones, in the order of its rows."""
    ids, links = [], []
    if name not in ("police_incidents", "tenancies", "rent_arrears", "benefits"):
        ids.append("l.person as person_id")
        links.append(f"join true_links l on l.agency = '{agency}' and l.local_id = raw.local_id")
    if name in ("residence", "police_incidents", "tenancies", "rent_arrears", "benefits"):
        ids.append("a.household as household_id")
        links.append(
            f"join true_address_links a on a.agency = '{agency}' and a.address_id = raw.address_id"
        )
    local = (
        "local_id, address_id"
        if name == "residence"
        else ("address_id" if ids[0][0] == "a" else "local_id")
    )
    return (
        f"select {', '.join(ids)}, raw.* exclude ({local}, nth) from "
        f"(select *, row_number() over () as nth from {agency}_{name}) raw {' '.join(links)} "
        f"order by nth"
    )


# -- the shape of what is written ----------------------------------------------------------------


def test_rates_are_given_for_the_agencies_that_know_people_or_places():
    assert tuple(name for name, each in AGENCIES.items() if each.identifiers) == PEOPLE
    assert tuple(name for name, each in AGENCIES.items() if each.addresses) == PLACES
    sent = [name for each in AGENCIES.values() for name in each.extracts]
    assert sorted(sent) == sorted(EXTRACTS)


def test_each_agency_sends_what_the_contract_says_but_under_its_own_ids(county: CountySummary):
    for agency, habits in AGENCIES.items():
        for name in habits.extracts:
            contract = yaml.safe_load((CONFIGS / "sources" / f"{name}.yaml").read_text())
            own = {"person_id": "local_id", "household_id": "address_id"}
            assert set(columns(county, agency, name)) == {
                own.get(column, column) for column in contract["columns"]
            }
            if habits.identifiers:
                assert contract["agency"] == habits.title
        if habits.identifiers:
            assert columns(county, agency, "people") == ["local_id", *habits.identifiers]
        if habits.addresses:
            expected = ["address_id", "uprn", "address", "postcode"]
            assert columns(county, agency, "addresses") == expected
    assert columns(county, "public", PUBLIC[0])[0] == "lsoa_code"
    assert "nhs_number" not in columns(county, "schools", "people")


def test_the_custody_file_fits_what_is_written(county: CountySummary):
    custody = yaml.safe_load((CONFIGS / "custody" / "mid_county.yaml").read_text())
    named = set()
    for provider in custody["providers"].values():
        for index in ("people", "addresses"):
            if index in provider:
                held = pq.read_schema(county.directory / provider[index]["file"]).names
                assert [provider[index]["id"], *provider[index]["identifiers"]] == held
                named.add(provider[index]["file"])
        for extract in provider["extracts"].values():
            held = pq.read_schema(county.directory / extract["file"]).names
            ids = {extract[key] for key in ("person", "household") if key in extract}
            assert ids == set(held) & {"local_id", "address_id"}
            named.add(extract["file"])
    assert named == {
        str(path.relative_to(county.directory)) for path in county.directory.glob("raw/*/*")
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path):
    first = make_county(tmp_path / "a" / "demo", people=1200, seed=5)
    again = make_county(tmp_path / "b" / "demo", people=1200, seed=5)
    one = digests(first.directory, first.truth_directory)
    assert one == digests(again.directory, again.truth_directory)
    other = make_county(tmp_path / "c" / "demo", people=1200, seed=6)
    changed = digests(other.directory, other.truth_directory)
    same = {name for name in one if one[name] == changed[name]}
    assert same == {"demo-truth/README.md"}


# -- the truth -----------------------------------------------------------------------------------


def test_every_entry_and_every_record_is_somebodys(db: duckdb.DuckDBPyConnection):
    for agency, habits in AGENCIES.items():
        for key, index, links in (
            ("local_id", "people", "true_links"),
            ("address_id", "addresses", "true_address_links"),
        ):
            if not (habits.identifiers if index == "people" else habits.addresses):
                continue
            entries = number(db, f"select count(*) from {agency}_{index}")
            assert entries == number(db, f"select count(distinct {key}) from {agency}_{index}")
            linked = f"select count(*) from {links} where agency = '{agency}'"
            assert entries == number(db, linked)
            matched = f"{agency}_{index} join {links} l using ({key}) where l.agency = '{agency}'"
            assert entries == number(db, f"select count(*) from {matched}")
        for name in habits.extracts:
            held = [row[0] for row in db.execute(f"describe {agency}_{name}").fetchall()]
            for key, index in (("local_id", "people"), ("address_id", "addresses")):
                if key in held:
                    strangers = f"{agency}_{name} anti join {agency}_{index} using ({key})"
                    assert number(db, f"select count(*) from {strangers}") == 0
    people = number(db, "select count(*) from true_people")
    for name in ("identities", "groups"):
        known = f"select count(*) from true_{name} join true_people using (person_id)"
        assert number(db, known) == people


@pytest.mark.parametrize(
    ("agency", "name"),
    [(agency, name) for agency, each in AGENCIES.items() for name in each.extracts],
)
def test_with_the_true_links_raw_extracts_are_the_linked_ones(
    db: duckdb.DuckDBPyConnection, agency: str, name: str
):
    raw = db.execute(joined(agency, name)).to_arrow_table()
    linked = db.execute(f"from linked_{name}").to_arrow_table()
    if name not in REGISTERS:
        assert raw.select(linked.column_names).equals(linked)
        return
    twice = "(select person from true_links where agency = 'icb' and kind = 'second')"
    query = f"select * from {{}} where person_id not in {twice} order by all"
    found = db.execute(query.format("raw")).to_arrow_table().select(linked.column_names)
    assert found.sort_by([(each, "ascending") for each in found.column_names]).equals(
        db.execute(query.format("linked"))
        .to_arrow_table()
        .sort_by([(each, "ascending") for each in linked.column_names])
    )


def test_a_second_registration_loses_no_day_and_counts_none_twice(db: duckdb.DuckDBPyConnection):
    assert number(db, "select count(*) from true_links where agency='icb' and kind='second'") > 3
    for name in ("gp_registration", "residence"):
        days = (
            "select person_id, sum(coalesce(ends_on, date '2025-12-31') - starts_on) as days, "
            "min(starts_on) as opens, count(*) - count(ends_on) as open from {} group by 1"
        )
        raw = f"({days.format('(' + joined('icb', name) + ')')})"
        linked = f"({days.format('linked_' + name)})"
        differ = f"select count(*) from (from {raw} except from {linked})"
        assert number(db, differ) == 0, name
    described = (
        "select count(*) from true_links where agency = 'icb' and local_id not in "
        "(select local_id from icb_demographics)"
    )
    assert number(db, described) == 0
    late = "select count(*) from icb_gp_registration where end_recorded_on < recorded_on"
    assert number(db, late) == 0


# -- who everybody is ----------------------------------------------------------------------------


def test_true_numbers_are_valid_and_nobody_elses(db: duckdb.DuckDBPyConnection):
    rows = db.execute("select nhs_number, upn from true_identities").fetchall()
    assert all(valid_nhs_number(nhs) and valid_pupil_number(upn) for nhs, upn in rows)
    assert len({nhs for nhs, _ in rows}) == len({upn for _, upn in rows}) == len(rows)


def test_homes_have_an_address_of_their_own_but_for_hostels_and_no_fixed_abode(
    db: duckdb.DuckDBPyConnection,
):
    kinds = "select kind, count(*), count(distinct uprn), count(distinct (address, postcode))"
    found = {
        row[0]: row[1:] for row in db.execute(f"{kinds} from true_homes group by 1").fetchall()
    }
    homes, uprns, addresses = found["home"]
    assert homes == uprns == addresses
    assert found["no_fixed_abode"][1] == 0
    rooms, doors, _ = found["hostel"]
    assert rooms > doors >= 1
    areas = "select count(*) from (select postcode from true_homes where kind <> 'no_fixed_abode' "
    areas += "group by 1 having count(distinct lsoa_code) > 1)"
    assert number(db, areas) == 0
    pattern = r"'^M[CDHRWY][0-9]{1,2} [0-9][ABD-HJLNP-UW-Z]{2}$'"
    odd = f"select count(*) from true_homes where kind = 'home' and not postcode ~ {pattern}"
    assert number(db, odd) == 0


def test_children_keep_their_surname_over_agencies(db: duckdb.DuckDBPyConnection):
    alike = """
        select avg((lower(s.surname) = lower(t.surname))::int)
        from schools_people s join true_links l on l.agency = 'schools' and l.local_id = s.local_id
        join true_identities t on t.person_id = l.person
    """
    assert 0.93 < number(db, alike) < 0.99


def test_several_blocks_never_share_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("riskstrat.synthetic.county.BLOCK", 700)
    summary = make_county(tmp_path / "a", people=2000, seed=5)
    for path in summary.directory.glob("raw/*/*.parquet"):
        if path.stem in ("people", "addresses"):
            key = "local_id" if path.stem == "people" else "address_id"
            query = f"select count(*) - count(distinct {key}) from '{path}'"
            assert duckdb.execute(query).fetchone() == (0,), path
    truth = summary.truth_directory
    for name, key in (
        ("identities", "nhs_number"),
        ("identities", "upn"),
        ("homes", "household"),
        ("homes", "(address, postcode)"),
    ):
        homes = "" if name == "identities" else "where kind = 'home'"
        query = f"select count(*) - count(distinct {key}) from '{truth}/{name}.parquet' {homes}"
        assert duckdb.execute(query).fetchone() == (0,), key


def test_memory_stays_as_blocks_go_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("riskstrat.synthetic.county.BLOCK", 500)
    held: list[int] = []

    def look(done: int, blocks: int) -> None:
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0] + pa.total_allocated_bytes())

    tracemalloc.start()
    try:
        make_county(tmp_path / "a", people=6000, seed=5, progress=look)
    finally:
        tracemalloc.stop()
    assert len(held) == 12
    identities = 150_000  # bytes of those of 500 people, about
    assert held[-1] - held[2] < 4 * identities, "something of every block is kept"
