"""Our attack beside one that others use, on models that are not ours.

The *worst case attack* of the SACRO-ML tools learns from what a model says of known members and
non-members to tell other members apart: the risks it gives, highest first, and nothing else. It is
written here in a few lines with scikit-learn, and both attack the same overfitted forest.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from riskstrat.privacy.attack import measure, play
from riskstrat.privacy.twins import TWINS, Round

N = 900


def twins_of(smallest_leaf):
    """Three forests, each without two of three folds of the people under attack."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, 6))
    y = rng.random(N) < 1 / (1 + np.exp(0.5 - x[:, 0]))
    fold = rng.permutation(N) % TWINS
    risks = np.empty((TWINS, N))
    for twin in range(TWINS):
        known = fold == (twin + 2) % TWINS
        forest = RandomForestClassifier(
            40, min_samples_leaf=smallest_leaf, bootstrap=smallest_leaf > 1, random_state=twin
        ).fit(x[known], y[known])
        risks[twin] = forest.predict_proba(x)[:, 1]
    return y, fold, risks


def ours(y, fold, risks):
    kept = np.clip(risks, 1e-6, 1 - 1e-6)
    sure = np.log(kept / (1 - kept)) * np.where(y, 1, -1)
    people = np.arange(N)
    round_ = Round(people, people, people, fold, y, sure)
    return measure(play([round_], "plain"), N, 100, np.random.default_rng(0)).auc


def worst_case(fold, risks):
    """The mean over the twins of how well a forest tells members by the risks alone."""
    found = []
    for twin in range(TWINS):
        member = fold == (twin + 2) % TWINS
        said = np.sort(np.column_stack((risks[twin], 1 - risks[twin])), axis=1)[:, ::-1]
        attacker = RandomForestClassifier(60, min_samples_leaf=10, random_state=0)
        guessed = cross_val_predict(attacker, said, member, method="predict_proba", cv=4)
        found.append(roc_auc_score(member, guessed[:, 1]))
    return float(np.mean(found))


def test_what_the_known_attack_finds_in_an_overfitted_model_ours_finds_too():
    y, fold, risks = twins_of(smallest_leaf=1)
    known, found = worst_case(fold, risks), ours(y, fold, risks)
    assert known > 0.9
    assert found.low > 0.9 and found.value > known - 0.02


def test_neither_finds_anything_where_leaves_are_large():
    y, fold, risks = twins_of(smallest_leaf=75)
    assert worst_case(fold, risks) == pytest.approx(0.5, abs=0.06)
    assert ours(y, fold, risks).value == pytest.approx(0.5, abs=0.06)
