"""A study whose extracts say how surely they were linked: what could that hide?"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.world import World, read
from riskstrat.disk import write_json
from riskstrat.pipeline.links import derive_sure
from riskstrat.pipeline.options import Options, Silent
from riskstrat.pipeline.work import Work, holding
from riskstrat.stages.lineage import trace
from riskstrat.stages.links import SURE, unsure_rows, unsure_sources
from riskstrat.stages.reporting.report import render_again
from riskstrat.store.artefacts import Store
from riskstrat.study.load import load_study
from tables import contract

UNSURE = {"admissions": 0.3, "ed_attendances": 0.1}
"""extract -> share of its rows whose link is not sure"""
AGENCY = {"admissions": "hospitals", "ed_attendances": "hospitals"}


def rates() -> list[dict[str, Any]]:
    """What a linker who knows the truth might tell."""

    def both(recall: float, half: float, n: int, **where: str) -> list[dict[str, Any]]:
        named = {"basis": "truth", "agency": "hospitals", "group": "all", "level": "all"} | where
        said = {"recall": recall, "precision": 0.99}
        return [
            named | {"measure": m, "value": v, "low": v - half, "high": min(v + half, 1), "n": n}
            for m, v in said.items()
        ]

    every = {"agency": "all"}
    return [
        *both(0.9, 0.02, 3000),
        *both(0.97, 0.01, 1500, group="sex", level="female"),
        *both(0.83, 0.03, 1400, group="sex", level="male"),
        *both(0.97, 0.01, 5500, group="sex", level="female", **every),
        *both(0.9, 0.03, 5000, group="sex", level="male", **every),
        *both(0.9, 0.05, None, group="sex", level="not recorded", **every),  # type: ignore[arg-type]
    ]


def link_bands(world: World) -> dict[str, dict[str, int]]:
    """Give every extract a column that says how surely its rows are linked."""
    rng = np.random.default_rng(7)
    told = {}
    for path in sorted(world.data.glob("*.parquet")):
        table = pq.read_table(path)
        unsure = rng.random(table.num_rows) < UNSURE.get(path.stem, 0)
        bands = np.where(
            unsure, np.where(rng.random(table.num_rows) < 0.5, "low", "medium"), "high"
        )
        path.unlink()  # it may be shared with other worlds
        pq.write_table(table.append_column("link_band", pa.array(bands)), path)
        names, counts = np.unique(bands, return_counts=True)
        told[path.stem] = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return told


@pytest.fixture(scope="module")
def linked(county: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A finished run on extracts with bands, and with the linker's word on them."""
    world = county.copy(tmp_path_factory.mktemp("linked") / "world")
    extracts = {
        name: {"bands": bands, "rows": sum(bands.values()), "domain": "people",
               "agency": AGENCY.get(name, "icb")}
        for name, bands in link_bands(world).items()
    }  # fmt: skip
    people = {"register": "icb", "records": {}, "bands": {}, "entities": 4000, "rates": rates(),
              "unlinkable": [{"probability": 0.9, "share": 0.02, "n": 900}],
              "truth": "handed_over"}  # fmt: skip
    write_json(world.data / "linkage.json", {"extracts": extracts, "quality": {"people": people}})
    world.change("studies/small.yaml", "[lightgbm, logistic_regression]", "[logistic_regression]")
    # A model that fails makes no list, which nobody looks at here.
    world.change("studies/small.yaml", "auroc.low >= 0.5", "auroc.low >= 0.99")
    said = world.ask("run", "--threads", 1)
    assert said.code == 20, said.err
    (world.root / "said.txt").write_text(said.err)
    (world.root / "folder.txt").write_text(str(said.folder))
    return world


@pytest.fixture(scope="module")
def run(linked: World) -> Path:
    return Path((linked.root / "folder.txt").read_text())


def test_the_stages_are_said_and_the_model_is_trained_once(linked: World) -> None:
    said = (linked.root / "said.txt").read_text()
    assert "linkage_error quality of the outcome's links measured" in said
    assert "sure features" in said
    assert said.count("✓ training") == 1


def test_bounds_groups_and_findings_stand_in_the_audit(run: Path) -> None:
    told = read(run / "audit/linkage.json")
    assert (told["agency"], told["basis"]) == ("hospitals", "truth")
    assert {row["at"] for row in told["bounds"]} == {0.05, 0.20}
    assert all(row["low"] <= row["value"] <= row["high"] for row in told["bounds"])
    outcomes = read(run / "metrics.json")["test"][read(run / "training.json")["winner"]]["outcomes"]
    missed = told["outcome"]["missed"]
    assert missed["n"] == outcomes
    assert missed["value"] == pytest.approx(outcomes * 0.99 * (1 / 0.9 - 1))
    by_level = {r["level"]: r for r in told["bounds_by_group"] if r["at"] == 0.05}
    assert by_level.keys() == {"female", "male"}
    width = {name: row["high"] - row["low"] for name, row in by_level.items()}
    assert width["female"] < width["male"]
    found = read(run / "audit/linkage_findings.json")
    codes = {each["code"] for each in found}
    assert {"RS330", "RS331", "RS332", "RS333"} <= codes
    assert any(each["group"] == "sex: male" for each in found if each["code"] == "RS332")
    assert read(run / "run.json")["digests"]["linkage_error"]


