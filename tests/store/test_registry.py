"""The registry with a real MLflow: what is written, what may be loaded, and its aliases."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pytest

from riskstrat.errors import StorageError, UsageError
from riskstrat.risk_model import RiskModel
from riskstrat.risk_model.model import booster_names
from riskstrat.store.registry import Registry, RunRecord, TrialRecord
from riskstrat.store.registry_versions import description
from riskstrat.vocabulary import FeatureColumn, FeatureKind

FEATURES = (
    FeatureColumn("ed__count__90d", "visits in the last 90 days", FeatureKind.NUMBER, "ed"),
    FeatureColumn("sex", "sex", FeatureKind.CATEGORY, "people", levels=("f", "m")),
)
SRC = Path(__file__).parents[2] / "src"


def trained_model() -> RiskModel:
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.poisson(2, 400), rng.integers(0, 2, 400)]).astype(np.float32)
    data = lgb.Dataset(
        x,
        label=rng.random(400) < x[:, 0] / 8,
        feature_name=list(booster_names(FEATURES)),
        categorical_feature=[1],
    )
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True}
    booster = lgb.train(settings, data, num_boost_round=5)
    return RiskModel(
        name="lightgbm",
        kind="lightgbm",
        features=FEATURES,
        levels=((), ("f", "m")),
        booster=booster.model_to_string(),
    )


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "private_folder_name"
    trained_model().save(folder)
    return folder


@pytest.fixture(scope="module")
def record(model_dir) -> RunRecord:
    estimate = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 400}
    at = [{"share": 0.05, "selected": 20, "threshold": None, "ppv": estimate}]
    return RunRecord(
        study="emergency_admission",
        title="Emergency admission within 12 months",
        run_id="f" * 64,
        winner="lightgbm",
        metrics={
            "test": {"lightgbm": {"auroc": estimate, "at_capacity": at}, "base_rate": {}},
            "validation": {"lightgbm": {"auroc": {**estimate, "low": None}}},
        },
        gates=[{"code": "RS320", "text": "auroc.low >= 0.70", "passed": True}],
        passed=True,
        model_dir=model_dir,
        features=FEATURES,
        study_text="study: emergency_admission\n",
        study_digest="a" * 64,
        data_fingerprint="b" * 64,
        params={"seed": 1, "training": {"learners": ["lightgbm"], "note": "x" * 2000}},
        trials=tuple(
            TrialRecord("lightgbm", i, {"num_leaves": 10 + i}, 0.5 if i else None, "complete")
            for i in range(3)
        ),
    )


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def registered(empty_store, record):
    registry = registry_of(empty_store)
    return registry, registry.log_run(record)


def registry_of(store: Path) -> Registry:
    return Registry(f"sqlite:///{store / 'mlflow.db'}", store / "artifacts")


def another(record: RunRecord, run_id: str, **changes) -> RunRecord:
    return dataclasses.replace(record, run_id=run_id * 64, **changes)


def client_of(registry: Registry):
    import mlflow

    return mlflow.MlflowClient(tracking_uri=registry.uri, registry_uri=registry.uri)


def in_a_clean_process(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(SRC),
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )


def test_a_version_that_passed_its_gates_is_the_challenger(registered):
    _, version = registered
    assert (version.name, version.version) == ("emergency_admission", 1)
    assert (version.aliases, version.passed) == (("challenger",), True)
    assert version.run_id == "f" * 64
    assert version.tags["study_digest"] == "a" * 64
    assert version.tags["data_fingerprint"] == "b" * 64


def test_the_model_read_back_scores_as_the_one_that_was_registered(registered):
    registry, _ = registered
    rows = pa.table({"ed__count__90d": pa.array([0.0, 5.0, None]), "sex": ["f", "m", None]})
    again = registry.load(registry.find_version("emergency_admission"))
    assert (again.risks(rows) == trained_model().risks(rows)).all()


def test_a_clean_process_loads_and_scores_by_alias_without_unpickling(registered):
    registry, _ = registered
    script = (
        "import mlflow, pandas as pd\n"
        "m = mlflow.pyfunc.load_model('models:/emergency_admission@challenger')\n"
        "rows = pd.DataFrame({'ed__count__90d': [0.0, 5.0, None], 'sex': ['f', None, 'm']})\n"
        "out = m.predict(rows)\n"
        "assert list(out.columns) == ['raw_score', 'risk'], out.columns\n"
        "one = m.predict(rows[['ed__count__90d']])\n"
        "print(repr(list(out.risk)), len(one))\n"
    )
    done = in_a_clean_process(script, MLFLOW_TRACKING_URI=registry.uri)
    assert done.returncode == 0, done.stderr
    rows = pa.table({"ed__count__90d": pa.array([0.0, 5.0, None]), "sex": ["f", None, "m"]})
    assert done.stdout.split("\n")[0] == f"{trained_model().risks(rows).tolist()!r} 3"


def test_loading_through_mlflow_does_not_make_the_model_look_tampered_with(registered):
    import mlflow

    registry, version = registered
    mlflow.pyfunc.load_model(str(version.model_dir))
    assert list(version.model_dir.glob("__pycache__/*.pyc"))
    assert registry.load(version).name == "lightgbm"


def test_no_file_of_the_model_is_a_pickle_or_names_a_folder_of_this_machine(
    registered, model_dir, empty_store
):
    _, version = registered
    files = [path for path in version.model_dir.rglob("*") if path.is_file()]
    assert {"MLmodel", "model.json", "booster.txt", "scorer_model.py"} <= {p.name for p in files}
    for path in (empty_store / "artifacts").rglob("*"):
        if not path.is_file() or path.suffix == ".pyc":
            continue
        assert path.suffix not in {".pkl", ".pickle", ".joblib", ".skops"}
        text = path.read_text(encoding="utf-8")
        for place in (str(SRC.parent), str(model_dir.parent), str(empty_store), "/tmp/"):
            assert place not in text, path.name


def test_mlflow_shows_the_run_with_its_learners_and_their_trials(registered):
    registry, version = registered
    client = client_of(registry)
    parent = client.get_run(client.get_model_version(version.name, "1").run_id)
    experiment = parent.info.experiment_id
    assert client.get_experiment(experiment).name == "emergency_admission"
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["test.lightgbm.auroc.low"] == 0.7
    assert parent.data.metrics["test.lightgbm.at_0.05.ppv"] == 0.8
    assert "validation.lightgbm.auroc.low" not in parent.data.metrics
    assert not {"mlflow.user", "mlflow.source.name"} & set(parent.data.tags)

    def below(run):
        return client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run.info.run_id}'")

    learners = {run.info.run_name: run for run in below(parent)}
    assert set(learners) == {"lightgbm", "base_rate"}
    assert learners["lightgbm"].data.metrics["test.auroc"] == 0.8
    trials = below(learners["lightgbm"])
    assert sorted(run.data.params["num_leaves"] for run in trials) == ["10", "11", "12"]
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} >= {
        "study.yaml",
        "metrics.json",
        "gates.json",
        "params.json",
    }


def test_a_long_setting_is_cut_short_and_kept_whole_beside_it(registered, tmp_path):
    registry, version = registered
    client = client_of(registry)
    run = client.get_run(client.get_model_version(version.name, "1").run_id)
    assert len(run.data.params["training.note"]) <= 500
    [whole] = (registry.artifact_root).rglob("params.json")
    assert "x" * 2000 in whole.read_text()


def test_the_signature_takes_doubles_and_strings_that_may_be_absent(registered):
    import mlflow

    _, version = registered
    signature = mlflow.models.Model.load(str(version.model_dir)).signature
    found = [(c.name, c.type.name, c.required) for c in signature.inputs]
    assert found == [("ed__count__90d", "double", False), ("sex", "string", False)]
    assert [c.name for c in signature.outputs] == ["raw_score", "risk"]


def test_registering_the_same_run_again_changes_nothing(registered, record):
    registry, version = registered
    assert registry.log_run(record) == version
    assert [each.version for each in registry.versions(record.study)] == [1]


def test_the_registry_leaves_no_trace_in_the_environment_and_says_nothing(
    registered, record, capfd, monkeypatch
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    registry, _ = registered
    registry.log_run(record)
    registry.find_version(record.study)
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert capfd.readouterr() == ("", "")


def test_the_first_registration_of_a_process_says_nothing_either(model_dir, tmp_path):
    script = (
        "from pathlib import Path\n"
        "from riskstrat.risk_model import RiskModel\n"
        "from riskstrat.store.registry import Registry, RunRecord\n"
        f"folder, store = Path({str(model_dir)!r}), Path({str(tmp_path)!r}) / 'store'\n"
        "columns = RiskModel.load(folder).features\n"
        "record = RunRecord('s', 'S', 'r', 'lightgbm', {}, [], True, folder, columns, '', '', '')\n"
        "assert Registry.of_store(store).log_run(record).aliases == ('challenger',)\n"
    )
    done = in_a_clean_process(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_environment_overrides_the_address_of_a_store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    assert Registry.of_store(tmp_path).uri == "https://mlflow.example"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert Registry.of_store(tmp_path).uri == f"sqlite:///{tmp_path.resolve()}/mlflow.db"


@pytest.fixture(scope="module")
def template(tmp_path_factory, record) -> Path:
    store = tmp_path_factory.mktemp("template")
    registry_of(store).log_run(record)
    return store


@pytest.fixture
def registry(template, tmp_path) -> Registry:
    """A store with one version that passed, moved from where it was written."""
    shutil.copytree(template, tmp_path / "moved")
    return registry_of(tmp_path / "moved")


class TestDecisions:
    """What happens after training, each test with a store of its own."""

    def test_a_version_that_failed_its_gates_gets_no_alias(self, registry, record):
        failed = another(record, "1", passed=False, gates=[{"text": "x >= 1", "passed": False}])
        version = registry.log_run(failed)
        assert (version.version, version.aliases, version.passed) == (2, (), False)
        assert registry.find_version(record.study).version == 1

    def test_a_version_without_gates_is_no_challenger_and_says_that_nothing_was_decided(
        self, registry, record
    ):
        version = registry.log_run(another(record, "1", passed=False, gates=[]))
        assert (version.aliases, version.passed) == ((), False)
        assert (version.tags["verdict"], version.not_passed) == ("no gates", "no gates were set")
        assert "No gates were set, so nothing was decided." in description(
            another(record, "1", passed=False, gates=[])
        )

    def test_a_later_success_takes_the_alias_over(self, registry, record):
        assert registry.log_run(another(record, "2")).aliases == ("challenger",)
        assert registry.find_version(record.study, 1).aliases == ()

    def test_a_store_that_was_moved_keeps_its_models_and_its_new_ones_with_it(
        self, registry, record
    ):
        store = registry.artifact_root.parent
        old, new = registry.find_version(record.study), registry.log_run(another(record, "7"))
        for version in (old, new):
            assert version.model_dir.is_relative_to(store)
            assert registry.load(version).name == "lightgbm"

    def test_the_champion_goes_before_the_challenger(self, registry, record):
        registry.place(record.study, 1)
        registry.log_run(another(record, "3"))
        found = registry.find_version(record.study)
        assert (found.version, found.aliases) == (1, ("champion",))
        assert registry.find_version(record.study, 2).aliases == ("challenger",)

    def test_aliases_follow_what_they_are_told_and_telling_it_again_changes_nothing(
        self, registry, record
    ):
        registry.log_run(another(record, "3"))
        for champion, rejected, aliases in (
            (1, None, {1: ("champion",), 2: ("challenger",)}),
            (2, None, {1: (), 2: ("champion",)}),  # what is champion is challenger no more
            (1, None, {1: ("champion",), 2: ()}),
            (None, None, {1: (), 2: ()}),
        ):
            for _ in range(2):
                registry.place(record.study, champion, rejected=rejected)
                found = registry.versions(record.study)
                assert {each.version: each.aliases for each in found} == aliases

    def test_a_rejected_version_is_not_scored_with(self, registry, record):
        registry.place(record.study, None, rejected=1)
        with pytest.raises(UsageError, match="no model of emergency_admission is fit"):
            registry.find_version(record.study)
        again = registry.log_run(record)  # a resumed run does not undo a decision
        assert (again.version, again.aliases) == (1, ())

    def test_a_version_that_does_not_exist_is_named(self, registry, record):
        with pytest.raises(UsageError, match="no version 9 of model emergency_admission"):
            registry.find_version(record.study, 9)
        with pytest.raises(UsageError):
            registry.find_version("unheard_of")

    def test_a_changed_byte_is_found_before_anything_is_read(self, registry, record):
        version = registry.find_version(record.study)
        [booster] = version.model_dir.rglob("booster.txt")
        text = booster.read_bytes()
        booster.write_bytes(text.replace(b"tree", b"tr3e", 1))
        with pytest.raises(StorageError, match="no longer match the digest"):
            registry.load(version)

    def test_an_added_file_is_found_too(self, registry, record):
        version = registry.find_version(record.study)
        (version.model_dir / "artifacts" / "risk_model" / "extra.txt").write_text("x")
        with pytest.raises(StorageError):
            registry.load(version)

    def test_a_run_killed_before_registering_is_not_listed_twice(
        self, registry, record, monkeypatch
    ):
        import riskstrat.store.registry as module

        def killed(*_):
            raise KeyboardInterrupt

        again = another(record, "5")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, "log_model", killed)
            registry.log_run(again)
        assert registry.log_run(again).version == 2
        client = client_of(registry)
        experiment = client.get_experiment_by_name(record.study).experiment_id
        wanted = f"tags.`riskstrat.run_id` = '{'5' * 64}'"
        assert len(client.search_runs([experiment], wanted)) == 1

    def test_a_run_killed_between_registering_and_its_alias_gets_it_on_resuming(
        self, registry, record, monkeypatch
    ):
        again = another(record, "6")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

            def killed(*_):
                raise KeyboardInterrupt

            patch.setattr(Registry, "_settle", killed)
            registry.log_run(again)
        found = registry.log_run(again)
        assert (found.version, found.aliases) == (2, ("challenger",))


def test_every_refusal_of_the_registry_has_its_page():
    from riskstrat.codes import CODES

    folder = SRC / "riskstrat" / "store"
    texts = (path.read_text() for path in folder.glob("registry*.py"))
    assert {code for text in texts for code in re.findall(r"RS745\d", text)} <= set(CODES)
