"""The made-up county resembles the places of domain facts B4."""

from __future__ import annotations

import numpy as np
import pytest

from riskstrat.synthetic import rates
from riskstrat.synthetic.areas import make_areas
from riskstrat.synthetic.need import Panel, age_band
from riskstrat.synthetic.world import World, make_world


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(make_areas(24_000, 3), 24_000, 3, 0)


@pytest.fixture(scope="module")
def kept(world: World) -> np.ndarray:
    panel = world.history.panel
    return panel.registered & (panel.year >= 2016) & (panel.year <= 2024)


def auroc(happened: np.ndarray, risk: np.ndarray) -> float:
    """Chance that a case outranks a non-case; ties are negligible for continuous risks."""
    ranks = np.empty(len(risk))
    ranks[np.argsort(risk, kind="stable")] = np.arange(1, len(risk) + 1)
    cases = int(happened.sum())
    wins = ranks[happened].sum() - cases * (cases + 1) / 2
    return float(wins / cases / (len(risk) - cases))


def test_auroc_counts_winning_pairs():
    assert auroc(np.array([True, False, False, True]), np.array([0.9, 0.1, 0.5, 0.3])) == 0.75


def test_adults_have_the_composite_as_often_as_in_scotland(world: World, kept: np.ndarray):
    panel = world.history.panel
    adult = kept & (panel.age >= 18)
    assert 0.09 <= panel.happened[adult].mean() <= 0.105
    assert 0.77 <= auroc(panel.happened[adult], panel.risk[adult]) <= 0.80


def test_what_happened_agrees_with_the_true_risk(world: World, kept: np.ndarray):
    panel = world.history.panel
    cuts = np.quantile(panel.risk[kept], np.linspace(0, 1, 11)[1:-1])
    tenth = np.searchsorted(cuts, panel.risk[kept])
    for each in range(10):
        risk, happened = panel.risk[kept][tenth == each], panel.happened[kept][tenth == each]
        spread = np.sqrt((risk * (1 - risk)).sum()) / len(risk)
        assert abs(happened.mean() - risk.mean()) < 4 * spread


def test_emergencies_by_age_and_deprivation_match_new_devon(world: World, kept: np.ndarray):
    panel = world.history.panel
    death = np.interp(panel.age, rates.DEATH_KNOTS, rates.DEATH_SHARE) * np.exp(0.2 * panel.band)
    admitted = panel.risk * (1 - rates.DEATH_WITHOUT_ADMISSION * np.minimum(death, 0.75))
    band, fifth = age_band(panel.age), (panel.decile - 1) // 2
    for row, cells in enumerate(rates.EMERGENCY_PER_1000):
        for column, aim in enumerate(cells):
            here = kept & (band == row) & (fifth == column)
            assert 1000 * admitted[here].mean() == pytest.approx(aim, rel=0.12), (row, column)


def test_admissions_repeat_as_in_scotland(world: World):
    emergencies, panel = world.history.emergencies, world.history.panel
    key = emergencies.person * 3000 + (emergencies.day - 90) // 365
    _, counts = np.unique(key, return_counts=True)
    assert (counts == 1).mean() == pytest.approx(0.71, abs=0.06)
    assert 0.01 < (counts >= 5).mean() < 0.04
    assert len(panel) > 0


def frailty_shares(panel: Panel, kept: np.ndarray) -> np.ndarray:
    old = kept & (panel.age >= 65)
    return np.bincount(panel.band[old], minlength=4) / old.sum()


def test_half_of_older_people_are_fit(world: World, kept: np.ndarray):
    shares = frailty_shares(world.history.panel, kept)
    assert shares == pytest.approx([0.50, 0.36, 0.12, 0.02], abs=0.04)


def test_conditions_are_as_common_as_in_practice_registers(world: World, kept: np.ndarray):
    panel = world.history.panel
    aims = {"hypertension": 14.5, "asthma": 6.5, "ckd": 4.3, "cancer": 3.6, "chd": 3.0, "smi": 1.0}
    for code, aim in aims.items():
        has = world.history.traits.has(panel.person, code, panel.begins)
        assert 100 * has[kept].mean() == pytest.approx(aim, rel=0.25), code


def test_a_third_of_children_are_not_ready_for_school():
    worlds = [make_world(make_areas(48_000, 3), 24_000, 3, block) for block in range(2)]
    found = [(w.children.readiness, w.population.persons) for w in worlds]
    happened = np.concatenate([readiness.happened for readiness, _ in found])
    risk = np.concatenate([readiness.risk for readiness, _ in found])
    male = np.concatenate([people.male[readiness.person] for readiness, people in found])
    assert 0.29 < happened.mean() < 0.35
    assert happened[male].mean() - happened[~male].mean() == pytest.approx(0.14, abs=0.04)
    assert 0.76 <= auroc(happened, risk) <= 0.81
