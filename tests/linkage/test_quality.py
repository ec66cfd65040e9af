"""Precision and recall of pairs, held against counting pairs one by one."""

from itertools import combinations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.errors import LinkageError
from riskstrat.linkage.quality import linkage_quality

RECORDS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans(), st.sampled_from(["x", "y"])),
    min_size=2,
    max_size=14,
)


def judged(records, **options):
    entity, person, is_open, group = zip(*records, strict=True)
    rows = pa.table(
        {
            "entity": pa.array([f"e{e}" for e in entity]),
            "person": pa.array([f"p{p}" for p in person]),
            "open": pa.array(is_open),
            "group": pa.array(group),
        }
    )
    with duckdb.connect() as con:
        con.register("records", rows)
        return linkage_quality(con, "records", **options)


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.booleans())
def test_pairs_are_counted_as_if_one_by_one(records, only_open):
    right = missed = wrong = 0
    for (e1, p1, o1, _), (e2, p2, o2, _) in combinations(records, 2):
        if only_open and not (o1 or o2):
            continue
        right += e1 == e2 and p1 == p2
        missed += e1 != e2 and p1 == p2
        wrong += e1 == e2 and p1 != p2
    found = judged(records, only_open=only_open, replicates=0)[0]
    assert (found.right, found.missed, found.wrong) == (right, missed, wrong)
    if right + wrong:
        assert found.precision.value == pytest.approx(right / (right + wrong))
    if right + missed:
        assert found.recall.value == pytest.approx(right / (right + missed))


@settings(max_examples=20, deadline=None)
@given(RECORDS)
def test_groups_add_up_to_everybody(records):
    everybody, *levels = judged(records, groups=["group"], replicates=0)
    assert sum(level.right for level in levels) == pytest.approx(everybody.right)
    assert sum(level.missed for level in levels) == pytest.approx(everybody.missed)
    assert sum(level.records for level in levels) == everybody.records == len(records)


def test_the_interval_is_that_of_a_bootstrap_of_people():
    rng = np.random.default_rng(3)
    records = []
    for person in range(300):
        for _ in range(int(rng.integers(1, 4))):
            lost = rng.random() < 0.1
            records.append((1000 + len(records) if lost else person, person, True, "x"))
    found = judged(records, replicates=1000)[0]
    people = {}
    for e, p, _, _ in records:
        people.setdefault(p, []).append(e)
    pairs = [
        (
            sum(a == b for a, b in combinations(es, 2)),
            len(list(combinations(es, 2))),
        )
        for es in people.values()
    ]
    right, due = (np.array(column) for column in zip(*pairs, strict=True))
    drawn = rng.integers(0, len(pairs), size=(1000, len(pairs)))
    slow = right[drawn].sum(1) / due[drawn].sum(1)
    assert found.recall.low == pytest.approx(np.quantile(slow, 0.025), abs=0.01)
    assert found.recall.high == pytest.approx(np.quantile(slow, 0.975), abs=0.01)
    assert found.recall.n == due.sum()


def test_the_same_seed_gives_the_same_interval():
    records = [(i // 2, i // 3, True, "x") for i in range(60)]
    assert judged(records, seed=5) == judged(records, seed=5)


def test_a_record_without_truth_cannot_be_judged():
    rows = pa.table({"entity": ["e", "e"], "person": pa.array(["p", None], pa.string())})
    with duckdb.connect() as con, pytest.raises(LinkageError, match="1 no true person") as told:
        con.register("records", rows)
        linkage_quality(con, "records")
    assert told.value.code == "RS1308"
