"""What a run leaves on disk: the files and keys other people's programs rely on."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.world import Said, World, lists_of, read
from riskstrat.vocabulary import PRIVACY_METRICS

STAGES = (
    (
        "contracts linkage prepared cohort features training audit explanations register "
        "score|cohort score|features scores release report"
    )
    .replace("|", "~")
    .split()
)
CAPACITY = {"share", "threshold", "ppv", "sensitivity", "specificity", "lift"}
METRICS = {
    "auroc",
    "average_precision",
    "brier",
    "log_loss",
    "calibration_slope",
    "calibration_in_the_large",
    "ece",
    "net_benefit",
}
LEARNERS = {"lightgbm", "logistic_regression", "base_rate", "age_sex"}


@pytest.fixture(scope="module")
def run(first: Said) -> Path:
    return first.folder


def schema(path: Path) -> dict[str, pa.DataType]:
    found = pq.read_schema(path)
    return dict(zip(found.names, found.types, strict=True))


def test_stdout_holds_the_run_folder_and_nothing_else(finished: World, run: Path) -> None:
    assert run.parent == finished.store / "runs" / "small"
    assert run.is_dir()


def test_one_sentence_a_stage_goes_to_stderr_without_control_characters(first: Said) -> None:
    lines = first.err.splitlines()
    assert [line.split()[1] for line in lines[: len(STAGES)]] == [s.split("~")[0] for s in STAGES]
    assert all(character.isprintable() for line in lines for character in line)


def test_the_run_says_what_to_do_next(first: Said, run: Path) -> None:
    assert f"read:    {run / 'report.html'}" in first.err
    assert "riskstrat submit small 1 --by NAME" in first.err


def test_no_library_has_anything_to_say_even_when_asked(first: Said) -> None:
    """The run was made with RISKSTRAT_DEBUG, which lets libraries speak."""
    assert "Warning" not in first.err
    assert len(first.err.splitlines()) == len(STAGES) + 3


def test_run_json_tells_what_each_stage_cost(run: Path) -> None:
    stages = read(run / "run.json")["stages"]
    assert [s["stage"].replace(" ", "~") for s in stages] == STAGES
    for stage in stages:
        assert {"seconds", "peak_mb", "rows_in", "rows_out", "reused"} <= stage.keys()
        assert stage["seconds"] >= 0
        assert stage["peak_mb"] > 0
        assert stage["reused"] is False


def test_run_json_names_what_the_answer_was_made_from(run: Path) -> None:
    facts = read(run / "run.json")
    assert facts["study"] == "small"
    assert facts["run_id"] == run.name
    assert facts["seed"] == 7
    assert {"study", "data", "features", "training", "audit"} <= facts["digests"].keys()
    assert {"riskstrat", "lightgbm", "duckdb", "python"} <= facts["versions"].keys()
    assert {"name": "small", "version": 1}.items() <= facts["model"].items()


def test_run_json_tells_how_each_gate_was_judged(run: Path) -> None:
    verdict = read(run / "run.json")["verdict"]
    assert verdict["passed"] is True
    assert len(verdict["gates"]) == 2
    for gate in verdict["gates"]:
        keys = {"code", "name", "group", "value", "low", "high", "n", "threshold", "passed"}
        assert keys <= gate.keys()
        assert gate["code"].startswith("RS")
        assert gate["passed"] is True


def test_privacy_json_tells_what_the_model_remembers(run: Path) -> None:
    told = read(run / "audit" / "privacy.json")
    assert set(told["measured"]) <= set(PRIVACY_METRICS)
    for found in told["measured"].values():
        assert {"value", "low", "high", "n", "positives"} <= found.keys()
    assert "too few" in told["measured"]["membership_inference_auc"]["too_few"]
    assert told["structure"]["smallest_leaf_people"] >= 10 and not told["structure"]["extremes"]
    codes = {found["code"] for found in read(run / "audit" / "findings.json")}
    assert {"RS3401", "RS3402", "RS3403", "RS3406"} <= codes


def test_metrics_json_holds_every_learner_on_every_split(run: Path) -> None:
    metrics = read(run / "metrics.json")
    assert set(metrics) == {"validation", "test"}
    for learners in metrics.values():
        assert set(learners) == LEARNERS
        for values in learners.values():
            assert values.keys() >= METRICS
            for name in METRICS:
                assert {"value", "low", "high", "n"} <= values[name].keys()
            assert [cut["share"] for cut in values["at_capacity"]] == [0.05, 0.2]
            assert all(cut.keys() >= CAPACITY for cut in values["at_capacity"])


def test_predictions_hold_every_learner_and_split(run: Path) -> None:
    assert schema(run / "predictions.parquet") == {
        "unit_id": pa.string(),
        "as_of": pa.date32(),
        "split": pa.string(),
        "learner": pa.string(),
        "outcome": pa.bool_(),
        "risk": pa.float64(),
        "raw_score": pa.float64(),
    }
    table = pq.read_table(run / "predictions.parquet")
    assert set(table["learner"].to_pylist()) == LEARNERS
    assert set(table["split"].to_pylist()) == {"validation", "test"}
    assert all(0 <= risk <= 1 for risk in table["risk"].to_pylist())
    assert table["outcome"].null_count == 0


def test_features_and_their_dictionary_agree(run: Path) -> None:
    columns = schema(run / "features.parquet")
    dictionary = read(run / "features.json")
    assert list(columns) == ["unit_id", "as_of", *(entry["name"] for entry in dictionary)]
    for entry in dictionary:
        assert {"name", "meaning", "source", "window", "digest", "share_missing"} <= entry.keys()
        assert 0 <= entry["share_missing"] <= 1


def test_the_audit_leaves_groups_reasons_and_findings(run: Path) -> None:
    fairness = schema(run / "audit/fairness.parquet")
    assert {"group", "metric", "value", "low", "high", "n"} <= fairness.keys()
    groups = set(pq.read_table(run / "audit/fairness.parquet")["group"].to_pylist())
    assert {"sex", "imd_quintile"} <= groups
    explanations = schema(run / "audit/explanations.parquet")
    assert {"unit_id", "as_of", "feature", "value", "contribution"} <= explanations.keys()
    for finding in read(run / "audit/findings.json"):
        assert {"code", "severity", "message"} <= finding.keys()


def test_the_report_opens_offline(run: Path) -> None:
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    for outside in ('src="http', 'href="http', "@import", "url(http", "<script"):
        assert outside not in page


def test_every_file_of_the_run_has_its_recorded_digest(run: Path) -> None:
    files = read(run / "manifest.json")["files"]
    there = {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert there == files.keys() | {"manifest.json"}
    for name, facts in files.items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == facts["sha256"]


def test_each_recipient_has_a_folder_with_a_manifest_that_matches(finished: World) -> None:
    release = finished.store / "releases/small/2025-04-01"
    recipients = {path.name for path in release.iterdir()}
    assert recipients == {"gp_practice", "icb_commissioner", "public_health"}
    folders = [path.parent for path in release.rglob("list.csv")]
    assert len(folders) >= 3
    for folder in folders:
        names = {path.name for path in folder.iterdir()}
        assert names == {"list.csv", "list.xlsx", "summary.html", "manifest.json"}
        manifest = read(folder / "manifest.json")
        assert {"policy", "approvals", "suppressed_counts"} <= manifest.keys()
        assert set(manifest["files"]) == names - {"manifest.json"}
        for name, facts in manifest["files"].items():
            digest = facts["sha256"] if isinstance(facts, dict) else facts
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_a_commissioner_sees_no_pseudonym_of_the_run(finished: World, run: Path) -> None:
    units = set(pq.read_table(run / "predictions.parquet")["unit_id"].to_pylist())
    for recipient in ("icb_commissioner", "public_health"):
        path = finished.store / "releases/small/2025-04-01" / recipient / "list.csv"
        with path.open(newline="", encoding="utf-8-sig") as lines:
            cells = {cell for row in csv.reader(lines) for cell in row}
        assert not cells & units


def test_the_log_says_who_did_what_when_and_why_and_no_row_values(
    finished: World, run: Path
) -> None:
    text = (finished.store / "log/ledger.jsonl").read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    assert [e["what"] for e in entries] == ["preview small 2025-04-01", f"run small {run.name}"]
    for entry in entries:
        assert entry["who"]
        assert entry["at"].endswith("+00:00")
        assert entry["why"] == "purpose: case_finding"
    units = set(pq.read_table(run / "predictions.parquet")["unit_id"].to_pylist())
    assert not [unit for unit in units if unit in text]


def test_the_model_is_registered_once_and_is_the_challenger(finished: World, run: Path) -> None:
    from riskstrat.store.registry import Registry

    [version] = Registry.of_store(finished.store).versions("small")
    assert (version.version, version.aliases) == (1, ("challenger",))
    assert version.run_id == run.name


def test_nothing_half_written_and_no_scratch_is_left(finished: World) -> None:
    assert finished.left_behind() == []
    assert [p for p in (finished.store / "scratch").rglob("*") if p.is_file()] == []
    assert lists_of(finished.store)
