"""What an honest pipeline cannot do: learn from chance, see the future, or beat the true risk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from riskstrat.asof import literal, quoted
from riskstrat.contracts.spec import Shape, Source
from riskstrat.stages.cohort import cohort_stage
from riskstrat.stages.derive import contracts_stage, linkage_stage
from riskstrat.stages.features import features_stage
from riskstrat.stages.jobs import Job
from riskstrat.stages.lineage import trace
from riskstrat.stages.prepared import prepared_stage
from riskstrat.statistics import evaluate
from riskstrat.store.artefacts import Store
from riskstrat.study import Study, load_study
from riskstrat.study.planned import feature_plan
from riskstrat.synthetic import CountySummary, make_county
from riskstrat.training.fit import TrainingResult, fit
from riskstrat.training.spec import GroupedKFold, TrainingSpec, Tune

STUDY = Path(__file__).parents[2] / "configs" / "studies" / "emergency_admission.yaml"
KEY = ["unit_id", "as_of"]
TRUTH = "emergency_admission_12m.parquet"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> CountySummary:
    return make_county(
        tmp_path_factory.mktemp("honest") / "county", people=6000, seed=23, linked=True
    )


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(STUDY)


@pytest.fixture(scope="module")
def measured(county: CountySummary, study: Study, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Contracts to features, once."""
    return measure(study, county.directory, tmp_path_factory.mktemp("store"))


def measure(study: Study, data: Path, store: Path) -> Job:
    kept = Store(store)
    job = Job(study, trace(study, kept, data), kept, data, "2GB", 2)
    contracts_stage(job, [source.source for source in study.sources], progress=quiet)
    for stage in (linkage_stage, prepared_stage, cohort_stage, features_stage):
        stage(job, progress=quiet)
    return job


def quiet(share: float, words: str = "") -> None: ...


def learn(job: Job, spec: TrainingSpec, cohort: pa.Table, scratch: Path) -> TrainingResult:
    return fit(
        cohort,
        pq.read_table(job.folder("features") / "features.parquet"),
        feature_plan(job.study).columns,
        pq.read_table(job.folder("features") / "groups.parquet"),
        spec.model_copy(update={"tune": Tune(trials=0), "replicates": 100}),
        horizon_days=365,
        capacity=(0.05,),
        seed=5,
        threads=2,
        scratch=scratch,
    )


def cohort_of(job: Job) -> pa.Table:
    return pq.read_table(job.folder("cohort") / "cohort.parquet")


# -- chance --------------------------------------------------------------------------------------


def shuffled(cohort: pa.Table) -> pa.Table:
    """Known outcomes dealt out again among the people of the same date."""
    rng = np.random.default_rng(0)
    outcome = cohort.column("outcome").to_numpy(zero_copy_only=False).copy()
    dates = cohort.column("as_of").to_numpy()
    known = pc.is_valid(cohort.column("outcome")).to_numpy()
    for day in np.unique(dates):
        here = np.flatnonzero(known & (dates == day))
        outcome[here] = outcome[rng.permutation(here)]
    place = cohort.column_names.index("outcome")
    return cohort.set_column(place, "outcome", pa.array(outcome, pa.bool_()))


def test_outcomes_dealt_out_by_chance_cannot_be_learnt(measured, tmp_path):
    by_household = measured.study.spec.training.model_copy(
        update={"folds": GroupedKFold(scheme="grouped_kfold", k=3, inner_k=2, by="household")}
    )
    found = learn(measured, by_household, shuffled(cohort_of(measured)), tmp_path)
    test = found.metrics["test"]
    assert test["lightgbm"]["auroc"]["n"] > 15_000
    for learner in ("lightgbm", "logistic_regression"):
        assert test[learner]["auroc"]["value"] == pytest.approx(0.5, abs=0.03), learner


# -- the future ----------------------------------------------------------------------------------


@contextmanager
def rows_planted(
    county: CountySummary, study: Study, target: Path, happened: str, known: str
) -> Iterator[dict[str, int]]:
    """A copy of the extracts with rows of another day added; yields source -> rows added."""
    shutil.copytree(county.directory, target)
    added = {}
    with duckdb.connect() as con:
        for source in study.sources:
            if source.shape is Shape.EVENTS and not source.status:
                path = target / source.file
                extract = con.execute(f"SELECT * FROM {literal(str(path))}").to_arrow_table()
                more = copies(con, source, extract, target, happened, known)
                pq.write_table(pa.concat_tables([extract, more]), path)
                added[source.source] = more.num_rows
    yield added


