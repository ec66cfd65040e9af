"""Opt-outs that bind for every purpose: the records stay with the agency."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custody.sites import PEOPLE, Site, local, write
from riskstrat.contracts.agreements.spec import SharingAgreement
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.objections import kept_back

DAY = date(2020, 1, 1)
SCHEMA = pa.schema(
    [
        ("local_id", pa.string()),
        ("kind", pa.string()),
        *((name, pa.date32()) for name in ("starts_on", "ends_on", "recorded_on")),
    ]
)


def listed(path: Path, *rows: tuple[str, str, date, date | None]) -> None:
    names = ("local_id", "kind", "starts_on", "ends_on")
    told = [dict(zip(names, row, strict=True)) | {"recorded_on": DAY} for row in rows]
    write(path, told, SCHEMA)


def agreement(site: Site, **rules: object) -> SharingAgreement:
    """The county's agreement on health with other rules on opt-outs."""
    told = site.configs.agreements(site.configs.contracts("icb"))["health"]
    given = told.model_dump() | {"opt_outs": rules}
    return SharingAgreement.model_validate(given | {"legal_basis": _plain(told)})


def _plain(told: SharingAgreement) -> dict[str, object]:
    """Legal bases that demand nothing of opt-outs."""
    return {name: {"uk_gdpr": basis.uk_gdpr} for name, basis in told.legal_basis.items()}


def held_back(site: Site, agency: str, told: SharingAgreement) -> dict[str, list[str]]:
    contracts = site.configs.contracts(agency)
    found = kept_back(site.spec.providers[agency], contracts, {"health": told}, site.data)
    return {name: sorted(ids.to_pylist()) for name, ids in found.items()}


def test_an_agency_that_hands_its_list_on_keeps_the_content_and_says_who(site: Site) -> None:
    told = agreement(site, national={})
    assert held_back(site, "icb", told) == {
        "gp_registration": [local(5)],
        "residence": [local(5)],
    }
    ids = {name: pa.array(found) for name, found in held_back(site, "icb", told).items()}
    counts = site.split("icb", objections=ids)["icb"]
    assert counts.indexed["people"] == PEOPLE
    assert counts.rows == {"gp_registration": PEOPLE - 1, "residence": PEOPLE - 1, "opt_outs": 1}
    assert counts.objected == {"gp_registration": 1, "residence": 1}


def test_an_agency_with_a_list_of_its_own_says_nothing_of_those_on_it(site: Site) -> None:
    listed(site.data / "raw/hospitals/opt_outs.parquet", ("3", "national", DAY, None))
    own = "opt_outs: {file: raw/hospitals/opt_outs.parquet, person: local_id}"
    site.change("title: Mid County Hospitals", f"title: Mid County Hospitals\n    {own}")
    told = agreement(site, national={})
    assert held_back(site, "hospitals", told) == {"people": ["3"], "admissions": ["3"]}
    ids = {name: pa.array(found) for name, found in held_back(site, "hospitals", told).items()}
    counts = site.split("hospitals", objections=ids)["hospitals"]
    assert counts.indexed["people"] == 21
    assert counts.unindexed == {}
    people = pq.read_table(site.places.sent("hospitals") / "for_linker/people.parquet")
    assert "Ermintrude003" not in people["forename"].to_pylist()


@pytest.mark.parametrize(
    ("rules", "bound"),
    [
        ({}, []),
        ({"type_1": {}}, []),
        ({"national": {"sources": ["residence"]}}, ["residence"]),
        ({"national": {"not_for": ["commissioning"]}}, []),
        ({"national": {"exempt": {"residence": "the board, minute 3"}}}, ["gp_registration"]),
    ],
)
def test_only_what_binds_for_every_purpose_stays(
    site: Site, rules: dict[str, object], bound: list[str]
) -> None:
    assert sorted(held_back(site, "icb", agreement(site, **rules))) == bound


@pytest.mark.parametrize(
    ("starts", "ends", "counts"),
    [
        (date(2020, 1, 1), None, True),
        (date(2025, 12, 31), None, True),
        (date(2026, 1, 2), None, False),
        (date(2020, 1, 1), date(2021, 1, 1), False),
    ],
)
def test_an_opt_out_counts_that_holds_when_the_list_was_drawn(
    site: Site, starts: date, ends: date | None, counts: bool
) -> None:
    listed(site.data / "raw/icb/opt_outs.parquet", (local(8), "national", starts, ends))
    assert bool(held_back(site, "icb", agreement(site, national={}))) == counts


def test_an_agency_without_a_list_keeps_nothing_back(site: Site) -> None:
    assert held_back(site, "hospitals", agreement(site, national={})) == {}


def test_a_list_that_is_not_understood_is_refused(site: Site) -> None:
    path = site.data / "raw/icb/opt_outs.parquet"
    write(path, [{"local_id": local(5), "kind": "national", "starts_on": "1/1/20", "ends_on": ""}])
    with pytest.raises(CustodyError, match="`starts_on` does not hold dates") as told:
        held_back(site, "icb", agreement(site, national={}))
    assert told.value.code == "RS1601"
