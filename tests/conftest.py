"""Expensive things, made once: a small county, and one finished run about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.world import Said, World, new_world, once

settings.register_profile("riskstrat", deadline=None)  # machines are noisy: no test is timed
settings.load_profile("riskstrat")


@pytest.fixture(scope="session", autouse=True)
def many_commands_in_one_process() -> Iterator[None]:
    """A command that learns nothing may leave libraries out only where it is its process's last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("riskstrat.pipeline.run.without_learning", lambda: None)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all test processes of this session."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def county(shared: Path) -> World:
    """Extracts and configs, read only."""
    return once(shared / "small" / "county", new_world)


@pytest.fixture(scope="session")
def finished(shared: Path, county: World) -> World:
    """A world with one finished run, read only; `said.txt` holds what the run said to stderr."""

    def make(place: Path) -> World:
        world = county.copy(place)
        said = world.shell("run", "--threads", 1, env={"RISKSTRAT_DEBUG": "1"})
        assert said.code == 0, said.err
        (place / "said.txt").write_text(said.err, encoding="utf-8")
        (place / "printed.txt").write_text(said.out, encoding="utf-8")
        return world

    return once(shared / "small" / "finished", make)


@pytest.fixture(scope="session")
def first(finished: World) -> Said:
    """How the finished run ended."""
    told = (finished.root / name for name in ("printed.txt", "said.txt"))
    return Said(0, *(path.read_text(encoding="utf-8") for path in told))


@pytest.fixture
def fresh(county: World, tmp_path: Path) -> World:
    """Extracts and configs of one's own; no run yet."""
    return county.copy(tmp_path / "world")


@pytest.fixture
def own(finished: World, tmp_path: Path) -> World:
    """A finished run of one's own."""
    return finished.copy(tmp_path / "world")
