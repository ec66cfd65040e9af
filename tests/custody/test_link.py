"""The linker: identifiers in, pseudonyms out."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.sites import LINKERS, PEOPLE, Exact, Site, exact_people, nhs_number
from riskstrat.custody.entities import entities
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import Header, read_header
from riskstrat.custody.keyspec import Domain, Keeper
from riskstrat.custody.pseudonyms import pseudonym


def links(site: Site, agency: str, name: str = "people") -> pa.Table:
    return pq.read_table(site.places.links(agency) / f"{name}.parquet")


def received(site: Site, agency: str, name: str = "people") -> Path:
    return site.places.received(Keeper.LINKER, agency) / f"{name}.parquet"


def carried(site: Site) -> Site:
    """Split, and carry the identifiers to the linker by hand."""
    site.split()
    for agency in ("icb", "hospitals", "police"):
        target = site.places.received(Keeper.LINKER, agency)
        target.parent.mkdir(parents=True, exist_ok=True)
        (site.places.sent(agency) / "for_linker").rename(target)
    return site


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a file of a hand-over and keep its header, as a clumsy hand might."""
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def test_a_pseudonym_is_the_keyed_hash_of_domain_and_entity_cut_to_128_bits() -> None:
    key = bytes(range(32))
    whole = hmac.new(key, b"person|nhs|9434765919", "sha256").hexdigest()
    assert pseudonym(key, Domain.PERSON, "nhs|9434765919") == "P" + whole[:32]


@given(a=st.text(max_size=30), b=st.text(max_size=30))
def test_entities_share_a_pseudonym_only_if_they_are_one(a: str, b: str) -> None:
    key = bytes(32)
    one, other = (pseudonym(key, Domain.PERSON, entity) for entity in (a, b))
    assert (one == other) == (a == b)
    assert one[1:] != pseudonym(key, Domain.HOUSEHOLD, a)[1:]


def test_records_of_one_person_get_one_pseudonym_whoever_sent_them(joined: Site) -> None:
    seen = joined.extract("admissions")
    index = joined.raw("hospitals", "admissions")["local_id"].to_pylist()
    assert seen["person_id"].to_pylist()[index.index(3)] == joined.pseudonym_of(3)
    key = joined.key(Domain.PERSON)
    assert joined.pseudonym_of(3) == pseudonym(key, Domain.PERSON, f"nhs|{nhs_number(3)}")


def test_links_hold_no_more_than_key_pseudonym_and_band_in_the_keys_order(site: Site) -> None:
    site.split()
    site.link()
    table = links(site, "icb")
    assert table.column_names == ["record_key", "pseudonym", "band"]
    keys = table["record_key"].to_pylist()
    assert keys == sorted(keys)
    header = read_header(site.places.links("icb") / "people.parquet")
    assert header is not None
    assert (header.kind, header.project) == ("links", "trial")


def test_the_counts_say_who_was_linked_how(site: Site) -> None:
    site.split()
    counts = site.link()
    assert counts.agencies == ("icb", "hospitals", "police")
    assert counts.records["people"] == {"icb": PEOPLE, "hospitals": 22}
    assert counts.bands["people"]["icb"] == {"alone": 6, "exact": 54}
    assert counts.entities["addresses"] == 25


def test_pseudonyms_of_two_projects_never_join(tmp_path: Path) -> None:
    one = Site(tmp_path / "one").made().all()
    text = one.text.replace("project: trial", "project: other").replace(
        "trial-person", "other-person"
    )
    two = replace(one, root=tmp_path / "two", text=text).made().all()
    for name, column in (("gp_registration", "person_id"), ("residence", "household_id")):
        first, second = (set(s.extract(name)[column].to_pylist()) for s in (one, two))
        assert len(first) == len(second)
        assert not (first & second) - {None}


def test_one_project_gives_the_same_bytes_whatever_the_record_keys(joined: Site) -> None:
    names = sorted(p.name for p in joined.data.glob("*.parquet"))
    before = {name: (joined.data / name).read_bytes() for name in names}
    joined.all()
    assert before == {name: (joined.data / name).read_bytes() for name in names}


def test_a_new_extract_of_one_agency_is_linked_against_all(joined: Site) -> None:
    before = joined.extract("admissions")
    joined.split("hospitals")
    counts = joined.link()
    assert counts.agencies == ("hospitals",)
    assert counts.records["people"] == {"icb": PEOPLE, "hospitals": 22}
    assert counts.moved["people"] == 0
    assert not joined.places.links("icb").exists()
    joined.join()
    assert joined.extract("admissions").equals(before)


