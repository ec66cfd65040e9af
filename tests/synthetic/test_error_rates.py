"""Agencies err as often as their rates say: each agency, each error, each group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from riskstrat.attributes import band_labels
from riskstrat.synthetic import make_county
from riskstrat.synthetic.agencies import AGENCIES
from riskstrat.synthetic.areas import QUINTILES
from riskstrat.synthetic.error_rates import (
    AGES,
    BY_AGE,
    BY_ETHNICITY,
    BY_FIFTH,
    OF_PEOPLE,
    OF_PLACES,
    PEOPLE,
    PLACES,
    Groups,
    people_rate,
    place_rate,
)
from riskstrat.synthetic.population import ETHNICITIES

SPREADS = 4.5
"""standard deviations; some 300 rates are compared, so three would be met by chance"""
SOME_CANNOT = {
    "nickname", "forename_variant", "surname_variant", "middle_name_merged", "hyphen_lost",
    "name_baby", "birth_day_month", "upn_missing", "upn_temporary", "upn_wrong", "uprn_missing",
    "address_typo", "postcode_typo",
}  # fmt: skip
"""errors that need something to go wrong with, or a column that not all agencies have"""
NUMBERS = {"nhs": "nhs_number", "upn": "upn"}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    county = make_county(tmp_path_factory.mktemp("rates") / "demo", people=12_000, seed=29)
    connection = duckdb.connect()
    for path in county.directory.glob("raw/*/*.parquet"):
        connection.execute(f"create view {path.parent.name}_{path.stem} as from '{path}'")
    for path in county.truth_directory.glob("*.parquet"):
        connection.execute(f"create view true_{path.stem} as from '{path}'")
    yield connection
    connection.close()


def entries(db: duckdb.DuckDBPyConnection, agency: str) -> tuple[Groups, np.ndarray]:
    """The groups of everybody in an agency's index, in the order of ids; the ids."""
    found = db.execute(
        f"select local_id, ethnicity, imd_quintile, age_band from {agency}_people "
        f"join true_links l using (local_id) join true_groups g on g.person_id = l.person "
        f"where l.agency = '{agency}' order by 1"
    ).fetchnumpy()

    def place(column: str, labels: tuple[str, ...]) -> np.ndarray:
        return np.array([labels.index(each) for each in found[column]])

    groups = Groups(
        place("ethnicity", ETHNICITIES),
        place("imd_quintile", QUINTILES),
        place("age_band", band_labels(AGES)),
    )
    return groups, np.asarray(found["local_id"])


def made(db: duckdb.DuckDBPyConnection, agency: str, error: str, ids: np.ndarray) -> np.ndarray:
    """Whether each entry has an error."""
    found = db.execute(
        "select id from true_identifier_errors where agency = ? and error = ?", [agency, error]
    ).fetchnumpy()
    return np.isin(ids, np.asarray(found["id"]))


def agrees(chance: np.ndarray, happened: np.ndarray) -> bool:
    spread = np.sqrt((chance * (1 - chance)).sum())
    return bool(abs(happened.sum() - chance.sum()) <= SPREADS * spread + 1)


@pytest.mark.parametrize("agency", PEOPLE)
def test_people_are_mistaken_as_often_as_the_rates_say(db: duckdb.DuckDBPyConnection, agency: str):
    groups, ids = entries(db, agency)
    everybody = np.arange(len(ids))
    for error in OF_PEOPLE.keys() - SOME_CANNOT:
        prefix = error.split("_")[0]
        if NUMBERS.get(prefix, "forename") not in AGENCIES[agency].identifiers:
            continue
        chance, happened = (
            people_rate(agency, error, groups, everybody),
            made(db, agency, error, ids),
        )
        assert agrees(chance, happened), error
        for group in (groups.ethnicity, groups.fifth, groups.age):
            for each in np.unique(group):
                here = group == each
                assert agrees(chance[here], happened[here]), (error, int(each))


@pytest.mark.parametrize("agency", PLACES)
def test_addresses_are_mistaken_as_often_as_the_rates_say(
    db: duckdb.DuckDBPyConnection, agency: str
):
    found = db.execute(
        f"select address_id, imd_quintile from {agency}_addresses "
        f"join true_address_links l using (address_id) join true_homes h using (household) "
        f"join public_area_deprivation using (lsoa_code) "
        f"where l.agency = '{agency}' and h.kind <> 'no_fixed_abode' order by 1"
    ).fetchnumpy()
    fifth = np.array([QUINTILES.index(each) for each in found["imd_quintile"]])
    for error in OF_PLACES:
        happened = made(db, agency, error, np.asarray(found["address_id"]))
        assert agrees(place_rate(agency, error, fifth), happened), error


