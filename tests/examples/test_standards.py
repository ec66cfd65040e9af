"""OMOP, MEDS and HES through their source packs, held against figures published about the data.

The data are not part of riskstrat (see `examples/README.md`): set `RISKSTRAT_SHARED_DATA` to the
folder that holds `omop_gibleed/`, `omop_synthea27nj/` and `hes_artificial/`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import riskstrat
from examples.tables import Tables
from riskstrat.contracts.catalogue import load_catalogue
from riskstrat.contracts.packs import PackUse

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RISKSTRAT_SHARED_DATA") or ROOT.parent / "shared" / "data")
INDEX = "cohort.as_of={each: drug_exposure, where: \"drug_concept_id = '%s'\"}"
BLEED = "cohort.as_of={each: condition_occurrence, where: \"condition_concept_id = '192671'\"}"


def needed(name: str) -> Path:
    """The folder of one data set."""
    if not (DATA / name).is_dir():
        pytest.skip(f"the data of {name} are not in {DATA}: set RISKSTRAT_SHARED_DATA")
    return DATA / name


@pytest.fixture
def gibleed(tmp_path: Path) -> Tables:
    needed("omop_gibleed")
    tables = Tables("omop_gibleed", DATA, tmp_path)
    tables.checked()
    return tables


@pytest.fixture(scope="module")
def meds_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GiBleed as a MEDS data set, in four shards."""
    folder = tmp_path_factory.mktemp("meds")
    script = ROOT / "examples" / "meds" / "omop_to_meds.py"
    subprocess.run([sys.executable, script, needed("omop_gibleed"), folder], check=True)
    return folder


# -- OMOP 5.3 ------------------------------------------------------------------------------------


def test_every_row_of_omop_5_3_is_accepted_but_one_before_a_birth(tmp_path):
    needed("omop_gibleed")
    found = Tables("omop_gibleed", DATA, tmp_path).checked()
    assert {name: check.rows_accepted for name, check in found.items()} == {
        "person": 2694,
        "observation_period": 5343,
        "visit_occurrence": 1037,
        "condition_occurrence": 65332,
        "drug_exposure": 67706,
        "procedure_occurrence": 37409,
        "measurement": 44053,
        "observation": 1477,
    }
    assert dict(found["drug_exposure"].rejected) == {"before_birth": 1}


@pytest.mark.parametrize(
    ("change", "people"),
    [(INDEX % "1118084", 1844), (INDEX % "1124300", 850), (BLEED, 479), (None, 2694)],
    ids=["celecoxib", "diclofenac", "gastrointestinal bleed", "both drugs"],
)
def test_the_published_cohorts_of_gibleed_are_study_expressions(tmp_path, change, people):
    needed("omop_gibleed")
    changes = [change, "cohort.who='true'"] if change else ["cohort.who='true'"]
    tables = Tables("omop_gibleed", DATA, tmp_path, *changes)
    tables.checked()
    assert tables.pairs()[-1][1] == people
    assert tables.rows("SELECT count(DISTINCT unit_id) FROM pairs") == [(people,)]


def test_a_bleed_within_a_year_is_known_for_whom_it_can_be(gibleed):
    gibleed.pairs()
    assert gibleed.outcomes() == {True: 471, False: 2099, None: 124}


def test_a_lag_of_the_pack_is_overridden_by_the_study_and_by_set(tmp_path):
    study = ROOT / "examples" / "omop_gibleed" / "study.yaml"

    def lags(*changes: str) -> set[int]:
        sources = riskstrat.load_study(study, changes).catalogue.sources.values()
        return {source.known_on.lag_days for source in sources}  # type: ignore[union-attr]

    assert lags() == {0}
    assert lags("packs.omop_5_3.lag_days=45") == {45}
    assert lags("packs.omop_5_3.lag_days=") == {30}


def test_a_stay_is_known_when_it_has_ended(gibleed):
    days = "SELECT count(*) FROM source_visit_occurrence WHERE known_on"
    assert gibleed.rows(f"{days} = greatest(visit_start_date, visit_end_date)") == [(1037,)]
    assert gibleed.rows(f"{days} > happened_on") == [(1037,)]


