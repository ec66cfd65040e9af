"""The provider: identifiers and content part company."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.sites import PEOPLE, Site, local
from riskstrat.custody.faults import CustodyError
from riskstrat.custody.headers import read_header
from riskstrat.custody.rows import Lookup, record_keys

ADMISSIONS = "raw/hospitals/admissions.parquet"


def changed(site: Site, file: str, column: str, values: list[object]) -> None:
    """Write other values into a column of a raw extract."""
    path = site.data / file
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, column, pa.array(values)), path)


def sent(site: Site, agency: str, name: str) -> pa.Table:
    """What an agency's split made."""
    [path] = site.places.sent(agency).glob(f"*/{name}.parquet")
    return pq.read_table(path)


def test_content_keeps_its_rows_in_their_order_and_its_columns_in_the_contracts(site: Site) -> None:
    site.split("hospitals")
    raw, content = site.raw("hospitals", "admissions"), sent(site, "hospitals", "admissions")
    assert content.column_names[:2] == ["person_record_key", "spell_id"]
    for name in content.column_names[1:]:
        assert content[name].to_pylist() == raw[name].to_pylist()


def test_a_record_key_is_the_same_for_one_id_and_another_for_another(site: Site) -> None:
    site.split("hospitals")
    ids = site.raw("hospitals", "admissions")["local_id"].to_pylist()
    keys = sent(site, "hospitals", "admissions")["person_record_key"].to_pylist()
    assert len(set(zip(ids, keys, strict=True))) == len(set(ids)) == len(set(keys))
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_every_split_has_new_record_keys(site: Site) -> None:
    site.split("icb")
    first = set(sent(site, "icb", "people")["record_key"].to_pylist())
    site.split("icb")
    assert not first & set(sent(site, "icb", "people")["record_key"].to_pylist())


def test_the_linker_gets_the_identifiers_named_and_no_local_id(site: Site) -> None:
    site.split("icb", "hospitals")
    people = sent(site, "icb", "people")
    assert people.column_names == [
        "record_key",
        "nhs_number",
        "forename",
        "surname",
        "date_of_birth",
        "sex",
        "postcode",
    ]
    assert people["surname"].to_pylist() == site.raw("icb", "people")["surname"].to_pylist()
    assert sent(site, "hospitals", "people")["forename"].to_pylist()[0] == "Ermintrude000"


def test_no_column_leaves_that_no_contract_asks_for(site: Site) -> None:
    told = site.split("icb", "hospitals")
    assert told["icb"].kept_back == {"gp_registration": ("phone",)}
    assert told["hospitals"].kept_back == {"admissions": ("surname",)}
    assert "surname" not in sent(site, "hospitals", "admissions").column_names


def test_files_say_whose_they_are_and_under_which_keys(site: Site) -> None:
    site.split("icb")
    folder = site.places.sent("icb")
    headers = [read_header(path) for path in folder.glob("*/*.parquet")]
    assert len({header.hand_over for header in headers if header}) == 1
    for header in headers:
        assert header is not None
        assert (header.project, header.agency) == ("trial", "icb")
        assert header.keys == {"person": "trial-person-1", "household": "trial-household-1"}


def test_an_address_that_is_not_known_stays_so(site: Site) -> None:
    told = site.split("icb")
    assert told["icb"].without_id == {"residence": 1}
    assert sent(site, "icb", "residence")["household_record_key"].null_count == 1


def test_rows_of_ids_the_index_lacks_are_refused_with_their_count(site: Site) -> None:
    changed(site, ADMISSIONS, "local_id", [9_999] * 3 + [0] * 197)
    with pytest.raises(CustodyError, match="3 of 200 rows name an id that the index") as told:
        site.split("hospitals")
    assert (told.value.code, told.value.exit_code) == ("RS1602", 16)
    assert "9999" not in str(told.value)
    assert not site.places.sent("hospitals").exists()


def test_a_share_of_such_rows_may_be_tolerated_and_is_left_out(site: Site) -> None:
    changed(site, ADMISSIONS, "local_id", [9_999] * 2 + [0] * 198)
    site.change(
        "admissions.parquet, person: local_id",
        "admissions.parquet, person: local_id, unindexed: 0.01",
    )
    told = site.split("hospitals")["hospitals"]
    assert (told.rows, told.unindexed) == ({"admissions": 198}, {"admissions": 2})
    assert sent(site, "hospitals", "admissions").num_rows == 198


