"""Features give the same answer however they are cut into pieces, and wherever they lie."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskstrat.risk_model import FeatureRows, as_matrix, encode, encode_columns, plain
from riskstrat.risk_model import feature_rows as rows_module
from riskstrat.risk_model import model as model_module
from riskstrat.stages.score import reasons_of, score_batch, score_rows
from riskstrat.training import logistic
from training.small_county import COLUMNS, small_county, train, training

COUNTY = small_county(units=300)
NAMES = COUNTY.features.column_names
LEVELS = tuple(column.levels for column in COLUMNS)


@pytest.fixture
def file(tmp_path):
    """The features as the features stage writes them: sorted, in small row groups."""
    whole = FeatureRows.of_table(COUNTY.features)
    pq.write_table(whole.table, tmp_path / "features.parquet", row_group_size=170)
    return tmp_path / "features.parquet"


@pytest.fixture(params=[64, 170, 100_000])
def piece_rows(request, monkeypatch):
    monkeypatch.setattr(rows_module, "PIECE_ROWS", request.param)
    monkeypatch.setattr(model_module, "BATCH_ROWS", request.param)
    return request.param


def quiet(share, words=""): ...


def as_bytes(table):
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


@pytest.mark.parametrize(("start", "stop"), [(0, None), (1, 2), (169, 171), (333, 900), (5, 5)])
def test_pieces_of_a_file_and_of_a_table_are_the_same_rows(file, piece_rows, start, stop):
    whole = FeatureRows.of_table(COUNTY.features).table
    for rows in (FeatureRows.of_file(file), FeatureRows.of_table(COUNTY.features)):
        at, read = start, []
        for first, piece in rows.pieces(NAMES, start, stop):
            assert first == at and 0 < piece.num_rows <= piece_rows
            at += piece.num_rows
            read.append(plain(piece))
        wanted = whole.slice(start, (rows.num_rows if stop is None else stop) - start)
        assert pa.concat_tables([wanted.slice(0, 0), *read]).equals(wanted)


def test_pairs_are_found_in_any_order_and_absent_ones_are_said(file, piece_rows):
    rows = FeatureRows.of_file(file)
    asked = COUNTY.features.select(["as_of", "unit_id"]).take(pa.array([700, 3, 3 + 400, 1199]))
    stranger = asked.slice(0, 1).set_column(1, "unit_id", pa.array(["nobody"]))
    place = rows.find(pa.concat_tables([asked, stranger]))
    assert place[-1] == -1
    found = rows.take(["as_of", "unit_id"], place)
    assert found.slice(0, 4).equals(asked.combine_chunks())
    assert found["unit_id"].to_pylist()[-1] is None


def test_columns_in_arrow_hold_what_the_matrix_holds(file):
    features = COUNTY.features.set_column(
        NAMES.index("noise"), "noise", pa.array([np.inf, None] * 600, pa.float64())
    )
    straight = encode(features, COLUMNS, LEVELS)
    with pq.ParquetFile(file, read_dictionary=["people__ethnicity", "ed__known"]) as stored:
        read = stored.read()
    assert np.array_equal(as_matrix(encode_columns(features, COLUMNS, LEVELS)), straight, True)
    assert np.array_equal(encode(read, COLUMNS, LEVELS), encode(plain(read), COLUMNS, LEVELS), True)


def test_float32_numbers_are_handed_over_where_they_lie():
    column = encode_columns(COUNTY.features, COLUMNS, LEVELS)["0"]
    given = COUNTY.features["ed__count__365d"]
    assert column.chunk(0).buffers()[1].address == given.chunk(0).buffers()[1].address


def test_scores_and_reasons_are_the_same_bytes_whatever_is_read_at_once(file, tmp_path, piece_rows):
    model = train(COUNTY, training(baselines=[]), tmp_path).models["lightgbm"]
    whole = FeatureRows.of_table(COUNTY.features).table
    scores = score_rows(model, FeatureRows.of_file(file), quiet)
    assert scores.equals(score_batch(model, whole))
    parts = [score_batch(model, whole.slice(at, 7)) for at in range(0, whole.num_rows, 7)]
    assert as_bytes(pa.concat_tables(parts).combine_chunks()) == as_bytes(scores)
    listed = scores.sort_by([("raw_score", "descending")]).slice(0, 90).select(["unit_id", "as_of"])
    given = reasons_of(model, FeatureRows.of_file(file), listed, 3, quiet)
    assert given.select(["unit_id", "as_of"]).equals(listed)
    monthly = reasons_of(model, FeatureRows.of_table(COUNTY.features), listed, 3, quiet)
    assert as_bytes(given) == as_bytes(monthly)
    assert max(len(each) for each in given["reasons"].to_pylist()) == 3


def test_nobody_listed_gives_no_reasons(file, tmp_path):
    model = train(COUNTY, training(baselines=[]), tmp_path).models["lightgbm"]
    nobody = COUNTY.features.select(["unit_id", "as_of"]).slice(0, 0)
    assert reasons_of(model, FeatureRows.of_file(file), nobody, 3, quiet).num_rows == 0


def test_a_design_worked_out_in_blocks_gives_the_same_coefficients(tmp_path, monkeypatch):
    spec = training(learners=["logistic_regression"])
    held = train(COUNTY, spec, tmp_path / "held")
    monkeypatch.setattr(logistic, "CELLS_HELD", 0)
    blocks = train(COUNTY, spec, tmp_path / "blocks")
    for name, model in held.models.items():
        assert model.linear == blocks.models[name].linear
