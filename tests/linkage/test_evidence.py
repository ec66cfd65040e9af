"""Rates of links to the register, held against counting record by record."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.small import link, model_of, spec_of
from riskstrat.linkage.engine import link_people
from riskstrat.linkage.evidence import certain, link_rates
from riskstrat.statistics import wilson_interval
from tables import table

HEAD = (
    "agency | entity | person | band | probability:number | lost:number | blind:boolean | sex | "
    "open:boolean\n"
)
RECORDS = st.lists(
    st.tuples(
        st.sampled_from(["icb", "schools", "hospitals"]),
        st.integers(0, 4),
        st.integers(0, 4),
        st.sampled_from(["f", "m"]),
    ),
    min_size=2,
    max_size=16,
)


def rates(rows, **options):
    with duckdb.connect() as con:
        con.register("records", table(HEAD + rows) if isinstance(rows, str) else rows)
        found = link_rates(con, "records", "icb", groups={"sex": "sex"}, **options)
        assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)
    return {(r.measure, r.basis, r.agency, r.group, r.level): r.estimate for r in found}


def of(found, measure, basis="counted", agency="all", group="all", level="all"):
    return found[measure, basis, agency, group, level]


def test_a_record_counts_for_the_register_by_whom_it_was_linked_to():
    found = rates("""
        icb       | ann | a | exact  | 1    | 0   | no  | f | no
        icb       | bob | b | exact  | 1    | 0   | no  | m | no
        schools   | ann | a | high   | 0.99 | 0   | no  | f | yes
        schools   | cat | b | alone  | 0.4  | 0.6 | no  | m | yes
        hospitals | ann | b | medium | 0.9  | 0   | no  | m | yes
        hospitals | dan | d | alone  | 1    | 0   | yes | m | yes
    """, truth={"sex": "sex"}, estimated=["schools", "hospitals"], replicates=50)  # fmt: skip
    assert of(found, "on_register").value == 0.5
    assert of(found, "sure").value == 0.5
    # Two records lead to the register, one to the right person; three are of people on it.
    assert of(found, "precision", "truth").value == 0.5
    assert of(found, "recall", "truth").value == pytest.approx(1 / 3)
    assert of(found, "recall", "truth", "schools").value == 0.5
    assert of(found, "recall", "truth", group="sex", level="f") == wilson_interval(1, 1)
    expected = 0.99 + 0.9
    assert of(found, "precision", "estimated").value == pytest.approx(expected / 2)
    assert of(found, "recall", "estimated").value == pytest.approx(expected / (expected + 0.6))


def test_a_record_that_holds_too_little_lowers_the_limit_and_not_the_estimate():
    rows = """
        icb       | ann | a | exact | 1 | 0 | no  | f | no
        hospitals | ann | a | exact | 1 | 0 | no  | f | no
        hospitals | dan | d | alone | 1 | 0 | {}  | m | yes
    """
    seeing, blind = (
        of(rates(rows.format(each), estimated=["hospitals"]), "recall", "estimated")
        for each in ("no", "yes")
    )
    assert (seeing.value, seeing.low) == (1, 1)
    assert (blind.value, blind.low, blind.high) == (1, 0.5, 1)


def test_estimates_are_told_only_of_agencies_that_were_weighed_now():
    rows = """
        icb     | ann | a | exact | 1   | 0 | no | f | no
        schools | ann | a | high  | 0.9 | 0 | no | f | yes
        police  | ann | a | high  | 0.9 |   |    | f | yes
    """
    found = rates(rows, estimated=["schools", "police"])
    assert ("recall", "estimated", "schools", "all", "all") in found
    # Nothing is known of what was not linked: precision can be told, recall cannot.
    assert ("precision", "estimated", "police", "all", "all") in found
    assert ("recall", "estimated", "police", "all", "all") not in found
    assert not [key for key in rates(rows) if key[1] == "estimated"]


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_precision_and_recall_are_what_counting_gives(records):
    agency, entity, person, sex = zip(*records, strict=True)
    n = len(records)
    rows = pa.table(
        {
            "agency": pa.array(agency),
            "entity": pa.array([f"e{e}" for e in entity]),
            "person": pa.array([f"p{p}" for p in person]),
            "band": pa.array(["high"] * n),
            "probability": pa.array([1.0] * n),
            "lost": pa.array([0.0] * n),
            "blind": pa.array([False] * n),
            "sex": pa.array(sex),
            "open": pa.array([True] * n),
        }
    )
    found = rates(rows, truth={"sex": "sex"}, replicates=0)
    register = [(e, p) for a, e, p, _ in records if a == "icb"]
    owners = {}
    for e in {e for e, _ in register}:
        people = [p for other, p in register if other == e]
        owners[e] = min(set(people), key=lambda p: (-people.count(p), p))
    for which in (None, "f", "m"):
        mine = [(e, p) for a, e, p, s in records if a != "icb" and which in (None, s)]
        linked = [(e, p) for e, p in mine if e in owners]
        due = [(e, p) for e, p in mine if p in {q for _, q in register}]
        right = [(e, p) for e, p in linked if owners[e] == p]
        where = {"group": "sex", "level": which} if which else {}
        for measure, whole in (("precision", linked), ("recall", due)):
            if whole:
                estimate = of(found, measure, "truth", **where)
                assert estimate.value == pytest.approx(len(right) / len(whole))
                assert estimate.n == len(whole)


@settings(max_examples=25, deadline=None)
@given(RECORDS)
def test_perfect_links_are_perfect_and_groups_add_up(records):
    agency, _, person, sex = zip(*records, strict=True)
    n = len(records)
    rows = pa.table(
        {
            "agency": pa.array(agency),
            "entity": pa.array([f"e{p}" for p in person]),
            "person": pa.array([f"p{p}" for p in person]),
            "band": pa.array(["exact"] * n),
            "probability": pa.array([1.0] * n),
            "lost": pa.array([0.0] * n),
            "blind": pa.array([False] * n),
            "sex": pa.array(sex),
            "open": pa.array([False] * n),
        }
    )
    found = rates(rows, truth={"sex": "sex"}, replicates=20)
    for (measure, basis, *_), estimate in found.items():
        if basis == "truth" and not measure.startswith("pair") and estimate.n:
            assert estimate.value == estimate.high == 1
            assert estimate.low < 1  # that nobody erred is no proof that nobody can
    whole = [e for key, e in found.items() if key[:4] == ("on_register", "counted", "all", "all")]
    parts = [e for key, e in found.items() if key[:4] == ("on_register", "counted", "all", "sex")]
    assert sum(e.n for e in whole) == sum(e.n for e in parts)


def test_records_of_one_person_are_no_independent_evidence():
    rows = "icb | e0 | p0 | exact | 1 | 0 | no | f | no\n" + "\n".join(
        f"schools{i} | e0 | p0 | exact | 1 | 0 | no | f | no" for i in range(20)
    )
    found = rates(rows)
    assert of(found, "on_register").n == 20
    assert of(found, "on_register").low == wilson_interval(1, 1).low


def test_no_error_seen_has_the_interval_of_wilson():
    assert certain(1.0, [1.0] * 50, 30) == wilson_interval(30, 30)
    assert certain(0.0, [0.0] * 50, 30) == wilson_interval(0, 30)


PEOPLE = """
    record_key | agency   | nhs_number | forename | surname  | date_of_birth | sex | postcode
    -----------+----------+------------+----------+----------+---------------+-----+---------
    icb1       | icb      | 9434765919 | Margaret | Thistle  | 1950-02-03    | F   | CM1 1AB
    icb2       | icb      | 9434765870 | Harold   | Rowntree | 1960-04-05    | M   | CM1 2XY
    h1         | hospital |            | Margaret | Thistle  | 1950-02-03    | F   | CM1 1AB
    h2         | hospital |            |          |          |               |     | CM1 2XY
"""  # fmt: skip


def test_what_is_in_doubt_is_told_record_by_record(tmp_path):
    spec = spec_of()
    with duckdb.connect() as con:
        con.register("people", table(PEOPLE))
        linked = link_people(
            con, "people", spec, model=model_of(spec), scratch=tmp_path, doubts=True
        )
    doubts = {row["record_key"]: row for row in linked.doubts.to_pylist()}
    assert doubts.keys() == {"icb1", "icb2", "h1", "h2"}
    assert (doubts["h1"]["sex"], str(doubts["h1"]["born"])) == ("female", "1950-02-03")
    assert doubts["h1"]["blind"] is False
    assert doubts["h2"]["blind"] is True
    assert doubts["h2"]["sex"] is doubts["h2"]["born"] is None
    assert all(0 <= row["lost"] <= 1 for row in doubts.values())
    assert link(PEOPLE, tmp_path).doubts is None
