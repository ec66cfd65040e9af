"""Records become people: by number, by likeness, and never against the rules."""

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.small import column, entities, link, model_of, spec_of, together
from riskstrat.errors import LinkageError
from riskstrat.linkage.model import MatchModel
from riskstrat.linkage.outcome import linkage_findings
from tables import table

HEAD = """
    record_key | agency | nhs_number | upn | forename | surname | date_of_birth | sex | postcode
    -----------+--------+------------+-----+----------+---------+---------------+-----+---------
"""
POPULATION = """
    i1 | icb | 9990000018 | | Ann    | Lee    | 1980-05-03 | F | CM1 1AA
    i2 | icb | 9990000026 | | Robert | Okafor | 1951-11-30 | M | CM2 9ZZ
    i3 | icb | 9990000034 | | Zoe    | Kaur   | 2015-02-14 | F | CM3 4BB
"""


def people(*rows):
    return HEAD + POPULATION + "\n".join(rows)


def linked(tmp_path, *rows, **changes):
    return link(people(*rows), tmp_path, spec_of(**changes) if changes else None)


def test_one_valid_number_is_one_person_however_the_rest_is_written(tmp_path):
    found = linked(tmp_path, "h1 | hospitals | 999 000 0018 | | ANNE | SMITH | 1980-05-03 | F |")
    assert entities(found)["h1"] == entities(found)["i1"] == "nhs|9990000018"
    assert column(found, "how")["h1"] == "nhs_number"
    assert column(found, "band")["h1"] == "exact"
    assert column(found, "probability")["h1"] == 1.0


def test_somebody_elses_number_is_taken_away_and_the_record_found_by_name(tmp_path):
    found = linked(
        tmp_path, "h1 | hospitals | 9990000018 | | Robert | Okafor | 1951-11-30 | M | CM2 9ZZ"
    )
    assert entities(found)["h1"] == "nhs|9990000026"
    assert column(found, "how")["h1"] == "probabilistic"
    assert found.counts["agencies"]["hospitals"]["broken"] == {"RS1322": 1}


@pytest.mark.parametrize(
    "row",
    [
        "Ann    | Lee    | 1980-05-03 | F | CM1 1AA",
        "ann    | LEE    | 1980-05-03 |   | cm11aa",
        "Ann    | Lee    | 1980-03-05 | F | CM1 1AA",  # day and month swapped
        "Lee    | Ann    | 1980-05-03 | F | CM1 1AA",  # names swapped
        "Ann    | Leee   | 1980-05-03 | F | CM1 1AA",
        "Ann    | Lee    | 1980-05-03 | F | CM1 1AB",
        "Ann    | Lee    | 03/05/1980 | F | CM1 1AA",
        "Ánn    | Lee    | 1980-05-03 | F | CM1 1AA",
    ],
)
def test_a_record_without_a_number_is_found_despite_a_mistake(tmp_path, row):
    found = linked(tmp_path, f"s1 | schools | | | {row}")
    assert entities(found)["s1"] == "nhs|9990000018"
    assert column(found, "how")["s1"] == "probabilistic"
    assert 0.9 <= column(found, "probability")["s1"] < 1.0


def test_nobody_is_linked_to_a_stranger(tmp_path):
    found = linked(tmp_path, "s1 | schools | | | Femi | Adeyemi | 2014-09-09 | M | CM9 9ZZ")
    assert entities(found)["s1"].startswith("rec|")
    assert column(found, "band")["s1"] == "alone"


def test_twins_are_two_people_even_if_the_other_is_unknown(tmp_path):
    found = linked(tmp_path, "s1 | schools | | | Maya | Kaur | 2015-02-14 | F | CM3 4BB")
    assert entities(found)["s1"] != entities(found)["i3"]
    assert found.counts["twins_kept_apart"] == 1
    assert found.review["reason"].to_pylist() == ["twins"]


def test_a_baby_without_a_name_is_neither_twin(tmp_path):
    found = linked(
        tmp_path,
        "i4 | icb | 9990000042 | | Maya | Kaur | 2015-02-14 | F | CM3 4BB",
        "h1 | hospitals | | | BABY | Kaur | 2015-02-14 | F | CM3 4BB",
    )
    assert column(found, "band")["h1"] == "alone"
    assert found.review["reason"].to_pylist() == ["another is as likely"] * 2
    assert found.counts["agencies"]["hospitals"]["broken"] == {"RS1316": 1}


def test_two_numbers_are_never_one_person_however_alike(tmp_path):
    found = linked(tmp_path, "h1 | hospitals | 9990000042 | | Ann | Lee | 1980-05-03 | F | CM1 1AA")
    assert entities(found)["h1"] == "nhs|9990000042"


def test_a_number_the_population_does_not_know_takes_nobody_away_from_it(tmp_path):
    found = linked(
        tmp_path,
        "h1 | hospitals | 9990000042 | | Ann | Lee | 1980-05-03 | F | CM1 1AA",
        "s1 | schools | | | Ann | Lee | 1980-05-03 | F | CM1 1AA",
    )
    assert entities(found)["s1"] == "nhs|9990000018"


