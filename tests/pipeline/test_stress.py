"""A finished run under stress: drill by drill, kept when done, told in the report."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.world import Said, World, read, unshare
from riskstrat.asof import covered_days
from riskstrat.contracts.spec import Coverage
from riskstrat.stages.stressing.missing_agency import ends_before
from riskstrat.store.files import verified_manifest
from riskstrat.study import load_study

QUICK = ("--quick", "--only", "planted_leaks", "--only", "missing_agency", "--only", "later_year")


@pytest.fixture(scope="module")
def world(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return finished.copy(tmp_path_factory.mktemp("stressed") / "world")


@pytest.fixture(scope="module")
def stressed(world: World) -> Said:
    unshare(world)
    said = world.ask("stress", *QUICK)
    assert said.code == 0, said.err
    return said


def rows(said: Said, drill: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(said.folder / "robustness.json")["drills"][drill]["rows"]
    return found


def test_planted_leaks_are_caught_by_the_audits_own_checks_and_noise_is_not(
    stressed: Said,
) -> None:
    found = {row["case"].partition(":")[0]: row["value"] for row in rows(stressed, "planted_leaks")}
    assert found == {"proxy": 1, "code": 1, "days": 1, "noise": 0}


def test_a_missing_supplier_leaves_others_alone_and_costs_the_list(stressed: Said) -> None:
    found = rows(stressed, "missing_agency")
    cases = list(dict.fromkeys(row["case"] for row in found))
    assert len(cases) == 2 * len({case.partition(":")[0] for case in cases}) >= 6
    alike = {row["case"]: row["value"] for row in found
             if row["metric"] == "jaccard" and row["at"] == 0.2}  # fmt: skip
    hospital = {case: value for case, value in alike.items() if "Hospitals" in case}
    gone, late = hospital["Mid County Hospitals: no data"], min(hospital.values())
    assert gone == late < 1


def test_an_earlier_model_is_held_against_the_one_that_was_tested(stressed: Said) -> None:
    found = rows(stressed, "later_year")
    assert found[0]["case"] == "learnt up to 2022-04-01"
    auroc = {row["role"]: row["value"] for row in found if row["metric"] == "auroc"}
    assert auroc["first"] - auroc["second"] == pytest.approx(auroc["difference"])


def test_the_report_tells_of_them_and_the_run_is_whole(stressed: Said) -> None:
    run = stressed.folder.parent
    assert verified_manifest(run) is not None
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "What the model rests on" in page
    named = round(sum(row["value"] for row in rows(stressed, "planted_leaks")))
    assert f"3 features planted that know the outcome, the audit named {named}" in page
    assert "<script" not in page
    review = (run / "review.json").read_text(encoding="utf-8")
    assert "RS375" in review


def test_what_is_done_is_not_done_again(world: World, stressed: Said) -> None:
    again = world.ask("stress", *QUICK)
    assert again.code == 0, again.err
    told = [line for line in again.err.splitlines() if line[:1] in "=✓"]
    assert len(told) >= 9 and all(line.endswith("(reused)") for line in told)
    assert read(again.folder / "robustness.json") == read(stressed.folder / "robustness.json")


def test_a_run_that_is_signed_is_left_as_it_is(world: World, stressed: Said) -> None:
    run = stressed.folder.parent
    assert world.ask("submit", "small", 1, "--by", "C. Patel").code == 0
    before = (run / "manifest.json").read_bytes()
    said = world.ask("stress", "--quick", "--only", "planted_leaks")
    assert said.code == 0, said.err
    assert said.folder == world.store / "robustness" / "small" / run.name
    assert (run / "manifest.json").read_bytes() == before
    assert world.ask("review", "small", 1, "--by", "A. Lee").code == 0


def test_without_its_run_or_with_a_drill_nobody_knows_it_is_refused(fresh: World) -> None:
    said = fresh.ask("stress", "--only", "fire")
    assert (said.code, "no drill `fire`" in said.err) == (2, True)
    said = fresh.ask("stress")
    assert (said.code, "RS3750" in said.err) == (2, True)


DAYS = st.dates(date(2018, 1, 1), date(2026, 1, 1))


@given(spells=st.lists(st.tuples(DAYS, DAYS).filter(lambda s: s[0] < s[1]), min_size=1, max_size=4),
       day=DAYS)  # fmt: skip
def test_what_ends_before_a_day_covers_nothing_after_it_and_all_before(spells, day):
    source = SOURCE.model_copy(update={"coverage": tuple(
        Coverage.model_validate({"from": opens, "to": closes}) for opens, closes in spells
    )})  # fmt: skip
    left = ends_before(source, day)
    assert covered_days(left.coverage, day, date(2030, 1, 1)) == 0
    first = date(2017, 1, 1)
    assert covered_days(left.coverage, first, day) == covered_days(source.coverage, first, day)


SOURCE = load_study(Path(__file__).parents[2] / "configs/studies/emergency_admission.yaml").sources[
    0
]
