"""No party ever holds both: every byte of each side is looked through."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from custody.pages import everything, forms_of_key, found_in
from custody.sites import HOMES, PEOPLE, Site, diagnosis, home, local, person
from riskstrat.custody.keyspec import Domain


def identifiers() -> set[bytes]:
    """Every number, name, birthday, postcode and address that the agencies hold."""
    people = [person(n) for n in (*range(PEOPLE), 1001, 1002)]
    told = {p[k] for p in people for k in ("nhs_number", "forename", "surname", "date_of_birth")}
    told |= {p["postcode"] for p in people}
    told |= {home(n)[k] for n in range(HOMES) for k in ("uprn", "address", "postcode")}
    return {each.encode() for each in told if each} | local_ids()


def local_ids() -> set[bytes]:
    """What the agencies call people and addresses."""
    homes = {f"{who}home{n:03d}".encode() for n in range(HOMES) for who in ("icb", "pol")}
    return {local(n).encode() for n in range(PEOPLE)} | homes


def keys(site: Site) -> set[bytes]:
    """The project's keys, in whatever way they might be written."""
    domains = (Domain.PERSON, Domain.HOUSEHOLD, Domain.LOG)
    return {form for domain in domains for form in forms_of_key(site.key(domain))}


def record_keys(site: Site) -> set[bytes]:
    """Every record key of a hand-over that lies ready."""
    found: set[bytes] = set()
    for path in (site.root / "custody/provider").glob("*/for_linker/*.parquet"):
        found |= {k.encode() for k in pq.read_table(path)["record_key"].to_pylist()}
    assert len(found) == PEOPLE + HOMES + 22 + 13
    return found


def content_values() -> set[bytes]:
    """What only content says."""
    return {b"PR001", b"burglary", b"E01000001", *(diagnosis(i).encode() for i in range(90))}


@pytest.fixture
def sent(site: Site) -> Site:
    site.split()
    return site


def analyst_side(site: Site) -> dict[Path, bytes]:
    return everything(site.data, [site.data / "raw"]) | everything(site.root / "custody/analyst")


def test_the_analyst_holds_no_identifier_record_key_or_key(sent: Site) -> None:
    secret = keys(sent) | record_keys(sent) | identifiers()
    sent.link()
    sent.join()
    files = analyst_side(sent)
    assert len(files) == 6
    assert found_in(files, content_values())  # the search finds what is there
    assert found_in(files, secret) == {}


def test_the_linker_holds_no_content(sent: Site) -> None:
    sent.link()
    files = everything(sent.root / "custody/linker")
    assert found_in(files, identifiers())
    assert found_in(files, content_values()) == {}
    sent.join()
    assert found_in(everything(sent.root / "custody/linker"), content_values()) == {}


def test_what_goes_to_the_linker_holds_no_content_and_no_local_id(sent: Site) -> None:
    for agency in ("icb", "hospitals", "police"):
        folder = sent.places.sent(agency) / "for_linker"
        assert found_in(everything(folder), content_values()) == {}
        assert found_in(everything(folder), local_ids()) == {}


def test_what_goes_to_the_analyst_holds_no_identifier_and_no_local_id(sent: Site) -> None:
    for agency in sent.spec.providers:
        folder = sent.places.sent(agency) / "for_analyst"
        assert found_in(everything(folder), identifiers() | keys(sent)) == {}


def test_links_tell_the_analyst_no_identifier_and_no_entity(sent: Site) -> None:
    sent.link()
    for agency in ("icb", "hospitals", "police"):
        files = everything(sent.places.links(agency))
        secret = identifiers() | keys(sent) | {b"nhs|", b"uprn|", b"rec|"}
        assert found_in(files, secret) == {}


def test_the_keys_are_in_the_keepers_own_folders_alone(joined: Site) -> None:
    folders = [joined.root / "custody" / who / "keys" for who in ("linker", "gateway")]
    assert found_in(everything(joined.root, folders), keys(joined)) == {}
    assert found_in(everything(joined.root), keys(joined))


def test_nothing_is_left_at_the_provider_when_all_is_fetched(joined: Site) -> None:
    assert everything(joined.root / "custody/provider") == {}


def test_no_log_holds_an_identifier_a_pseudonym_or_a_key(joined: Site) -> None:
    pseudonyms = set(joined.extract("gp_registration")["person_id"].to_pylist())
    logs = everything(joined.root / "custody")
    logs = {path: content for path, content in logs.items() if "log" in path.parts}
    assert logs
    secret = identifiers() | keys(joined) | {p.encode() for p in pseudonyms}
    assert found_in(logs, secret) == {}


def test_notes_of_other_programs_do_not_travel(site: Site) -> None:
    """Programs write beside a table what they please: here, somebody's name."""
    path = site.data / "raw/hospitals/admissions.parquet"
    table = pq.read_table(path)
    column = table.schema.field("cost").with_metadata({b"note": b"Quackenbush001"})
    schema = table.schema.set(table.schema.get_field_index("cost"), column)
    schema = schema.with_metadata({b"pandas": b"index of Ermintrude001"})
    levels = pa.array(["21", "Ermintrude044"])
    method = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, pa.int8()), levels)
    at = schema.get_field_index("admission_method")
    schema = schema.set(at, pa.field("admission_method", method.type))
    arrays = [method if i == at else table.column(i) for i in range(table.num_columns)]
    pq.write_table(pa.table(arrays, schema=schema), path)
    assert found_in({path: everything(path.parent)[path]}, [b"Ermintrude044"])
    site.all()
    assert found_in(analyst_side(site), identifiers()) == {}
    assert set(site.extract("admissions")["admission_method"].to_pylist()) == {"21"}
