"""The examples about real people, end to end, held against the figures published about them.

The data are not part of riskstrat (see `examples/README.md`): set `RISKSTRAT_SHARED_DATA` to the
folder that holds `rand_hie/`, `star_kindergarten/` and `compas/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn import metrics as oracle

import riskstrat
from riskstrat.api import Run

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RISKSTRAT_SHARED_DATA") or ROOT.parent / "shared" / "data")
SHORTER = {
    "compas": ("training.replicates=200",),
    "star_kindergarten": ("training.replicates=200",),
    "rand_hie": ("training.replicates=100", "training.learners=[lightgbm]"),
}
"""what the tests change in a study file to be quick; never what is learnt or who is tested"""
Answer = Callable[[str], Run]
EXAMPLES = [
    "compas",
    "star_kindergarten",
    pytest.param("rand_hie", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Runs an example, once."""
    store = tmp_path_factory.mktemp("store")

    @cache
    def ran(name: str) -> Run:
        if not (DATA / name).is_dir():
            pytest.skip(f"the data of {name} are not in {DATA}: set RISKSTRAT_SHARED_DATA")
        study = riskstrat.load_study(ROOT / "examples" / name / "study.yaml", SHORTER[name])
        return riskstrat.run(study, data=DATA, store=store, threads=2)

    return ran


def value(run: Run, learner: str, metric: str) -> float:
    table = run.metrics().set_index(["split", "learner", "metric"])
    return float(table.loc[("test", learner, metric), "value"])


def rows_of(run: Run, learner: str) -> pd.DataFrame:
    table = run.predictions()
    return table[(table["split"] == "test") & (table["learner"] == learner)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_its_gates_and_leaves_a_release_and_a_report(answer, name):
    run = answer(name)
    assert run.passed
    assert (run.folder / "report.html").stat().st_size > 10_000
    release = run.folder.parents[2] / "releases" / name
    assert [path.parent.name for path in release.rglob("manifest.json")] == ["analysts"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_independent_library_computes_the_same_metrics_from_the_predictions(answer, name):
    run = answer(name)
    for learner in learners_of(run):
        rows = rows_of(run, learner)
        y, risk, score = rows["outcome"], rows["risk"], rows["raw_score"]
        expected = {
            "auroc": oracle.roc_auc_score(y, score),
            "average_precision": oracle.average_precision_score(y, score),
            "brier": oracle.brier_score_loss(y, risk),
            "log_loss": oracle.log_loss(y, risk),
        }
        found = {metric: value(run, learner, metric) for metric in expected}
        assert found == pytest.approx(expected, abs=1e-9), learner


def learners_of(run: Run) -> list[str]:
    return sorted(run.predictions()["learner"].unique())


@pytest.mark.parametrize("name", EXAMPLES)
def test_who_is_found_at_a_capacity_is_a_matter_of_sorting_and_counting(answer, name):
    run = answer(name)
    compared = 0
    for cut in run.at_capacity().itertuples():
        rows = rows_of(run, cut.learner).sort_values("raw_score", ascending=False)
        chosen, rest = rows.iloc[: cut.selected], rows.iloc[cut.selected :]
        if chosen["raw_score"].min() == rest["raw_score"].max():
            continue  # people tied at the cut are taken in part, so there is no one list
        compared += 1
        assert cut.selected == int(cut.share * len(rows) + 0.5)
        assert cut.ppv == pytest.approx(chosen["outcome"].mean(), abs=1e-9)
        found = chosen["outcome"].sum() / rows["outcome"].sum()
        assert cut.sensitivity == pytest.approx(found, abs=1e-9)
    assert compared or name == "compas"  # a score of ten steps is tied at every cut


@pytest.mark.parametrize(
    ("group", "level", "people", "false_positive", "false_negative"),
    [
        ("everyone", "everyone", 7214, 32.35, 37.40),
        ("screenings.race", "African-American", 3696, 44.85, 27.99),
        ("screenings.race", "Caucasian", 2454, 23.45, 47.72),
    ],
)
def test_the_published_error_rates_are_reproduced(
    answer, group, level, people, false_positive, false_negative
):
    table = answer("compas").fairness()
    one = table[
        (table["group"] == group) & (table["level"] == level) & (table["at"] == "score >= 5")
    ].set_index("metric")
    assert set(one["people"]) == {people}
    assert round(100 * one.loc["false_positive_rate", "value"], 2) == false_positive
    assert round(100 * one.loc["false_negative_rate", "value"], 2) == false_negative


def test_nobody_with_a_published_score_is_left_out_of_the_audit(answer):
    rows = rows_of(answer("compas"), "compas_decile")
    assert (len(rows), rows["unit_id"].nunique(), int(rows["outcome"].sum())) == (7214, 7214, 3251)


def test_a_fairness_gate_would_have_stopped_the_published_score(answer):
    run = answer("compas")
    gates = 'audit.gates=["false_positive_rate_ratio(race, at=0.45) <= 1.25"]'
    path = ROOT / "examples" / "compas" / "study.yaml"
    study = riskstrat.load_study(path, [*SHORTER["compas"], gates])
    stopped = riskstrat.run(study, data=DATA, store=run.folder.parents[2])
    [gate] = stopped.facts["verdict"]["gates"]
    assert (stopped.passed, gate["verdict"]) == (False, "fail")
    assert gate["group"] == "race: African-American"
    assert gate["low"] > 1.25


def test_reading_is_foreseen_as_well_as_entry_variables_allow(answer):
    """The reference is 0.656: what is known at entry says little, and no more is claimed."""
    run = answer("star_kindergarten")
    winner = best(run)
    assert 0.65 <= value(run, winner, "auroc") <= 0.70
    assert value(run, winner, "auroc") > value(run, "age_sex", "auroc")
    assert len(rows_of(run, winner)) == 5789


def best(run: Run) -> str:
    table = run.metrics()
    own = table[
        (table["split"] == "validation")
        & (table["metric"] == "auroc")
        & ~table["learner"].isin({"base_rate", "age_sex", "prior_use"})
    ]
    return str(own.sort_values("value")["learner"].iloc[-1])


def test_nothing_measured_after_entry_is_read_at_entry():
    contract = yaml.safe_load(
        (ROOT / "examples/star_kindergarten/sources/entry.yaml").read_text(encoding="utf-8")
    )
    later = [f"{what}{year}" for what in ("read", "math", "star", "lunch") for year in "123"]
    texts = [str(column.get("from", name)) for name, column in contract["columns"].items()]
    assert not [text for text in texts for word in ("readk", "mathk", *later) if word in text]


def test_no_school_is_on_both_sides_of_a_fold(answer):
    """A school's pupils are all tested by one model, so they share one base rate."""
    run = answer("star_kindergarten")
    rows = rows_of(run, "base_rate").merge(groups(run), on=["unit_id", "as_of"])
    assert (rows.groupby("entry.school")["raw_score"].nunique() == 1).all()


def groups(run: Run) -> pd.DataFrame:
    return pd.read_parquet(run.folder / "groups.parquet")


@pytest.mark.slow
def test_next_years_admission_is_foreseen_as_well_as_the_reference(answer):
    run = answer("rand_hie")
    assert 0.72 <= value(run, "lightgbm", "auroc") <= 0.76
    assert value(run, "lightgbm", "auroc") > value(run, "prior_use", "auroc")
