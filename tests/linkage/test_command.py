"""``riskstrat link``: reads arguments, links, shows."""

import json

import pytest
import typer
from typer.testing import CliRunner

from riskstrat.cli.linkage import register

APP = typer.Typer()
register(APP)


@APP.callback()
def _several() -> None:
    """Commands are named, as in the program itself."""


def run(*words):
    return CliRunner().invoke(APP, ["link", *map(str, words)])


def test_a_dataset_is_linked_and_judged(linkage_file, tmp_path):
    said = run(linkage_file, "--data", tmp_path, "--to", tmp_path / "out", "--json", "--quiet")
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert told["linkage"] == "mine"
    assert told["quality"][0]["f1"]["value"] > 0.95
    assert (tmp_path / "out" / "links.parquet").exists()


def test_people_read_a_table_and_what_comes_next(linkage_file, tmp_path):
    said = run(linkage_file, "--data", tmp_path, "--to", tmp_path / "out")
    assert said.exit_code == 0, said.output
    assert "precision" in said.stdout
    assert "review:" in said.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [(["nothing.yaml"], 12), (["--memory", "much"], 2)],
    ids=["no such file", "no amount of memory"],
)
def test_what_cannot_work_ends_with_the_family_of_its_error(
    linkage_file,
    tmp_path,
    words,
    code,
):
    file = [] if words[0].endswith("yaml") else [linkage_file]
    assert run(*file, *words, "--data", tmp_path, "--to", tmp_path / "out").exit_code == code


def test_help_ends_with_examples():
    said = CliRunner().invoke(APP, ["link", "--help"])
    assert "riskstrat link configs/linkage/febrl4.yaml" in said.stdout