def test_sure_links_only_is_as_if_the_other_rows_had_never_come(
    linked: World, county: World, tmp_path: Path
) -> None:
    """The oracle: a county whose agencies sent the sure rows alone, derived by itself."""
    other = county.copy(tmp_path / "other")
    kept = pa.array(SURE)
    for path in sorted(linked.data.glob("*.parquet")):
        table = pq.read_table(path)
        (other.data / path.name).unlink()
        sure = table.filter(pc.is_in(table["link_band"], value_set=kept))
        pq.write_table(sure.drop_columns("link_band"), other.data / path.name)
    said = other.ask("run", "--until", "features", "--threads", 1)
    assert said.code == 0, said.err
    for stage, file in (("cohort", "cohort.parquet"), ("features", "features.parquet")):
        [expected] = other.store.glob(f"derived/{stage}/*/{file}")
        found = [pq.read_table(p) for p in linked.store.glob(f"derived/{stage}/*/{file}")]
        assert sum(table.equals(pq.read_table(expected)) for table in found) == 1
    told = read(next(linked.store.glob("derived/linkage_error/*/linkage.json")))
    assert set(told["left_out"]) == set(UNSURE)
    assert told["again"]["after"]["outcomes"] < told["again"]["before"]["outcomes"]
    assert told["again"]["rows"] <= told["again"]["of"]


def test_people_with_an_unsure_record_are_told_by_the_studys_groups(
    linked: World, run: Path
) -> None:
    told = read(run / "audit/linkage.json")
    mine = [row for row in told["rates"] if row["measure"] == "sure_people"]
    assert {row["group"] for row in mine} == {"all", "sex", "imd_quintile"}
    [everybody] = [row for row in mine if row["group"] == "all"]
    winner = read(run / "training.json")["winner"]
    tested = pq.read_table(run / "predictions.parquet").filter(
        (pc.field("split") == "test") & (pc.field("learner") == winner)
    )
    units = set(tested["unit_id"].to_pylist())
    unsure: set[str] = set()
    for name in UNSURE:
        rows = pq.read_table(linked.data / f"{name}.parquet", columns=["person_id", "link_band"])
        unsure |= {r["person_id"] for r in rows.to_pylist() if r["link_band"] not in SURE}
    assert everybody["value"] == pytest.approx(1 - len(units & unsure) / len(units))


def test_the_report_says_what_linkage_could_hide(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="linkage"') : page.index('id="gates"')]
    for words in (
        "What linkage error could hide",
        "sealed truth of the made-up county",
        "more were missed, because their records were not linked",
        "with errors of linkage it may lie between",
        "Bounds under missed and false links",
        "The same model on sure links only",
        "Right person not found, by sex: from “female”",
        "the intervals do not overlap",
        "Records that hold too little to be linked",
    ):
        assert words in section, words
    assert section.count("<svg") >= 1
    assert "What could errors of linkage hide?" in page
    again = run.parent / "again"
    shutil.copytree(run, again)
    render_again(again, progress=lambda *_: None)
    assert (again / "report.html").read_text(encoding="utf-8") == page


def test_a_second_run_reuses_everything(linked: World, run: Path) -> None:
    said = linked.ask("run", "--threads", 1)
    assert said.code == 20, said.err
    assert said.folder == run
    assert "✓" not in said.err


def test_extracts_that_came_linked_leave_nothing_known(finished: World) -> None:
    [folder] = finished.store.glob("runs/small/*")
    assert not (folder / "audit/linkage.json").exists()
    assert "linkage_error" not in read(folder / "run.json")["digests"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "The extracts came already linked, and nothing is known of how well" in page


def test_lists_of_opt_outs_are_never_cut_short() -> None:
    bands = {"low": 3, "exact": 5, "alone": 2}
    linkage = {"extracts": {"visits": {"bands": bands}, "objections": {"bands": bands}}}
    visits = contract("visits", {"cost": "number"})
    objections = visits.model_copy(update={"file": "objections.parquet", "role": "opt_outs"})
    assert unsure_rows(visits, linkage) == unsure_rows(objections, linkage) == 3
    assert unsure_sources([visits, objections], linkage) == ("visits",)
    assert unsure_sources([visits], {"extracts": {}}) == ()


def test_too_few_sure_rows_are_a_result_and_no_fault(county: World, tmp_path: Path) -> None:
    """No attendance is surely linked: what is left cannot be checked, and that is what is told."""
    world = county.copy(tmp_path / "world")
    path = world.data / "ed_attendances.parquet"
    table = pq.read_table(path)
    path.unlink()
    bands = pa.array(["low"] * table.num_rows)
    pq.write_table(table.append_column("link_band", bands), path)
    extracts = {"ed_attendances": {"bands": {"low": table.num_rows}, "domain": "people"}}
    write_json(world.data / "linkage.json", {"extracts": extracts})
    study, store = load_study(world.study), Store(world.store)
    options = Options.make(
        data=world.data, store=store.root, memory="2GB", threads=1, today=date(2026, 1, 1)
    )
    work = Work(study, options, trace(study, store, world.data), Silent())
    with holding(store):
        assert derive_sure(work, trace(study, store, world.data, sure=True)) == "RS1006"
    assert work.stages == []
