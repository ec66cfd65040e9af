"""Weights learnt without labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskstrat.linkage.em import Patterns, learn

LEVELS = (2, 3, 4)


@st.composite
def observed(draw):
    """Any patterns, and any chance agreement."""
    count = draw(st.integers(1, 15))
    rows = [[draw(st.integers(-1, n - 1)) for n in LEVELS] for _ in range(count)]
    pairs = draw(st.lists(st.integers(1, 1000), min_size=count, max_size=count))
    u = [np.array(draw(st.lists(st.floats(0.01, 1), min_size=n, max_size=n))) for n in LEVELS]
    return Patterns(np.array(rows), np.array(pairs, float)), [each / each.sum() for each in u]


@settings(deadline=None)
@given(observed())
def test_every_round_makes_what_was_seen_more_likely(seen):
    patterns, u = seen
    found = learn(patterns, u)
    steps = np.diff(found.likelihood)
    assert (steps >= -1e-6 * np.abs(found.likelihood[0])).all()
    assert 0 < found.share < 1
    for m in found.m:
        assert m.sum() == pytest.approx(1)
        assert (m >= 0).all()


def test_true_pairs_are_told_from_chance():
    rng = np.random.default_rng(4)
    m = [np.array(p) for p in ([0.1, 0.9], [0.05, 0.15, 0.8], [0.05, 0.05, 0.1, 0.8])]
    u = [np.array(p) for p in ([0.95, 0.05], [0.9, 0.08, 0.02], [0.9, 0.06, 0.03, 0.01])]
    true = rng.random(20_000) < 0.2
    levels = np.stack(
        [
            np.where(true, rng.choice(len(a), 20_000, p=a), rng.choice(len(b), 20_000, p=b))
            for a, b in zip(m, u, strict=True)
        ],
        axis=1,
    )
    levels[rng.random(levels.shape) < 0.1] = -1
    rows, pairs = np.unique(levels, axis=0, return_counts=True)
    found = learn(Patterns(rows, pairs.astype(float)), u)
    assert found.share == pytest.approx(0.2, abs=0.02)
    for learnt, real in zip(found.m, m, strict=True):
        assert learnt == pytest.approx(real, abs=0.03)
