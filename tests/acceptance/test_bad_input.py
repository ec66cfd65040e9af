"""What agencies, keys and logs get wrong: each has a rule, a count, a message, and tests.

Where a fault has a test in its own room, the table names it; that its words and counts reach
whoever links, all at once, is tested here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acceptance.named import always_made
from custody.pages import found_in
from custody.sites import Site, nhs_number
from custody.test_commands import LINKAGE, Desk, Said
from custody.test_nobody_holds_both import identifiers
from riskstrat.codes import CODES

PEOPLE, LINK, KEYS = "linkage.test_people", "custody.test_link", "custody.test_keys"
FAULTS = {
    "invalid check digits": (
        "RS1310 RS1313",
        f"{PEOPLE}::test_a_number_that_is_none_is_counted_and_does_without",
        "linkage.test_identifiers::test_the_sql_says_what_the_slow_rules_say",
    ),
    "nine-digit numbers": (
        "RS1311",
        f"{PEOPLE}::test_a_number_that_is_none_is_counted_and_does_without",
        f"{PEOPLE}::test_broken_rules_are_findings_with_a_share_and_a_way_out",
    ),
    "one date of birth for all": (
        "RS1318",
        f"{PEOPLE}::test_a_date_that_half_an_agency_shares_is_a_default_there_alone",
    ),
    "placeholders in the place of names": (
        "RS1316",
        f"{PEOPLE}::test_a_baby_without_a_name_is_neither_twin",
        f"{PEOPLE}::test_records_that_say_nothing_are_nobody_else",
    ),
    "default dates": ("RS1317", f"{PEOPLE}::test_records_that_say_nothing_are_nobody_else"),
    "shared hostel addresses": (
        "RS1323",
        "linkage.test_addresses::test_a_hostel_is_told_from_a_home",
    ),
    "no fixed abode": (
        "RS1321",
        "linkage.test_addresses::test_no_fixed_abode_is_nobody_elses_home",
    ),
    "a record key reused": (
        "RS1303 RS1612 RS1613",
        f"{LINK}::test_a_record_key_that_two_records_share_is_refused_with_a_count",
        f"{LINK}::test_a_record_key_of_an_earlier_hand_over_is_refused",
        "custody.test_join::test_a_record_key_with_several_links_is_refused",
        f"{PEOPLE}::test_record_keys_that_are_not_one_each_stop_everything",
    ),
    "an extract under the wrong key id": (
        "RS1610 RS1616",
        "custody.test_join::test_an_extract_under_the_wrong_key_or_project_is_refused",
        f"{LINK}::test_identifiers_of_another_project_or_key_are_refused",
        "custody.test_join::test_links_under_another_key_than_their_content_are_refused",
    ),
    "a lost key": ("RS1622", f"{KEYS}::test_a_lost_key_says_what_is_lost_with_it"),
    "another key under its name": ("RS1626", f"{KEYS}::test_another_key_under_its_name_is_noticed"),
    "a rotated key": (
        "RS1623 RS1616",
        f"{KEYS}::test_a_rotated_key_says_which_took_its_place",
        f"{KEYS}::test_an_extract_of_before_the_rotation_is_refused",
        "custody.test_join::test_extracts_under_a_rotated_key_do_not_lie_beside_new_ones",
    ),
    "a tampered log": (
        "RS7405 RS7406",
        "custody.test_commands::test_a_tampered_log_is_found_and_the_entry_named",
        "store.test_ledger::test_a_changed_entry_breaks_the_chain_there",
        "store.test_ledger::test_entries_cut_off_the_end_are_missed",
    ),
}
"""fault -> its codes, and the tests of its rule, count and message"""


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_page_and_tests_that_are_always_made(fault: str) -> None:
    codes, *names = FAULTS[fault]
    for code in codes.split():
        assert CODES[code].how
        assert CODES[code].fix
    for name in names:
        assert always_made(name), name


# -- what whoever links is told --------------------------------------------------------------------


def change(path: Path, column: str, values: dict[int, str]) -> None:
    """Put other texts into some rows of a raw index."""
    table = pq.read_table(path)
    told = [values.get(n, cell) for n, cell in enumerate(table[column].to_pylist())]
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(told, pa.string())), path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """What linking says where hospitals and the ICB got wrong what agencies get wrong."""
    site = Site(tmp_path_factory.mktemp("spoilt") / "site").made()
    hospitals = site.data / "raw/hospitals/people.parquet"
    valid = nhs_number(600)
    wrong = f"{valid[:9]}{(int(valid[9]) + 1) % 10}"
    change(hospitals, "nhs", {0: wrong, 1: wrong, 2: valid[:9], 3: "0000000000"})
    change(hospitals, "given", {4: "BABY", 5: "Unknown"})
    change(hospitals, "born", {6: "1900-01-01", **dict.fromkeys(range(10, 20), "1980-06-15")})
    addresses = site.data / "raw/icb/addresses.parquet"
    table = pq.read_table(addresses)
    rooms = [
        {
            "address_id": f"icbroom{n}",
            "uprn": "100099900001",
            "address": f"Room {n}, Ladle House, 5 Thistlewick Parade",
            "postcode": "QZ9 9XJ",
        }
        for n in range(8)
    ]
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist(rooms, table.schema)]), addresses)
    desk = Desk(site)
    rule = "unknowns: {same_date: {share: 0.3, least: 8}}\n"
    (site.root / "configs/linkage/trial.yaml").write_text(LINKAGE + rule, encoding="utf-8")
    assert desk.work("split").code == 0
    return desk.work("link", "--json")


EXPECTED = (
    "RS1310 hospitals: NHS numbers with a wrong check digit: 2 in 22 records (9.09%)",
    "RS1311 hospitals: NHS numbers that have not ten digits: 1 in 22 records (4.55%)",
    "RS1312 hospitals: NHS numbers of one repeated digit: 1 in 22 records (4.55%)",
    "RS1316 hospitals: Placeholders in the place of names: 2 in 22 records (9.09%)",
    "RS1317 hospitals: Default dates of birth: 1 in 22 records (4.55%)",
    "RS1318 hospitals: One date of birth held by too many records of an agency: 10 in 22 records",
    "RS1323 addresses: Homes that many share: 1 in 46 records (2.17%)",
)


def test_whoever_links_is_told_each_fault_with_its_count_and_no_value(told: Said) -> None:
    assert told.code == 0, told.err
    heard = " ".join(told.err.split())
    for words in EXPECTED:
        assert words in heard
    assert found_in({Path("heard"): (told.out + told.err).encode()}, identifiers()) == {}


def test_a_program_is_told_them_with_what_to_do(told: Said) -> None:
    findings = {each["code"]: each for each in json.loads(told.out)["findings"]}
    assert findings.keys() >= {words.split()[0] for words in EXPECTED}
    assert findings["RS1310"]["where"] == "hospitals"
    assert findings["RS1310"]["n"] == 22
    assert all(each["fix"] for each in findings.values())
