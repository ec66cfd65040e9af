"""One granted column less, and both studies stop; put back as the message says, and they go on."""

from __future__ import annotations

import random
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from acceptance.messy import Messy
from pipeline.world import CONFIGS, Said, World
from riskstrat.study import load_study
from riskstrat.study.origins import StudyOrigins

STUDIES = ("emergency_admission", "school_readiness")
DRAWN = 1
"""columns of each study, besides those that are chosen"""
SUGGESTED = re.compile(r"have the agreement extended: (\w+) under `sources\.(\w+)\.columns`")

CHOSEN = {
    "emergency_admission": {
        "a key": ("rent_arrears", "household_id"),
        "when a row was known": ("ed_attendances", "recorded_on"),
        "what a relation leads through": ("residence", "lsoa_code"),
        "measured by a codelist": ("gp_events", "code"),
        "who objects": ("opt_outs", "kind"),
    },
    "school_readiness": {
        "the outcome": ("eyfs_profile", "good_level_of_development"),
    },
}


def needed(study: str) -> list[tuple[str, str]]:
    """Every (source, column) that a study reads of its sources."""
    used = _loaded(study).used_columns
    return sorted((source, column) for source, columns in used.items() for column in columns)


@cache
def _loaded(study: str):  # type: ignore[no-untyped-def]
    return load_study(CONFIGS / "studies" / f"{study}.yaml")


def cases() -> list[object]:
    """(study, source, column): those chosen, and some drawn from all that the study needs."""
    found = []
    for study, chosen in CHOSEN.items():
        others = [each for each in needed(study) if each not in chosen.values()]
        drawn = random.Random(study).sample(others, DRAWN)
        named = {**chosen, **{f"drawn {i}": each for i, each in enumerate(drawn)}}
        found += [
            pytest.param(study, *each, id=f"{study}-{why}-{each[0]}.{each[1]}")
            for why, each in named.items()
        ]
    return found


def take_out(configs: Path, study: str, source: str, column: str) -> Path:
    """Take one column out of what an agreement grants."""
    path = configs / "agreements" / f"{_loaded(study).sources_by_name[source].agreement}.yaml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    told["sources"][source]["columns"].remove(column)
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


def follow(said: Said, agreement: Path) -> None:
    """Make the change that the message suggests, and no other."""
    found = SUGGESTED.search(" ".join(said.err.split()))
    assert found, said.err
    told = yaml.safe_load(agreement.read_text(encoding="utf-8"))
    told["sources"][found[2]]["columns"].append(found[1])
    agreement.write_text(yaml.safe_dump(told), encoding="utf-8")


def with_study(world: World, study: str) -> None:
    shutil.copyfile(CONFIGS / "studies" / f"{study}.yaml", world.study)


def test_the_chosen_columns_are_needed() -> None:
    for study, chosen in CHOSEN.items():
        assert set(chosen.values()) <= set(needed(study))


@pytest.mark.parametrize(("study", "source", "column"), cases())
def test_a_column_less_stops_the_study_before_a_row_is_read_and_put_back_lets_it_go_on(
    tmp_path: Path, study: str, source: str, column: str
) -> None:
    """The data folder is empty: whoever tries to read a row there ends with another code."""
    world = World(tmp_path)
    shutil.copytree(CONFIGS, world.configs)
    world.data.mkdir()
    with_study(world, study)
    agreement = take_out(world.configs, study, source, column)
    said = world.ask("run")
    assert said.code == 11, said.err
    assert f"does not cover {column} of source {source}" in " ".join(said.err.split())
    assert "RS1102" in said.err
    assert not world.store.exists()
    follow(said, agreement)
    assert world.ask("check").code == 10  # now it looks for the extracts


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_put_back_the_study_passes_on_a_messy_county(
    messy: Messy, tmp_path: Path, study: str
) -> None:
    world = messy.copy(tmp_path / "world")
    with_study(world, study)
    assert world.ask("check").code == 0
    agreement = take_out(world.configs, study, *needed(study)[-1])
    stopped = world.ask("check")
    assert stopped.code == 11
    follow(stopped, agreement)
    said = world.ask("check")
    assert said.code == 0, said.err


@pytest.mark.parametrize("study", STUDIES)
def test_columns_behind_derived_features_are_among_those_needed(study: str) -> None:
    """A feature needs more than it shows: keys, dates and relations are granted or missed, too."""
    origins = StudyOrigins.of(_loaded(study))
    behind = {
        (source, column)
        for feature in origins.features
        for columns in (feature.made_from.shows, feature.made_from.rests_on)
        for source, names in columns.items()
        for column in names
    }
    assert behind <= set(needed(study))
    assert len(behind) > 30
