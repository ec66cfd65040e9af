"""Rows of a unit with the same dates: which one counts does not depend on what is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.building import Built, Given, by_sql, from_layout, lay_out
from riskstrat.asof import known_attributes
from riskstrat.attributes import Attribute
from riskstrat.contracts.spec import Source
from riskstrat.features.groups import build_groups
from riskstrat.features.plan import FeaturePlan, plan_features
from riskstrat.features.spec import FeaturesSpec
from riskstrat.vocabulary import ColumnType, Unit
from tables import contract, table

SOURCES = {"readings": contract("readings", {"systolic": "number", "pulse": "number"})}
SAID = {
    name: Attribute(name, "column", "readings", name, type=ColumnType.NUMBER)
    for name in ("systolic", "pulse")
}
PAIRS = table("unit_id | as_of:date\nann | 2024-03-01")
ROWS = """
    unit_id | happened_on:date | known_on:date | systolic:number | pulse:number
    ann     | 2024-01-05       | 2024-01-06    | 120             | 90
    ann     | 2024-01-05       | 2024-01-06    | 140             | 60
"""
"""the columns by name: of the larger pulse is the row that counts"""


def planned(*blocks: tuple[str, ...], sources: dict[str, Source] = SOURCES) -> FeaturePlan:
    """A block for each group of attributes."""
    [name] = sources
    said = [
        {"source": name, "name": f"block{number}", "attributes": list(names)}
        for number, names in enumerate(blocks)
    ]
    return plan_features(
        FeaturesSpec.model_validate({"windows": [30], "blocks": said}),
        unit=Unit.PERSON,
        sources=sources,
        codelists={},
        filters=[None for _ in blocks],
        attributes=[SAID for _ in blocks],
        age_bands=(0,),
    )


def values(built: Built) -> dict[str, float]:
    """Attribute -> the value of the one pair."""
    [row] = pq.read_table(pa.BufferReader(built.data)).to_pylist()
    return {key.split("__")[1]: row[key] for key in row if key.split("__")[-1] in SAID}


@pytest.mark.parametrize("asked", [("systolic", "pulse"), ("pulse",), ("systolic",)])
def test_all_that_is_said_of_a_day_is_of_one_row_whatever_is_asked(asked: tuple[str, ...]) -> None:
    given = Given(planned(asked), SOURCES, PAIRS, {"source_readings": ROWS})
    said = {"systolic": 120.0, "pulse": 90.0}
    assert values(by_sql(given)) == {name: said[name] for name in asked}


def test_a_block_that_is_added_gives_what_both_give_at_once(tmp_path: Path) -> None:
    one = Given(planned(("systolic",)), SOURCES, PAIRS, {"source_readings": ROWS})
    both = replace(one, plan=planned(("systolic",), ("pulse",)))
    layout = lay_out(one, tmp_path / "layout")
    from_layout(one, layout, tmp_path / "cells")
    later = from_layout(both, layout, tmp_path / "cells")
    assert values(later) == values(by_sql(both)) == {"systolic": 120.0, "pulse": 90.0}


def test_groups_say_what_features_say(tmp_path: Path) -> None:
    given = Given(planned(("systolic",)), SOURCES, PAIRS, {"source_readings": ROWS})
    con = given.connection()
    asked = {"systolic": SAID["systolic"]}
    build_groups(con, asked, SOURCES, Unit.PERSON, (0,), tmp_path / "groups.parquet")
    [row] = pq.read_table(tmp_path / "groups.parquet").to_pylist()
    assert row["systolic"] == values(by_sql(given))["systolic"]


def test_an_end_that_is_not_known_yet_does_not_decide_which_spell_counts() -> None:
    sources = {
        "readings": contract(
            "readings",
            {"a_end_known_on": "date", "a_ends_on": "date", "systolic": "number"},
            shape="spells",
            ends_on="a_ends_on",
            end_known_on="a_end_known_on",
        )
    }
    drawn = """
        unit_id | starts_on:date | known_on:date | systolic:number | a_ends_on:date | ends_on:date \
            | a_end_known_on:date | end_known_on:date
        ann     | 2024-01-05     | 2024-01-06    | 120             | -     | -     | -     | -
        ann     | 2024-01-05     | 2024-01-06    | 140             | {end} | {end} | {end} | {end}
    """
    plan = planned(("systolic",), sources=sources)
    for end in ("2024-05-01", "-"):
        given = Given(plan, sources, PAIRS, {"source_readings": drawn.replace("{end}", end)})
        assert values(by_sql(given)) == {"systolic": 140.0}


def test_a_day_of_the_row_may_be_asked_for_too() -> None:
    asked = Attribute("known_on", "column", "readings", "known_on", type=ColumnType.DATE)
    con = Given(planned(("pulse",)), SOURCES, PAIRS, {"source_readings": ROWS}).connection()
    sql = known_attributes("pairs", {"known_on": asked}, SOURCES, (0,), unit="person")
    assert con.execute(f"SELECT known_on FROM ({sql})").fetchall() == [(date(2024, 1, 6),)]
