"""Source packs: the contracts of a standard, completed by the study that uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskstrat.contracts.catalogue import Catalogue, load_catalogue
from riskstrat.contracts.packs import PackUse
from riskstrat.contracts.spec import Lag
from riskstrat.errors import StudyError

ROOT = Path(__file__).parents[2]
AGREEMENT = """
agreement: {name}
reference: R-1
title: T
parties: [P]
purposes: [research]
legal_basis: {{}}
sources: {{}}
starts: 2020-01-01
ends: 2030-01-01
"""
VISITS = """
source: visits
title: Visits
agency: A
file: raw/visits.csv
row: visit
shape: events
unit: person
unit_key: person
happened_on: seen_on
known_on: {lag_days: 30, after: left_on}
tolerance: {duplicate_key: 0.1, before_birth: 0.1}
columns:
  person: {type: string}
  seen_on: {type: date}
  left_on: {type: date}
"""
USE = {"agreement": "ours", "coverage": {"from": "2020-01-01", "to": "2021-01-01"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with a pack in it."""
    write(tmp_path / "agreements" / "ours.yaml", AGREEMENT.format(name="ours"))
    pack(tmp_path, "standard", visits=VISITS)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def pack(root: Path, name: str, builds_on: str = "", **contracts: str) -> None:
    manifest = f"pack: {name}\ntitle: T\n" + (f"builds_on: {builds_on}\n" if builds_on else "")
    write(root / "sources" / name / "pack.yaml", manifest)
    for source, text in contracts.items():
        write(root / "sources" / name / f"{source}.yaml", text)


def load(folder: Path, *, name: str = "standard", **changes: object) -> Catalogue:
    return load_catalogue(folder, {name: PackUse.model_validate({**USE, **changes})})


def refused(folder: Path, **packs: dict[str, object]) -> str:
    uses = {name: PackUse.model_validate({**USE, **use}) for name, use in packs.items()}
    with pytest.raises(StudyError) as error:
        load_catalogue(folder, uses)
    assert error.value.code == "RS1253"
    assert error.value.fix
    return error.value.message


def test_a_contract_of_a_pack_is_completed_by_the_study(folder):
    visits = load(folder).sources["visits"]
    assert (visits.agreement, visits.file) == ("ours", "raw/visits.csv")
    assert visits.known_on == Lag(lag_days=30, after="left_on")


@pytest.mark.parametrize(
    ("files", "file"),
    [
        ("omop/{file}", "omop/raw/visits.csv"),
        ("{name}/*.parquet", "raw/visits/*.parquet"),
        ("all/**/*.parquet", "all/**/*.parquet"),
    ],
)
def test_a_study_says_where_the_files_are(folder, files, file):
    assert load(folder, files=files).sources["visits"].file == file


def test_other_braces_in_the_place_of_files_are_refused():
    with pytest.raises(ValueError, match="no other braces"):
        PackUse.model_validate({**USE, "files": "{table}.csv"})


def test_a_study_overrides_the_lag_the_format_and_the_tolerance(folder):
    visits = load(
        folder, lag_days=7, format={"kind": "csv", "delimiter": "|"}, tolerance={"before_birth": 0}
    ).sources["visits"]
    assert visits.known_on == Lag(lag_days=7, after="left_on")
    assert visits.format.delimiter == "|"
    assert visits.tolerance == {"duplicate_key": 0.1, "before_birth": 0}


def test_a_contract_of_ones_own_counts_before_that_of_a_pack(folder):
    own = VISITS.replace("title: Visits", "title: Our visits\nagreement: ours")
    own = own.replace("columns:", "coverage: {from: 2019-01-01, to: 2020-01-01}\ncolumns:")
    write(folder / "sources" / "visits.yaml", own)
    assert load(folder).sources["visits"].title == "Our visits"


def test_a_pack_may_build_on_another_and_change_some_of_its_contracts(folder):
    newer = VISITS.replace("title: Visits", "title: Newer visits")
    pack(folder, "newer", builds_on="standard", visits=newer)
    pack(folder, "newest", builds_on="newer", stays=VISITS.replace("visits", "stays"))
    found = load(folder, name="newest").sources
    assert {name: source.title for name, source in found.items()} == {
        "stays": "Visits",
        "visits": "Newer visits",
    }


def test_a_pack_may_be_anywhere(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    pack(elsewhere, "far", visits=VISITS)
    assert load(folder, name="far", path=str(elsewhere / "sources" / "far")).sources.keys() == {
        "visits"
    }


def test_a_pack_that_cannot_be_used_is_refused_with_its_place(folder):
    pack(folder, "other", visits=VISITS)
    pack(folder, "ring", builds_on="ring")
    assert "there is no pack in" in refused(folder, omop={})
    assert "is called `standard`" in refused(folder, omop={"path": "sources/standard"})
    assert "did you mean `visits`" in refused(folder, standard={"sources": ["visit"]})
    assert "in the pack standard too" in refused(folder, standard={}, other={})
    assert "`ring` builds on itself" in refused(folder, ring={})


def test_an_agreement_that_is_not_there_is_named(folder):
    with pytest.raises(StudyError, match="no agreement `your`; did you mean `ours`"):
        load(folder, agreement="your")


@pytest.mark.parametrize("name", ["omop_5_3", "omop_5_4", "meds", "hes"])
def test_every_pack_that_is_shipped_can_be_used(folder, name):
    found = load(folder, name=name, path=str(ROOT / "configs" / "sources" / name)).sources
    assert found
    for source in found.values():
        assert isinstance(source.known_on, Lag), f"{source.source} knows when its rows arrived"
