"""A day that many score together: what a killed run left is gone on with, and nothing else is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from riskstrat.errors import StorageError
from riskstrat.risk_model import FeatureRows
from riskstrat.stages import score
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import Lineage
from riskstrat.stages.score import (
    reasons_by_many,
    reasons_of,
    score_rows,
    scores_by_many,
)
from riskstrat.store.artefacts import Store
from training.small_county import small_county, train, training

COUNTY = small_county(units=300)


def quiet(share, words=""): ...


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return train(COUNTY, training(baselines=[]), folder).models["lightgbm"]


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A job whose features are made; pieces are small enough for there to be several."""
    monkeypatch.setattr(score, "SPAN_ROWS", 500)
    store = Store(tmp_path / "store")
    with store.making("features", "f" * 64, {}) as folder:
        whole = FeatureRows.of_table(COUNTY.features)
        pq.write_table(whole.table, folder / "features.parquet", row_group_size=170)
    lineage = Lineage({"features": "f" * 64, "scores": "5" * 64}, {})
    return Job(None, lineage, store, tmp_path, "1GB", 2)  # type: ignore[arg-type]


@pytest.fixture
def features(job):
    return FeatureRows.of_file(job.folder("features") / "features.parquet")


def pieces(job: Job, what: str) -> list[Path]:
    return sorted(job.store.scratch("scores", job.lineage["scores"]).glob(f"{what}-*.parquet"))


def test_many_give_what_one_gives(job, model, features):
    scores = scores_by_many(job, model, features, quiet)
    assert scores.equals(score_rows(model, features, quiet))
    assert len(pieces(job, "scores")) > 1
    listed = scores.sort_by([("raw_score", "descending")]).slice(0, 90).select(["unit_id", "as_of"])
    explain = partial(reasons_by_many, job)
    given = reasons_of(model, features, listed, 3, quiet, explain)
    assert given.equals(reasons_of(model, features, listed, 3, quiet))


@pytest.mark.parametrize("threads", [1, 5])
def test_whoever_is_there_goes_on_with_the_pieces_that_others_left(job, model, features, threads):
    whole = scores_by_many(job, model, features, quiet)
    made = {piece: piece.stat().st_ino for piece in pieces(job, "scores")}
    pieces(job, "scores")[-1].unlink()
    again = scores_by_many(replace(job, threads=threads), model, features, quiet)
    assert again.equals(whole)
    kept = {piece: piece.stat().st_ino for piece in pieces(job, "scores")}
    assert list(kept) == list(made)
    assert list(kept.items())[:-1] == list(made.items())[:-1]


def test_reasons_for_others_are_not_taken_for_those_asked_for(job, model, features):
    for order in (np.array([3, 4, 600]), np.array([3, 5, 600])):
        found = reasons_by_many(job, model, features, order, 3, quiet)
        assert found.equals(score.reasons_in_order(model, features, order, 3, quiet))
    fewer = reasons_by_many(job, model, features, order, 1, quiet)
    assert max(len(each) for each in fewer["reasons"].to_pylist()) == 1


def test_a_piece_about_other_rows_is_refused(job, model, features):
    scores_by_many(job, model, features, quiet)
    first, second = pieces(job, "scores")[:2]
    shutil.copyfile(second, first)
    with pytest.raises(StorageError, match="not about") as refused:
        scores_by_many(job, model, features, quiet)
    assert refused.value.code == "RS7404"
