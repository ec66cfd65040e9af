"""Putting records together: constraints hold whatever the links say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from riskstrat.linkage.clusters import Clusters, join_best_first
from riskstrat.linkage.rivals import Weighed, among_rivals, competing

MEMBERS = 12
LINKS = st.lists(
    st.tuples(
        st.integers(0, MEMBERS - 1), st.integers(0, MEMBERS - 1), st.floats(0.5, 1.0, width=16)
    ),
    max_size=40,
)
NUMBERS = st.lists(st.integers(0, 3), min_size=MEMBERS, max_size=MEMBERS)


def arrays(links):
    left, right, sure = (np.array(part) for part in zip(*links, strict=True))
    return left.astype(np.int64), right.astype(np.int64), sure.astype(np.float64)


def clusters_of(roots):
    return {frozenset(np.flatnonzero(roots == root).tolist()) for root in roots}


@given(LINKS, NUMBERS, st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6))
def test_nobody_has_two_numbers_and_twins_stay_two(links, numbers, twins):
    clusters = Clusters.of(MEMBERS, [np.array(numbers)])
    kept = [(a, b) for a, b in twins if a != b]
    for a, b in kept:
        clusters.keep_apart(a, b)
    if links:
        join_best_first(clusters, *arrays(links))
    roots = clusters.roots()
    for members in clusters_of(roots):
        assert len({numbers[m] for m in members} - {0}) <= 1
    assert all(roots[a] != roots[b] for a, b in kept)


@given(LINKS, NUMBERS)
def test_the_order_of_the_links_decides_nothing(links, numbers):
    if not links:
        return
    one, other = (Clusters.of(MEMBERS, [np.array(numbers)]) for _ in range(2))
    join_best_first(one, *arrays(links))
    join_best_first(other, *arrays(links[::-1]))
    assert one.roots().tolist() == other.roots().tolist()


@given(LINKS)
def test_without_constraints_a_cluster_is_all_that_hangs_together(links):
    clusters = Clusters.of(MEMBERS)
    if links:
        assert join_best_first(clusters, *arrays(links)).all()
    slow = {member: {member} for member in range(MEMBERS)}
    for a, b, _ in links:
        both = slow[a] | slow[b]
        for member in both:
            slow[member] = both
    assert clusters_of(clusters.roots()) == {frozenset(members) for members in slow.values()}


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.floats(-40, 40)),
        min_size=1,
        max_size=20,
        unique_by=lambda link: link[:2],
    )
)
def test_candidates_that_exclude_each_other_share_one_certainty(links):
    left, right, weight = arrays(links)
    found = competing(left, right, weight)
    alone = 1 / (1 + np.exp2(-weight))
    assert (found <= alone + 1e-12).all()
    for side in set(left.tolist()):
        assert found[left == side].sum() <= 1 + 1e-9


def test_one_agency_has_each_person_once_where_it_says_so():
    clusters = Clusters.of(3)
    clusters.agencies = np.array([1, 2, 2])
    join_best_first(clusters, np.array([0, 0]), np.array([1, 2]), np.array([0.9, 0.99]))
    assert clusters.roots().tolist() == [0, 1, 0]


def test_whoever_stands_for_a_person_shares_that_persons_odds():
    # A pupil (2) is surely Zoe (0). A baby without a name (3) is as like Zoe as her twin (1), and
    # as like the pupil: it must not become Zoe through the pupil.
    links = Weighed(
        left=np.array([2, 3, 3, 2]),
        right=np.array([0, 0, 1, 3]),
        weight=np.array([20.0, 9.0, 9.0, 9.0]),
        free=np.array([False, False, False, True]),
        trusted=np.array([True, True, True, False]),
        twins=np.zeros(4, bool),
    )
    found = among_rivals(links, 0.9)
    assert found[0] > 0.99
    assert np.allclose(found[1:], 0.5, atol=0.01)
