"""Nothing is computed twice: what a new date, a late record or another feature leaves to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.building import Built, Given, by_sql, difference, from_layout, lay_out
from features.county import County, counties
from features.test_build import changed, given_by
from riskstrat.features.plan import FeaturePlan, plan_features
from riskstrat.features.spec import FeaturesSpec
from riskstrat.vocabulary import Unit
from tables import contract, expression, table

FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
FEBRUARY, MARCH, APRIL = date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 1)
SOURCES = {
    "visits": contract("visits", {"kind": "string", "cost": "number"}),
    "stays": contract(
        "stays", {"end_known_on": "date"}, shape="spells", end_known_on="end_known_on"
    ),
}
VISITS = """
    unit_id | happened_on:date | known_on:date | kind | cost:number
    ann     | 2024-01-10       | 2024-01-10    | a    | 1
    bob     | 2024-01-20       | 2024-01-20    | b    | 2
    cat     | 2024-03-20       | 2024-03-20    | a    | 4
"""
STAYS = """
    unit_id | starts_on:date | ends_on:date | end_known_on:date | known_on:date
    ann     | 2024-01-05     |              |                   | 2024-01-05
    bob     | 2024-01-05     |              |                   | 2024-01-05
"""
PAIRS = """
    unit_id | as_of:date
    ann     | 2024-02-01
    bob     | 2024-02-01
    cat     | 2024-02-01
    ann     | 2024-03-01
    bob     | 2024-03-01
    cat     | 2024-03-01