# -- OMOP 5.4 ------------------------------------------------------------------------------------


@pytest.fixture
def synthea(tmp_path: Path) -> Tables:
    needed("omop_synthea27nj")
    tables = Tables("omop_synthea27nj", DATA, tmp_path)
    tables.checked()
    return tables


def test_every_row_of_omop_5_4_is_accepted(tmp_path):
    needed("omop_synthea27nj")
    found = Tables("omop_synthea27nj", DATA, tmp_path).checked()
    assert {name: check.rows_accepted for name, check in found.items()} == {
        "person": 28,
        "observation_period": 28,
        "visit_occurrence": 1791,
        "condition_occurrence": 470,
        "drug_exposure": 883,
        "procedure_occurrence": 1649,
        "measurement": 10040,
        "observation": 8099,
        "death": 3,
    }
    assert not any(check.rejected for check in found.values())


def test_emergency_visits_are_told_from_others(synthea):
    kinds = synthea.counts("visit_occurrence", "visit_concept_id")
    assert kinds == {"9202": 1722, "9203": 56, "9201": 13}


def test_the_dead_leave_the_cohort(synthea):
    synthea.pairs()
    sql = "SELECT count(DISTINCT unit_id) FROM pairs WHERE as_of = DATE '%d-01-01'"
    assert [synthea.rows(sql % year) for year in (2001, 2002)] == [[(28,)], [(27,)]]
    assert synthea.rows(sql % 2022) == [(25,)]


@pytest.mark.slow
def test_counts_of_visits_by_kind_are_those_of_the_file(tmp_path):
    folder = needed("omop_synthea27nj")
    study = riskstrat.load_study(ROOT / "examples" / "omop_synthea27nj" / "study.yaml")
    run = riskstrat.run(study, data=DATA, store=tmp_path / "store", threads=2)
    features, visits = run.folder / "features.parquet", folder / "visit_occurrence.parquet"
    with duckdb.connect() as con:
        ours, theirs = con.execute(
            f"SELECT sum(f.visits__count__visit_concept_id_emergency__365d), "
            f"sum((SELECT count(*) FROM '{visits}' AS v WHERE v.visit_concept_id = 9203 "
            f"AND v.visit_start_date >= f.as_of - 365 AND v.visit_end_date < f.as_of "
            f"AND f.unit_id = v.person_id)) FROM '{features}' AS f"
        ).fetchall()[0]
    assert ours == theirs > 40


def test_the_two_versions_read_the_same_columns_but_where_they_differ():
    def columns(version: str) -> dict[str, set[str]]:
        use = PackUse.model_validate(
            {"agreement": "open_data", "coverage": {"from": "2020-01-01", "to": "2021-01-01"},
             "path": f"../../configs/sources/{version}"}
        )  # fmt: skip
        catalogue = load_catalogue(ROOT / "examples" / "omop_gibleed", {version: use})
        return {name: set(source.columns) for name, source in catalogue.sources.items()}

    older, newer = columns("omop_5_3"), columns("omop_5_4")
    assert newer["procedure_occurrence"] - older["procedure_occurrence"] == {"procedure_end_date"}
    assert older | {"procedure_occurrence": newer["procedure_occurrence"]} == newer


# -- MEDS ----------------------------------------------------------------------------------------


def test_meds_shards_are_one_table_read_as_several_sources(meds_data, tmp_path):
    tables = Tables("meds", meds_data, tmp_path)
    found = tables.checked()
    assert {name: check.rows_accepted for name, check in found.items()} == {
        "meds_birth": 2694,
        "meds_gender": 2694,
        "meds_event": 65332 + 67706 + 37409 + 44053 + 1037,
    }
    assert tables.counts("meds_event", "vocabulary")["DRUG"] == 67706
    assert tables.counts("meds_gender", "sex") == {"female": 1373, "male": 1321}


