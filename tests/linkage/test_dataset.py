"""A dataset linked from a file: what is written, what is refused, and how right it is."""

import json
import os
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from linkage.made_up import SURNAMES, made_up
from linkage.small import CONFIGS
from riskstrat.errors import LinkageError
from riskstrat.linkage.dataset import link_dataset
from riskstrat.linkage.model import MatchModel
from riskstrat.linkage.spec import read_linkage

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RISKSTRAT_SHARED_DATA") or ROOT.parent / "shared" / "data")
LEAST_F1 = {"febrl2": 0.95, "febrl3": 0.95, "febrl4": 0.99, "splink_fake_1000": 0.92}


def test_links_model_review_and_quality_are_written_and_say_no_value(linkage_file, tmp_path):
    told = link_dataset(read_linkage(linkage_file), tmp_path, tmp_path / "out")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["links.parquet", "model.json", "quality.json", "review.parquet"]
    assert told["quality"][0]["f1"]["value"] > 0.95
    assert json.loads((tmp_path / "out" / "quality.json").read_text("utf-8")) == told
    said = (tmp_path / "out" / "model.json").read_text("utf-8") + json.dumps(told)
    assert not any(name in said for name in (*SURNAMES, "@mail"))
    review = pq.read_table(tmp_path / "out" / "review.parquet")
    assert {"record_key_l", "probability", "reason", "weight_forename"} <= set(review.column_names)


def test_the_same_records_give_the_same_bytes(linkage_file, tmp_path):
    spec = read_linkage(linkage_file)
    for name in ("one", "two"):
        link_dataset(spec, tmp_path, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_later_records_are_linked_with_the_earlier_model_and_names_are_kept(linkage_file, tmp_path):
    spec = read_linkage(linkage_file)
    whole = made_up()
    early = whole.filter(pc.invert(pc.starts_with(whole["id"], "c")))
    pq.write_table(early, tmp_path / "people.parquet")
    link_dataset(spec, tmp_path, tmp_path / "first")
    pq.write_table(whole, tmp_path / "people.parquet")
    told = link_dataset(spec, tmp_path, tmp_path / "second", before=tmp_path / "first")
    assert told["quality"][0]["f1"]["value"] > 0.95
    assert (tmp_path / "first" / "model.json").read_bytes() == (
        tmp_path / "second" / "model.json"
    ).read_bytes()
    with duckdb.connect() as con:
        kept, moved = con.execute(
            f"SELECT count(*), count(*) FILTER (a.entity <> b.entity) "
            f"FROM '{tmp_path}/first/links.parquet' AS a "
            f"JOIN '{tmp_path}/second/links.parquet' AS b USING (record_key)"
        ).fetchone()
    assert kept == early.num_rows
    assert moved == pq.read_metadata(tmp_path / "second" / "rekey.parquet").num_rows == 0


def test_csv_files_are_read_as_text(linkage_file, tmp_path):
    arrow_csv.write_csv(made_up(), tmp_path / "people.csv")
    spec = read_linkage(linkage_file)
    changed = spec.model_dump(by_alias=True)
    changed["files"]["people"]["file"] = "people.csv"
    told = link_dataset(type(spec).model_validate(changed), tmp_path, tmp_path / "out")
    assert told["quality"][0]["f1"]["value"] > 0.95


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda folder: (folder / "people.parquet").unlink(), "not found"),
        (lambda folder: (folder / "people.parquet").write_bytes(b"no"), "cannot be read"),
        (
            lambda folder: pq.write_table(
                made_up().drop_columns(["who"]), folder / "people.parquet"
            ),
            "lacks who",
        ),
    ],
    ids=["missing", "damaged", "without truth"],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_is_left(
    linkage_file, tmp_path, break_it, said
):
    spec = read_linkage(linkage_file)
    break_it(tmp_path)
    with pytest.raises(LinkageError, match=said) as told:
        link_dataset(spec, tmp_path, tmp_path / "out")
    assert told.value.code == "RS1309"
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_training_rule_that_no_pair_keeps_is_refused(linkage_file, tmp_path):
    spec = read_linkage(linkage_file)
    changed = spec.model_dump(by_alias=True)
    changed["training"]["rules"] = [["forename", "surname", "email", "city", "date_of_birth"]]
    alone = made_up().filter(pc.starts_with(made_up()["id"], "a"))
    pq.write_table(alone, tmp_path / "people.parquet")
    with pytest.raises(LinkageError) as told:
        link_dataset(type(spec).model_validate(changed), tmp_path, tmp_path / "out")
    assert told.value.code == "RS1306"


def test_a_folder_without_earlier_links_is_refused(linkage_file, tmp_path):
    with pytest.raises(LinkageError, match=r"model\.json: not found"):
        link_dataset(
            read_linkage(linkage_file), tmp_path, tmp_path / "out", before=tmp_path / "nothing"
        )


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the open research data are not here")
@pytest.mark.parametrize("name", LEAST_F1)
def test_open_sets_are_linked_as_well_as_promised(name, tmp_path):
    spec = read_linkage(CONFIGS / f"{name}.yaml")
    told = link_dataset(spec, DATA, tmp_path / "out")
    assert told["quality"][0]["f1"]["value"] >= LEAST_F1[name]
    model = MatchModel.read((tmp_path / "out" / "model.json").read_text("utf-8"))
    assert all(
        abs(sum(m for m, _ in levels.values()) - 1) < 1e-4 for levels in model.weights.values()
    )