@pytest.mark.parametrize(
    ("ids", "counts"),
    [
        (["a", "a", "a", "b"], "0 have no `local_id` and 2 repeat one"),
        (["a", None, "", "b"], "2 have no `local_id` and 0 repeat one"),
    ],
)
def test_an_index_with_unclear_ids_is_refused(
    site: Site, ids: list[str | None], counts: str
) -> None:
    path = site.data / "raw/icb/people.parquet"
    table = pq.read_table(path).slice(0, 4)
    pq.write_table(table.set_column(0, "local_id", pa.array(ids)), path)
    with pytest.raises(CustodyError, match=f"of 4 rows, {counts}") as told:
        site.split("icb")
    assert told.value.code == "RS1603"


def test_a_contract_that_asks_for_an_identifier_is_refused(site: Site) -> None:
    with pytest.raises(CustodyError, match="asks for `surname`") as told:
        site.split("hospitals", columns={"admissions": ("person_id", "surname")})
    assert told.value.code == "RS1604"


def test_an_extract_without_a_contract_does_not_leave(site: Site) -> None:
    (site.root / "configs/sources/admissions.yaml").unlink()
    with pytest.raises(CustodyError, match="no contract") as told:
        site.split("hospitals")
    assert told.value.code == "RS1605"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(b"spell_id,local_id\n"), "not a Parquet file"),
        (
            lambda path: pq.write_table(pq.read_table(path).drop_columns(["local_id"]), path),
            "lacks `local_id`",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(site: Site, harm: object, said: str) -> None:
    harm(site.data / ADMISSIONS)  # type: ignore[operator]
    with pytest.raises(CustodyError, match=said) as told:
        site.split("hospitals")
    assert told.value.code == "RS1601"
    assert "admissions.parquet" in str(told.value)


def test_who_objects_to_every_use_does_not_leave_the_agency(site: Site) -> None:
    gone = {"people": pa.array([local(3), local(4)]), "residence": pa.array([local(9)])}
    told = site.split("icb", objections=gone)["icb"]
    assert told.indexed["people"] == PEOPLE - 2
    assert told.objected == {"people": 2, "gp_registration": 2, "residence": 3}
    assert told.unindexed == {}
    assert "Ermintrude003" not in sent(site, "icb", "people")["forename"].to_pylist()
    assert sent(site, "icb", "gp_registration").num_rows == PEOPLE - 2
    assert sent(site, "icb", "residence").num_rows == PEOPLE - 3


def test_tokens_go_in_the_place_of_identifiers_where_the_custody_file_says_so(site: Site) -> None:
    site.hand_over_tokens()

    def tokenise(table: pa.Table) -> pa.Table:
        return pa.table({"record_key": table["record_key"], "token": ["t"] * table.num_rows})

    site.split("hospitals", tokenise=tokenise)
    assert sent(site, "hospitals", "people").column_names == ["record_key", "token"]
    header = read_header(site.places.sent("hospitals") / "for_linker/people.parquet")
    assert header is not None
    assert header.kind == "tokens"
    assert header.keys["tokens"] == "trial-tokens-1"


def test_tokens_without_a_way_to_make_them_are_not_identifiers_instead(site: Site) -> None:
    site.hand_over_tokens()
    with pytest.raises(CustodyError, match="no way to make them"):
        site.split("hospitals")
    assert not site.places.sent("hospitals").exists()


def test_a_killed_split_leaves_nothing_to_be_fetched(site: Site) -> None:
    def fail(table: pa.Table) -> pa.Table:
        raise KeyboardInterrupt

    site.hand_over_tokens()
    with pytest.raises(KeyboardInterrupt):
        site.split("hospitals", tokenise=fail)
    assert not list((site.root / "custody/provider").rglob("*.parquet"))


def test_a_second_split_takes_the_place_of_one_nobody_fetched(site: Site) -> None:
    site.split("hospitals")
    site.split("hospitals")
    assert len(list(site.places.sent("hospitals").rglob("*.parquet"))) == 2


@settings(max_examples=50, deadline=None)
@given(
    known=st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=20),
    asked=st.lists(st.none() | st.text(max_size=5), max_size=40),
)
def test_a_look_up_is_what_a_dictionary_says(known: list[str], asked: list[str | None]) -> None:
    values = [f"v{i}" for i in range(len(known))]
    lookup = Lookup(pa.array(known, pa.string()), pa.array(values, pa.string()))
    slow = dict(zip(known, values, strict=True))
    places = lookup.places(pa.array(asked, pa.string()))
    assert lookup.at(places).to_pylist() == [slow.get(a) if a is not None else None for a in asked]


def test_record_keys_are_as_many_as_asked_for_and_all_different(tmp_path: Path) -> None:
    keys = record_keys(10_000)
    assert len(set(keys.to_pylist())) == len(keys) == 10_000
    assert len(record_keys(0)) == 0
