"""Worked examples: every aggregate once, by hand, and the household cases drawn out."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.building import Given, every_way
from riskstrat.attributes import Attribute
from riskstrat.features import kernel, sql
from riskstrat.features.dictionary import feature_dictionary
from riskstrat.features.groups import build_groups
from riskstrat.features.plan import plan_features
from riskstrat.features.spec import AggregateName, FeaturesSpec
from riskstrat.vocabulary import ColumnType, Unit
from tables import connection, contract, table

VISITS = contract("visits", {"kind": "string", "cost": "number"})
STAYS = contract("stays", {"end_known_on": "date"}, shape="spells", end_known_on="end_known_on")
INCIDENTS = contract("incidents", {}, unit="household")
PEOPLE = contract(
    "people",
    {"born_on": "date", "level": {"type": "integer", "codes": ["1", "2"]}, "note_on": "date"},
    shape="attributes",
    born_on="born_on",
)
PAIRS = "unit_id | as_of:date\n ann | 2024-04-01"
# Windows of 30 days: [2024-03-02, 2024-04-01), and before it [2024-02-01, 2024-03-02).
SEEN = """
    unit_id | happened_on:date | known_on:date | kind | cost:number
    --------+------------------+---------------+------+------------
    ann     | 2024-04-01       | 2024-04-01    | a    | 1000
    ann     | 2024-03-31       | 2024-03-31    | a    | 10
    ann     | 2024-03-31       | 2024-04-01    | a    | 1000
    ann     | 2024-03-10       | 2024-03-10    | b    | 0.5
    ann     | 2024-03-02       | 2024-03-02    | a    |
    ann     | 2024-03-01       | 2024-03-01    | c    | 1000
    bob     | 2024-03-31       | 2024-03-31    | c    | 1000