def test_a_pupil_number_ties_schools_to_a_person_found_by_another_agency(tmp_path):
    upn = "B801200005001"
    found = linked(
        tmp_path,
        f"c1 | children_services | 9990000034 | {upn} | Zoe | Kaur | 2015-02-14 | F | CM3 4BB",
        f"s1 | schools | | {upn} | Zoë | Singh | 2015-02-14 | F | CM7 7CC",
    )
    assert entities(found)["s1"] == "nhs|9990000034"
    assert column(found, "how")["s1"] == "upn"
    assert column(found, "band")["s1"] == "exact"


def test_a_pupil_nobody_else_knows_is_named_by_the_pupil_number(tmp_path):
    found = linked(tmp_path, "s1 | schools | | B801200005001 | Femi | Ade | 2014-09-09 | M | X")
    assert entities(found)["s1"] == "upn|B801200005001"
    assert column(found, "how")["s1"] == "alone"


def test_equal_records_of_nobody_else_are_one_person(tmp_path):
    row = "| | | Femi | Adeyemi | 2014-09-09 | M | CM9 9ZZ"
    found = linked(tmp_path, f"s1 | schools {row}", f"c1 | children_services {row}")
    assert entities(found)["s1"] == entities(found)["c1"]
    assert entities(found)["s1"].startswith("rec|")
    assert column(found, "how")["s1"] == "probabilistic"


def test_records_that_say_nothing_are_nobody_else(tmp_path):
    rows = [f"h{i} | hospitals | | | UNKNOWN | UNKNOWN | 1900-01-01 | | ZZ99 3VZ" for i in (1, 2)]
    found = linked(tmp_path, *rows)
    assert len({entities(found)[key] for key in ("h1", "h2")}) == 2
    broken = found.counts["agencies"]["hospitals"]["broken"]
    assert broken == {"RS1316": 4, "RS1317": 2, "RS1321": 2}


def test_a_date_that_half_an_agency_shares_is_a_default_there_alone(tmp_path):
    rule = {"same_date": {"share": 0.5, "least": 3}}
    found = linked(
        tmp_path,
        *(f"c{i} | council | | | N{i}a | M{i}b | 1980-05-03 | F | CM1 1AA" for i in range(4)),
        unknowns=rule,
    )
    assert found.counts["agencies"]["council"]["broken"] == {"RS1318": 4}
    assert found.counts["agencies"]["icb"]["broken"] == {}


@pytest.mark.parametrize(
    ("number", "code"),
    [("9990000019", "RS1310"), ("999000001", "RS1311"), ("1111111111", "RS1312")],
)
def test_a_number_that_is_none_is_counted_and_does_without(tmp_path, number, code):
    found = linked(tmp_path, f"h1 | hospitals | {number} | | Ann | Lee | 1980-05-03 | F | CM1 1AA")
    assert found.counts["agencies"]["hospitals"]["broken"] == {code: 1}
    assert entities(found)["h1"] == "nhs|9990000018"


@pytest.mark.parametrize("keys", [("i1", "x"), (None, "x")], ids=["reused", "missing"])
def test_record_keys_that_are_not_one_each_stop_everything(tmp_path, keys):
    rows = table(people())
    grown = pa.concat_tables([rows, rows.slice(0, 2).set_column(0, "record_key", pa.array(keys))])
    with pytest.raises(
        LinkageError, match=r"record keys: \d are missing and \d are used again"
    ) as told:
        link(grown, tmp_path)
    assert told.value.code == "RS1303"
    assert told.value.exit_code == 13


def test_a_record_of_no_agency_stops_everything(tmp_path):
    with pytest.raises(LinkageError, match="1 records do not say which agency") as told:
        linked(tmp_path, "x |  |  | | Ann | Lee | 1980-05-03 | F | CM1 1AA")
    assert told.value.code == "RS1304"


def test_where_everybody_has_a_number_nothing_is_compared(tmp_path):
    found = linked(tmp_path)
    assert found.counts["candidates"]["pairs"] == 0
    assert found.counts["expected"] == {"links": 0, "precision": None, "recall": None}
    assert set(entities(found).values()) == {"nhs|9990000018", "nhs|9990000026", "nhs|9990000034"}


def test_no_records_are_no_people(tmp_path):
    found = link(table(people()).slice(0, 0), tmp_path)
    assert found.table.num_rows == found.counts["entities"] == 0


def test_broken_rules_are_findings_with_a_share_and_a_way_out(tmp_path):
    found = linked(tmp_path, "h1 | hospitals | 123 | | Ann | Lee | 1980-05-03 | F | CM1 1AA")
    (told,) = linkage_findings(found.counts)
    assert (told.code, told.where, told.value, told.n) == ("RS1311", "hospitals", 1.0, 1)
    assert told.message == (
        "hospitals: NHS numbers that have not ten digits: 1 in 1 records (100.00%)"
    )
    assert told.fix


