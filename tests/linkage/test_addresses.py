"""Addresses become homes: by number, by door, or not at all."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.small import entities, spec_of, together
from riskstrat.errors import LinkageError
from riskstrat.linkage.engine import link_addresses
from tables import table

HEAD = """
    record_key | agency  | uprn         | address                        | postcode
    -----------+---------+--------------+--------------------------------+---------
"""
# Many homes whose numbers and doors agree, so that a door is known to be sure.
KNOWN = "\n".join(
    f"    {agency}{i} | {agency} | {100 + i:012d} | {i + 1} High Street, Midbury | CM1 1AA"
    for agency in ("icb", "housing")
    for i in range(12)
)


def link(*rows, **changes):
    with duckdb.connect() as con:
        con.register("addresses", table(HEAD + KNOWN + "\n" + "\n".join(rows)))
        return link_addresses(con, "addresses", spec_of(**changes))


def how(found):
    rows = found.table
    return dict(zip(rows["record_key"].to_pylist(), rows["how"].to_pylist(), strict=True))


def test_one_number_is_one_home_with_or_without_leading_zeros():
    found = link("p1 | police | 100 | | CM1 1AA")
    assert entities(found)["p1"] == entities(found)["icb0"] == "uprn|100"
    assert how(found)["p1"] == "uprn"


@pytest.mark.parametrize(
    "row",
    [
        "3 HIGH ST MIDBURY              | CM1 1AA",
        "3, High Street                 | cm11aa",
        "3 High Street, Midbury         | CM1 1AB",  # the wrong unit of the right sector
        "3 High Street, Midbury         | ",
    ],
)
def test_an_address_without_a_number_is_found_by_its_door(row):
    found = link(f"p1 | police | | {row}")
    assert entities(found)["p1"] == "uprn|102"
    assert how(found)["p1"] == "address"


def test_a_door_that_leads_to_two_homes_leads_to_none():
    twice = [f"x{i} | icb | {900 + i} | 7 Mill Lane | CM1 1ZZ" for i in range(2)]
    found = link(*twice, "p1 | police | | 7 Mill Lane | CM1 1ZZ")
    assert entities(found)["p1"].startswith("addr|")
    assert found.counts["ambiguous_doors"] == 1


def test_the_number_of_another_home_is_taken_away_and_counted():
    found = link(
        "a | icb | 105 | 6 High Street | CM1 1AA", "p1 | police | 105 | 9 Mill Lane | CM2 2ZZ"
    )
    assert entities(found)["p1"].startswith("addr|")
    assert found.counts["wrong_numbers"] == 1


def test_unnumbered_addresses_of_one_door_are_one_home():
    found = link(
        "p1 | police   | | 9 Mill Lane, Midbury | CM2 2ZZ",
        "b1 | benefits | | 9 MILL LN            | CM2 2ZZ",
        "b2 | benefits | | 11 MILL LN           | CM2 2ZZ",
    )
    assert entities(found)["p1"] == entities(found)["b1"] != entities(found)["b2"]


def test_no_fixed_abode_is_nobody_elses_home():
    rows = [f"p{i} | police | | No fixed abode | ZZ99 3VZ" for i in range(3)]
    found = link(*rows)
    assert len({entities(found)[f"p{i}"] for i in range(3)}) == 3
    assert {how(found)[f"p{i}"] for i in range(3)} == {"alone"}


def test_a_hostel_is_told_from_a_home():
    rooms = [f"h{i} | icb | 777 | Room {i}, St Jude House, 5 Dock Road | CM9 9AA" for i in range(8)]
    found = link(*rooms)
    shared = dict(
        zip(found.table["record_key"].to_pylist(), found.table["shared"].to_pylist(), strict=True)
    )
    assert shared["h0"] is True
    assert shared["icb0"] is False
    assert found.counts["shared_homes"] == 1


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(rng):
    rows = table(HEAD + KNOWN + "\n p1 | police | | 3 High St | CM1 1AA\n p2 | police | | | ")
    order = list(range(rows.num_rows))
    rng.shuffle(order)
    spec = spec_of()
    with duckdb.connect() as con:
        con.register("one", rows)
        con.register("other", rows.take(pa.array(order)))
        found = [link_addresses(con, name, spec) for name in ("one", "other")]
    assert entities(found[0]) == entities(found[1])
    assert together(found[0]) == together(found[1])


def test_a_linkage_file_without_homes_cannot_link_addresses():
    with pytest.raises(LinkageError, match="says nothing of homes") as told:
        link(homes=None)
    assert told.value.code == "RS1304"