"""
EXAMPLES = {
    "count": ("count__30d", 3),
    "any": ("any__30d", 1),
    "sum(cost)": ("sum_cost__30d", 10.5),
    "mean(cost)": ("mean_cost__30d", 5.25),
    "min(cost)": ("min_cost__30d", 0.5),
    "max(cost)": ("max_cost__30d", 10),
    "distinct(kind)": ("distinct_kind__30d", 2),
    "days_since_last": ("days_since_last", 1),
    "days_since_first": ("days_since_first", 30),
    "trend": ("trend__30d", 2),
}


def features(blocks, sources, *, windows=(30,), attributes=None, pairs=PAIRS, **views):
    """The rows of the feature file, and the dictionary."""
    contracts = {source.source: source for source in sources}
    spec = FeaturesSpec.model_validate({"windows": windows, "blocks": blocks})
    plan = plan_features(
        spec,
        unit=Unit.PERSON,
        sources=contracts,
        codelists={},
        filters=[None] * len(spec.blocks),
        attributes=[attributes or {}] * len(spec.blocks),
        age_bands=(0, 18),
    )
    made = every_way(Given(plan, contracts, table(pairs), views))
    found = pq.read_table(pa.BufferReader(made.data)).to_pylist()
    return found, {entry["name"]: entry for entry in feature_dictionary(plan, made.summary)}


@pytest.mark.parametrize("aggregate", EXAMPLES)
def test_an_aggregate_by_hand(aggregate):
    name, expected = EXAMPLES[aggregate]
    blocks = [{"source": "visits", "aggregates": [aggregate]}]
    [row], _ = features(blocks, [VISITS], source_visits=SEEN)
    assert row[f"visits__{name}"] == expected


def test_every_aggregate_has_a_worked_example():
    worked = {aggregate.split("(")[0] for aggregate in EXAMPLES} | {"open"}
    assert worked == set(get_args(AggregateName))


def test_open_counts_the_spells_open_on_the_day_however_long_ago_they_began():
    stays = """
        unit_id | starts_on:date | ends_on:date | end_known_on:date | known_on:date
        ann     | 2010-01-01     |              |                   | 2010-01-01
        ann     | 2024-03-20     | 2024-04-02   | 2024-03-21        | 2024-03-20
        ann     | 2024-03-21     | 2024-03-22   | 2024-04-01        | 2024-03-21
        ann     | 2024-03-25     | 2024-03-31   | 2024-03-31        | 2024-03-25
        ann     | 2024-04-01     |              |                   | 2024-04-01
    """
    blocks = [{"source": "stays", "aggregates": ["open", "count"]}]
    [row], _ = features(blocks, [STAYS], source_stays=stays)
    assert row["stays__open"] == 3
    assert row["stays__count__30d"] == 3


def test_nothing_recorded_is_zero_and_a_mean_of_nothing_is_empty():
    blocks = [{"source": "visits", "aggregates": ["count", "sum(cost)", "mean(cost)", "any"]}]
    nobody = SEEN.replace("ann", "zoe")
    [row], _ = features(blocks, [VISITS], source_visits=nobody)
    assert (row["visits__count__30d"], row["visits__sum_cost__30d"]) == (0, 0)
    assert row["visits__mean_cost__30d"] is None
    assert row["visits__known"] == "no_record"


def test_a_sum_is_empty_when_rows_are_there_but_none_gives_the_value():
    blocks = [{"source": "visits", "aggregates": ["sum(cost)"]}]
    seen = """
        unit_id | happened_on:date | known_on:date | kind | cost:number
        ann     | 2024-03-31       | 2024-03-31    | a    |
    """
    [row], _ = features(blocks, [VISITS], source_visits=seen)
    assert row["visits__sum_cost__30d"] is None


def test_sums_do_not_depend_on_the_order_of_addition():
    costs = [1e15, 0.1, -1e15, 0.2]
    blocks = [{"source": "visits", "aggregates": ["sum(cost)"]}]
    for order in (costs, costs[::-1]):
        seen = "unit_id | happened_on:date | known_on:date | kind | cost:number\n"
        seen += "\n".join(f"ann | 2024-03-31 | 2024-03-31 | a | {cost}" for cost in order)
        [row], _ = features(blocks, [VISITS], source_visits=seen)
        assert row["visits__sum_cost__30d"] == pytest.approx(0.3)


def test_numbers_beyond_what_a_sum_or_a_float32_holds_say_nothing():
    blocks = [{"source": "visits", "aggregates": ["sum(cost)", "min(cost)", "max(cost)", "count"]}]
    costs = [1e300, 3e38, 1e30, 1e16, 1, -1e300]
    seen = "unit_id | happened_on:date | known_on:date | kind | cost:number\n"
    seen += "\n".join(f"ann | 2024-03-31 | 2024-03-31 | a | {cost}" for cost in costs)
    [row], _ = features(blocks, [VISITS], source_visits=seen)
    assert row["visits__sum_cost__30d"] == pytest.approx(1e16)
    assert row["visits__min_cost__30d"] == 1
    assert row["visits__max_cost__30d"] == pytest.approx(3e38)
    assert row["visits__count__30d"] == 6


def test_the_kernel_and_the_queries_sum_by_the_same_rules():
    assert kernel.SCALE == 2.0**sql.SCALE_BITS
    assert (kernel.MOST_SUMMED, kernel.MOST_FLOAT) == (sql.MOST_SUMMED, sql.MOST_FLOAT)


def test_one_person_with_a_hundred_thousand_events():
    rng = np.random.default_rng(3)
    many = 100_000
    happened = rng.integers(18_000, 19_813, many).astype("datetime64[D]")
    visits = pa.table(
        {
            "unit_id": pa.array(["ann"] * many),
            "happened_on": pa.array(happened),
            "known_on": pa.array(happened + rng.integers(0, 90, many)),
            "kind": pa.array(rng.integers(0, 5_000, many).astype(str)),
            "cost": pa.array(rng.normal(0, 1e6, many)),
        }
    )
    blocks = [{"source": "visits", "aggregates": [*EXAMPLES, "distinct(cost)"]}]
    pairs = "unit_id | as_of:date\n ann | 2024-04-01\n bob | 2024-04-01\n ann | 2023-01-15"
    rows, _ = features(blocks, [VISITS], windows=(30, 365, 2000), pairs=pairs, source_visits=visits)
    ann = rows[1]
    known = np.asarray(visits["known_on"]) < np.datetime64("2024-04-01")
    assert ann["visits__count__2000d"] == known.sum()
    costs = np.asarray(visits["cost"])[known]
    assert ann["visits__sum_cost__2000d"] == pytest.approx(math.fsum(costs), rel=1e-6)


def test_what_the_agency_does_not_cover_is_empty_never_zero():
    late = contract(
        "visits",
        {"kind": "string", "cost": "number"},
        coverage={"from": "2024-03-15", "to": "2025-01-01"},
    )
    blocks = [{"source": "visits", "aggregates": ["count"]}]
    nobody = SEEN.replace("ann", "zoe")
    [row], told = features(blocks, [late], windows=[30, 90], source_visits=nobody)
    assert row["visits__count__30d"] == 0
    assert row["visits__count__90d"] is None
    assert row["visits__known"] == "not_covered"
    assert told["visits__count__90d"]["share_not_covered"] == 1
    assert told["visits__count__30d"]["share_missing"] == 0


def test_a_declared_lag_hides_the_last_days_of_every_window():
    slow = contract("visits", {"kind": "string", "cost": "number"}, known_on={"lag_days": 20})
    blocks = [{"source": "visits", "aggregates": ["count"]}]
    [row], _ = features(blocks, [slow], windows=[30, 90], source_visits=SEEN)
    assert row["visits__count__30d"] is None
    assert row["visits__count__90d"] is not None


RELATIONS = """
    unit   | unit_id | via       | via_id | starts_on:date | ends_on:date | end_known_on:date | known_on:date
    person | ann     | household | oak    | 2020-01-01     |              |                   | 2020-01-01
    person | bob     | household | oak    | 2020-01-01     |              |                   | 2020-01-01
    person | cat     | household | elm    | 2020-01-01     |              |                   | 2020-01-01
    person | dan     | household | oak    | 2020-01-01     | 2024-03-01   | 2024-03-05        | 2020-01-01
    person | eve     | household | oak    | 2020-01-01     | 2024-03-01   | 2024-04-01        | 2020-01-01
    person | fay     | household | oak    | 2020-01-01     | 2024-03-01   | 2024-04-01        | 2020-01-01
    person | fay     | household | elm    | 2024-03-01     |              |                   | 2024-03-05
