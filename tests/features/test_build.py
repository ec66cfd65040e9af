from __future__ import annotations

import math
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.building import Built, Given, by_sql, every_way
from features.county import RELATION_COLUMNS, County, as_table, counties, view_columns
from features.oracle import cells

MANY = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def given_by(county: County) -> Given:
    """The county as tables."""
    views = {
        f"source_{name}": as_table(county.rows[name], view_columns(source))
        for name, source in county.sources.items()
    }
    pairs = pa.table(
        {
            "unit_id": [unit for unit, _ in county.pairs],
            "as_of": pa.array([as_of for _, as_of in county.pairs], pa.date32()),
        }
    )
    views["relations"] = as_table(county.relations, RELATION_COLUMNS)
    return Given(county.plan, county.sources, pairs, views)


def built(county: County) -> Built:
    """The feature file, by SQL alone."""
    return by_sql(given_by(county))


def expected(county: County):
    return cells(county.plan, county.pairs, county.sources, county.rows, county.relations)


def changed(county: County, **more) -> County:
    parts = {name: getattr(county, name) for name in County.__slots__}
    return County(**{**parts, **more})


def same(left, right) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-6, abs_tol=1e-9)
    return left == right


@MANY
@given(county=counties())
def test_every_cell_is_what_the_slow_and_obvious_code_says(county):
    agrees_with_the_oracle(county, every_way(given_by(county)))


@FEW
@given(county=counties(days_of_own=True))
def test_every_cell_of_units_with_days_of_their_own_is_what_the_slow_code_says(county):
    agrees_with_the_oracle(county, every_way(given_by(county), monthly=True))


def agrees_with_the_oracle(county: County, made: Built) -> None:
    summary = made.summary
    found = pq.read_table(pa.BufferReader(made.data)).to_pylist()
    slow = expected(county)
    assert summary.rows == len(found) == len(slow)
    for quick_row, slow_row in zip(found, slow, strict=True):
        assert list(quick_row) == list(slow_row)
        for name, value in slow_row.items():
            assert same(quick_row[name], value), (name, quick_row[name], value)
    for name, missing in summary.missing.items():
        assert missing == sum(row[name] is None for row in slow)


@FEW
@given(county=counties(), delay=st.integers(0, 40), data=st.data())
def test_what_is_not_yet_known_on_the_day_changes_no_byte(county, delay, data):
    last = max(as_of for _, as_of in county.pairs)
    more = {}
    for name, rows in county.rows.items():
        future = []
        for row in rows:
            late = {**row, "known_on": last + timedelta(days=delay)}
            happens = "starts_on" if "starts_on" in row else "happened_on"
            future += [late, {**row, happens: last + timedelta(days=delay)}]
        more[name] = rows + future
    moved = [{**r, "known_on": last + timedelta(days=delay)} for r in county.relations]
    later = changed(county, rows=more, relations=county.relations + moved)
    assert built(later).data == built(county).data


@FEW
@given(county=counties(), shuffle=st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_size_of_chunks_changes_a_byte(county, shuffle):
    def mixed(rows):
        return shuffle.sample(rows, len(rows))

    other = changed(
        county,
        rows={name: mixed(rows) for name, rows in county.rows.items()},
        relations=mixed(county.relations),
        pairs=mixed(county.pairs),
    )
    assert every_way(given_by(other)).data == built(county).data


@FEW
@given(county=counties(), delay=st.integers(1, 40))
def test_learning_later_never_reveals_more(county, delay):
    counts = [f.column.name for f in county.plan.features if f.function in ("count", "any")]
    later = changed(
        county,
        rows={
            name: [{**r, "known_on": r["known_on"] + timedelta(days=delay)} for r in rows]
            for name, rows in county.rows.items()
        },
    )
    before = pq.read_table(pa.BufferReader(built(county).data)).to_pylist()
    after = pq.read_table(pa.BufferReader(built(later).data)).to_pylist()
    for row, later_row in zip(before, after, strict=True):
        assert all((later_row[name] or 0) <= (row[name] or 0) for name in counts)