def test_the_same_people_bleed_in_meds_as_in_omop(gibleed, meds_data, tmp_path):
    meds = Tables("meds", meds_data, tmp_path)
    meds.checked()
    cohort = "SELECT unit_id, as_of FROM cohort WHERE outcome ORDER BY ALL"
    for tables in (gibleed, meds):
        tables.pairs()
        assert tables.outcomes()[True] == 471
    assert gibleed.rows(cohort) == meds.rows(cohort)
    assert gibleed.rows("FROM pairs ORDER BY ALL") == meds.rows("FROM pairs ORDER BY ALL")


def test_deaths_of_meds_are_deaths(tmp_path):
    script = ROOT / "examples" / "meds" / "omop_to_meds.py"
    folder = needed("omop_synthea27nj")
    subprocess.run([sys.executable, script, folder, tmp_path / "meds"], check=True)
    change = "packs.meds.sources=[meds_birth, meds_death, meds_gender, meds_event]"
    tables = Tables("meds", tmp_path / "meds", tmp_path, change)
    [death] = [s for s in tables.study.catalogue.sources.values() if s.status == "death"]
    assert tables.check(death).rows_accepted == 3


# -- HES -----------------------------------------------------------------------------------------


@pytest.fixture
def hes(tmp_path: Path) -> Tables:
    needed("hes_artificial")
    years = "[{from: 2001-04-01, to: 2002-04-01}, {from: 2003-04-01, to: 2008-04-01}]"
    return Tables(
        "hes_artificial", DATA, tmp_path, "packs.hes.sources=", f"packs.hes.coverage={years}"
    )


def test_admission_methods_of_hes_are_counted(hes):
    """398 episodes come from a waiting list; one of them has no date and cannot be placed."""
    found = hes.check(hes.study.catalogue.sources["hes_apc"])
    assert (found.rows_in, dict(found.rejected)) == (2075, {"missing_required": 1})
    methods = hes.counts("hes_apc", "admission_method")
    expected = {"21": 431, "11": 398 - 1, "12": 313, "13": 277, "22": 242, "31": 158}
    assert {code: methods[code] for code in expected} == expected


def test_ages_of_babies_are_nought(hes):
    hes.check(hes.study.catalogue.sources["hes_apc"])
    ages = hes.rows(
        f"SELECT count(*) FROM '{DATA / 'hes_artificial/hes_apc.parquet'}' "
        "WHERE STARTAGE BETWEEN '7001' AND '7007' AND ADMIDATE > '1801-01-01'"
    )
    assert hes.rows("SELECT count(*) FROM source_hes_apc WHERE age = 0") == ages != [(0,)]


@pytest.mark.parametrize(("name", "rows"), [("hes_ae", 1000), ("hes_op", 1000)])
def test_attendances_and_appointments_of_hes_are_read(hes, name, rows):
    found = hes.check(hes.study.catalogue.sources[name])
    assert (found.rows_in, found.rows_accepted) == (rows, rows)


@pytest.mark.slow
def test_no_model_passes_where_there_is_nothing_to_learn(tmp_path):
    """The columns of the artificial HES were drawn independently of one another."""
    needed("hes_artificial")
    study = riskstrat.load_study(ROOT / "examples" / "hes_artificial" / "study.yaml")
    run = riskstrat.run(study, data=DATA, store=tmp_path / "store", threads=2)
    table = run.metrics().set_index(["split", "learner", "metric"])
    found = table.loc[("test", "logistic_regression", "auroc")]
    assert not run.passed
    assert found["low"] < 0.5 < found["high"]


# -- the models ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_bleed_after_an_anti_inflammatory_drug_is_foreseen_end_to_end(tmp_path):
    """Synthea's rules make diseases of the digestive tract the reason; the test finds them."""
    needed("omop_gibleed")
    study = riskstrat.load_study(
        ROOT / "examples" / "omop_gibleed" / "study.yaml",
        ["training.learners=[logistic_regression]", "training.replicates=200"],
    )
    run = riskstrat.run(study, data=DATA, store=tmp_path / "store", threads=2)
    table = run.metrics().set_index(["split", "learner", "metric"])
    found = table.loc[("test", "logistic_regression", "auroc")]
    assert (run.passed, found["n"]) == (True, 2570)
    assert found["low"] > 0.58