def test_the_engine_is_told_who_was_linked_before_as_whom(joined: Site) -> None:
    told: list[int] = []

    def noting(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
        rows = con.execute(f"SELECT count(entity) FROM {known}").fetchone() if known else None
        told.append(rows[0] if rows else 0)
        return exact_people(con, view, known)

    site = replace(joined, linkers={**LINKERS, Domain.PERSON: noting})
    site.split("hospitals")
    site.link()
    site.split()
    site.link()
    assert told == [PEOPLE, 0]


def test_records_that_new_evidence_moves_to_another_person_are_counted(joined: Site) -> None:
    def by_first_name(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
        linked = exact_people(con, view, known).table
        moved = pc.replace_substring(linked["entity"], "nhs|99900000", "nhs|99900009")
        return Exact(linked.set_column(1, "entity", moved))

    site = replace(joined, linkers={**LINKERS, Domain.PERSON: by_first_name})
    old = joined.pseudonym_of(3)
    site.split("hospitals")
    assert site.link().moved == {"people": 9}
    known = entities(site.spec, site.places)
    assert known.identity(old) is None
    told = known.identity(known.current(old))
    assert told is not None
    assert told["forename"] == "Ermintrude003"


def test_an_engine_sees_a_record_by_its_place_in_the_index_not_by_its_random_key(
    joined: Site,
) -> None:
    seen: list[list[str]] = []

    def noting(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
        rows = con.execute(f"SELECT record_key FROM {view} ORDER BY ALL").fetchall()
        seen.append([row[0] for row in rows])
        return exact_people(con, view, known)

    site = replace(joined, linkers={**LINKERS, Domain.PERSON: noting})
    for _ in range(2):
        site.split()
        site.link()
    assert seen[0] == seen[1]
    assert seen[0][0] == "hospitals/000000000"


# -- bad input -----------------------------------------------------------------------------------


def test_a_record_key_that_two_records_share_is_refused_with_a_count(site: Site) -> None:
    def repeat(table: pa.Table) -> pa.Table:
        keys = table["record_key"].to_pylist()
        return table.set_column(0, "record_key", pa.array([keys[1], *keys[1:]]))

    rewrite(received(carried(site), "hospitals"), repeat)
    with pytest.raises(
        CustodyError, match="hospitals: of 22 people, 0 have no record key and 2"
    ) as told:
        site.link()
    assert told.value.code == "RS1612"
    assert not site.places.links("hospitals").exists()


def test_a_record_key_of_an_earlier_hand_over_is_refused(site: Site) -> None:
    carried(site)
    old = pq.read_table(received(site, "hospitals"))["record_key"]
    site.link()
    site.join()
    site.split("hospitals")
    target = site.places.sent("hospitals") / "for_linker" / "people.parquet"
    rewrite(target, lambda table: table.set_column(0, "record_key", old))
    with pytest.raises(CustodyError, match="22 have one that was used before") as told:
        site.link()
    assert told.value.code == "RS1612"


@pytest.mark.parametrize("bad", [None, "", "12345", "Z" * 32])
def test_what_is_no_record_key_is_refused(site: Site, bad: str | None) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        keys = table["record_key"].to_pylist()
        return table.set_column(0, "record_key", pa.array([bad, *keys[1:]]))

    rewrite(received(carried(site), "icb"), spoil)
    with pytest.raises(CustodyError, match="icb: of 60 people, 1 have no record key and 0"):
        site.link()


def test_linking_that_was_interrupted_is_no_reuse_of_keys(site: Site) -> None:
    site.split()
    kept = {
        path: path.read_bytes() for path in site.places.root.glob("provider/*/for_linker/*.parquet")
    }
    site.link()
    for path, content in kept.items():  # as if the power went before what was received was dropped
        target = received(site, path.parent.parent.name, path.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    site.link()
    assert site.join().rows["admissions"] == 200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("project: trial", "project: other", "project trial where other is expected"),
        (
            "household: trial-household-1",
            "household: trial-household-2",
            "household key trial-household-1 where trial-household-2 is expected",
        ),
    ],
)
def test_identifiers_of_another_project_or_key_are_refused(
    site: Site, old: str, new: str, said: str
) -> None:
    carried(site)
    site.change(old, new)
    with pytest.raises(CustodyError, match=said) as told:
        site.link()
    assert told.value.code == "RS1610"


def test_a_file_of_another_agency_in_the_wrong_folder_is_refused(site: Site) -> None:
    carried(site)
    received(site, "hospitals").replace(received(site, "icb"))
    with pytest.raises(CustodyError, match="agency hospitals where icb is expected"):
        site.link()


def test_a_file_without_a_header_is_refused(site: Site) -> None:
    path = received(carried(site), "icb")
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(CustodyError, match="was not made by") as told:
        site.link()
    assert told.value.code == "RS1611"


def test_identifiers_where_tokens_were_agreed_are_refused(site: Site) -> None:
    """An agency that may not send names must not be able to send them by mistake."""
    carried(site).hand_over_tokens()
    with pytest.raises(CustodyError, match="kind identifiers where tokens is expected"):
        site.link()


def test_nothing_received_says_what_to_do(site: Site) -> None:
    with pytest.raises(CustodyError, match="no identifiers were received") as told:
        site.link()
    assert told.value.code == "RS1614"
    assert "pseudonymise split" in told.value.fix


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda t: t.slice(1), "1 records have no entity"),
        (lambda t: pa.concat_tables([t, t.slice(0, 2)]), "2 have several"),
        (
            lambda t: t.set_column(
                3, "band", pa.array(["sure"] * 3 + ["exact"] * (t.num_rows - 3))
            ),
            "3 have no name or no band",
        ),
    ],
)
def test_an_engine_that_forgets_or_doubles_records_is_refused(
    site: Site, harm: Callable[[pa.Table], pa.Table], said: str
) -> None:
    def spoilt(con: duckdb.DuckDBPyConnection, view: str, known: str | None) -> Exact:
        return Exact(harm(exact_people(con, view, known).table))

    broken = replace(site, linkers={**LINKERS, Domain.PERSON: spoilt})
    broken.split()
    with pytest.raises(CustodyError, match=said) as told:
        broken.link()
    assert told.value.code == "RS1615"


def test_a_header_survives_its_file(tmp_path: Path) -> None:
    header = Header("trial", "links", "icb", {"person": "k-1"}, "ab12")
    schema = header.on(pa.schema([("record_key", pa.string())]))
    pq.write_table(schema.empty_table(), tmp_path / "t.parquet")
    assert read_header(tmp_path / "t.parquet") == header