"""
VISIT_BLOCK = {"source": "visits", "aggregates": ["count", "sum(cost)", "distinct(kind)"]}
STAY_BLOCK = {"source": "stays", "aggregates": ["open", "count"]}


def plan(*blocks, where: str | None = None) -> FeaturePlan:
    filters = [expression(where, {"kind": "string"}) if where else None for _ in blocks]
    return plan_features(
        FeaturesSpec.model_validate({"windows": [30, 90], "blocks": blocks}),
        unit=Unit.PERSON,
        sources=SOURCES,
        codelists={},
        filters=filters,
        attributes=[{}] * len(blocks),
        age_bands=(0,),
    )


BOTH = plan(VISIT_BLOCK, STAY_BLOCK)
GIVEN = Given(BOTH, SOURCES, table(PAIRS), {"source_visits": VISITS, "source_stays": STAYS})


def reading(source: str, features: FeaturePlan = BOTH) -> int:
    """How many columns read a source."""
    return Counter(f.source for f in features.features)[source]


class Kept:
    """A store of cells, and the layout it is filled from; a bucket for every unit."""

    def __init__(self, folder: Path, given: Given = GIVEN, *, kernel: bool = True) -> None:
        self.folder, self.kernel, self.number = folder, kernel, 0
        self.layout = lay_out(given, folder / "0", units=1)
        self.first = self.build(given)

    def build(self, given: Given) -> Built:
        return from_layout(given, self.layout, self.folder / "cells", kernel=self.kernel)

    def then(self, given: Given) -> Built:
        """Lay out what changed beside what did not, and build again: as if from scratch."""
        self.number += 1
        cuts, before = self.layout
        place = self.folder / str(self.number)
        self.layout = lay_out(given, place, before=before, buckets=cuts)
        made = self.build(given)
        scratch = by_sql(given)
        assert made.data == scratch.data, difference(made.data, scratch.data)
        assert made.summary == scratch.summary
        return made


@pytest.fixture(params=[True, False], ids=["kernel", "sql"])
def kept(request, tmp_path) -> Kept:
    return Kept(tmp_path, kernel=request.param)


def with_rows(given: Given, **more: str) -> Given:
    """More rows in some of the tables."""
    views = {**given.views}
    for name, rows in more.items():
        views[f"source_{name}"] = f"{views[f'source_{name}']}\n{rows}"
    return replace(given, views=views)


def test_the_same_again_computes_nothing(kept):
    assert kept.first.computed == dict.fromkeys((FEBRUARY, MARCH), 3 * len(BOTH.features))
    assert kept.then(GIVEN).computed == dict.fromkeys((FEBRUARY, MARCH), 0)


def test_a_new_date_computes_its_own_block_only(kept):
    later = f"{PAIRS}\n" + "\n".join(f"{who} | 2024-04-01" for who in ("ann", "bob", "cat"))
    made = kept.then(replace(GIVEN, pairs=table(later)))
    assert made.computed == {FEBRUARY: 0, MARCH: 0, APRIL: 3 * len(BOTH.features)}


def test_a_late_record_recomputes_later_dates_of_its_unit_and_what_reads_its_source(kept):
    late = with_rows(GIVEN, visits="ann | 2024-01-15 | 2024-02-10 | b | 8")
    assert kept.then(late).computed == {FEBRUARY: 0, MARCH: reading("visits")}


def test_a_record_of_a_day_after_all_dates_recomputes_nothing(kept):
    future = with_rows(GIVEN, visits="ann | 2024-02-29 | 2024-03-01 | b | 8")
    assert kept.then(future).computed == {FEBRUARY: 0, MARCH: 0}


def test_a_spell_that_ended_recomputes_from_the_day_its_end_was_known(kept):
    ended = STAYS.replace(
        "bob     | 2024-01-05     |              |                   |",
        "bob     | 2024-01-05     | 2024-01-30   | 2024-02-10        |",
    )
    views = {**GIVEN.views, "source_stays": ended}
    made = kept.then(replace(GIVEN, views=views))
    assert made.computed == {FEBRUARY: 0, MARCH: reading("stays")}


def test_a_corrected_record_recomputes_from_the_day_it_was_known(kept):
    corrected = VISITS.replace("| b    | 2", "| b    | 3")
    views = {**GIVEN.views, "source_visits": corrected}
    made = kept.then(replace(GIVEN, views=views))
    assert made.computed == {FEBRUARY: reading("visits"), MARCH: reading("visits")}


def test_a_withdrawn_record_recomputes_from_the_day_it_was_known(kept):
    late = with_rows(GIVEN, visits="ann | 2024-01-15 | 2024-02-10 | b | 8")
    kept.then(late)
    # What was computed before it came is still there.
    assert kept.then(GIVEN).computed == {FEBRUARY: 0, MARCH: 0}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(plan({**VISIT_BLOCK, "aggregates": ["count", "max(cost)"]}, STAY_BLOCK),
                     id="another aggregate"),
        pytest.param(plan({**VISIT_BLOCK, "windows": [60, 90]}, STAY_BLOCK), id="another window"),
        pytest.param(plan(VISIT_BLOCK, STAY_BLOCK, {**VISIT_BLOCK, "name": "more"}),
                     id="another block"),
        pytest.param(plan(VISIT_BLOCK), id="a block less"),
        pytest.param(plan(VISIT_BLOCK, where="kind = 'a'"), id="another filter"),
    ],
)  # fmt: skip
def test_a_changed_feature_computes_itself_only(kept, other):
    known = {feature.column.digest for feature in BOTH.features}
    new = sum(feature.column.digest not in known for feature in other.features)
    made = kept.then(replace(GIVEN, plan=other))
    assert made.computed == dict.fromkeys((FEBRUARY, MARCH), 3 * new)
    assert new < len(other.features) or other.features[0].where


def test_someone_new_changes_nothing_for_the_rest(kept):
    more = with_rows(GIVEN, visits="abe | 2024-01-10 | 2024-01-10 | a | 1")
    pairs = table(f"{PAIRS}\n abe | 2024-03-01")
    made = kept.then(replace(more, pairs=pairs))
    # Ann's bucket has another row in March, and another person's visits to digest.
    assert made.computed == {FEBRUARY: reading("visits"), MARCH: len(BOTH.features)}


@FEW
@given(
    county=counties(),
    other=counties(),
    keep=st.randoms(use_true_random=False),
    units=st.sampled_from([1, 2]),
)
def test_whatever_changes_the_bytes_are_those_of_starting_afresh(county, other, keep, units):
    after = changed_at_random(county, other, keep)
    with TemporaryDirectory() as folder:
        first = given_by(county)
        cuts, before = lay_out(first, Path(folder) / "0", units=units)
        from_layout(first, (cuts, before), Path(folder) / "cells", cells=10)
        then = given_by(after)
        layout = lay_out(then, Path(folder) / "1", before=before, buckets=cuts)
        made = from_layout(then, layout, Path(folder) / "cells", cells=10)
        scratch = by_sql(then)
        assert made.data == scratch.data, difference(made.data, scratch.data)
        assert made.summary == scratch.summary


def changed_at_random(county: County, other: County, keep) -> County:
    """Some rows withdrawn, others added."""

    def mixed(rows, more):
        return [r for r in rows if keep.random() < 0.8] + [r for r in more if keep.random() < 0.3]

    lagged = {n for n, s in county.sources.items() if not isinstance(s.known_on, str)}
    rows = {
        name: mixed(rows, [] if name in lagged else other.rows[name])
        for name, rows in county.rows.items()
    }
    people = {(r["unit_id"], r["happened_on"], r["known_on"]): r for r in rows["people"]}
    rows["people"] = list(people.values())
    return changed(county, rows=rows, relations=mixed(county.relations, other.relations))
