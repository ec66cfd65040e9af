"""The glass box beside a finished run: fitted, told in its report, and left alone once told."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import expit

from pipeline.world import Said, World, read, unshare
from riskstrat.glassbox.model import GlassBox
from riskstrat.risk_model import RiskModel, encode
from riskstrat.statistics import auroc
from riskstrat.store.files import verified_manifest

DRILLED = ("robustness.json", "robustness_findings.json")


@pytest.fixture(scope="module")
def world(finished: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    return finished.copy(tmp_path_factory.mktemp("glass") / "world")


@pytest.fixture(scope="module")
def compared(world: World) -> Said:
    unshare(world)
    said = world.ask("glassbox", "--threads", 1)
    assert said.code == 0, said.err
    return said


def test_the_curves_kept_give_the_metrics_told(compared: Said) -> None:
    run = compared.folder
    model = RiskModel.load(run / "model")
    told = read(run / "audit/glassbox_model.json")
    box = GlassBox.from_dict(told, model.features)
    tested = pq.read_table(run / "predictions.parquet", filters=[("split", "=", "test")])
    tested = tested.filter(np.asarray(tested["learner"]) == read(run / "training.json")["winner"])
    features = pq.read_table(run / "features.parquet").join(
        tested.select(["unit_id", "as_of", "outcome"]), ["unit_id", "as_of"], join_type="inner"
    )
    raw = expit(box.log_odds(encode(features, model.features, model.levels)))
    found = read(run / "audit/glassbox.json")
    expected = found["metrics"]["auroc"]["second"]["value"]
    assert auroc(np.asarray(features["outcome"]), raw) == pytest.approx(expected, abs=1e-12)
    assert found["rows"] == len(raw)
    for each in found["metrics"].values():
        change = each["second"]["value"] - each["first"]["value"]
        assert each["difference"]["value"] == pytest.approx(change)


def test_the_report_tells_of_it_in_protected_counts_and_the_run_is_whole(compared: Said) -> None:
    run = compared.folder
    assert verified_manifest(run) is not None
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="glassbox"') :]
    section = section[: section.index("<section")]
    assert "Glass box (explainable boosting)" in section and "Odds times" in section
    people = [int(cell.replace(",", "")) for cell in re.findall(r'">([\d,]+)</td>', section)]
    assert people and all(count >= 10 and count % 5 == 0 for count in people)
    exact = {f"{read(run / 'audit/glassbox.json')[name]:,}" for name in ("rows", "learnt_from")}
    assert not [count for count in exact if count in section]
    review = (run / "review.json").read_text(encoding="utf-8")
    assert "RS3604" in review
    price = read(run / "audit/glassbox_findings.json")[0]
    assert price["code"] == "RS3604" and price["low"] < price["value"] < price["high"]


@pytest.mark.slow
def test_what_drills_found_of_the_run_stays(own: World) -> None:
    unshare(own)
    said = own.ask("stress", "--quick", "--only", "planted_leaks")
    assert said.code == 0, said.err
    drilled = {name: (said.folder / name).read_bytes() for name in DRILLED}
    said = own.ask("glassbox")
    assert said.code == 0, said.err
    audit = said.folder / "audit"
    assert {name: (audit / name).read_bytes() for name in DRILLED} == drilled
    page = (said.folder / "report.html").read_text(encoding="utf-8")
    assert "3 features planted that know the outcome" in page


def test_what_is_told_is_not_told_again_so_a_sign_off_holds(world: World, compared: Said) -> None:
    before = (compared.folder / "manifest.json").read_bytes()
    again = world.ask("glassbox", "--threads", 2)
    assert (again.code, again.folder) == (0, compared.folder), again.err
    told = [line for line in again.err.splitlines() if line[:1] in "=✓"]
    assert any("glassbox" in line for line in told)
    assert all(line.endswith("(reused)") for line in told)
    assert (compared.folder / "manifest.json").read_bytes() == before


def test_without_its_run_it_says_how_to_make_one(fresh: World) -> None:
    said = fresh.ask("glassbox")
    assert (said.code, "RS3613" in said.err, "riskstrat run" in said.err) == (2, True, True)
    assert said.out == "" and fresh.outcomes() == []


def test_a_run_of_something_else_is_refused(world: World, compared: Said) -> None:
    said = world.ask("glassbox", "--run", compared.folder, "--set", "seed=8")
    assert (said.code, "RS3612" in said.err) == (2, True), said.err
    said = world.ask("glassbox", "--run", Path("nowhere"))
    assert said.code == 2