def test_errors_that_need_something_to_go_wrong_with_are_rarer_than_their_rate(
    db: duckdb.DuckDBPyConnection,
):
    groups, ids = entries(db, "hospitals")
    everybody = np.arange(len(ids))
    for error in ("nickname", "forename_variant", "middle_name_merged", "birth_day_month"):
        happened = made(db, "hospitals", error, ids).sum()
        limit = people_rate("hospitals", error, groups, everybody).sum()
        assert 0.02 * limit < happened < limit, error


def test_records_err_more_where_life_has_it_so(db: duckdb.DuckDBPyConnection):
    groups, ids = entries(db, "children_services")
    missing = made(db, "children_services", "nhs_missing", ids)
    assert missing.mean() == pytest.approx(0.33, abs=0.06)
    white = groups.ethnicity == ETHNICITIES.index("white")
    assert missing[~white].mean() > missing[white].mean()
    for factors in (*BY_ETHNICITY.values(), BY_FIFTH, BY_AGE):
        assert 0.75 <= factors.min() < 1 < factors.max() <= 1.7


def test_the_index_shows_the_errors_that_the_truth_tells_of(db: duckdb.DuckDBPyConnection):
    shown = {
        "nhs_missing": "nhs_number is null",
        "nhs_short": "length(replace(nhs_number, ' ', '')) = 9",
        "nhs_filler": "replace(nhs_number, ' ', '') in ('0000000000', '9999999999')",
        "name_unknown": "forename in ('Unknown', 'UNKNOWN')",
        "name_baby": "upper(forename) like 'BABY%'",
        "birth_missing": "date_of_birth is null",
        "birth_default": "date_of_birth = '1900-01-01'",
        "birth_year_only": "length(date_of_birth) = 4",
        "sex_missing": "sex is null",
        "postcode_missing": "postcode is null",
        "no_fixed_abode": "replace(postcode, ' ', '') = 'ZZ993VZ'",
    }
    for agency in ("hospitals", "adult_social_care", "children_services"):
        for error, look in shown.items():
            query = (
                f"select count(*) from true_identifier_errors e join {agency}_people p "
                f"on p.local_id = e.id where e.agency = '{agency}' and e.error = '{error}' "
                f"and ({look}) is not true"
            )
            hidden = db.execute(query).fetchone()
            # Nobody whose name is unknown has another identifier; a missing postcode hides where.
            assert hidden is not None
            assert hidden[0] <= 2, (agency, error)


def test_true_records_are_copied_as_they_are(db: duckdb.DuckDBPyConnection):
    """Whatever differs from the truth is an error that the truth tells of."""
    query = """
        select count(*) from hospitals_people p
        join true_links l on l.agency = 'hospitals' and l.local_id = p.local_id
        join true_identities t on t.person_id = l.person
        anti join (select id from true_identifier_errors where agency = 'hospitals') e
            on e.id = p.local_id
        where upper(t.forename) <> p.forename or upper(t.surname) <> p.surname
            or replace(p.nhs_number, ' ', '') <> t.nhs_number
            or p.date_of_birth <> t.date_of_birth::varchar or lower(p.sex) <> t.sex[1]
            or replace(p.postcode, ' ', '') <> replace(t.postcode, ' ', '')
    """
    assert db.execute(query).fetchone() == (0,)
    assert db.execute("select count(*) from hospitals_people").fetchone() > (10_000,)


def test_some_people_are_known_twice(db: duckdb.DuckDBPyConnection):
    for agency in PEOPLE:
        counts = db.execute(
            "select count(*) filter (kind = 'second'), count(*) from true_links where agency = ?",
            [agency],
        ).fetchone()
        assert counts is not None
        second, entries_ = counts
        expected = AGENCIES[agency].twice * entries_
        assert second <= expected + SPREADS * np.sqrt(expected) + 1


def test_extracts_of_known_defects_keep_them(tmp_path: Path):
    raw = make_county(tmp_path / "raw", people=1500, seed=5)
    linked = make_county(tmp_path / "linked", people=1500, seed=5, linked=True)
    kept = {name: count for name, count in raw.defects.items() if name in linked.defects}
    assert kept == linked.defects
