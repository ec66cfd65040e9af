"""The section on what the model remembers, from a measurement drawn here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publish.county_report import county_report
from riskstrat.disk import write_json
from riskstrat.publish.model_privacy import model_privacy, remembered
from riskstrat.publish.parts import ABSENT
from riskstrat.publish.report import render_report
from riskstrat.release.disclosure import policy_named
from riskstrat.stages.reporting.privacy_tables import FILE, privacy_tables
from riskstrat.vocabulary import PRIVACY_METRICS

DATA = county_report()
AUC, POSITIVES, TPR = PRIVACY_METRICS[:3]
FEW = "1,103 people are too few to judge by; 5,000 are needed."


def number(value, half, n, positives=None, **more):
    limits = {"value": value, "low": value - half, "high": value + half}
    return {**limits, "n": n, "positives": positives, **more}


def told(**changes):
    attacks = {
        AUC: number(0.5046, 0.001, 7296, 1908),
        POSITIVES: number(0.5266, 0.002, 1908),
        TPR: number(0.0008, 0.0004, 7296, 1908),
    }
    insider = {f"informed_{name}": row | {"value": 0.56} for name, row in attacks.items()}
    whole = {
        "winner": "lightgbm",
        "twins": 3,
        "share_learnt": 2 / 3,
        "measured": {**attacks, **insider, "smallest_leaf_people": number(105, 0, 14577)},
        "levels": [
            {"group": "sex", "level": "female", **number(0.504, 0.002, 3775, 966)},
            {"group": "sex", "level": "not_stated", **number(0.504, 0.002, 6, 2)},
        ],
        "structure": {
            "people": 14577, "smallest_leaf_people": 105, "leaves": 2060,
            "degrees_of_freedom": None, "rarest_reason_people": 15, "rare_reasons": {},
            "rare_levels": {}, "learnt_levels": [], "extremes": False,
        },
    }  # fmt: skip
    return whole | changes


def section_of(tmp_path, facts, policy="strict"):
    (tmp_path / FILE).parent.mkdir(exist_ok=True)
    write_json(tmp_path / FILE, facts)
    data = replace(DATA, **privacy_tables(tmp_path, policy_named(policy)))
    return data, model_privacy(data)


def test_the_answer_is_one_sentence(tmp_path):
    data, section = section_of(tmp_path, told())
    assert remembered(data) == (
        "Of a person it was learnt from and one it was not, the right one is picked 50.5 times in "
        "100, and 52.7 among those with the outcome; 50 is a guess."
    )
    assert section.lead.endswith(remembered(data))


def test_counts_are_protected_and_rounded(tmp_path):
    _, section = section_of(tmp_path, told())
    cells = [cell for row in section.tables[0].rows for cell in row]
    assert "7,295" in cells and "1,910" in cells and not {"7,296", "1,908"} & set(cells)
    [few] = [row for row in section.after[0].rows if row[1] == "Not stated"]
    assert few[2] == "withheld" and "6" not in few


def test_every_attack_says_who_and_with_what_evidence(tmp_path):
    _, section = section_of(tmp_path, told())
    assert len(section.tables[0].rows) == 6
    assert {row[1] for row in section.tables[0].rows} == {"Whoever holds the model", "An insider"}
    assert {row[-1] for row in section.tables[0].rows} == {"enough evidence"}


def test_too_few_people_are_not_a_pass(tmp_path):
    measured = {AUC: number(0.507, 0.02, 1103, 210, too_few=FEW)}
    data, section = section_of(tmp_path, told(measured=measured))
    assert "too few people to judge by, so nothing was shown" in remembered(data)
    assert section.tables[0].rows[0][-1] == "not enough evidence"


@pytest.mark.parametrize(("people", "said"), [(105, "at least 105"), (5, "fewer than 10")])
def test_people_behind_each_leaf_are_told(tmp_path, people, said):
    structure = told()["structure"] | {"smallest_leaf_people": people}
    _, section = section_of(tmp_path, told(structure=structure))
    assert any(f"rests on {said} people" in point for point in section.points)


def test_a_published_score_was_learnt_from_nobody(tmp_path):
    unknown = {"value": None, "low": None, "high": None, "n": 0, "positives": None}
    measured = {AUC: unknown | {"too_few": "Nothing was learnt from people."}}
    facts = told(measured=measured, structure=None, levels=[], twins=0)
    data, section = section_of(tmp_path, facts)
    assert remembered(data) == "It could not be measured, so nothing was shown."
    assert any("published by somebody else" in point for point in section.points)


def test_a_run_without_it_says_so():
    assert model_privacy(DATA).lead == ABSENT and remembered(DATA) == ""
    assert "What the model remembers of single people" in render_report(DATA).page
