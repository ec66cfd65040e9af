"""Who is left out of which twin, and that a twin is learnt as the model was."""

from __future__ import annotations

import numpy as np
import pytest

from privacy.made_up import frame_of, how, learnt
from riskstrat.privacy import twins
from riskstrat.privacy.twins import deal_people, learn_twins
from training.small_county import small_county

COUNTY = small_county(units=1200, years=3)


@pytest.fixture(scope="module")
def procedure(tmp_path_factory):
    return how(COUNTY, learnt(COUNTY, tmp_path_factory.mktemp("scratch")))


@pytest.fixture(scope="module")
def dealt(procedure):
    return deal_people(procedure, "household")


@pytest.mark.parametrize("learner", ["lightgbm", "logistic_regression"])
def test_the_same_procedure_on_the_same_rows_makes_the_same_model(learner, tmp_path):
    model = learnt(COUNTY, tmp_path, learner)
    again = how(COUNTY, model)
    twin = again.learn(frame_of(again, again.learnt), again.learnt)
    assert (twin.booster, twin.linear) == (model.booster, model.linear)


def test_sampled_negatives_are_learnt_from_again(tmp_path):
    sample = {"negatives": 0.5}
    model = learnt(COUNTY, tmp_path, sample=sample)
    again = how(COUNTY, model, sample=sample)
    assert len(again.learnt) < len(again.ground.plan.folds[-1].train)
    assert again.learn(frame_of(again, again.learnt), again.learnt).booster == model.booster


def test_everybody_attacked_is_left_out_of_two_twins_and_known_to_one(procedure, dealt):
    unit = procedure.ground.rows.unit
    assert dealt.rounds == 2 and set(dealt.fold.tolist()) == set(range(6))
    for number in range(dealt.rounds):
        attacked = np.unique(unit[dealt.rows[dealt.fold // 3 == number]])
        learnt_by = [set(unit[dealt.learnt_by(number, t)].tolist()) for t in range(3)]
        for person in attacked.tolist():
            assert sum(person in known for known in learnt_by) == 1
        others = set(unit[dealt.rows].tolist()) - set(attacked.tolist())
        assert all(others <= known for known in learnt_by)


def test_a_round_knows_which_twin_learnt_from_whom(procedure, dealt):
    unit = procedure.ground.rows.unit
    frame = frame_of(procedure, dealt.rows)
    for number, each in enumerate(learn_twins(procedure, frame, dealt, lambda share, text: None)):
        assert each.confidence.shape == (3, len(each.rows))
        for twin in range(3):
            known = np.isin(each.unit, unit[dealt.learnt_by(number, twin)])
            assert (known == (each.fold == (twin + 2) % 3)).all()


def test_households_stay_together(procedure, dealt):
    household = procedure.ground.rows.labels("household")[dealt.rows]
    for home in np.unique(household).tolist():
        assert len(set(dealt.fold[household == home].tolist())) == 1


def test_of_many_people_few_are_left_out(procedure, monkeypatch):
    monkeypatch.setattr(twins, "WANTED_PEOPLE", 150)
    monkeypatch.setattr(twins, "ENOUGH_PEOPLE", 100)
    few = deal_people(procedure, "household")
    attacked = np.unique(procedure.ground.rows.unit[few.rows[few.fold < 3]])
    assert few.rounds == 1 and 130 <= len(attacked) <= 175
    assert len(few.learnt_by(0, 0)) > 0.9 * len(few.rows)


def test_of_very_many_rows_whole_people_are_kept(procedure, monkeypatch):
    monkeypatch.setattr(twins, "MOST_ROWS", 1000)
    few = deal_people(procedure, "unit")
    unit = procedure.ground.rows.unit
    assert 900 <= len(few.rows) <= 1000
    kept = np.isin(unit[procedure.learnt], unit[few.rows])
    assert kept.sum() == len(few.rows)


def test_too_few_people_make_no_twins(tmp_path):
    tiny = small_county(units=130, years=3)
    assert deal_people(how(tiny, learnt(tiny, tmp_path)), "household") is None
