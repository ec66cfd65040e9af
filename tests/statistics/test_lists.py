"""Lists of several days: each is cut on its own, on the data and in every resample."""

import numpy as np
import pytest

from riskstrat.audit.rates import selection
from riskstrat.statistics import Cut, evaluate, evaluate_groups, group_counts, group_kernel
from riskstrat.statistics.cuts import find_levels
from riskstrat.statistics.paired import Scorer, compare
from riskstrat.statistics.resample import cluster_weights, find_clusters, replicate


def two_days(n=240, seed=0):
    """People seen on one or two days, of which the second is three times as risky."""
    rng = np.random.default_rng(seed)
    person = rng.integers(0, n // 2, n)
    day = rng.choice([10, 20, 30], n, p=[0.5, 0.4, 0.1])
    x = rng.normal(size=n // 2)[person] - 2.2 + 0.07 * day
    y = rng.random(n) < 1 / (1 + np.exp(-x))
    raw = np.round(x + rng.normal(size=n), 1)
    return y, 1 / (1 + np.exp(-raw)), raw, person, day, rng.choice(["a", "b"], n)


def slow(y, raw, day, share, weights):
    """(listed, found) of rows repeated as often as they were drawn, day by day."""
    rows = np.repeat(np.arange(len(y)), weights)
    taken = np.zeros(len(y))
    for one in np.unique(day[rows]):
        own = rows[day[rows] == one]
        seats = max(1, int(np.floor(np.round(share * len(own), 9) + 0.5)))
        cut = np.sort(raw[own])[::-1][seats - 1]
        above, tied = raw[own] > cut, raw[own] == cut
        part = above + tied * (seats - above.sum()) / tied.sum()
        np.add.at(taken, own, part)
    return taken


@pytest.mark.parametrize("seed", range(4))
def test_each_day_is_cut_on_its_own_on_the_data_and_in_every_resample(seed):
    y, risk, raw, person, day, _ = two_days(seed=seed)
    found = evaluate(
        y, risk, ranking=raw, clusters=person, shares=(0.1,), lists=day, replicates=40,
        rng=np.random.default_rng(9),
    ).at_capacity[0]  # fmt: skip
    taken = slow(y, raw, day, 0.1, np.ones(len(y), dtype=int))
    assert found.selected == pytest.approx(taken.sum())
    assert found.ppv.value == pytest.approx(taken[y].sum() / taken.sum())
    assert found.sensitivity.value == pytest.approx(taken[y].sum() / y.sum())
    who = find_clusters(person, len(y))
    draws = next(cluster_weights(who.count, 40, np.random.default_rng(9), chunk=40)).astype(int)
    ppv = []
    for weights in draws:
        taken = slow(y, raw, day, 0.1, weights[who.of_row])
        ppv.append(taken[y].sum() / taken.sum())
    assert (found.ppv.low, found.ppv.high) == pytest.approx(np.quantile(ppv, [0.025, 0.975]))


def test_no_day_takes_the_places_of_another():
    y, risk, raw, _, day, _ = two_days(n=4000, seed=5)
    taken = selection(raw, Cut.top(0.05), day)
    for one in np.unique(day):
        assert taken[day == one].sum() == pytest.approx(round(0.05 * (day == one).sum()), abs=1)
    together = selection(raw, Cut.top(0.05))
    assert together[day == 10].sum() < 0.5 * taken[day == 10].sum()
    rng = np.random.default_rng(0)
    settings = {"ranking": raw, "shares": (0.05,), "replicates": 0, "rng": rng}
    by_day, pooled = (evaluate(y, risk, lists=lists, **settings) for lists in (day, None))
    assert by_day.at_capacity[0].ppv.value < pooled.at_capacity[0].ppv.value
    assert by_day.metrics == pytest.approx(pooled.metrics, nan_ok=True)


def test_best_and_worst_orders_of_the_tied_are_counted_in_every_list():
    y = np.array([True, False, False, True, True, False])
    raw = np.array([1.0, 1.0, 0.0, 2.0, 2.0, 2.0])
    found = evaluate(
        y, np.full(6, 0.5), ranking=raw, shares=(1 / 3,), lists=np.repeat([0, 1], 3),
        replicates=0, rng=np.random.default_rng(0),
    ).at_capacity[0]  # fmt: skip
    assert (found.selected, found.tied, found.tied_selected) == (2, 5, 2)
    assert (found.ppv_best, found.ppv_worst) == (1.0, 0.0)
    assert found.ppv.value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.threshold == 1.5


@pytest.mark.parametrize("seed", range(3))
def test_compiled_lists_are_those_of_plain_numpy(seed):
    y, risk, raw, person, day, group = two_days(seed=seed)
    cuts = (Cut.top(0.05), Cut.at_least(0.3), Cut.top(0.4))
    scores = {"ranking": raw, "risk": risk}
    counts = group_kernel.GroupCounts(y, risk, scores, cuts, np.unique(day, return_inverse=True)[1])
    levels = (*find_levels("group", group), *find_levels("all", np.full(len(y), "x")))
    who = find_clusters(person, len(y))
    settings = (60, np.random.default_rng(4))
    plain = replicate(group_kernel.group_kernel(counts, levels, who), len(y), who.count, *settings)
    walked = group_counts.count_replicates(counts, levels, who, 60, np.random.default_rng(4))
    for key, value in plain.point.items():
        assert walked.point[key] == pytest.approx(value, nan_ok=True), key
        if key[-1] != "calibration_slope":
            assert walked.draws[key] == pytest.approx(plain.draws[key], nan_ok=True), key


def test_groups_are_listed_day_by_day_too():
    y, risk, raw, person, day, group = two_days(seed=2)
    found = evaluate_groups(
        y, risk, {"group": group}, [Cut.top(0.1)], ranking=raw, clusters=person, lists=day,
        replicates=0, rng=np.random.default_rng(0),
    )  # fmt: skip
    taken = slow(y, raw, day, 0.1, np.ones(len(y), dtype=int))
    for each in found.groups:
        if each.cut:
            assert each.selected == pytest.approx(taken[group == each.level].sum())


def test_a_resample_without_anybody_of_a_day_lists_nobody_of_it():
    y = np.array([True, False, True, False, True, False])
    raw = np.array([3.0, 2.0, 1.0, 5.0, 4.0, 6.0])
    day = np.array([1, 1, 1, 2, 2, 3])
    found = evaluate_groups(
        y, np.full(6, 0.5), {"g": np.full(6, "x")}, [Cut.top(0.5)], ranking=raw, lists=day,
        replicates=300, rng=np.random.default_rng(0),
    )  # fmt: skip
    listed = next(g for g in found.groups if g.cut).metrics["selection_rate"]
    assert 0 < listed.low <= listed.value <= listed.high <= 1


def test_two_scorers_are_compared_on_the_lists_of_each_day():
    y, risk, raw, person, day, _ = two_days(seed=3)
    other = -raw
    found = compare(
        y, Scorer(risk=risk, raw=raw), Scorer(risk=risk, raw=other), clusters=person,
        shares=(0.1,), lists=day, replicates=0, rng=np.random.default_rng(0),
    ).at_capacity[0.1]["sensitivity"]  # fmt: skip
    for scores, told in ((raw, found.first), (other, found.second)):
        taken = slow(y, scores, day, 0.1, np.ones(len(y), dtype=int))
        assert told.value == pytest.approx(taken[y].sum() / y.sum())
