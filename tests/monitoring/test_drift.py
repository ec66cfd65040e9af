"""How far a measurement has moved: cells, the index, and an interval that covers."""

from __future__ import annotations

from math import log

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.monitoring.drift import (
    HALF,
    LEAST_PEOPLE,
    MISSING,
    OTHER,
    PACKS,
    category_cells,
    counts_by_pack,
    deal_packs,
    drift,
    enough,
    number_cells,
    pack_weights,
    psi,
)
from riskstrat.stages.watching.watched import whole_texts

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=8)


def slow_psi(then: list[float], now: list[float]) -> float:
    """The formula as it is written in a book, half a person added to each cell."""
    cells, total = len(then), 0.0
    for a, b in zip(then, now, strict=True):
        p = (a + HALF) / (sum(then) + HALF * cells)
        q = (b + HALF) / (sum(now) + HALF * cells)
        total += (q - p) * log(q / p)
    return total


@given(counts=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=8))
def test_the_index_is_the_books_formula(counts):
    then, now = (list(map(float, side)) for side in zip(*counts, strict=True))
    assert psi(np.array(then), np.array(now)) == pytest.approx(slow_psi(then, now), abs=1e-12)


@given(counts=COUNTS)
def test_nothing_moved_is_zero_and_it_is_never_negative(counts):
    then = np.array(counts, dtype=np.float64)
    assert psi(then, then) == pytest.approx(0.0, abs=1e-12)
    assert psi(then, then[::-1]) >= 0
    assert psi(then, then[::-1]) == pytest.approx(float(psi(then[::-1], then)))


@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=400)
)
def test_every_value_has_a_cell_and_every_cell_of_a_number_holds_enough(values):
    column = pa.chunked_array([pa.array(values, pa.float32())])
    cells = number_cells(column)
    found = np.bincount(cells.of(column), minlength=len(cells.labels))
    assert found.sum() == len(values)
    assert cells.labels[-1] == MISSING
    assert found[-1] == values.count(None)
    if len(cells.labels) > 2:
        assert found[:-1].min() >= enough(len(values)) >= LEAST_PEOPLE


def test_new_values_fall_into_the_outer_cells_and_new_levels_into_other():
    cells = number_cells(np.repeat([0.0, 1.0, 2.0], 100))
    assert cells.labels == ("up to 0", "above 0 to 1", "above 1", MISSING)
    assert cells.of(pa.array([-5.0, 0.5, 99.0, None])).tolist() == [0, 1, 2, 3]
    levels = category_cells(
        pa.chunked_array([pa.array(["a"] * 90 + ["b"] * 30 + ["rare"])]), ("a", "b", "rare")
    )
    assert levels.labels == ("a", "b", OTHER, MISSING)
    assert levels.of(pa.array(["b", "rare", "new", None])).tolist() == [1, 2, 2, 3]


def test_a_cluster_is_in_one_pack_in_every_period():
    labels = [[f"h{n % 3000}" for n in range(5000)], [f"h{n % 3000}" for n in range(2000)]]
    columns = [pa.chunked_array([pa.array(each)]) for each in labels]
    packs = deal_packs(columns, np.random.default_rng(1))
    of: dict[str, set[int]] = {}
    for names, pack in zip(labels, packs, strict=True):
        for name, each in zip(names, pack.tolist(), strict=True):
            of.setdefault(name, set()).add(each)
    assert all(len(each) == 1 for each in of.values())
    assert len(set().union(*of.values())) == PACKS


def households(rng, members, shift):
    """Values of households whose members are alike, then and now; now moved by ``shift``."""
    count = 1500
    common = rng.normal(size=count).repeat(members)
    label = np.arange(count).repeat(members)
    then = common + 0.4 * rng.normal(size=len(common))
    now = common + 0.4 * rng.normal(size=len(common)) + shift
    return label, then, now


def drift_of(rng, members, shift):
    label, then, now = households(rng, members, shift)
    columns = [pa.chunked_array([pa.array(label.astype(str))])] * 2
    packs = deal_packs(columns, rng)
    cells = number_cells(then)
    weights = pack_weights(packs, 200, rng)
    size = weights.shape[1]
    counts = [
        counts_by_pack(cells.of(pa.array(values)), pack, len(cells.labels), size)
        for values, pack in zip((then, now), packs, strict=True)
    ]
    return drift(*counts, weights), cells


def test_people_who_did_not_change_are_not_said_to_have_drifted():
    """Without drift the plain index is above 0 every time; the lower limit hardly ever is."""
    rng = np.random.default_rng(3)
    found = [drift_of(rng, 4, 0.0)[0] for _ in range(40)]
    assert all(each.plain > 0 for each in found)
    assert sum(each.estimate.low > 0 for each in found) <= 4
    assert np.mean([each.estimate.value for each in found]) < np.mean([e.plain for e in found])


def test_the_interval_covers_the_true_drift_of_clustered_people():
    """The truth is the index of very many people in the same cells."""
    rng = np.random.default_rng(4)
    many = np.random.default_rng(5).normal(size=(2, 60_000))
    covered, trials = 0, 40
    for _ in range(trials):
        found, cells = drift_of(rng, 3, 0.5)
        then = many[0] + 0.4 * many[1]
        whole = [np.bincount(cells.of(pa.array(x)), minlength=len(cells.labels))
                 for x in (then, then + 0.5)]  # fmt: skip
        true = psi(*(each.astype(np.float64) for each in whole))
        covered += found.estimate.low <= true <= found.estimate.high
    assert covered >= 0.85 * trials


def test_a_feature_that_is_suddenly_empty_has_drifted_far():
    then = counts_by_pack(np.zeros(1000, np.int64), np.arange(1000) % 50, 2, 50)
    now = counts_by_pack(np.ones(1000, np.int64), np.arange(1000) % 50, 2, 50)
    found = drift(then, now, pack_weights([np.arange(50)], 100, np.random.default_rng(0)))
    assert found.estimate.low > 5


def test_whoever_moved_is_in_one_cluster_in_every_period():
    def keys(units, day):
        days = pa.array([day] * len(units), pa.int32()).cast(pa.date32())
        return pa.table({"unit_id": units, "as_of": days})

    def texts(*names):
        return pa.chunked_array([pa.array(list(names))])

    before, now = keys(["a", "b", "c"], 1), keys(["c", "a", "d"], 2)
    found = whole_texts([texts("= 1", "= 2", "= 3"), texts("= 3", "= 2", "unit d")], [before, now])
    assert found[0].to_pylist() == ["= 1", "= 1", "= 3"]
    assert found[1].to_pylist() == ["= 3", "= 1", "unit d"]
    stays = [texts("= 1", "= 2", "= 3"), texts("= 3", "= 1", "unit d")]
    assert [each.to_pylist() for each in whole_texts(stays, [before, now])] == [
        each.to_pylist() for each in stays
    ]
