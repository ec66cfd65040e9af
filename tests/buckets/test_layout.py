"""What of a bucket is written again when an extract changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.building import Given, lay_out
from features.test_examples import RELATIONS, VISITS
from features.test_increments import GIVEN, PAIRS, with_rows
from riskstrat.buckets.layout import MOST_PIECES, BucketFiles
from riskstrat.features.plan import plan_features
from riskstrat.features.spec import FeaturesSpec
from riskstrat.vocabulary import Unit
from tables import contract, table


class Layouts:
    """Layouts one after the other, all of one bucket unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        self.cuts, self.files = (), ()

    def then(self, given: Given, units: int = 1_000) -> Sequence[BucketFiles]:
        place = self.folder / str(self.number)
        self.number += 1
        more = {"before": self.files, "buckets": self.cuts} if self.files else {"units": units}
        self.cuts, self.files = lay_out(given, place, **more)
        return self.files


@pytest.fixture
def layouts(tmp_path) -> Layouts:
    return Layouts(tmp_path)


def inodes(files: BucketFiles, name: str) -> list[int]:
    return [path.stat().st_ino for path in files.pieces(name)]


def rows(files: BucketFiles, name: str) -> list[dict]:
    return [row for path in files.pieces(name) for row in pq.read_table(path).to_pylist()]


def test_a_bucket_nobody_touched_is_the_very_same_files(layouts):
    before = layouts.then(GIVEN, units=1)
    after = layouts.then(with_rows(GIVEN, visits="ann | 2024-03-01 | 2024-03-01 | c | 1"))
    assert len(before) == len(after) == 3
    for number in (1, 2):
        for name in ("visits", "stays", "relations"):
            assert inodes(before[number], name) == inodes(after[number], name)
    assert inodes(before[0], "stays") == inodes(after[0], "stays")


def test_added_rows_come_as_a_second_piece_sorted_by_unit_and_day(layouts):
    [before] = layouts.then(GIVEN)
    more = """
    cat | 2024-03-01 | 2024-03-01 | c | 1
    ann | 2024-03-02 | 2024-03-02 | c | 1
    ann | 2024-03-01 | 2024-03-01 | c | 1
    ann | 2024-01-10 | 2024-01-10 | a | 1
    """
    [after] = layouts.then(with_rows(GIVEN, visits=more))
    assert inodes(after, "visits")[:1] == inodes(before, "visits")
    added = pq.read_table(after.pieces("visits")[1]).to_pylist()
    found = [(row["unit_id"], str(row["happened_on"])) for row in added]
    # The fourth is a second row like one that was there: both count.
    assert found == [
        ("ann", "2024-01-10"), ("ann", "2024-03-01"), ("ann", "2024-03-02"), ("cat", "2024-03-01"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("bob     | 2024-01-20       | 2024-01-20    | b    | 2", "", id="withdrawn"),
        pytest.param("| b    | 2", "| b    | 3", id="corrected"),
        pytest.param("2024-01-20    | b", "2024-01-21    | b", id="known on another day"),
    ],
)
def test_withdrawn_and_corrected_rows_are_written_anew(layouts, old, new):
    [before] = layouts.then(GIVEN)
    visits = str(GIVEN.views["source_visits"])
    assert visits.count(old) == 1
    changed = replace(GIVEN, views={**GIVEN.views, "source_visits": visits.replace(old, new)})
    [after] = layouts.then(changed)
    assert len(after.pieces("visits")) == 1
    assert not set(inodes(after, "visits")) & set(inodes(before, "visits"))
    assert len(rows(after, "visits")) == (2 if not new else 3)


def test_many_pieces_become_one_again(layouts):
    given, pieces = GIVEN, []
    for day in range(1, MOST_PIECES + 2):
        [files] = layouts.then(given)
        pieces.append(len(files.pieces("visits")))
        assert len(rows(files, "visits")) == 3 + day - 1
        given = with_rows(given, visits=f"ann | 2024-03-{day:02} | 2024-03-{day:02} | c | 1")
    assert pieces == [*range(1, MOST_PIECES + 1), 1]


def test_a_column_of_another_type_is_written_anew(layouts):
    layouts.then(GIVEN)
    whole = contract("visits", {"kind": "string", "cost": "integer"})
    views = {**GIVEN.views}
    views["source_visits"] = str(views["source_visits"]).replace("cost:number", "cost:integer")
    sources = {**GIVEN.sources, "visits": whole}
    [after] = layouts.then(replace(GIVEN, sources=sources, views=views))
    assert len(after.pieces("visits")) == 1
    assert {type(row["cost"]) for row in rows(after, "visits")} == {int}


def test_whoever_is_new_gets_a_new_key_and_the_rest_keep_theirs(layouts):
    [before] = layouts.then(GIVEN)
    pairs = table(f"{PAIRS}\n abe | 2024-03-01\n zoe | 2024-03-01")
    [after] = layouts.then(replace(GIVEN, pairs=pairs))
    keys = [
        {row["unit_id"]: row["key"] for row in files.keys("person").to_pylist()}
        for files in (before, after)
    ]
    assert keys[0] == {"ann": 0, "bob": 1, "cat": 2}
    assert keys[1] == {**keys[0], "abe": 3, "zoe": 4}


def test_a_bucket_holds_the_rows_of_its_homes_and_of_everyone_who_ever_lived_there(layouts):
    incidents = contract("incidents", {}, unit="household")
    blocks = [
        {"source": "visits", "through": "household", "aggregates": ["count"]},
        {"source": "incidents", "through": "household", "aggregates": ["count"]},
    ]
    sources = {"visits": VISITS, "incidents": incidents}
    plan = plan_features(
        FeaturesSpec.model_validate({"windows": [30], "blocks": blocks}),
        unit=Unit.PERSON,
        sources=sources,
        codelists={},
        filters=[None, None],
        attributes=[{}, {}],
        age_bands=(0,),
    )
    people = ("ann", "bob", "cat", "dan", "eve", "fay")
    visits = "unit_id | happened_on:date | known_on:date | kind | cost:number\n"
    visits += "\n".join(f"{who} | 2024-03-10 | 2024-03-10 | a | 1" for who in people)
    happened = "unit_id | happened_on:date | known_on:date\n"
    happened += "\n".join(f"{home} | 2024-03-10 | 2024-03-10" for home in ("oak", "elm", "ash"))
    views = {"source_visits": visits, "source_incidents": happened, "relations": RELATIONS}
    pairs = table("unit_id | as_of:date\n cat | 2024-04-01")
    found = layouts.then(Given(plan, sources, pairs, views), units=1)
    of_cat = next(f for f in found if ("cat", True) in whose(f))
    # Fay lived with cat once; nobody else of her other home is cat's business.
    assert whose(of_cat) == {("cat", True), ("fay", False)}
    assert {row["unit_id"] for row in rows(of_cat, "visits")} == {"cat", "fay"}
    assert {row["unit_id"] for row in rows(of_cat, "incidents")} == {"elm"}
    own = sorted(unit for files in found for unit, is_own in whose(files) if is_own)
    assert own == sorted(people)


def whose(files: BucketFiles) -> set[tuple[str, bool]]:
    return {(row["unit_id"], row["own"]) for row in files.keys("person").to_pylist()}
