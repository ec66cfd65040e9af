"""The analyst: content meets pseudonyms, and record keys are gone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from custody.sites import HOMES, PEOPLE, Site
from custody.test_link import rewrite
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import read_header
from riskstrat.custody.keyspec import Keeper


@pytest.fixture
def linked(site: Site) -> Site:
    site.split()
    site.link()
    return site


def carried(site: Site) -> Site:
    """Carry content and links to the analyst by hand."""
    for agency in site.spec.providers:
        target = site.places.received(Keeper.ANALYST, agency)
        target.mkdir(parents=True, exist_ok=True)
        (site.places.sent(agency) / "for_analyst").rename(target / "content")
        if site.places.links(agency).exists():
            site.places.links(agency).rename(target / "links")
    return site


def test_an_extract_has_its_rows_in_their_order_its_columns_and_the_band_last(joined: Site) -> None:
    raw, seen = joined.raw("hospitals", "admissions"), joined.extract("admissions")
    assert seen.column_names[0] == "person_id"
    assert seen.column_names[-1] == "link_band"
    for name in seen.column_names[1:-1]:
        assert seen[name].to_pylist() == raw[name].to_pylist()
        assert seen.schema.field(name).type == raw.schema.field(name).type
    assert not [name for name in seen.column_names if "record_key" in name]


def test_a_table_of_people_and_addresses_has_both_and_the_less_sure_band(joined: Site) -> None:
    seen, raw = joined.extract("residence"), joined.raw("icb", "residence")
    assert seen.column_names[:2] == ["person_id", "household_id"]
    assert len(set(seen["person_id"].to_pylist())) == PEOPLE
    assert len(set(seen["household_id"].to_pylist()) - {None}) == HOMES
    nowhere = raw["address_id"].to_pylist().index(None)
    assert seen["household_id"].to_pylist()[nowhere] is None
    assert pc.sum(pc.equal(seen["link_band"], "alone")).as_py() == 6


def test_a_table_about_neither_is_as_it_was(joined: Site) -> None:
    assert joined.extract("area_deprivation").equals(joined.raw("public", "area_deprivation"))


def test_police_and_the_icb_know_a_household_by_one_name(joined: Site) -> None:
    homes = set(joined.extract("residence")["household_id"].to_pylist())
    assert set(joined.extract("police_incidents")["household_id"].to_pylist()) <= homes


def test_an_extract_says_whose_it_is_and_under_which_keys(joined: Site) -> None:
    header = read_header(joined.data / "admissions.parquet")
    assert header is not None
    assert (header.project, header.kind, header.agency) == ("trial", "extract", "hospitals")
    assert header.hand_over == ""  # equal bytes, whichever hand-over
    assert header.keys == {"person": "trial-person-1", "household": "trial-household-1"}


def test_what_was_received_is_gone_afterwards(joined: Site) -> None:
    assert not list((joined.root / "custody/analyst").rglob("*.parquet"))
    assert not list(joined.data.rglob("*.part")) + list(joined.data.glob(".joined*"))


def test_carried_by_hand_it_is_the_same(linked: Site, tmp_path: Path) -> None:
    carried(linked).join()
    before = (linked.data / "admissions.parquet").read_bytes()
    assert (linked.all().data / "admissions.parquet").read_bytes() == before


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("project: trial", "project: other", "project trial where other is expected"),
        (
            "person: trial-person-1",
            "person: trial-person-2",
            "person key trial-person-1 where trial-person-2 is expected",
        ),
    ],
)
def test_an_extract_under_the_wrong_key_or_project_is_refused(
    linked: Site, old: str, new: str, said: str
) -> None:
    linked.change(old, new)
    with pytest.raises(CustodyError, match=said) as told:
        linked.join()
    assert told.value.code == "RS1610"
    assert not list(linked.data.glob("*.parquet"))


def test_links_under_another_key_than_their_content_are_refused(linked: Site) -> None:
    carried(linked)
    path = linked.places.received(Keeper.ANALYST, "hospitals") / "links" / "people.parquet"
    text = pq.read_schema(path).metadata[b"riskstrat.custody"]
    table = pq.read_table(path)
    other = {b"riskstrat.custody": text.replace(b"trial-person-1", b"trial-person-9")}
    pq.write_table(table.replace_schema_metadata(other), path)
    with pytest.raises(CustodyError, match="person key trial-person-9 where trial-person-1"):
        linked.join()


def test_rows_whose_record_key_has_no_link_are_refused_with_their_count(linked: Site) -> None:
    path = carried(linked).places.received(Keeper.ANALYST, "hospitals") / "links/people.parquet"
    rewrite(path, lambda table: table.slice(1))
    with pytest.raises(CustodyError, match=r"(9|10) of 200 rows have a record key without") as told:
        linked.join()
    assert told.value.code == "RS1613"
    assert not list(linked.data.glob("*.parquet"))
    assert path.exists()  # to be tried again with the right links


def test_a_record_key_with_several_links_is_refused(linked: Site) -> None:
    path = carried(linked).places.received(Keeper.ANALYST, "hospitals") / "links/people.parquet"
    rewrite(path, lambda table: pa.concat_tables([table, table.slice(0, 2)]))
    with pytest.raises(CustodyError, match="of 24 links, 2 repeat a record key") as told:
        linked.join()
    assert told.value.code == "RS1613"


def test_links_that_answer_an_earlier_split_are_refused(linked: Site) -> None:
    linked.split("hospitals")
    with pytest.raises(CustodyError, match="answer another hand-over of hospitals") as told:
        linked.join()
    assert told.value.code == "RS1613"


def test_content_before_its_links_says_to_link_first(site: Site) -> None:
    site.split()
    with pytest.raises(CustodyError, match="links of icb are not there") as told:
        site.join()
    assert told.value.code == "RS1614"
    site.link()
    assert site.join().rows["admissions"] == 200


def test_half_of_an_agencys_content_is_refused(linked: Site) -> None:
    folder = carried(linked).places.received(Keeper.ANALYST, "icb")
    (folder / "content/residence.parquet").unlink()
    with pytest.raises(CustodyError, match="1 of the agency's 3 extracts are not there") as told:
        linked.join()
    assert told.value.code == "RS1614"


def test_nothing_received_says_what_to_do(site: Site) -> None:
    with pytest.raises(CustodyError, match="no content was received") as told:
        site.join()
    assert told.value.code == "RS1614"


def test_extracts_under_a_rotated_key_do_not_lie_beside_new_ones(joined: Site) -> None:
    path = joined.data / "residence.parquet"
    text = pq.read_schema(path).metadata[b"riskstrat.custody"]
    other = {b"riskstrat.custody": text.replace(b"trial-person-1", b"trial-person-0")}
    pq.write_table(pq.read_table(path).replace_schema_metadata(other), path)
    joined.split("hospitals")
    joined.link()
    with pytest.raises(CustodyError, match=r"1 extracts are under other keys.*residence") as told:
        joined.join()
    assert told.value.code == "RS1616"
    joined.split()
    joined.link()
    assert joined.join().rows["residence"] == PEOPLE
