"""Attacks on twins: who is told apart, and how sure the answer is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as made

from riskstrat.privacy.attack import LOW_FPR, Trial, caught_at, measure, play
from riskstrat.privacy.twins import Round
from riskstrat.statistics.ranked import cumulate, rank_rows
from riskstrat.statistics.resample import Clusters

#      ann ann bob cem dee  eve
UNIT = [0, 0, 1, 2, 3, 4]
FOLD = [0, 0, 0, 1, 2, 2]
SURE = [
    [1.0, 3.0, 0.5, 0.1, 9.0, 8.0],  # learnt from fold 2
    [7.0, 5.0, 6.0, 0.2, 1.0, 2.0],  # learnt from fold 0
    [1.5, 2.5, 0.4, 4.0, 1.1, 2.1],  # learnt from fold 1
]


def one_round(sure=SURE, unit=UNIT, fold=FOLD, outcome=None, whole=None):
    n = len(unit)
    return Round(
        rows=np.arange(n),
        unit=np.array(unit),
        whole=np.array(unit if whole is None else whole),
        fold=np.array(fold),
        outcome=np.ones(n, dtype=bool) if outcome is None else np.array(outcome),
        confidence=np.array(sure),
    )


def slow_area(trial):
    """Pair by pair."""
    members, others = trial.score[trial.member], trial.score[~trial.member]
    won = [(m > o) + (m == o) / 2 for m in members for o in others]
    return sum(won) / len(won)


def slow_caught(score, member, share):
    """Try every cut."""
    best = 0.0
    for cut in np.unique(score):
        if (score[~member] >= cut).mean() <= share + 1e-12:
            best = max(best, (score[member] >= cut).mean())
    return best


def nothing_known(people, rng, remembered=0.0):
    """People in households whose outcomes are more or less likely; twins agree but for noise."""
    house = np.repeat(np.arange(people), rng.integers(1, 4, people))
    fold = (rng.permutation(people) % 3)[house]
    likely = rng.normal(size=len(house)) + 0.5 * rng.normal(size=people)[house]
    sure = np.stack(
        [
            likely
            + 0.1 * rng.normal(size=len(house))
            + 0.1 * rng.normal(size=people)[house]
            + remembered * (fold == (twin + 2) % 3) * rng.exponential(size=len(house))
            for twin in range(3)
        ]
    )
    return one_round(sure, np.arange(len(house)), fold, whole=house)


def test_each_person_counts_once_and_every_twin_knows_one_fold():
    trials = play([one_round()], "plain")
    known = [[3, 4], [0, 1], [2]]
    for twin, trial in enumerate(trials):
        assert np.flatnonzero(trial.member).tolist() == known[twin]
    assert trials[0].score.tolist() == [2.0, 0.5, 0.1, 9.0, 8.0]  # ann: the mean of two dates


def test_the_yardstick_is_a_twin_that_did_not_know_the_person_either():
    trials = play([one_round()], "informed")
    sure = np.array(SURE)[:, [0, 2, 3, 4, 5]]
    sure[:, 0] = np.array(SURE)[:, :2].mean(axis=1)
    without = {0: (0, 2), 1: (1, 0), 2: (2, 1)}  # fold -> the twins learnt without it
    for twin, trial in enumerate(trials):
        for person, fold in enumerate([0, 0, 1, 2, 2]):
            others = [other for other in without[fold] if other != twin]
            possible = [sure[twin, person] - sure[other, person] for other in others]
            assert trial.score[person] in possible


def test_only_the_chosen_rows_count():
    [first, *_] = play([one_round()], "plain", [np.array([True, False, True, True, True, True])])
    assert first.score[0] == 1.0


def test_the_area_is_that_of_all_pairs():
    told = measure(play([one_round()], "plain"), 5, 0, np.random.default_rng(0))
    assert told.auc.value == np.mean([slow_area(trial) for trial in play([one_round()], "plain")])
    assert told.auc.n == 5


def test_a_fold_without_people_tells_nothing():
    one_fold = play([one_round(fold=[0, 0, 0, 0, 0, 0])], "plain")
    told = measure(one_fold, 5, 10, np.random.default_rng(0))
    assert not told.auc.estimable and not told.tpr.estimable


@given(
    score=made.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 9)),
    seed=st.integers(0, 99),
    share=st.sampled_from([LOW_FPR, 0.1, 0.5]),
)
def test_who_is_named_for_certain_is_found_at_the_best_cut(score, seed, share):
    member = np.random.default_rng(seed).random(len(score)) < 0.5
    member[:2] = True, False
    clusters = Clusters(np.arange(len(score)), len(score))
    counts = cumulate(rank_rows(member, score, clusters), np.ones((1, len(score))))
    assert caught_at(counts, share)[0] == pytest.approx(slow_caught(score, member, share))


@pytest.mark.parametrize("attacker", ["plain", "informed"])
@pytest.mark.parametrize("remembered", [0.0, 0.3])
def test_intervals_hold_the_truth_as_often_as_they_say(attacker, remembered):
    truth = 0.5
    if remembered:
        large = nothing_known(60_000, np.random.default_rng(1), remembered)
        truth = measure(play([large], attacker), 0, 0, np.random.default_rng(0)).auc.value
    held = 0
    for seed in range(100):
        rng = np.random.default_rng([seed, 2])
        trials = play([nothing_known(250, rng, remembered)], attacker)
        found = measure(trials, 0, 120, rng).auc
        held += found.low <= truth <= found.high
    assert held >= 88  # of 95 expected; less than 88 has a chance of 0.4%


def test_more_memory_is_told_better():
    rng = np.random.default_rng
    areas = [
        measure(play([nothing_known(3000, rng(3), m)], "plain"), 0, 0, rng(0)).auc.value
        for m in (0.0, 0.3, 1.0, 3.0)
    ]
    assert areas == sorted(areas) and areas[0] == pytest.approx(0.5, abs=0.01) and areas[-1] > 0.7


def test_trials_of_all_rounds_are_averaged():
    both = [one_round(), one_round(np.array(SURE) + 1)]
    told = measure(play(both, "plain"), 10, 0, np.random.default_rng(0))
    assert isinstance(play(both, "plain")[0], Trial) and len(play(both, "plain")) == 6
    assert told.auc.value == pytest.approx(
        np.mean([slow_area(trial) for trial in play(both, "plain")])
    )