def copies(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    extract: pa.Table,
    data: Path,
    happened: str,
    known: str,
) -> pa.Table:
    """Up to 300 of the past year's rows again, under new keys and on other days."""
    con.register("extract", extract)
    key, on, known_on = (
        quoted(str(n)) for n in (source.key[0], source.happened_on, source.known_on)
    )
    # Nobody's record may fall after death, nor be about somebody who opted out: it would be left
    # out for that and prove nothing.
    alive = "".join(
        f"person_id NOT IN (SELECT person_id FROM {literal(str(data / f'{name}.parquet'))}) AND "
        for name in ("deaths", "opt_outs")
        if source.unit == "person"
    )
    return con.execute(
        f"SELECT * REPLACE ('new' || {key} AS {key}, DATE '{happened}' AS {on}, "
        f"DATE '{known}' AS {known_on}) FROM (SELECT * FROM extract WHERE {alive}{on} BETWEEN "
        f"DATE '2023-04-01' AND DATE '2024-03-31' QUALIFY row_number() OVER "
        f"(PARTITION BY {key} ORDER BY {known_on}) = 1 ORDER BY {key} LIMIT 300)"
    ).to_arrow_table().cast(extract.schema)  # fmt: skip


def digest(job: Job) -> str:
    return hashlib.sha256((job.folder("features") / "features.parquet").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("happened", "known", "seen"),
    [
        pytest.param("2024-04-01", "2024-04-01", False, id="it-happened-on-the-day"),
        pytest.param("2024-03-01", "2024-04-01", False, id="it-was-recorded-on-the-day"),
        pytest.param("2024-03-01", "2024-03-31", True, id="it-was-recorded-the-day-before"),
    ],
)
def test_a_feature_sees_what_was_known_before_the_day_and_nothing_else(
    county, study, measured, tmp_path, happened, known, seen
):
    with rows_planted(county, study, tmp_path / "data", happened, known) as added:
        assert len(added) >= 6 and all(added.values())
        again = measure(study, tmp_path / "data", tmp_path / "store")
    for source, rows in added.items():
        stage = f"contracts/{source}"
        before, after = (accepted(job, stage) for job in (measured, again))
        assert after == before + rows, f"{source}: not every planted row was accepted"
    assert (digest(again) != digest(measured)) == seen


def accepted(job: Job, stage: str) -> int:
    return pq.read_metadata(job.folder(stage) / "accepted.parquet").num_rows


def test_measuring_again_gives_the_same_bytes(county, study, measured, tmp_path):
    assert digest(measure(study, county.directory, tmp_path)) == digest(measured)


# -- the true risk -------------------------------------------------------------------------------


def test_no_model_beats_the_true_risk(county, measured, tmp_path):
    found = learn(measured, measured.study.spec.training, cohort_of(measured), tmp_path)
    test = found.metrics["test"]
    truth = true_risk(county, measured, found.predictions)
    assert truth.n == test["lightgbm"]["auroc"]["n"] > 3_000
    for learner in ("lightgbm", "logistic_regression"):
        assert test["age_sex"]["auroc"]["value"] < test[learner]["auroc"]["value"]
        assert test[learner]["auroc"]["value"] <= truth.metrics["auroc"].high, learner


def true_risk(county: CountySummary, job: Job, predictions: pa.Table):
    """The sealed truth, judged on the rows the models were tested on."""
    known = pq.read_table(county.truth_directory / TRUTH).rename_columns(
        ["unit_id", "as_of", "true_risk", "happened"]
    )
    groups = pq.read_table(job.folder("features") / "groups.parquet", columns=[*KEY, "household"])
    rows = predictions.filter(
        (pc.field("split") == "test") & (pc.field("learner") == "lightgbm")
    ).join(known, KEY).join(groups, KEY)  # fmt: skip
    assert rows.column("true_risk").null_count == 0
    return evaluate(
        rows.column("outcome").to_numpy(zero_copy_only=False),
        rows.column("true_risk").to_numpy(),
        clusters=pc.coalesce(rows.column("household"), rows.column("unit_id")).to_numpy(),
        replicates=300,
        rng=np.random.default_rng(1),
    )
