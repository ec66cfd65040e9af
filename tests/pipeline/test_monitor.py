"""A model in use is held against what it was approved on; what is found may stop it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.world import Said, World, fingerprints, read
from riskstrat.pipeline import Options
from riskstrat.pipeline.clearance import cleared
from riskstrat.signoff.faults import SignoffRefused
from riskstrat.signoff.questions import QUESTIONS
from riskstrat.store.ledger import Ledger
from riskstrat.study import load_study

RIPE, UNRIPE = "2024-09-01", "2025-08-01"
FILES = ("monitor.json", "monitor.html")
ANSWERED = [word for name in QUESTIONS for word in ("--answer", f"{name}=seen and weighed")]


@pytest.fixture(scope="module")
def world(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A finished run of our own."""
    return finished.copy(tmp_path_factory.mktemp("watched") / "world")


@pytest.fixture(scope="module")
def watched(world: World) -> Said:
    """A day whose outcomes are known by now."""
    said = world.ask("monitor", "--as-of", RIPE)
    assert said.code == 0, said.err
    return said


def rows(told: dict[str, Any], table: str) -> list[dict[str, Any]]:
    found = told[table]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def test_an_unchanged_county_is_quiet_and_judged_on_its_outcomes(watched: Said) -> None:
    told = read(watched.folder / "monitor.json")
    assert (told["judged_on"], told["not_known"]) == (RIPE, "")
    assert [row["text"] for row in rows(told, "gates")] == [
        "auroc.low >= 0.5", "calibration_slope in [0.5, 2]",
    ]  # fmt: skip
    drifted = [row for row in rows(told, "findings") if row["severity"] != "info"]
    assert not {"RS3701", "RS3702", "RS3703", "RS3704", "RS3705"} & {r["code"] for r in drifted}
    auroc = {row["when"]: row["value"] for row in rows(told, "performance")
             if row["metric"] == "auroc"}  # fmt: skip
    assert abs(auroc["now"] - auroc["approval"]) < 0.1
    assert {row["source"] for row in rows(told, "volumes")} >= {"admissions", "ed_attendances"}


def test_a_group_that_the_study_no_longer_names_is_told_as_lost(
    world: World, watched: Said, tmp_path: Path
) -> None:
    own = world.copy(tmp_path / "world")
    text = own.study.read_text(encoding="utf-8")
    text = text.replace("[sex, imd_quintile]", "[sex]").replace("imd_quintile, ", "")
    own.study.write_text(text.replace("[imd_quintile]", "[sex]"), "utf-8")
    said = own.ask("monitor", "--as-of", RIPE)
    assert said.code == 0, said.err
    told = read(said.folder / "monitor.json")
    [lost] = [row for row in rows(told, "findings") if row["code"] == "RS3715"]
    assert (lost["where"], lost["severity"]) == ("imd_quintile", "warning")
    found = rows(read(watched.folder / "monitor.json"), "findings")
    assert "RS3715" not in {row["code"] for row in found}


def test_nothing_is_fitted_and_the_same_bytes_come_out(world: World, watched: Said) -> None:
    before = fingerprints(watched.folder, FILES)
    derived = sorted(p.name for p in (world.store / "derived/training").iterdir())
    again = world.ask("monitor", "--as-of", RIPE, "--threads", 1)
    assert again.code == 0, again.err
    assert fingerprints(again.folder, FILES) == before
    assert derived == sorted(p.name for p in (world.store / "derived/training").iterdir())


def test_no_small_count_is_in_what_is_written(watched: Said) -> None:
    """The county's sources are under the policy `strict`: below 10 hidden, the rest by fives."""
    told = read(watched.folder / "monitor.json")
    counted = {"volumes": ("then", "now"), "cells": ("then", "now"), "scores": ("then", "now"),
               "cuts": ("people_now", "n"), "features": ("n",), "missing": ("n",)}  # fmt: skip
    shown = [row[name] for table, names in counted.items() for row in rows(told, table)
             for name in names if row[name] is not None]  # fmt: skip
    assert len(shown) > 100
    assert all(count >= 10 and count % 5 == 0 for count in shown)


