"""Extracts of which only rows with a sure link are read."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskstrat.contracts.bands import LINK_BAND
from riskstrat.contracts.check import check_source
from riskstrat.errors import ContractError
from tables import table

ROWS = table("""
    visit | person | seen_on:date | sent_on:date | kind | cost:number | link_band
    ------+--------+--------------+--------------+------+-------------+----------
    v1    | ann    | 2023-03-01   | 2023-03-05   | A    | 10          | exact
    v2    | ann    | 2023-04-01   | 2023-04-01   | E    | 20          | low
    v3    | bob    | 2023-05-01   | 2023-05-03   |      |             | high
    v4    | bob    | 2023-06-01   | 2023-06-03   | A    | 3           | medium
    v5    | cat    | 2023-06-01   | 2023-06-03   | A    | 3           | alone
    v6    | dan    | 2023-06-01   | 2023-06-03   | A    | 3           | -
""")
SURE = ("exact", "high", "alone")


def accepted(desk, rows, bands=(), **changes):
    pq.write_table(rows, desk.data / "visits.parquet")
    source = desk.contract(file="visits.parquet", **changes)
    found = check_source(
        desk.con, source, desk.data, births=None, deaths=None, scratch=desk.scratch, bands=bands
    )
    return found, desk.accepted(found)


def test_rows_whose_link_is_not_sure_are_taken_not_to_be_there(desk):
    found, rows = accepted(desk, ROWS, SURE)
    assert [row[3] for row in rows] == ["v1", "v3", "v5", "v6"]  # v6 names nobody's link
    assert found.rows_in == 4
    assert LINK_BAND not in found.columns


def test_no_bands_and_no_column_leave_every_row(desk):
    assert accepted(desk, ROWS)[0].rows_accepted == 6
    assert accepted(desk, ROWS.drop_columns(LINK_BAND), SURE)[0].rows_accepted == 6


def test_bands_go_with_a_condition_of_the_contract(desk):
    found, rows = accepted(desk, ROWS, SURE, where="kind = 'A'")
    assert [row[3] for row in rows] == ["v1", "v5", "v6"]
    assert found.rows_in == 3


def test_an_extract_without_a_sure_row_is_refused_as_an_empty_one(desk):
    with pytest.raises(ContractError):
        accepted(desk, ROWS, ("none of these",), where="visit <> 'v6'")


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["exact", "low", "medium", None]), min_size=6, max_size=6))
def test_it_is_as_if_the_agency_had_not_sent_the_others(desk, bands):
    rows = ROWS.drop_columns(LINK_BAND).append_column(LINK_BAND, pa.array(bands, pa.string()))
    kept = [n for n, band in enumerate(bands) if band in (None, "exact")]
    if kept:
        assert accepted(desk, rows, SURE)[1] == accepted(desk, rows.take(kept))[1]
