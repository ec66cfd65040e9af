"""`riskstrat synth` writes raw extracts, and linked ones when it is asked to."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from riskstrat.cli.app import app
from riskstrat.synthetic.agencies import AGENCIES
from riskstrat.synthetic.extracts import EXTRACTS


def synth(directory: Path, *words: str) -> dict[str, object]:
    done = CliRunner().invoke(
        app, ["synth", str(directory), "--people", "600", "--seed", "3", "--quiet", *words]
    )
    assert done.exit_code == 0, done.stderr
    found: dict[str, object] = json.loads((directory / "county.json").read_text(encoding="utf-8"))
    return found


def test_synth_writes_a_folder_for_each_agency(tmp_path: Path):
    facts = synth(tmp_path / "demo")
    assert facts["raw"] == "raw"
    assert {entry.name for entry in (tmp_path / "demo").iterdir()} == {"raw", "county.json"}
    folders = {entry.name for entry in (tmp_path / "demo" / "raw").iterdir()}
    assert folders == {*AGENCIES, "public"}
    assert (tmp_path / "demo-truth" / "links.parquet").exists()


def test_synth_linked_writes_a_file_for_each_source(tmp_path: Path):
    facts = synth(tmp_path / "demo", "--linked")
    assert "raw" not in facts
    names = {entry.stem for entry in (tmp_path / "demo").glob("*.parquet")}
    assert names == {*EXTRACTS, "area_deprivation"}
    assert not (tmp_path / "demo-truth" / "links.parquet").exists()


def test_a_county_of_another_kind_is_replaced_whole(tmp_path: Path):
    synth(tmp_path / "demo")
    synth(tmp_path / "demo", "--linked")
    assert not (tmp_path / "demo" / "raw").exists()
    synth(tmp_path / "demo")
    assert not list((tmp_path / "demo").glob("*.parquet"))
