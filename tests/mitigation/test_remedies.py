"""Remedies: what each does to the list, and that its costs are counted on the same people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from riskstrat.audit.spec import AuditSpec
from riskstrat.mitigation import cuts, gather, learners
from riskstrat.mitigation.compare import compare
from riskstrat.mitigation.learners import reweighing
from riskstrat.mitigation.remedies import CURRENT, REMEDIES
from riskstrat.mitigation.trial import Part, Trial, adjustable
from riskstrat.statistics.points import net_benefit
from riskstrat.vocabulary import FeatureColumn, FeatureKind

AT = 0.2


def part(rng, n):
    """`south` has as much need as `north`, and half of its visits were never written down."""
    level = rng.choice(["north", "south"], n, p=[0.7, 0.3])
    need = rng.gamma(1.2, 1.0, n)
    y = rng.random(n) < expit(-3 + 1.1 * need)
    visits = rng.poisson(3 * need * np.where(level == "south", 0.5, 1.0))
    medicines = rng.poisson(2 * need)
    place = (level == "south").astype(float)
    near = place + 0.3 * rng.normal(size=n)
    matrix = np.column_stack([visits, medicines, place, near]).astype(np.float32)
    score = adjustable(expit(-3 + 0.5 * visits + 0.01 * rng.normal(size=n)))
    ids = np.arange(n)
    return Part(y=y, level=level, clusters=ids // 2, unit=ids, score=score, matrix=matrix)


def column(name):
    return FeatureColumn(name, name, FeatureKind.NUMBER, "s")


@pytest.fixture(scope="module")
def trial():
    rng = np.random.default_rng(4)
    return Trial(
        group="place", at=AT, price=0.25, train=part(rng, 3000), adjust=part(rng, 3000),
        test=part(rng, 3000), features=tuple(map(column, ("visits", "medicines", "place", "near"))),
        nominal=(), judged=("north", "south"), too_few=(), proxies=(2, 3), itself=(2,), seed=1,
    )  # fmt: skip


def listed(trial, score):
    order = np.argsort(-score, kind="stable")[: round(AT * len(trial.test))]
    chosen = np.zeros(len(trial.test), dtype=bool)
    chosen[order] = True
    return chosen


def reach(trial, score):
    chosen = listed(trial, score)
    found = {}
    for level in trial.judged:
        needy = trial.test.y & (trial.test.level == level)
        found[level] = chosen[needy].mean()
    return found


def share(trial, score):
    chosen = listed(trial, score)
    return {level: chosen[trial.test.level == level].mean() for level in trial.judged}


def test_cuts_for_equal_reach_reach_alike_where_the_model_does_not(trial):
    before, after = (reach(trial, s) for s in (trial.test.score, cuts.equal_reach(trial)))
    assert before["north"] - before["south"] > 0.1
    assert abs(after["north"] - after["south"]) < 0.06


def test_cuts_for_equal_shares_list_alike(trial):
    before, after = (share(trial, s) for s in (trial.test.score, cuts.equal_share(trial)))
    assert before["north"] - before["south"] > 0.05
    assert abs(after["north"] - after["south"]) < 0.03


def test_within_a_group_cuts_leave_the_order_alone(trial):
    shifted = cuts.equal_reach(trial)
    for level in trial.judged:
        own = trial.test.level == level
        order = np.argsort(trial.test.score[own], kind="stable")
        assert (np.argsort(shifted[own], kind="stable") == order).all()


def test_levels_with_few_outcomes_are_shifted_together(trial):
    level = trial.test.level.copy()
    level[:40] = "tiny"
    level[40:60] = "other"
    shifted = cuts.equal_reach(replace(trial, test=replace(trial.test, level=level)))
    moved = shifted - trial.test.score
    assert len(np.unique(moved[:60].round(9))) == 1


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=8, max_size=60).filter(
        lambda rows: len({y for y, _ in rows}) == 2
    )
)
def test_weighed_rows_make_outcome_and_group_independent(rows):
    y, level = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    n = len(rows)
    made = Part(y, level, np.arange(n), np.arange(n), np.zeros(0), np.zeros((0, 0), np.float32))
    weight = reweighing(made)
    for name in np.unique(level):
        own = level == name
        if 0 < y[own].sum() < own.sum():  # a level of one outcome only cannot be balanced
            rate = weight[own & y].sum() / weight[own].sum()
            assert rate == pytest.approx(y.mean())
            assert weight[own].sum() == pytest.approx(own.sum())


def test_what_is_left_out_changes_nothing_and_what_is_seen_does(trial):
    rng = np.random.default_rng(1)

    def shuffled(places):
        matrix = trial.test.matrix.copy()
        for place in places:
            matrix[:, place] = rng.permutation(matrix[:, place])
        return replace(trial, test=replace(trial.test, matrix=matrix))

    blind = learners.without_proxies(trial)
    assert (learners.without_proxies(shuffled([2, 3])) == blind).all()
    assert (learners.without_itself(shuffled([2])) == learners.without_itself(trial)).all()
    assert (learners.without_itself(shuffled([3])) != learners.without_itself(trial)).any()


def test_a_learner_held_to_equal_reach_is_a_mixture_with_a_score_for_everybody(trial, monkeypatch):
    monkeypatch.setattr(learners, "MOST_STEPS", 4)
    monkeypatch.setattr(learners, "FAST_ROUNDS", 15)
    score = learners.constrained(trial)
    assert score.shape == (len(trial.test),)
    assert np.isfinite(score).all()
    assert (learners.constrained(trial) == score).all()
    before, after = reach(trial, learners.control(trial)), reach(trial, score)
    assert abs(after["north"] - after["south"]) < abs(before["north"] - before["south"]) + 0.05


def test_costs_are_those_of_the_formulas_and_changes_are_paired(trial):
    scores = {CURRENT: trial.test.score, "equal_reach": cuts.equal_reach(trial)}
    rows = compare(trial, scores, replicates=60)
    found = {(r["remedy"], r["metric"], r["level"]): r for r in rows}
    chosen = listed(trial, scores["equal_reach"])
    ppv = found["equal_reach", "ppv", None]
    assert ppv["value"] == pytest.approx(trial.test.y[chosen].mean())
    right = trial.test.y[chosen].sum()
    worth = (right - (chosen.sum() - right) * trial.price) / len(trial.test)
    assert found["equal_reach", "net_benefit", None]["value"] == pytest.approx(worth)
    # The same as acting for those at or above a risk whose odds are the price.
    as_risk = np.where(chosen, 0.2, 0.0)
    assert worth == pytest.approx(net_benefit(trial.test.y, as_risk, 0.2))
    gap = found["equal_reach", "sensitivity_gap", None]
    here = reach(trial, scores["equal_reach"])
    assert gap["value"] == pytest.approx(abs(here["north"] - here["south"]))
    assert gap["change_high"] < 0
    assert found[CURRENT, "ppv", None]["change"] is None
    # Paired: the change is known far better than either value.
    width = ppv["high"] - ppv["low"]
    assert ppv["change_high"] - ppv["change_low"] < width


def test_the_same_scores_change_nothing_at_all(trial):
    rows = compare(
        trial, {CURRENT: trial.test.score, "equal_reach": trial.test.score}, replicates=20
    )
    changed = [r for r in rows if r["remedy"] == "equal_reach"]
    assert {(r["change"], r["change_low"], r["change_high"]) for r in changed} == {(0.0, 0.0, 0.0)}


def test_levels_are_judged_by_people_with_the_outcome_and_not_by_their_rows():
    unit = np.tile(np.arange(200), 4)
    keys = {
        "unit_id": [f"u{i}" for i in unit],
        "as_of": pa.array([date(2021 + d, 4, 1) for d in range(4) for _ in range(200)]),
    }
    few = np.where(unit < 100, unit < 9, unit < 150)  # 9 people of `a` on four dates: 36 rows
    test = pa.table(keys | {"outcome": pa.array(few)})
    groups = pa.table(keys | {"area": np.where(unit < 100, "a", "b").tolist()})
    tables = SimpleNamespace(groups=groups, spec=AuditSpec(min_group=50, min_outcomes=10))
    assert gather._levels(tables, "area", test) == (("b",), ("a",))


def test_every_remedy_is_set_against_one_that_is_there():
    assert {remedy.base for remedy in REMEDIES.values()} <= set(REMEDIES)
    assert all(remedy.title and remedy.says.endswith(".") for remedy in REMEDIES.values())


def test_a_published_score_is_shifted_on_its_own_scale():
    assert adjustable(np.array([1.0, 10.0])).tolist() == [1.0, 10.0]
    assert adjustable(np.array([0.5])).tolist() == [0.0]


@given(st.integers(1, 60), st.booleans())
def test_small_levels_in_which_nobody_had_the_outcome_are_moved_as_the_others(few, as_risk):
    rng = np.random.default_rng(few)
    own = part(rng, 2000)
    level = own.level.astype("<U9")
    level[:few] = "elsewhere"
    y = own.y.copy()
    y[:few] = False
    score = own.score if as_risk else 40 + 20 * own.score
    adjust = replace(own, level=level, y=y, score=score)
    one = Trial(
        group="place", at=AT, price=0.25, train=adjust, adjust=adjust, test=adjust,
        features=(), nominal=(), judged=("north", "south"), too_few=("elsewhere",), proxies=(),
        itself=(), seed=1,
    )  # fmt: skip
    shift = cuts.equal_reach(one) - score
    moved = {name: shift[level == name].mean() for name in ("north", "south", "elsewhere")}
    assert moved["elsewhere"] == pytest.approx((moved["north"] + moved["south"]) / 2)
