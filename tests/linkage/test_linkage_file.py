"""Linkage files: read early, refused with a place."""

import pytest
import yaml

from linkage.small import CONFIGS
from riskstrat.errors import LinkageError, StudyError
from riskstrat.linkage.comparisons import LEVELS, levels_of
from riskstrat.linkage.parts import Comparison
from riskstrat.linkage.profiles import read_nicknames
from riskstrat.linkage.spec import read_linkage

FILES = sorted(CONFIGS.glob("*.yaml"))


def write(tmp_path, **changes):
    plain = yaml.safe_load((CONFIGS / "mid_county.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "linkage.yaml"
    path.write_text(yaml.safe_dump(plain | changes), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_projects_linkage_files_are_valid_and_say_their_names(path):
    assert read_linkage(path).linkage == path.stem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"blocking": [["surname_sounds"]]}, "blocking names `surname_sounds`, which no field"),
        ({"blocking": [["a; drop table"]]}, "no item of a key"),
        ({"identical": ["birthday"]}, "identical names `birthday`"),
        ({"one_to_one": True}, "one_to_one goes with"),
        ({"training": {}}, "training needs labels or rules"),
        ({"identifiers": [{"field": "passport"}]}, "`passport` is no field"),
        ({"thresholds": {"link": 0.99, "medium": 0.9}}, "the bands must rise"),
        ({"shoes": 42}, "shoes"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_meant_is_refused_when_it_is_read(tmp_path, changes, said):
    with pytest.raises(StudyError) as told:
        read_linkage(write(tmp_path, **changes))
    assert said in told.value.message
    assert told.value.code == "RS1203"


@pytest.mark.parametrize("kind", LEVELS)
def test_every_comparison_ends_with_different_and_has_its_own_labels(kind):
    other = "surname" if kind in ("forename", "text") else ""
    comparison = Comparison(
        name="x", kind=kind, similar=(0.9, 0.8), swapped_with=other, columns=("x", "y")
    )
    labels = [level.label for level in levels_of(comparison)]
    assert labels[0] == "not known"
    assert labels[-1] == "different"
    assert len(set(labels)) == len(labels)


def test_nicknames_are_read_beside_the_linkage_file(tmp_path):
    (tmp_path / "short.csv").write_text("name,nickname\nWilliam,Bill\nRobert,Bob\n", "utf-8")
    spec = read_linkage(write(tmp_path, nicknames="short.csv"))
    assert read_nicknames(spec) == {"bill": ("william",), "bob": ("robert",)}


@pytest.mark.parametrize("content", [None, "full,short\na,b\n"], ids=["none", "other columns"])
def test_nicknames_that_cannot_be_read_are_named(tmp_path, content):
    if content:
        (tmp_path / "short.csv").write_text(content, "utf-8")
    spec = read_linkage(write(tmp_path, nicknames="short.csv"))
    with pytest.raises(LinkageError, match=r"short\.csv: no table of nicknames") as told:
        read_nicknames(spec)
    assert told.value.code == "RS1309"
