"""A search that was killed ends as if it had not been."""

from __future__ import annotations

import optuna
import pytest

from riskstrat.training.tune import Search, search

DEFAULTS = {"x": 0.5, "kind": "a"}


class KilledError(Exception):
    """Stands for a process that ends in the middle of a trial."""


def suggest(trial):
    return {
        "x": trial.suggest_float("x", 1e-3, 10.0, log=True),
        "kind": trial.suggest_categorical("kind", ["a", "b"]),
    }


def score(parameters, trial):
    """Best near x = 2 with kind b; poor trials are pruned."""
    value = -((parameters["x"] - 2) ** 2) + (parameters["kind"] == "b")
    for step in (10, 30):
        trial.report(value + step / 100, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    trial.set_user_attr("rounds", int(100 * parameters["x"]))
    return value


def asked(folder, **changes):
    usual = {
        "learner": "toy",
        "fold": "test",
        "trials": 14,
        "metric": "auroc",
        "seed": 5,
        "identity": "0" * 64,
        "folder": folder,
    }
    return Search(**(usual | changes))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return search(asked(tmp_path_factory.mktemp("one")), DEFAULTS, suggest, score)


def test_the_defaults_come_first_and_the_best_is_found(undisturbed):
    assert undisturbed.records[0]["parameters"] == dict(sorted(DEFAULTS.items()))
    assert len(undisturbed.records) == 14
    assert {record["state"] for record in undisturbed.records} == {"complete", "pruned"}
    best = max(r["value"] for r in undisturbed.records if r["value"] is not None)
    [first] = [r for r in undisturbed.records if r["value"] == best][:1]
    assert undisturbed.parameters == first["parameters"]
    assert undisturbed.rounds == first["rounds"]


@pytest.mark.parametrize("at", [0, 1, 5, 13])
def test_a_killed_search_goes_on_to_the_same_end(undisturbed, tmp_path, at):
    calls = []

    def killed_once(parameters, trial):
        calls.append(dict(parameters))
        if len(calls) == at + 1:
            trial.report(0.0, 10)
            raise KilledError
        return score(parameters, trial)

    with pytest.raises(KilledError):
        search(asked(tmp_path), DEFAULTS, suggest, killed_once)
    assert search(asked(tmp_path), DEFAULTS, suggest, killed_once) == undisturbed
    assert len(calls) == 15, "finished trials are not repeated"


def test_a_killed_process_leaves_a_lock_and_half_a_line_and_neither_hurts(undisturbed, tmp_path):
    def kill(share, text):
        if share > 0.5:
            raise KilledError

    with pytest.raises(KilledError):
        search(asked(tmp_path), DEFAULTS, suggest, score, kill)
    [journal] = tmp_path.glob("*.journal")
    with journal.open("ab") as handle:
        handle.write(b'{"op_code": 4, "work')
    journal.with_name(journal.name + ".lock").symlink_to(journal)
    assert search(asked(tmp_path), DEFAULTS, suggest, score) == undisturbed


def test_another_identity_starts_anew(undisturbed, tmp_path):
    calls = []

    def counted(parameters, trial):
        calls.append(1)
        return score(parameters, trial)

    search(asked(tmp_path), DEFAULTS, suggest, score)
    search(asked(tmp_path, identity="1" * 64), DEFAULTS, suggest, counted)
    assert len(calls) == 14


def test_another_seed_looks_elsewhere(undisturbed, tmp_path):
    other = search(asked(tmp_path, seed=6), DEFAULTS, suggest, score)
    assert other.records[1]["parameters"] != undisturbed.records[1]["parameters"]


def test_time_that_is_up_is_recorded(tmp_path):
    found = search(asked(tmp_path, max_minutes=1e-9), DEFAULTS, suggest, score)
    assert found.stopped_by_time
    assert len(found.records) == 1


def test_no_trials_mean_the_defaults(tmp_path):
    found = search(asked(tmp_path, trials=0), DEFAULTS, suggest, score)
    assert found.parameters == DEFAULTS and found.records == ()


def test_a_loss_is_made_small(tmp_path):
    def loss(parameters, trial):
        return (parameters["x"] - 2) ** 2

    found = search(asked(tmp_path, metric="log_loss"), DEFAULTS, suggest, loss)
    assert abs(found.parameters["x"] - 2) < 1.5


def test_progress_tells_the_share_done_and_the_best_so_far(tmp_path):
    told = []
    search(asked(tmp_path, trials=3), DEFAULTS, suggest, score, lambda *said: told.append(said))
    assert [share for share, _ in told] == [1 / 3, 2 / 3, 1.0]
    assert "trial 3 of 3, best auroc" in told[-1][1]