def test_the_page_stands_alone_and_every_drawing_has_its_numbers(watched: Said) -> None:
    page = (watched.folder / "monitor.html").read_text(encoding="utf-8")
    assert len(page) < 1_000_000
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert "://" not in page.replace('xmlns="http://www.w3.org/', "")
    figures = re.findall(r"<figure>.*?</figure>", page, flags=re.DOTALL)
    assert len(figures) >= 4
    for figure in figures:
        assert "<figcaption>" in figure and "<table" in figure


def test_a_day_whose_outcomes_are_not_known_says_when_they_can_be(world: World) -> None:
    said = world.ask("monitor", "--as-of", UNRIPE)
    assert said.code == 0, said.err
    told = read(said.folder / "monitor.json")
    assert (told["judged_on"], told["gates"], told["known_from"]) == ("", None, "2026-08-01")
    assert "RS3713" in {row["code"] for row in rows(told, "findings")}
    assert "not known yet" in (said.folder / "monitor.html").read_text(encoding="utf-8")


def test_a_day_that_the_model_learnt_from_is_refused_at_once(world: World) -> None:
    said = world.ask("monitor", "--as-of", "2023-04-01")
    assert said.code == 2
    assert "RS3723" in said.err


@pytest.fixture(scope="module")
def signed(world: World, watched: Said) -> World:
    assert world.ask("submit", "small", 1, "--by", "C. Patel").code == 0
    for who in ("A. Lee", "B. Okafor"):
        assert world.ask("review", "small", 1, "--by", who).code == 0
        why = ("--by", who, "--reason", "minute 4", *ANSWERED)
        assert world.ask("approve", "small", 1, *why).code == 0
    return world


def stops_sending(world: World, source: str, day: date) -> None:
    """An agency's extract ends with what had arrived before a day."""
    path = world.data / f"{source}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.filter(pc.less(table["recorded_on"], pa.scalar(day))), path)


def may_be_used(world: World) -> str:
    """'' where the approval of version 1 holds, else the code of the refusal."""
    options = Options.make(data=world.data, store=world.store, memory="2GB", threads=1,
                           today=date.today())  # fmt: skip
    try:
        cleared(load_study(world.study), options, 1)
    except SignoffRefused as refused:
        return refused.code
    return ""


def test_the_studys_own_rule_suspends_and_a_reviewer_lifts_it(signed: World) -> None:
    assert may_be_used(signed) == ""
    stops_sending(signed, "ed_attendances", date(2024, 8, 1))
    said = signed.ask("monitor", "--as-of", RIPE, "--set", "monitor.suspend=[RS3701]")
    assert said.code == 20
    assert "the version is suspended, for RS3701" in said.err
    found = rows(read(said.folder / "monitor.json"), "findings")
    assert [r["where"] for r in found if r["code"] == "RS3701"] == ["ed_attendances"]
    assert "ed_attendances" in {r["where"] for r in found if r["code"] == "RS3714"}
    assert may_be_used(signed) == "RS3720"
    scored = signed.ask("score", "--as-of", UNRIPE)
    assert (scored.code, "RS3720" in scored.err) == (30, True)
    logged = [entry["what"] for entry in Ledger.of_store(signed.store).entries()]
    assert "suspend small 1" in logged
    act = ("small", 1, "--by", "B. Okafor", "--reason", "the rule was too strict", "--lift")
    assert signed.ask("suspend", *act).code == 0
    assert may_be_used(signed) == ""
    assert signed.ask("suspend", *act).code == 2


def test_a_person_stops_a_version_by_name(signed: World) -> None:
    act = ("small", 1, "--by", "A. Lee", "--reason")
    assert signed.ask("suspend", *act, "list read wrongly").code == 0
    assert may_be_used(signed) == "RS3720"
    assert signed.ask("suspend", *act, "put right", "--lift").code == 0
    assert signed.ask("suspend", "small", 7, "--by", "A. Lee", "--reason", "none").code == 2


def test_a_study_of_everybodys_own_dates_has_no_day_to_watch(tmp_path: Path) -> None:
    from riskstrat.errors import UsageError
    from riskstrat.pipeline.monitor import monitor_study

    study = load_study(Path(__file__).parents[2] / "examples/compas/study.yaml")
    options = Options.make(data=tmp_path, store=tmp_path / "store", memory="2GB", threads=1,
                           today=date.today())  # fmt: skip
    with pytest.raises(UsageError, match="a day of their own") as refused:
        monitor_study(study, options, as_of=date(2014, 1, 1))
    assert refused.value.code == "RS3724"
