"""Releases of one day, before and after somebody opted out: no margin tells who it was."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest

from riskstrat.release.disclosure import Draft, protect_all
from riskstrat.release.interval.audit import audit
from riskstrat.release.interval.differences import Earlier
from riskstrat.release.interval.published import of_table
from riskstrat.release.policies import policy_named
from riskstrat.vocabulary import Counted

DFE = policy_named("dfe")
DAY = {"same_study": True, "same_day": True}


def people(seed: int, count: int = 600):
    drawn = random.Random(seed)
    return [{"sex": drawn.choice("fm"), "imd": drawn.choice(["q1", "q2", "q3"]),
             "band": "very_high" if drawn.random() < 0.3 else "low"}
            for _ in range(count)]  # fmt: skip


def draft(population: str, by: tuple[str, ...], who, policy=DFE) -> Draft:
    """Counts by some columns; ``population`` names who is counted and who is of which level."""
    whole = Counter(tuple(one[name] for name in by) for one in who)
    high = Counter(tuple(one[name] for name in by) for one in who if one["band"] == "very_high")
    levels = [sorted({one[name] for one in who}) for name in by]
    rows = [(*key, whole[key], high[key]) for key in product(*levels)]
    band = f"band@{population}"
    return Draft(
        title=f"by {' and '.join(by)}", columns=(*by, "people", "very_high"), rows=rows,
        counts=("people", "very_high"), policy=policy, total="all" if by else None,
        counted=Counted(
            population=population,
            dimensions=tuple((name, f"{name}@{population}") for name in by),
            whole="people", parts=(("very_high", band, ("very_high",)),),
            levels=((band, ("very_high", "low")),),
        ),
    )  # fmt: skip


def tells(old, new, by: tuple[str, ...], policy=DFE) -> list[int]:
    """By how many people the sums of two tables can be seen to differ, group by group."""
    found = []
    for column in ("people", "very_high"):
        sums = []
        for table in (old, new):
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            rows = rows[:-1] if table.has_total else rows
            groups: dict[tuple[str, ...], list[int | None]] = {}
            for row in rows:
                groups.setdefault(tuple(row[name] for name in by), []).append(row[column])
            sums.append({key: None if None in each else sum(each) for key, each in groups.items()})
        found += [
            abs(count - sums[1][key]) for key, count in sums[0].items()
            if count is not None and sums[1].get(key) is not None
        ]  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        (("sex", "imd"), ("imd",), ("imd",)),
        (("imd",), ("sex", "imd"), ("imd",)),
        (("sex", "imd"), ("sex",), ("sex",)),
        (("imd",), (), ()),
        (("sex",), ("imd",), ()),
    ],
)
def test_one_who_left_does_not_show_in_what_two_tables_add_up_to(seed, first, second, common):
    before = people(seed)
    gone = next(one for one in before if one["band"] == "very_high")
    after = [one for one in before if one is not gone]
    [old] = protect_all([draft("first", first, before)])
    told = of_table(old, DFE)
    assert told is not None
    earlier = (Earlier(told, **DAY),)
    [careless] = protect_all([draft("second", second, after)])
    assert any(0 < apart < DFE.threshold for apart in tells(old, careless, common))
    assert {breach.code for breach in audit((careless,), DFE, earlier=earlier)} == {"RS3036"}
    [new] = protect_all([draft("second", second, after)], earlier=earlier)
    assert not any(0 < apart < DFE.threshold for apart in tells(old, new, common))
    assert audit((new,), DFE, earlier=earlier) == ()


def test_the_same_people_told_again_by_less_hide_nothing():
    who = people(1)
    [old] = protect_all([draft("first", ("sex", "imd"), who)])
    told = of_table(old, DFE)
    assert told is not None
    [new] = protect_all([draft("second", ("imd",), who)], earlier=(Earlier(told, **DAY),))
    assert not new.suppressed


def test_rounded_counts_of_a_margin_are_far_enough_apart():
    policy = policy_named("hes")
    before = people(2)
    [old] = protect_all([draft("first", ("sex", "imd"), before, policy)])
    told = of_table(old, policy)
    assert told is not None
    again = [draft("second", ("imd",), before[1:], policy)]
    assert not protect_all(again, earlier=(Earlier(told, **DAY),))[0].suppressed
