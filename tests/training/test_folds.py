"""Nobody is judged by a model that could have known the answer."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.errors import TooThinError
from riskstrat.training.folds import deal, plan_folds, whole_groups
from riskstrat.training.rows import Rows, arrange, chain_note, sample_units
from riskstrat.training.spec import GroupedKFold, RollingOrigin
from training.small_county import small_county

FIRST = date(2020, 4, 1)


def rows_of(unit, day, group=None, seed=0, rate=0.5):
    """Rows for units at days after the first date; the outcome is a coin."""
    unit, day = np.asarray(unit), np.asarray(day)
    ids = pa.array([f"u{i:05d}" for i in unit])
    dates = pa.array([FIRST + timedelta(days=int(d)) for d in day])
    outcome = pa.array(np.random.default_rng(seed).random(len(unit)) < rate)
    labels = pa.array([None if g is None else f"g{g}" for g in (unit if group is None else group)])
    keyed = pa.table({"unit_id": ids, "as_of": dates})
    rows, _ = arrange(
        keyed.append_column("outcome", outcome), keyed, keyed.append_column("school", labels)
    )
    return rows


def monthly(units: int, years: int, seed: int = 0) -> Rows:
    return rows_of(np.repeat(np.arange(units), years), 365 * np.tile(np.arange(years), units))


@settings(max_examples=60, deadline=None)
@given(
    years=st.integers(2, 7),
    step=st.integers(90, 500),
    horizon=st.integers(30, 700),
    test_last=st.integers(1, 2),
    validation_last=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_no_label_window_reaches_beyond_the_evaluated_date(
    years, step, horizon, test_last, validation_last, seed
):
    rows = rows_of(
        np.repeat(np.arange(120), years), step * np.tile(np.arange(years), 120), seed=seed
    )
    scheme = RollingOrigin(
        scheme="rolling_origin", test_last=test_last, validation_last=validation_last
    )
    try:
        plan = plan_folds(rows, scheme, horizon_days=horizon, seed=seed)
    except TooThinError:
        dates = np.unique(rows.as_of)
        assert dates[0] + horizon > dates[-min(test_last, len(dates))]
        return
    [fold] = plan.folds
    assert rows.as_of[fold.train].max() + horizon <= rows.as_of[fold.test].min()
    for inner in fold.inner:
        assert set(inner.train) | set(inner.evaluate) <= set(fold.train)
        if not plan.notes:
            assert rows.as_of[inner.train].max() + horizon <= rows.as_of[inner.evaluate].min()
        else:
            assert not set(rows.unit[inner.train]) & set(rows.unit[inner.evaluate])


@settings(max_examples=40, deadline=None)
@given(
    units=st.integers(60, 150),
    moves=st.integers(0, 10),
    k=st.integers(2, 5),
    seed=st.integers(0, 99),
)
def test_nobody_of_a_group_is_on_two_sides_even_after_moving(units, moves, k, seed):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), 2)
    group = list(unit // 3)
    for moved in rng.integers(0, units, moves):
        group[2 * moved + 1] = int(rng.integers(0, units // 3))
    group[0] = None
    rows = rows_of(unit, np.tile([0, 365], units), group, seed)
    scheme = GroupedKFold(scheme="grouped_kfold", k=k, inner_k=2, by="school")
    plan = plan_folds(rows, scheme, horizon_days=365, seed=seed)
    labels = rows.labels("school")
    for fold in plan.folds:
        splits = [(fold.train, fold.test)] + [(i.train, i.evaluate) for i in fold.inner]
        for train, other in splits:
            assert not set(rows.unit[train]) & set(rows.unit[other])
            assert not set(labels[train]) & set(labels[other])
        assert all(set(i.train) | set(i.evaluate) <= set(fold.train) for i in fold.inner)
    tested = np.concatenate([fold.test for fold in plan.folds])
    assert sorted(tested) == list(range(len(rows)))


def test_the_last_training_dates_validate_in_turn():
    plan = plan_folds(
        monthly(80, 5), RollingOrigin(scheme="rolling_origin"), horizon_days=365, seed=1
    )
    found = [
        (row["fold"], row["role"], row["as_of_from"], row["as_of_to"], row["label_window_end"])
        for row in plan.describe(monthly(80, 5))
    ]
    assert found == [
        ("test", "train", "2020-04-01", "2023-04-01", "2024-03-31"),
        ("test", "test", "2024-03-31", "2024-03-31", "2025-03-31"),
        ("test/validation_2022-04-01", "inner_train", "2020-04-01", "2021-04-01", "2022-04-01"),
        ("test/validation_2022-04-01", "validation", "2022-04-01", "2022-04-01", "2023-04-01"),
        ("test/validation_2023-04-01", "inner_train", "2020-04-01", "2022-04-01", "2023-04-01"),
        ("test/validation_2023-04-01", "validation", "2023-04-01", "2023-04-01", "2024-03-31"),
    ]


def test_two_dates_alone_are_validated_by_groups_of_units_and_it_is_said():
    scheme = RollingOrigin(scheme="rolling_origin")
    plan = plan_folds(monthly(120, 2), scheme, horizon_days=365, seed=1)
    assert len(plan.folds[0].inner) == 4
    assert "groups of units" in plan.notes[0]


def test_sides_get_their_share_of_rows_and_outcomes():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(300), rng.integers(1, 9, 300))
    outcome = rng.random(len(labels)) < 0.1
    side = deal(labels, outcome, 5, (1,), what="school")
    sizes = np.bincount(side)
    positives = np.bincount(side, weights=outcome)
    assert sizes.max() - sizes.min() <= 0.1 * len(labels) / 5
    assert positives.max() - positives.min() <= 3


def test_a_chain_of_moves_is_one_group():
    assert len(set(whole_groups(np.array([1, 1, 2, 2, 3]), np.array([7, 8, 8, 9, 4])))) == 2


def test_a_sample_takes_whole_units_and_keeps_to_the_limit():
    rows = monthly(100, 3)
    among = np.arange(len(rows))
    taken = sample_units(rows, among, 90, (1, 2))
    assert len(taken) <= 90 and len(taken) > 60
    assert set(np.bincount(rows.unit[taken])) <= {0, 3}
    assert np.array_equal(taken, sample_units(rows, among, 90, (1, 2)))
    assert np.array_equal(sample_units(rows, among, 300, (1, 2)), among)


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        (rows_of(range(90), [0] * 90), "RS1402", "1 as-of dates"),
        (rows_of(list(range(90)) * 2, [0] * 90 + [365] * 90, rate=0.0), "RS1404", "0 of"),
        (rows_of(list(range(90)) * 2, [0] * 90 + [365] * 90, rate=1.0), "RS1404", "everybody"),
        (rows_of(list(range(90)) * 2, [0] * 90 + [365] * 90, rate=0.06), "RS1405", "at least 20"),
    ],
    ids=["one date", "nobody", "everybody", "few outcomes"],
)
def test_data_too_thin_are_refused_with_counts(rows, code, says):
    with pytest.raises(TooThinError) as refusal:
        plan_folds(rows, RollingOrigin(scheme="rolling_origin"), horizon_days=365, seed=1)
    assert refusal.value.code == code
    assert refusal.value.exit_code == 14
    assert says in refusal.value.message
    assert refusal.value.fix


def test_fewer_groups_than_folds_are_refused():
    rows = rows_of(range(90), [0] * 90, [i % 3 for i in range(90)])
    with pytest.raises(TooThinError, match="there are 3") as refusal:
        plan_folds(
            rows,
            GroupedKFold(scheme="grouped_kfold", k=5, by="school"),
            horizon_days=365,
            seed=1,
        )
    assert refusal.value.code == "RS1403"


def test_movers_are_whole_for_calibrators_and_refits_and_long_chains_are_told():
    county = small_county(units=400, years=4)
    rng = np.random.default_rng(1)
    homes = rng.integers(0, 130, county.groups.num_rows)
    place = county.groups.column_names.index("household")
    moving = county.groups.set_column(place, "household", pa.array([f"h{x}" for x in homes]))
    rows, _ = arrange(county.cohort, county.features, moving)
    clusters = rows.clusters("household")
    for unit in np.unique(rows.unit):
        assert len(np.unique(clusters[rows.unit == unit])) == 1
    [note] = chain_note(rows, "household")
    assert "each unit is with the cluster of its last date" in note
    assert chain_note(rows, "unit") == ()
