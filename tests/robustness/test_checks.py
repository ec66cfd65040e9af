"""Findings of drills: said where the whole interval says it, and not where it does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskstrat.pipeline import stress as parent
from riskstrat.robustness.checks import findings, number_of
from riskstrat.robustness.codes import ROBUSTNESS_CODES
from riskstrat.robustness.paired import GAINED, SECOND, row
from riskstrat.stages.stressing import stress as child
from riskstrat.statistics import Estimate


def said(drill, case, metric, role, value, low, high, at=None):
    return row(drill, case, metric, role, Estimate(value, low, high, 900), at=at)


def codes(rows):
    return [(each.code, each.severity.value) for each in findings(rows)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([said("ablation", "Police", "auroc", GAINED, 0.0, -0.01, 0.01)], [("RS3751", "info")]),
        ([said("ablation", "Hospital", "auroc", GAINED, 0.02, 0.01, 0.03)], []),
        ([said("transport", "place 1", "auroc", GAINED, 0.05, 0.02, 0.08)],
         [("RS3752", "warning")]),
        ([said("transport", "place 1", "auroc", GAINED, 0.004, 0.001, 0.008)],
         [("RS3752", "info")]),
        ([said("transport", "place 1", "auroc", GAINED, 0.05, -0.02, 0.08)], []),
        ([said("later_year", "older", "calibration_in_the_large", SECOND, 1.5, 1.3, 1.7)],
         [("RS3753", "warning")]),
        ([said("stability", "another seed", "jaccard", SECOND, 0.6, 0.5, 0.7, at=0.05)],
         [("RS3754", "warning")]),
        ([said("stability", "people drawn anew", "jaccard", SECOND, 0.6, 0.5, 0.7, at=0.05)], []),
        ([said("missing_agency", "GP: no data", "ppv", GAINED, 0.1, 0.05, 0.2, at=0.05)],
         [("RS3755", "warning")]),
        ([said("missing_agency", "GP: no data", "ppv", GAINED, 0.1, -0.05, 0.2, at=0.05)], []),
        ([said("learning_curve", "50% of the people", "auroc", GAINED, 0.01, 0.005, 0.02)],
         [("RS3756", "info")]),
        ([said("permutation", "by lot", "auroc", SECOND, 0.56, 0.54, 0.58)],
         [("RS3757", "error")]),
        ([said("permutation", "by lot", "auroc", SECOND, 0.51, 0.49, 0.53)], []),
        ([said("planted_leaks", "proxy: x", "named", SECOND, 0.0, 0.0, 0.0)],
         [("RS3758", "error")]),
        ([said("planted_leaks", "noise: x", "named", SECOND, 1.0, 1.0, 1.0)],
         [("RS3758", "warning")]),
        ([said("planted_leaks", "code: x", "named", SECOND, 1.0, 1.0, 1.0)], []),
        ([row("transport", "no place", "", "", Estimate.unknown(0))], [("RS3759", "info")]),
    ],
)  # fmt: skip
def test_a_drill_says_what_its_numbers_show(rows, expected):
    assert codes(rows) == expected


def test_every_code_is_raised_by_some_case_above_and_has_a_page():
    source = Path(__file__).read_text(encoding="utf-8")
    raised = set(re.findall(r"RS37\d\d", source))
    assert raised >= ROBUSTNESS_CODES.keys() - {"RS3750"}


def test_the_parent_and_the_child_know_the_same_drills_in_the_same_order():
    assert tuple(child.DRILLS) == parent.DRILLS


def test_a_number_that_is_not_there_is_not_estimable():
    assert not number_of([], drill="ablation").estimable