def test_records_without_any_known_column_stop_everything(tmp_path):
    with pytest.raises(LinkageError, match="hold none of the columns") as told:
        link("record_key | agency | shoe\n---\n a | icb | 42", tmp_path)
    assert told.value.code == "RS1304"


def test_a_model_of_other_comparisons_is_refused(tmp_path):
    spec = spec_of()
    other = MatchModel("0" * 64, model_of(spec).weights, 1.0, {})
    import duckdb

    from riskstrat.linkage.engine import link_people

    with duckdb.connect() as con, pytest.raises(LinkageError) as told:
        con.register("people", table(people()))
        link_people(con, "people", spec, model=other, scratch=tmp_path)
    assert told.value.code == "RS1305"


def test_a_model_is_the_same_after_it_was_stored():
    model = model_of(spec_of())
    again = MatchModel.read(model.text())
    assert again.as_dict() == model.as_dict()
    with pytest.raises(LinkageError, match="no match model"):
        MatchModel.read("{}")


def test_nothing_is_left_in_the_callers_connection(tmp_path):
    import duckdb

    from riskstrat.linkage.engine import link_people

    spec = spec_of()
    with duckdb.connect() as con:
        con.register("people", table(people()))
        link_people(con, "people", spec, model=model_of(spec), scratch=tmp_path)
        assert con.execute("SELECT table_name FROM information_schema.tables").fetchall() == [
            ("people",)
        ]


# -- laws -----------------------------------------------------------------------------------------

WORLD = (
    HEAD
    + POPULATION
    + """
    i4 | icb | 9990000042 | | Maya   | Kaur   | 2015-02-14 | F | CM3 4BB
    h1 | hospitals | 9990000018 | | Ann | Lee | 1980-05-03 | F | CM1 1AA
    h2 | hospitals | | | Anne  | Lee   | 1980-05-03 | F | CM1 1AA
    h3 | hospitals | | | BABY  | Kaur  | 2015-02-14 | F | CM3 4BB
    h4 | hospitals | | | BABY  | Kaur  | 2015-02-14 | F | CM3 4BB
    s1 | schools | | B801200005001 | Zoe  | Kaur   | 2015-02-14 | F | CM3 4BB
    s2 | schools | | | Bob   | Okafor | 1951-11-30 | M | CM2 9ZZ
    s3 | schools | | | Femi  | Ade    | 2014-09-09 | M | CM9 9ZZ
    c1 | council | | | Femi  | Ade    | 2014-09-09 | M | CM9 9ZZ
"""
)


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_their_keys_decide(tmp_path_factory, rng):
    rows = table(WORLD)
    folder = tmp_path_factory.mktemp("order")
    before = link(rows, folder)
    shuffled = list(range(rows.num_rows))
    rng.shuffle(shuffled)
    after = link(rows.take(pa.array(shuffled)), folder)
    assert entities(after) == entities(before)
    # Other keys: everybody keeps the name, but those whom nothing tells apart may change places.
    keys = rows["record_key"].to_pylist()
    renamed = {key: f"k{random.Random(key).random()}" for key in keys}
    again = link(rows.set_column(0, "record_key", pa.array(map(renamed.get, keys))), folder)
    told = {key: entities(again)[renamed[key]] for key in keys}
    alike = {"h3", "h4"}
    assert {k: v for k, v in told.items() if k not in alike} == {
        k: v for k, v in entities(before).items() if k not in alike
    }
    assert {told[key] for key in alike} == {entities(before)[key] for key in alike}


# -- later extracts -------------------------------------------------------------------------------


def test_known_people_keep_their_names_and_new_records_join_them(tmp_path):
    first = link(WORLD, tmp_path)
    later = WORLD + "    d1 | community | | | Femi | Ade | 2014-09-09 | M | CM9 9ZZ\n"
    again = link(later, tmp_path, known=entities(first))
    assert {k: v for k, v in entities(again).items() if k != "d1"} == entities(first)
    assert entities(again)["d1"] == entities(first)["s3"]
    assert again.rekey.num_rows == 0


def test_a_later_number_names_a_person_who_had_none(tmp_path):
    first = link(WORLD, tmp_path)
    nameless = entities(first)["s3"]
    later = WORLD + "    d1 | icb | 9990000069 | | Femi | Ade | 2014-09-09 | M | CM9 9ZZ\n"
    again = link(later, tmp_path, known=entities(first))
    assert entities(again)["s3"] == entities(again)["c1"] == "nhs|9990000069"
    assert again.rekey.to_pylist() == [{"old": nameless, "new": "nhs|9990000069", "rule": "named"}]


def test_linking_a_new_extract_gives_what_linking_all_at_once_gives(tmp_path):
    rows = table(WORLD)
    early = rows.filter(pa.compute.not_equal(rows["agency"], "hospitals"))
    first = link(early, tmp_path)
    both = link(rows, tmp_path, known=entities(first))
    assert together(both) == together(link(rows, tmp_path))
