"""The messy county: linked by a model it has to learn, held against its sealed truth."""

import duckdb
import pyarrow as pa
import pytest

from linkage.small import CONFIGS
from riskstrat.linkage.engine import link_people
from riskstrat.linkage.identifiers import number_sql, tidy_sql
from riskstrat.linkage.quality import linkage_quality
from riskstrat.linkage.spec import read_linkage
from riskstrat.linkage.tokens import tokenise
from riskstrat.synthetic import make_county

GROUPS = ("ethnicity", "sex")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A small county's raw extracts, and its truth beside them."""
    folder = tmp_path_factory.mktemp("messy") / "county"
    make_county(folder, people=3000, seed=11)
    return folder


@pytest.fixture
def con(place):
    """A connection with the view ``people``."""
    parts = [
        f"SELECT '{path.parent.name}' AS agency, md5('{path.parent.name}' || local_id) "
        f"AS record_key, * FROM '{path}'"
        for path in sorted(place.glob("raw/*/people.parquet"))
    ]
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"CREATE VIEW people AS {' UNION ALL BY NAME '.join(parts)}")
        yield con


def judge(con, place, links):
    """Quality of pairs of which one record at least has no valid NHS number."""
    con.register("links", links)
    valid, _ = number_sql("nhs_number", "tidy")
    truth = place.with_name("county-truth")
    con.execute(
        f"CREATE TABLE judged AS SELECT l.entity, t.person, {valid} IS NULL AS open, "
        f"g.ethnicity, g.sex FROM links AS l "
        f"JOIN (SELECT *, {tidy_sql('nhs_number')} AS tidy FROM people) AS p USING (record_key) "
        f"JOIN '{truth / 'links.parquet'}' AS t ON t.agency = p.agency AND t.local_id = p.local_id "
        f"JOIN '{truth / 'groups.parquet'}' AS g ON g.person_id = t.person"
    )
    return linkage_quality(con, "judged", groups=GROUPS, only_open=True, replicates=200)


def test_people_without_numbers_are_found_and_strangers_are_not(con, place, tmp_path):
    spec = read_linkage(CONFIGS / "mid_county.yaml")
    linked = link_people(con, "people", spec, scratch=tmp_path)
    found = judge(con, place, linked.table)
    assert found[0].recall.value >= 0.95
    assert found[0].precision.value >= 0.99
    # What the weights expect of themselves is not far from what is so.
    assert abs(linked.counts["expected"]["precision"] - found[0].precision.value) < 0.02
    ethnicities = [each for each in found if each.group == "ethnicity"]
    assert len(ethnicities) >= 3
    assert all(each.recall.low <= each.recall.value <= each.recall.high for each in ethnicities)
    curve = [at["share"] for at in linked.counts["unlinkable"]]
    assert curve == sorted(curve)


def test_nobody_ever_has_two_numbers_of_the_population(con, tmp_path):
    spec = read_linkage(CONFIGS / "mid_county.yaml")
    linked = link_people(con, "people", spec, scratch=tmp_path)
    con.register("links", linked.table)
    valid, _ = number_sql("nhs_number", "tidy")
    most = con.execute(
        f"SELECT max(n) FROM (SELECT entity, count(DISTINCT {valid}) AS n FROM links "
        f"JOIN (SELECT *, {tidy_sql('nhs_number')} AS tidy FROM people "
        f"WHERE agency = 'icb') USING (record_key) GROUP BY entity)"
    ).fetchone()
    assert most == (1,)


def test_tokens_alone_find_nearly_as_many(con, place, tmp_path):
    spec = read_linkage(CONFIGS / "mid_county_tokens.yaml")
    parts = []
    for (agency,) in con.execute("SELECT DISTINCT agency FROM people ORDER BY ALL").fetchall():
        raw = con.execute("SELECT * FROM people WHERE agency = ?", [agency]).to_arrow_table()
        made = tokenise(raw, bytes(32), spec)
        parts.append(made.append_column("agency", pa.array([agency] * made.num_rows)))
    con.register("tokenised", pa.concat_tables(parts))
    linked = link_people(con, "tokenised", spec, scratch=tmp_path)
    found = judge(con, place, linked.table)
    assert found[0].recall.value >= 0.9
    assert found[0].precision.value >= 0.99
