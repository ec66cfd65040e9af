"""Rows, cells and groups that tell of too few people are found; those that do not are left."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from intruder.outputs import release
from riskstrat.intruder.counts import count_table, true_count
from riskstrat.intruder.findings import Attack
from riskstrat.intruder.releases import read_releases
from riskstrat.intruder.singling_out import single_out
from riskstrat.release.policies import POLICIES


def attacks(store: Path) -> dict[tuple[str, str], Attack]:
    return {(each.code, each.unit): each for each in single_out(read_releases(store))}


def person(n: int, age: str, area: str = "q1") -> dict[str, str]:
    shown = {"band": "high", "risk_band": f"{n % 9 * 5}-{n % 9 * 5 + 5}%", "reasons": "falls"}
    return {"release_id": f"{n:032x}", **shown, "age_band": age, "imd_quintile": area}


def group(place: str, people: str, high: str, moderate: str = "suppressed") -> dict[str, str]:
    return {"place": place, "people": people, "high": high, "moderate": moderate}


def test_a_row_that_nobody_shares_is_confirmed(tmp_path):
    rows = [person(n, "65-74") for n in range(20)] + [person(21, "85+")]
    release(tmp_path, rows)
    found = attacks(tmp_path)["RS3103", "rows"]
    assert (found.tried, found.claimed, found.confirmed) == (21, 1, 1)
    assert "1 rows" in found.notes[0]


def test_rows_that_enough_share_are_not(tmp_path):
    release(tmp_path, [person(n, "65-74" if n % 2 else "85+") for n in range(20)])
    assert attacks(tmp_path)["RS3103", "rows"].confirmed == 0


def test_rows_under_the_threshold_count_though_they_are_not_alone(tmp_path):
    release(tmp_path, [person(n, "85+" if n < 9 else "65-74") for n in range(30)])
    assert attacks(tmp_path)["RS3103", "rows"].confirmed == 9


def test_the_scores_own_columns_are_not_what_a_neighbour_knows(tmp_path):
    rows = [person(n, "85+") for n in range(20)]
    assert len({row["risk_band"] for row in rows}) == 9
    release(tmp_path, rows)
    assert attacks(tmp_path)["RS3103", "rows"].confirmed == 0


def test_a_count_under_the_threshold_is_confirmed(tmp_path):
    release(tmp_path, [group("north", "40", "10"), group("south", "35", "5")], kind="aggregate")
    assert attacks(tmp_path)["RS3103", "cells"].confirmed == 1


def test_a_zero_is_only_wrong_where_the_policy_hides_it(tmp_path):
    rows = [{"place": "north", "people": "40", "high": "0"}]
    release(tmp_path / "a", rows, kind="aggregate", policy="strict")
    release(tmp_path / "b", rows, kind="aggregate", policy="hes")
    assert attacks(tmp_path / "a")["RS3103", "cells"].confirmed == 1
    assert attacks(tmp_path / "b")["RS3103", "cells"].confirmed == 0


def test_a_group_that_is_all_in_one_band_is_confirmed_if_rounding_leaves_no_doubt(tmp_path):
    exact = [{"place": "north", "people": "12", "high": "12", "moderate": "0"}]
    release(tmp_path / "a", exact, kind="aggregate", policy="none")
    found = attacks(tmp_path / "a")["RS3104", "groups"]
    assert found.confirmed >= 1 and found.notes
    rounded = [group("north", "15", "15")]
    release(tmp_path / "b", rounded, kind="aggregate")
    found = attacks(tmp_path / "b")["RS3104", "groups"]
    assert found.claimed >= 1 and found.confirmed == 0


def test_a_list_beside_a_table_tells_that_everybody_is_on_it(tmp_path):
    release(tmp_path, [person(n, "85+") for n in range(23)])
    row = {"age_band": "85+", "people": "20", "high": "15"}
    release(tmp_path, [row], kind="aggregate", recipient="public_health")
    # 20 stands for 18 to 22, and 23 are listed.
    assert attacks(tmp_path)["RS3104", "groups"].confirmed == 1


def test_a_hidden_count_that_follows_from_the_total_is_confirmed(tmp_path):
    cells = [("north", "40"), ("south", "fewer than 1"), ("All that is shown", "43")]
    rows = [{"place": place, "people": "90", "high": high} for place, high in cells]
    rows[1]["high"] = POLICIES["none"].mark
    release(tmp_path / "none", rows, kind="aggregate", policy="none")
    assert attacks(tmp_path / "none")["RS3105", "cells"].confirmed == 0  # nothing is small there
    for row, high in zip(rows, ("40", "*", "45"), strict=True):
        row["high"] = high
    release(tmp_path / "hes", rows, kind="aggregate", policy="hes")
    assert attacks(tmp_path / "hes")["RS3105", "cells"].confirmed == 0  # rounding saves it


def test_a_small_group_between_two_releases_is_confirmed_if_counts_are_exact(tmp_path, monkeypatch):
    from dataclasses import replace
    from types import MappingProxyType

    from riskstrat.release import policies

    exact = replace(POLICIES["hes"], name="exact", base=1)
    changed = MappingProxyType({**POLICIES, "exact": exact})
    monkeypatch.setattr(policies, "POLICIES", changed)
    monkeypatch.setattr("intruder.outputs.POLICIES", changed)
    for recipient, high in (("public_health", "40"), ("board", "43")):
        rows = [{"place": "north", "people": "90", "high": high}]
        release(tmp_path, rows, kind="aggregate", recipient=recipient, policy="exact")
    assert attacks(tmp_path)["RS3105", "cells"].confirmed == 1
    for place, high in (("north", "40"), ("south", "*"), ("All that is shown", "43")):
        rows = [*(rows if place != "north" else []), {"place": place, "people": "90", "high": high}]
    release(tmp_path / "total", rows, kind="aggregate", policy="exact")
    assert attacks(tmp_path / "total")["RS3105", "cells"].confirmed == 1


@given(st.integers(0, 400), st.sampled_from([*POLICIES]))
def test_the_true_count_is_among_those_that_a_shown_one_stands_for(count, name):
    policy = POLICIES[name]
    rounded = policy.rounded(count)
    shown = policy.mark if rounded is None else str(rounded)
    between = true_count(shown, policy)
    assert between is not None and between.low <= count <= between.high
    for other in range(between.low, between.high + 1):
        again = policy.rounded(other)
        assert (policy.mark if again is None else str(again)) == shown


def test_groups_may_be_numbers(tmp_path):
    rows = [{"decile": str(n), "people": "40", "high": "10"} for n in range(1, 4)]
    release(tmp_path, rows, kind="aggregate")
    [one] = read_releases(tmp_path)
    table = count_table(one)
    assert table.groups == ("decile",) and table.counts == ("people", "high")


def test_without_releases_nothing_is_tried(tmp_path):
    assert all(each.skipped for each in single_out(read_releases(tmp_path)))
