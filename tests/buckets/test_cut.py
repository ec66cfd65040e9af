"""Cuts are contiguous, balanced, and kept while they serve."""

from __future__ import annotations

from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.buckets.cut import Bucket, cut, from_firsts, still_fit, weigh_units
from tables import connection

UNITS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(1, 50), max_size=30)

SOME = settings(deadline=None, max_examples=40)


def weighed(units: dict[str, int]) -> duckdb.DuckDBPyConnection:
    con = connection()
    con.execute("CREATE TABLE units (unit_id VARCHAR, n BIGINT)")
    if units:
        con.executemany("INSERT INTO units VALUES (?, ?)", list(units.items()))
    return con


def fallen(units: dict[str, int], buckets: tuple[Bucket, ...]) -> list[list[str]]:
    """The units of each bucket."""
    return [
        sorted(u for u in units if u >= b.first and (b.last is None or u < b.last)) for b in buckets
    ]


@SOME
@given(units=UNITS, size=st.integers(1, 10), rows=st.integers(1, 200))
def test_every_unit_is_in_one_bucket_and_buckets_follow_each_other(units, size, rows):
    buckets = cut(weighed(units), units=size, rows=rows)
    assert [unit for part in fallen(units, buckets) for unit in part] == sorted(units)
    assert (buckets[0].first, buckets[-1].last) == ("", None)
    assert all(one.last == two.first for one, two in pairwise(buckets))
    assert [b.number for b in buckets] == list(range(len(buckets)))
    assert from_firsts([b.first for b in buckets]) == buckets


@SOME
@given(count=st.integers(1, 60), size=st.integers(1, 10))
def test_alike_units_are_cut_evenly(count, size):
    units = {f"{n:03}": 3 for n in range(count)}
    sizes = [len(part) for part in fallen(units, cut(weighed(units), units=size, rows=10**9))]
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1


def test_a_unit_with_most_of_the_rows_is_never_divided():
    units = {"a": 1, "b": 1_000, "c": 1}
    assert fallen(units, cut(weighed(units), units=10, rows=100))[0] == ["a"]


def test_nobody_is_one_empty_bucket():
    assert cut(weighed({})) == (Bucket(0, "", None),)


@pytest.mark.parametrize(
    ("more", "serve"),
    [
        pytest.param({}, True, id="nothing new"),
        pytest.param({"c1": 1}, True, id="a few more"),
        pytest.param({f"b{n}": 1 for n in range(3, 9)}, False, id="twice as many in one"),
        pytest.param({"b1": 60}, False, id="too many rows of one"),
    ],
)
def test_cuts_are_kept_while_no_bucket_is_twice_too_large(more, serve):
    before = {f"{c}{n}": 1 for c in "abc" for n in (1, 2, 3)}
    buckets = cut(weighed(before), units=3, rows=20)
    assert [part[0] for part in fallen(before, buckets)] == ["a1", "b1", "c1"]
    assert still_fit(weighed({**before, **more}), buckets, units=3, rows=20) == serve


def test_cuts_for_many_do_not_serve_a_few():
    buckets = from_firsts([f"a{n}" for n in range(9)])
    assert not still_fit(weighed({"a1": 1}), buckets, units=3, rows=20)


def test_units_are_weighed_by_their_rows_of_all_sources():
    rows = "unit_id | n:integer\n ann | 1\n ann | 2\n bob | 3\n - | 4"
    con = connection(source_visits=rows, source_stays="unit_id\n ann\n eve")
    weigh_units(con, ["visits", "stays"])
    found = con.execute("SELECT unit_id, n FROM units ORDER BY unit_id").fetchall()
    assert found == [("ann", 3), ("bob", 1), ("eve", 1)]
