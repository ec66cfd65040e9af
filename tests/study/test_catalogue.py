"""The catalogue: what is declared under the config folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskstrat.contracts.catalogue import load_catalogue, read_codelist
from riskstrat.errors import StudyError

from .conftest import SOURCES


def test_the_catalogue_holds_everything_by_name(world):
    catalogue = load_catalogue(world)
    assert set(catalogue.sources) == set(SOURCES)
    assert set(catalogue.agreements) == {"health", "council"}
    assert catalogue.codelists["urgent"].codes == ("21", "22", "2B")
    assert catalogue.codelists["urgent"].by_group() == {"urgent": ("21", "22"), "other": ("2B",)}


def test_the_catalogue_cannot_be_changed(world):
    with pytest.raises(TypeError):
        load_catalogue(world).sources["x"] = None  # type: ignore[index]


def test_a_file_has_the_name_that_is_inside(world):
    (world / "sources" / "stays.yaml").rename(world / "sources" / "visits.yaml")
    with pytest.raises(StudyError, match="named visits, inside it says `stays`") as error:
        load_catalogue(world)
    assert error.value.code == "RS1250"


def test_a_source_names_an_agreement_that_exists(world):
    path = world / "sources" / "stays.yaml"
    path.write_text(path.read_text().replace("agreement: health", "agreement: helth"))
    with pytest.raises(StudyError, match="no agreement `helth`; did you mean `health`") as error:
        load_catalogue(world)
    assert error.value.code == "RS1252"


def test_the_faults_of_every_file_are_told_at_once(world):
    for name in ("stays", "calls"):
        path = world / "sources" / f"{name}.yaml"
        path.write_text(path.read_text().replace("unit: ", "unti: "))
    (world / "codelists" / "urgent.csv").write_text("code\n21\n")
    with pytest.raises(StudyError) as error:
        load_catalogue(world)
    for name in ("stays.yaml:8: unti", "calls.yaml:8: unti", "urgent.csv:1"):
        assert name in error.value.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"code,name\n1,a\n", "some.csv:1: the first line must be"),
        (b"code,label\n1,a\n1,b\n", "some.csv:3: code `1` appears twice"),
        (b"code,label\n,a\n", "some.csv:2: the code is empty"),
        (b"code,label\n1,a,b\n", "some.csv:2: 3 columns, the first line has 2"),
        (b"code,label\n", "holds no codes"),
        (b"", "the first line must be"),
        (b"code,label\n1,caf\xe9\n", "not UTF-8"),
        (b'code,label\n1,"a\n', "not valid CSV"),
        (b"code,label\n1\x002,a\n", "some.csv"),
    ],
)
def test_a_codelist_that_cannot_be_read_is_refused(tmp_path, content, says):
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(StudyError) as error:
        read_codelist(path)
    assert error.value.code == "RS1251"
    assert says in error.value.message


def test_a_codelist_keeps_codes_as_they_are_written(tmp_path):
    path = tmp_path / "some.csv"
    path.write_bytes('\ufeffcode,label\r\n06,"six, or more"\r\n\r\n6,\r\n'.encode())
    found = read_codelist(path)
    assert dict(found.labels) == {"06": "six, or more", "6": "6"}
    assert found.by_group() == {"": ("06", "6")}


def test_a_codelist_has_a_plain_name(tmp_path: Path):
    path = tmp_path / "Some list.csv"
    path.write_text("code,label\n1,a\n")
    with pytest.raises(StudyError, match="file name"):
        read_codelist(path)