"""  # noqa: E501


def test_people_of_a_household_are_those_known_to_live_there_on_the_day():
    visits = "unit_id | happened_on:date | known_on:date | kind | cost:number\n"
    visits += "\n".join(
        f"{who} | 2024-03-10 | 2024-03-10 | a | {cost}"
        for who, cost in (("ann", 1), ("bob", 2), ("cat", 4), ("dan", 8), ("eve", 16), ("fay", 32))
    )
    blocks = [{"source": "visits", "through": "household", "aggregates": ["sum(cost)"]}]
    [row], told = features(blocks, [VISITS], source_visits=visits, relations=RELATIONS)
    name = "household_visits__sum_cost__30d"
    assert row[name] == 1 + 2 + 16
    assert told[name]["meaning"] == (
        "total cost of visits of everyone in the household in the last 30 days"
    )


def test_incidents_are_those_of_the_household_of_the_day_and_none_without_one():
    incidents = """
        unit_id | happened_on:date | known_on:date
        oak     | 2024-03-10       | 2024-03-10
        elm     | 2024-03-10       | 2024-03-10
        elm     | 2024-03-11       | 2024-03-11
    """
    blocks = [
        {"source": "incidents", "through": "household", "aggregates": ["count", "days_since_last"]}
    ]
    rows, told = features(
        blocks,
        [INCIDENTS],
        pairs="unit_id | as_of:date\n ann | 2024-04-01\n fay | 2024-04-01\n fay | 2024-03-03\n"
        "zoe | 2024-04-01",
        source_incidents=incidents,
        relations=RELATIONS,
    )
    name = "household_incidents__count__30d"
    found = {(row["unit_id"], str(row["as_of"])): row[name] for row in rows}
    assert found == {
        ("ann", "2024-04-01"): 1,
        ("fay", "2024-04-01"): 2,
        ("fay", "2024-03-03"): 0,
        ("zoe", "2024-04-01"): None,
    }
    assert rows[-1]["household_incidents__known"] == "not_covered"
    assert told[name]["share_not_covered"] == 0.25
    assert told["household_incidents__days_since_last"]["meaning"] == (
        "days since the last incident at the household"
    )


GROUPS = {
    "age": Attribute("age", "age", "people", "born_on", type=ColumnType.INTEGER),
    "age_band": Attribute("age_band", "age_band", "people", "born_on", levels=("0-17", "18+")),
    "level": Attribute(
        "level", "column", "people", "level", type=ColumnType.INTEGER, levels=("1", "2")
    ),
    "household": Attribute("household", "relation", through=Unit.HOUSEHOLD),
    "unit": Attribute("unit", "unit"),
    "people.note_on": Attribute(
        "people.note_on", "column", "people", "note_on", type=ColumnType.DATE
    ),
}


def test_groups_are_read_as_known_on_the_day(tmp_path):
    people = """
        unit_id | happened_on:date | known_on:date | born_on:date | level:integer | note_on:date
        ann     | 2020-01-01       | 2020-01-01    | 2006-04-01   | 1             | 2020-01-01
        ann     | 2024-03-01       | 2024-03-01    | 2006-04-01   | 2             |
        ann     | 2024-03-02       | 2024-04-01    | 2006-04-01   | 1             |
    """
    con = connection(
        pairs="unit_id | as_of:date\n ann | 2024-04-01\n zoe | 2024-04-01\n ann | 2024-01-01",
        source_people=people,
        relations=RELATIONS,
    )
    out = tmp_path / "groups.parquet"
    rows = build_groups(con, GROUPS, {"people": PEOPLE}, Unit.PERSON, (0, 18), out)
    found = [tuple(row.values())[2:] for row in pq.read_table(out).to_pylist()]
    assert rows == 3
    assert found == [
        (17.0, "0-17", "1", "oak", "ann", "2020-01-01"),
        (18.0, "18+", "2", "oak", "ann", None),
        (None, None, None, None, "zoe", None),
    ]


def test_attributes_through_the_household_are_the_household_s():
    homes = contract("homes", {"damp": "boolean"}, unit="household", shape="attributes")
    rows = """
        unit_id | happened_on:date | known_on:date | damp:boolean
        oak     | 2020-01-01       | 2020-01-01    | yes
    """
    damp = Attribute("damp", "column", "homes", "damp", Unit.HOUSEHOLD, ColumnType.BOOLEAN)
    [ann, cat, zoe], _ = features(
        [{"source": "homes", "through": "household", "attributes": ["damp"]}],
        [homes],
        attributes={"damp": damp},
        pairs="unit_id | as_of:date\n ann | 2024-04-01\n cat | 2024-04-01\n zoe | 2024-04-01",
        source_homes=rows,
        relations=RELATIONS,
    )
    name, known = "household_homes__damp", "household_homes__known"
    assert (ann[name], ann[known]) == ("yes", "has_record")
    assert (cat[name], cat[known]) == (None, "no_record")
    assert (zoe[name], zoe[known]) == (None, "not_covered")
