"""Bounds under linkage error, against every way the missed and false outcomes could lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.audit.linkage_error import Judged, bounds_within, linked_bounds


@st.composite
def judged(draw):
    """A list and outcomes of a few people."""
    found, only_listed, only_outcome, neither = (draw(st.integers(0, 12)) for _ in range(4))
    people = found + only_listed + only_outcome + neither
    return Judged(people, found + only_listed, found, found + only_outcome)


def every_way(seen: Judged, missed: int, false: int) -> list[tuple[float, float]]:
    """PPV and sensitivity for each way to place missed and false outcomes."""
    ways = []
    outside = seen.people - seen.listed - (seen.outcomes - seen.found)
    for on in range(missed + 1):
        if on > seen.listed - seen.found or missed - on > outside:
            continue
        for wrong in range(false + 1):
            if wrong > seen.found or false - wrong > seen.outcomes - seen.found:
                continue
            right = seen.found - wrong + on
            every = seen.outcomes - false + missed
            if every:
                ways.append((right / seen.listed, right / every))
    return ways


@given(seen=judged(), missed=st.integers(0, 10), false=st.integers(0, 5))
def test_bounds_are_the_ends_of_every_way_outcomes_could_lie(seen, missed, false):
    if not seen.listed or seen.outcomes <= false or missed > seen.people - seen.outcomes:
        return
    precision = 1 - false / seen.outcomes
    recall = (seen.outcomes - false) / (seen.outcomes - false + missed)
    ways = every_way(seen, missed, false)
    found = linked_bounds(seen, recall=recall, precision=precision)
    assert found.missed == pytest.approx(missed, abs=1e-9)
    for bounds, values in zip((found.ppv, found.sensitivity), zip(*ways, strict=True), strict=True):
        assert bounds.low == pytest.approx(min(values), abs=1e-9)
        assert bounds.high == pytest.approx(max(values), abs=1e-9)


@given(seen=judged())
def test_perfect_links_leave_nothing_to_bound(seen):
    if not (seen.listed and seen.outcomes):
        return
    found = linked_bounds(seen, recall=1.0)
    for bounds in (found.ppv, found.sensitivity):
        assert bounds.low == pytest.approx(bounds.seen) == pytest.approx(bounds.high)


@given(seen=judged(), recall=st.floats(0.05, 0.95), less=st.floats(0.01, 0.99))
def test_more_missed_links_never_narrow_the_bounds_of_ppv(seen, recall, less):
    if not (seen.listed and seen.outcomes):
        return
    one, two = (linked_bounds(seen, recall=r) for r in (recall, recall * less))
    assert two.ppv.low >= one.ppv.low - 1e-9 or two.missed >= seen.people - seen.outcomes - 1e-9
    assert two.ppv.high >= one.ppv.high - 1e-9


def test_impossible_counts_and_shares_are_refused():
    with pytest.raises(ValueError, match="part of the listed"):
        Judged(10, 2, 3, 5)
    with pytest.raises(ValueError, match="more people"):
        Judged(5, 4, 1, 4)
    with pytest.raises(ValueError, match="above 0"):
        linked_bounds(Judged(10, 4, 2, 3), recall=0.0)
    with pytest.raises(ValueError, match="nobody"):
        linked_bounds(Judged(10, 0, 0, 3), recall=0.9)


SHARES = st.floats(0.2, 1.0)


@settings(max_examples=60, deadline=None)
@given(judged(), SHARES, SHARES, SHARES, SHARES)
def test_no_share_within_its_limits_gives_wider_bounds(seen, r1, r2, p1, p2):
    if not (seen.listed and seen.outcomes):
        return
    recall, precision = (min(r1, r2), max(r1, r2)), (min(p1, p2), max(p1, p2))
    widest = bounds_within(seen, recall=recall, precision=precision)
    for r in np.linspace(*recall, 12):
        for p in np.linspace(*precision, 12):
            one = linked_bounds(seen, recall=r, precision=p)
            for ours, theirs in ((widest.ppv, one.ppv), (widest.sensitivity, one.sensitivity)):
                assert ours.low <= theirs.low + 1e-9
                assert ours.high >= theirs.high - 1e-9
            assert widest.missed >= one.missed - 1e-9
            assert widest.false >= one.false - 1e-9


def test_one_value_has_the_bounds_of_that_value():
    seen = Judged(100, 20, 10, 30)
    one = linked_bounds(seen, recall=0.9, precision=0.95)
    assert bounds_within(seen, recall=(0.9, 0.9), precision=(0.95, 0.95)) == one
