"""Random releases: nothing small is told or follows from it; without a rule, something does."""

from __future__ import annotations

from pathlib import Path

import pytest

from release.random_releases import RULES, RandomRelease, judge, left, random_release
from riskstrat.errors import ReleaseRefused
from riskstrat.release.breaches import refuse
from riskstrat.release.earlier import Before
from riskstrat.stages.releasing.disclosed import audited

FEW = (3, 6, 9, 10, 13)
"""seeds that are made quickly, one under each kind of policy"""
ALL = range(200)
WITHOUT = {
    "rounding": "RS3041",
    "primary suppression": "RS3033",
    "secondary suppression": "RS3030",
    "totals of what is shown": "RS3041",
    "hiding of zeros": "RS3040",
    "one kind of place": "RS3034",
}
"""rule -> a code under which release 2 is refused, made without it"""


def codes(folder: Path, seed: int, people: int | None = None, *, without: str = "") -> set[str]:
    """What audit and scanner say of a release, by code."""
    try:
        judged = judge(random_release(seed, people=people, without=without), folder)
    except ReleaseRefused as refused:
        return {refused.code}
    return {each.code for each in (*judged.audit, *judged.scan)}


@pytest.mark.parametrize("seed", FEW)
def test_nothing_small_is_told_and_nothing_hidden_follows(tmp_path, seed):
    assert codes(tmp_path, seed) == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", ALL)
def test_nothing_small_is_told_and_nothing_hidden_follows_in_200_releases(tmp_path, seed):
    assert codes(tmp_path, seed) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_release_that_is_safe_is_refused_without_a_rule(tmp_path, rule):
    found = codes(tmp_path, 2, people=400, without=rule)
    assert WITHOUT[rule] in found


def test_that_release_is_safe_with_all_rules(tmp_path):
    assert codes(tmp_path, 2, people=400) == set()


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_most_releases_are_refused_without_a_rule(tmp_path, rule):
    """Not all: where nothing is rounded or hidden anyhow, nothing is lost with the rule."""
    refused = [bool(codes(tmp_path / str(seed), seed, without=rule)) for seed in range(40)]
    assert sum(refused) >= 12, f"{sum(refused)} of 40"


@pytest.mark.parametrize("seed", [16, 17])
def test_a_second_release_hides_what_would_reveal_the_first(tmp_path, seed):
    first, second, known = one_after_another(seed, tmp_path)
    alone = judge(second, tmp_path / "alone")
    assert (alone.audit, alone.scan) == ((), ())
    assert {each.code for each in audited(alone.out, known, first.policy)} == {"RS3030"}
    after = judge(second, tmp_path / "after", known)
    assert (after.audit, after.scan) == ((), ())
    assert after.out.tables != alone.out.tables


def test_a_second_release_is_refused_where_the_first_told_too_much_for_it(tmp_path):
    _, second, known = one_after_another(14, tmp_path)
    found = judge(second, tmp_path / "after", known)
    assert {each.code for each in found.audit} == {"RS3030"}
    with pytest.raises(ReleaseRefused, match="hidden counts follow from the tables"):
        refuse(found.audit)


def one_after_another(seed: int, folder: Path) -> tuple[RandomRelease, RandomRelease, Before]:
    """A release that has left, another of the same people, and what the ledger tells it."""
    first = random_release(seed, people=400)
    known = left([(first, judge(first, folder / "first").out)])
    return first, first.again(seed + 100), known
