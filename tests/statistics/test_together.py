"""Whoever moves is in one cluster all the same, and chains of movers do not swallow the county."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.audit.audit import clusters_of
from riskstrat.statistics.together import MOST_TOGETHER, together

ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=60
)


def of(rows):
    unit, label, day = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return unit, label, day


@given(ROWS)
def test_nobody_is_in_two_clusters(rows):
    unit, label, day = of(rows)
    found = together(unit, label, day)
    for one in np.unique(unit):
        assert len(np.unique(found.labels[unit == one])) == 1
    if not found.by_last:  # households are whole, too
        for one in np.unique(label):
            assert len(np.unique(found.labels[label == one])) == 1


@given(ROWS)
def test_where_nobody_moves_the_clusters_are_the_households(rows):
    unit, label, day = of(rows)
    home = {one: int(label[unit == one][0]) for one in unit}
    stays = np.array([home[one] for one in unit])
    found = together(unit, stays, day)
    assert found.labels.tolist() == stays.tolist()
    assert (found.moved, found.longest, found.by_last) == (0, 0.0, False)


def test_a_chain_of_movers_is_cut_at_each_ones_last_household():
    rng = np.random.default_rng(0)
    n, dates = 2_000, 5
    home = np.repeat(np.arange(n // 4), 4)
    unit, label, day = [], [], []
    for date in range(dates):
        unit += range(n)
        label += home.tolist()
        day += [date] * n
        movers = rng.random(n) < 0.15
        home = np.where(movers, rng.integers(0, n // 4, n), home)
    unit, label, day = np.array(unit), np.array(label), np.array(day)
    found = together(unit, label, day)
    assert found.by_last
    assert found.longest > 0.5
    last = dict(zip(unit, label, strict=True))
    assert found.labels.tolist() == [last[one] for one in unit]
    assert np.bincount(found.labels).max() / len(unit) < MOST_TOGETHER
    few = day >= dates - 2
    assert not together(unit[few][:400], label[few][:400], day[few][:400]).by_last


def test_the_audit_counts_movers_and_those_without_a_household_once():
    rows = pa.table(
        {
            "unit_id": ["a", "a", "b", "b", "c"],
            "as_of": pa.array([1, 2, 1, 2, 1], pa.int32()).cast(pa.date32()),
        }
    )
    groups = rows.append_column("home", pa.array(["h1", "h2", None, "h3", "h4"]))
    found = clusters_of(rows, groups, "home")
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert len(set(found.tolist())) == 3
