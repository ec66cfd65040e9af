"""Contributions of everybody on a day: exact, kept in parts, taken up again after a kill."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.test_killed import PATIENCE, wait_for
from pipeline.world import Said, World, fingerprints
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.stages import contributions as stage
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import CONTRIBUTIONS, trace
from riskstrat.stages.register import chosen_version
from riskstrat.store.artefacts import Store
from riskstrat.study import load_study

DAY = date(2025, 4, 1)
MOST = 700
"""rows of a part here: the small county makes several"""


@pytest.fixture(scope="module")
def world(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return finished.copy(tmp_path_factory.mktemp("contributions") / "world")


@pytest.fixture(scope="module")
def explained(world: World) -> Said:
    said = world.ask("contributions", "--threads", 1)
    assert said.code == 0, said.err
    return said


@pytest.fixture
def job(world: World, explained: Said, tmp_path: Path) -> Job:
    """The stage in this process, on a store of its own where it is still to be done."""
    own = world.copy(tmp_path / "own")
    shutil.rmtree(own.store / "derived" / CONTRIBUTIONS)
    study, store = load_study(own.study), Store(own.store)
    version = chosen_version(store, study.name, None, False, progress=lambda share, words: None)
    lineage = trace(study, store, own.data, score_on=DAY, model=version["digest"])
    return Job(study, lineage, store, own.data, "4GB", 1, score_on=DAY)


def table_of(folder: Path):
    return pq.read_table(sorted(folder.glob("*.parquet")))


def test_they_add_up_to_the_registered_models_own_scores(world: World, explained: Said) -> None:
    found = table_of(explained.folder)
    model = RiskModel.load(next(world.store.glob("runs/small/*/model")))
    features = next(path for path in world.store.glob("derived/features/*/features.parquet")
                    if FeatureRows.of_file(path).num_rows == found.num_rows)  # fmt: skip
    rows = pq.read_table(features)
    assert found.select(["unit_id", "as_of"]).equals(rows.select(["unit_id", "as_of"]))
    assert set(found["as_of"].to_pylist()) == {DAY}
    own = model.log_odds(rows)
    assert np.allclose(found["log_odds"], own, atol=1e-9, rtol=0)
    base = float(found.schema.metadata[b"base"])
    values = [np.asarray(found[feature.name]) for feature in model.features]
    assert np.allclose(base + np.sum(values, axis=0), own, atol=1e-9, rtol=0)


def test_they_stay_in_the_store_and_nobody_is_named_in_what_is_said(
    world: World, explained: Said
) -> None:
    assert explained.folder.is_relative_to(world.store / "derived")
    assert "explained by 10 features" in explained.err and "they add up" in explained.err
    units = table_of(explained.folder)["unit_id"].to_pylist()
    said = explained.err + (world.store / "log/ledger.jsonl").read_text(encoding="utf-8")
    assert not [unit for unit in units[:200] if unit in said]


def test_the_second_time_they_are_reused(world: World, explained: Said) -> None:
    again = world.ask("contributions", "--threads", 2)
    assert (again.code, again.folder) == (0, explained.folder), again.err
    told = [line for line in again.err.splitlines() if line[:1] in "=✓"]
    assert len(told) >= 6 and all(line.endswith("(reused)") for line in told)


@pytest.mark.slow
def test_killed_while_it_works_it_leaves_nothing_half_done_and_goes_on(
    world: World, explained: Said, tmp_path: Path
) -> None:
    own = world.copy(tmp_path / "own")
    shutil.rmtree(own.store / "derived" / CONTRIBUTIONS)
    running = own.start("contributions", "--threads", 1)
    caught = wait_for(own, "scratch/contributions/*/model/*", running)
    os.killpg(running.pid, signal.SIGKILL)
    out, err = running.communicate(timeout=PATIENCE)
    assert caught and (running.returncode, out) == (-signal.SIGKILL, ""), err
    assert [path for path in own.store.glob(f"derived/{CONTRIBUTIONS}/*") if path.is_dir()
            and not path.name.startswith(".")] == []  # fmt: skip
    said = own.ask("contributions")
    assert said.code == 0, said.err
    names = [path.name for path in sorted(explained.folder.glob("*.parquet"))]
    assert fingerprints(said.folder, names) == fingerprints(explained.folder, names)
    assert own.left_behind() == []
    assert [p for p in (own.store / "scratch").glob("contributions/**/*") if p.is_file()] == []


class Killed(BaseException):
    """What ends the work here; nothing in it can catch it."""


def test_parts_that_are_finished_are_not_made_again_and_others_are(
    job: Job, explained: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "PART_ROWS", MOST)
    model = chosen_version(job.store, "small", None, False, progress=lambda share, words: None)
    done: list[str] = []

    def stop(share: float, words: str) -> None:
        done.append(words)
        if len(done) == 2:
            raise Killed

    with pytest.raises(Killed):
        stage.contributions_stage(job, model, progress=stop)
    scratch = job.store.scratch(CONTRIBUTIONS, job.lineage[CONTRIBUTIONS])
    parts = sorted(scratch.glob("*.parquet"))
    assert len(parts) == 2 and all(f"of {table_of(explained.folder).num_rows:,}" in w for w in done)
    pq.write_table(pq.read_table(parts[1]).slice(1), parts[1])  # about other rows: made again
    kept = parts[0].stat().st_ino
    stage.contributions_stage(job, model, progress=lambda share, words: None)
    artefact = job.store.artefact(CONTRIBUTIONS, job.lineage[CONTRIBUTIONS])
    assert artefact is not None
    assert (artefact / parts[0].name).stat().st_ino == kept
    whole, expected = table_of(artefact.folder), table_of(explained.folder)
    assert whole.equals(expected)
    assert artefact.facts["rows_out"] == expected.num_rows
    assert not list(scratch.parent.glob("**/*.parquet"))


def test_a_version_there_is_not_is_refused(world: World, explained: Said) -> None:
    said = world.ask("contributions", "--version", 9)
    assert said.code == 2 and "9" in said.err and said.out == ""


@pytest.mark.slow
def test_without_a_run_it_says_what_to_do(fresh: World) -> None:
    said = fresh.ask("contributions")
    assert said.code == 2 and "to fix" in said.err and said.out == ""
    assert not list(fresh.store.glob(f"derived/{CONTRIBUTIONS}/*"))
