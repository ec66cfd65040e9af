"""The same inputs give the same bytes; what has not changed is not made again."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.world import Said, World, fingerprints, lists_of, read
from riskstrat.pipeline import work
from riskstrat.stages.lineage import trace
from riskstrat.store.artefacts import Store
from riskstrat.study import load_study

FILES = ("predictions.parquet", "metrics.json", "features.parquet", "features.json", "study.yaml")


@pytest.fixture(scope="module")
def printed(first: Said) -> Path:
    return first.folder


def reused(said: Said) -> dict[str, bool]:
    """Stage -> whether its sentence says that it was reused."""
    told = [line for line in said.err.splitlines() if line[:1] in "=✓"]
    return {line[2:].split("  ")[0].strip(): line.endswith("(reused)") for line in told}


def made(said: Said) -> set[str]:
    return {stage for stage, again in reused(said).items() if not again}


def test_another_folder_and_another_number_of_threads_give_the_same_bytes(
    fresh: World, finished: World, printed: Path
) -> None:
    said = fresh.ask("run", "--threads", 2)
    assert said.code == 0, said.err
    assert fingerprints(said.folder, FILES) == fingerprints(printed, FILES)
    lists = lists_of(finished.store)
    assert lists_of(fresh.store) == lists
    assert fingerprints(fresh.store, lists) == fingerprints(finished.store, lists)
    assert said.folder.name == printed.name


def test_a_second_run_reuses_everything_and_starts_no_child(
    own: World, printed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_child(*_: object, **__: object) -> None:
        raise AssertionError("a child process was asked for")

    monkeypatch.setattr(work, "run_in_child", no_child)
    said = own.ask("run")
    assert said.code == 0, said.err
    assert said.folder.name == printed.name
    assert made(said) == set()
    last = own.ask("log", "--last", 1)
    assert f"run small {printed.name}" in " ".join(last.out.split())


def test_a_changed_gate_is_audited_again_and_nothing_before_it(own: World) -> None:
    """An impossible gate, too: the run is complete and kept, and the model has no alias."""
    own.change("studies/small.yaml", "auroc.low >= 0.5", "auroc.low >= 0.999")
    said = own.ask("run")
    assert said.code == 20, said.err
    assert made(said) == {"audit", "register", "report"}
    run = read(said.folder / "run.json")
    assert run["verdict"]["passed"] is False
    [failed] = [gate for gate in run["verdict"]["gates"] if not gate["passed"]]
    assert (failed["name"], failed["threshold"]) == ("auroc", ">= 0.999")
    assert run["model"]["version"] == 2
    assert run["release"] is None
    assert (said.folder / "report.html").exists()
    assert "auroc.low >= 0.999" in said.err
    assert "to fix:" in said.err
    from riskstrat.store.registry import Registry

    aliases = {v.version: v.aliases for v in Registry.of_store(own.store).versions("small")}
    assert aliases == {1: ("challenger",), 2: ()}
    again = own.ask("run")
    assert again.code == 20
    assert made(again) == set()


@pytest.mark.slow
def test_without_gates_nothing_is_decided_and_reviewers_are_asked_why_all_the_same(
    own: World,
) -> None:
    text = own.study.read_text(encoding="utf-8")
    gates = "  gates:\n    - auroc.low >= 0.5\n    - calibration_slope in [0.5, 2]\n"
    own.study.write_text(text.replace(gates, ""), encoding="utf-8")
    said = own.ask("run")
    assert said.code == 20, said.err
    assert "no gates were set, so nothing was decided" in said.err
    run = read(said.folder / "run.json")
    assert (run["verdict"], run["model"]["aliases"]) == ({"passed": False, "gates": []}, [])
    assert run["release"] is None
    page = (said.folder / "report.html").read_text(encoding="utf-8")
    assert "No limits were set before the run, so nothing was decided" in page
    assert own.ask("run", "--until", "audit").code == 20
    refused = own.ask("submit", "small", run["model"]["version"], "--by", "C. Patel")
    assert refused.code != 0 and "RS3310" in refused.err
    assert "no gates were set" in refused.err


def shorten(world: World, source: str) -> None:
    path = world.data / f"{source}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)


def test_a_changed_extract_gives_new_identities_to_what_derives_from_it(own: World) -> None:
    study = load_study(own.study)
    before = trace(study, Store(own.store), own.data).digests
    shorten(own, "rent_arrears")
    after = trace(study, Store(own.store), own.data).digests
    changed = {stage for stage in before if before[stage] != after[stage]}
    assert {"contracts/rent_arrears", "features", "training", "audit"} <= changed
    assert not {"contracts/admissions", "contracts/demographics", "linkage"} & changed


@pytest.mark.slow
def test_a_changed_extract_is_checked_again_and_no_other(own: World) -> None:
    shorten(own, "rent_arrears")
    before = {p.name for p in (own.store / "derived/contracts").iterdir()}
    said = own.ask("run")
    assert said.code == 0, said.err
    assert {"contracts", "features", "training", "audit"} <= made(said)
    assert "linkage" not in made(said)
    after = {p.name for p in (own.store / "derived/contracts").iterdir()}
    assert len(after - before) == 1


@pytest.mark.slow
def test_a_damaged_artefact_is_made_again(own: World, printed: Path) -> None:
    [predictions] = own.store.glob("derived/training/*/predictions.parquet")
    content = predictions.read_bytes()
    predictions.unlink()
    predictions.write_bytes(content[:-1])
    run = own.store / "runs/small" / printed.name / "predictions.parquet"
    run.unlink()
    run.write_bytes(content[:-1])
    said = own.ask("run")
    assert said.code == 0, said.err
    assert "training" in made(said)
    assert run.read_bytes() == predictions.read_bytes() == content
