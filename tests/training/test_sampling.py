"""Learning from a share of the rows without the outcome, and putting the risks right again."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from scipy.special import logit

from riskstrat.errors import OutOfMemoryError
from riskstrat.release.disclosure import protect_text
from riskstrat.release.policies import policy_named
from riskstrat.risk_model import FeatureRows, RiskModel
from riskstrat.training import frame, sampling
from riskstrat.training.rows import arrange
from riskstrat.training.sampling import check_room, draw, needed_bytes, share_that_fits
from riskstrat.training.spec import KeptNegatives
from training.small_county import small_county, train, training

COUNTY = small_county(units=1500)
THIRD = {"negatives": 0.3}
SPEC = training(learners=["lightgbm"], baselines=["age_sex"], sample=THIRD)


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    return train(COUNTY, SPEC, tmp_path_factory.mktemp("sampled"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    spec = SPEC.model_copy(update={"sample": "off"})
    return train(COUNTY, spec, tmp_path_factory.mktemp("whole"))


def drawn_of(county, share=0.3, seed=7):
    """(unit, date) -> whether the row is kept."""
    rows, _ = arrange(county.cohort, county.features, county.groups)
    kept = draw(rows, np.arange(len(rows)), 7, KeptNegatives(negatives=share), seed).kept
    keys = zip(rows.unit_id.to_pylist(), rows.as_of.tolist(), strict=True)
    return dict(zip(keys, kept.tolist(), strict=True)), rows


def saved(result, folder):
    for name, model in result.models.items():
        model.save(folder / name)
    files = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    plain = (result.metrics, result.tuning, result.folds, result.notes, result.sample)
    return files, repr(plain), result.predictions.to_pydict()


def test_all_with_the_outcome_are_kept_and_about_the_share_of_the_others():
    kept, rows = drawn_of(COUNTY)
    chosen = np.array(list(kept.values()))
    assert chosen[rows.outcome].all()
    others = chosen[~rows.outcome]
    assert abs(others.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(others))


def test_rows_are_drawn_and_not_whole_units():
    kept, rows = drawn_of(COUNTY)
    some = Counter(
        unit for (unit, _), k, y in zip(kept, kept.values(), rows.outcome, strict=True)
        if k and not y
    )  # fmt: skip
    assert {1, 2} <= set(some.values())


def test_who_is_kept_depends_on_neither_order_nor_company():
    kept, _ = drawn_of(COUNTY)
    order = np.random.default_rng(3).permutation(COUNTY.cohort.num_rows)
    assert drawn_of(COUNTY.in_order(order))[0] == kept
    fewer, _ = drawn_of(COUNTY.in_order(order[:900]))
    assert fewer == {pair: kept[pair] for pair in fewer}
    assert drawn_of(COUNTY, seed=8)[0] != kept


def test_a_smaller_share_is_part_of_a_larger_one():
    small, _ = drawn_of(COUNTY, share=0.1)
    large, _ = drawn_of(COUNTY, share=0.4)
    assert all(large[pair] for pair, kept in small.items() if kept)


def test_a_text_hashes_the_same_beside_longer_ones():
    short = pa.array(["a", "p000000012345678"])
    beside = pa.array(["a", "p000000012345678", "p" * 40, "a\u00e9"])
    alone = sampling._text_hashes(short, 5)
    assert alone.tolist() == sampling._text_hashes(beside, 5)[:2].tolist()
    assert len(set(sampling._text_hashes(beside, 5).tolist())) == 4


def test_risks_are_right_before_any_calibration(tmp_path):
    spec = SPEC.model_copy(update={"calibrate": "none"})
    result = train(COUNTY, spec, tmp_path)
    table = result.predictions
    own = table.filter(pc.equal(table["learner"], "lightgbm"))
    raw, outcome = own["raw_score"].to_numpy(), own["outcome"].to_numpy(zero_copy_only=False)
    assert 0.9 < outcome.sum() / raw.sum() < 1.1
    # Without the correction the odds would be 1 / 0.3 times too high.
    assert logit(raw).mean() < logit(outcome.mean())


def test_all_held_out_rows_are_judged_and_baselines_see_all(sampled, whole):
    ours, theirs = sampled.metrics["test"], whole.metrics["test"]
    assert ours["lightgbm"]["n"] == theirs["lightgbm"]["n"] == 1500
    assert abs(ours["lightgbm"]["auroc"]["value"] - theirs["lightgbm"]["auroc"]["value"]) < 0.03
    assert sampled.metrics["validation"]["lightgbm"]["n"] == 3000
    assert ours["age_sex"] == theirs["age_sex"]


def test_published_risks_of_a_sampled_model_are_right(tmp_path):
    spec = training(learners=["lightgbm"], baselines=[], sample=THIRD)
    metrics = train(small_county(units=4000, seed=5), spec, tmp_path).metrics["test"]["lightgbm"]
    assert 0.85 < metrics["calibration_slope"]["value"] < 1.15
    assert 0.9 < metrics["calibration_in_the_large"]["value"] < 1.1


def test_the_rule_is_recorded_with_its_counts(sampled, whole):
    assert whole.sample is None and "sample" not in whole.models["lightgbm"].provenance
    told = sampled.sample
    assert sampled.models["lightgbm"].provenance["sample"] == told
    assert told["negatives_share"] == 0.3
    assert told["outcomes"] < told["kept"] < told["rows"] == 4500
    assert told["log_odds_correction"] == pytest.approx(np.log(0.3))
    [note] = [note for note in sampled.notes if "30% of the rest" in note]
    assert str(told["kept"]) in note
    shown = protect_text(note, policy_named("strict"))
    assert not [
        n for n in (told["kept"], told["rows"], told["outcomes"]) if n % 5 and str(n) in shown
    ]


def test_a_sampled_model_explains_its_corrected_score(sampled, tmp_path):
    model = sampled.models["lightgbm"]
    model.save(tmp_path)
    again = RiskModel.load(tmp_path)
    rows = COUNTY.features.slice(0, 200)
    values, base = again.contributions(rows)
    assert np.allclose(values.sum(axis=1) + base, model.log_odds(rows), atol=1e-6)
    assert np.array_equal(again.raw_scores(rows), model.raw_scores(rows))


def test_the_order_of_rows_changes_no_byte_of_a_sampled_run(sampled, tmp_path):
    order = np.random.default_rng(4).permutation(COUNTY.cohort.num_rows)
    again = train(COUNTY.in_order(order), SPEC, tmp_path / "scratch")
    assert saved(again, tmp_path / "a") == saved(sampled, tmp_path / "b")


@pytest.mark.parametrize("sample", [THIRD, "off"])
def test_a_file_read_in_pieces_gives_the_same_bytes_as_a_table(sample, tmp_path, monkeypatch):
    spec = training(baselines=["base_rate"], tune={"trials": 2, "rows": 600}, sample=sample)
    county = small_county(units=500)
    at_once = train(county, spec, tmp_path / "at once")
    whole = FeatureRows.of_table(county.features).table
    pq.write_table(whole, tmp_path / "features.parquet", row_group_size=333)
    monkeypatch.setattr(frame, "PIECE_ROWS", 128)
    monkeypatch.setattr("riskstrat.risk_model.feature_rows.PIECE_ROWS", 128)
    read = FeatureRows.of_file(tmp_path / "features.parquet")
    in_pieces = train(county, spec, tmp_path / "in pieces", features=read)
    assert saved(in_pieces, tmp_path / "a") == saved(at_once, tmp_path / "b")
    rows = in_pieces.write_predictions(tmp_path / "predictions.parquet")
    kept = pq.read_table(tmp_path / "predictions.parquet")
    assert rows == kept.num_rows and kept.equals(at_once.predictions)


def test_auto_samples_by_rows_and_features_alone():
    assert share_that_fits(3_500_000, 350_000, 121) == 1.0
    assert share_that_fits(7_000_000, 700_000, 121) == 0.47
    # Never fewer than one for each with the outcome.
    assert share_that_fits(10_000_000, 4_000_000, 254) == 0.66
    assert share_that_fits(9_000_000, 9_000_000, 254) == 1.0


def test_too_little_memory_is_said_before_learning_begins(tmp_path, monkeypatch):
    check_room(10_000, 10_000, 100, memory=10_000_000)  # a small study is never refused
    check_room(5_000_000, 3_500_000, 121, memory=None)
    with pytest.raises(OutOfMemoryError) as refused:
        check_room(5_000_000, 3_500_000, 121, memory=2_000_000_000)
    assert refused.value.code == "RS1371" and refused.value.exit_code == 137
    assert 3.8e9 < needed_bytes(5_000_000, 3_500_000, 121) < 3.9e9
    assert "3.9GB" in refused.value.message and "2GB" in refused.value.message
    assert "--memory" in refused.value.fix and "training.sample" in refused.value.fix
    check_room(5_000_000, 500_000, 121, memory=4_000_000_000)


@pytest.mark.parametrize("wrong", ["half", {"negatives": 0}, {"negatives": 1}, {"positives": 0.5}])
def test_a_share_that_makes_no_sense_is_refused_early(wrong):
    with pytest.raises(ValidationError):
        training(sample=wrong)
