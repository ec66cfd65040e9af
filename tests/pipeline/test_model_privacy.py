"""The demo study on 20,000 people remembers nobody; one that overfits does, and makes no list."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.world import read
from riskstrat.cli.app import app

CONFIGS = Path(__file__).parents[2] / "configs"
OVERFITTED = {
    "learning_rate": 0.5, "num_leaves": 255, "n_estimators": 400, "lambda_l1": 0, "lambda_l2": 0,
    "bagging_fraction": 1.0, "feature_fraction_bynode": 1.0,
}  # fmt: skip
GATES = [
    "membership_inference_auc <= 0.53",
    "membership_inference_auc_positives <= 0.60",
    "smallest_leaf_people >= 10",
]


def ask(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code in (0, 20), done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("memory") / "county"
    ask("synth", place, "--people", 20_000, "--seed", 20260401, "--linked", "--quiet")
    return place


def verdicts(county: Path, study: Path) -> list[str]:
    store = county.parent / "store"
    run = Path(ask("run", study, "--data", county, "--store", store, "--quiet"))
    found = {gate["text"]: gate["verdict"] for gate in read(run / "audit" / "gates.json")}
    return [found[text] for text in GATES]


@pytest.mark.slow
def test_the_demo_study_passes_and_an_overfitted_one_trips(county: Path, tmp_path: Path) -> None:
    usual = CONFIGS / "studies" / "emergency_admission.yaml"
    assert verdicts(county, usual) == ["pass", "pass", "pass"]
    study = yaml.safe_load(usual.read_text(encoding="utf-8"))
    study["training"] |= {"learners": ["lightgbm"], "parameters": {"lightgbm": OVERFITTED}}
    folder = tmp_path / "configs"
    folder.mkdir()
    for name in ("sources", "agreements", "codelists", "studies"):
        (folder / name).mkdir() if name == "studies" else (folder / name).symlink_to(CONFIGS / name)
    overfitted = folder / "studies" / "overfitted.yaml"
    overfitted.write_text(yaml.safe_dump(study | {"study": "overfitted"}), encoding="utf-8")
    assert verdicts(county, overfitted) == ["fail", "fail", "pass"]
