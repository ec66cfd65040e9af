"""What a board reads of gates that are weak, of objections, other uses and who can stop it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publish.county_report import county_report
from riskstrat.audit.gates import evaluate_gates
from riskstrat.audit.spec import Gate
from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.readings import net_benefit_grid, spread
from riskstrat.publish.report import render_report
from riskstrat.publish.stewardship import objections, opt_outs_that_bind, reuse
from riskstrat.publish.study_tables import sharing_table
from riskstrat.publish.summary import questions
from riskstrat.publish.tables import records
from riskstrat.publish.verdict import gate_lines, weaker_than_four_fifths, wider_than_usual
from riskstrat.publish.wording import estimate
from riskstrat.release.disclosure import restored
from riskstrat.release.evidence import fairness_table
from riskstrat.release.keeping import kept
from riskstrat.release.policies import policy_named
from riskstrat.release.report_tables import findings_table, gates_table
from riskstrat.vocabulary import Finding, Severity

DATA = county_report()
STRICT = policy_named("strict")
NONE, BOUND = (
    sharing_table([{"source": "a", "purpose": DATA.purpose, "opt_outs": kinds, "recipients": {}}])
    for kinds in ((), ("national", "type_1"))
)


@pytest.mark.parametrize(
    ("gate", "weak"),
    [
        ("sensitivity_ratio(ethnicity, at=0.20) >= 0.5", True),
        ("selection_rate_ratio(sex, at=0.05).low > 0.75", True),
        ("sensitivity_ratio(ethnicity, at=0.05) >= 0.8", False),
        ("sensitivity_ratio(ethnicity, at=0.05) in [0.5, 1.25]", True),
        ("sensitivity_ratio(ethnicity, at=0.05) in [0.8, 2]", True),
        ("sensitivity_ratio(ethnicity, at=0.05) in [0.8, 1.25]", False),
        ("false_positive_rate_ratio(sex, at=0.05) <= 1.5", True),
        ("false_positive_rate_ratio(sex, at=0.05) <= 1.25", False),
        ("calibration_slope in [0.5, 2]", False),
        ("sensitivity_ratio(ethnicity, at=0.05) >= 0.8 +- 0.3", False),
        ("sensitivity_difference(sex, at=0.05) >= -0.1", False),
        ("auroc.low >= 0.70", False),
    ],
)
def test_a_ratio_that_asks_for_less_than_four_fifths_says_so(gate: str, weak: bool) -> None:
    assert bool(weaker_than_four_fifths(gate)) == weak


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("calibration_slope in [0.65, 1.35]", "0.65 or 1.35"),
        ("calibration_in_the_large(sex) in [0.7, 1.2]", "a model at 0.7 passes"),
        ("calibration_slope in [0.8, 1.2]", ""),
        ("smallest_leaf_people >= 10", ""),
        ("auroc in [0.5, 1]", ""),
    ],
)
def test_a_range_of_calibration_that_is_wider_than_usual_says_so(gate: str, told: str) -> None:
    said = wider_than_usual(gate)
    assert told in said and bool(told) == bool(said)


def row(level: str, value: float, verdict: str = "ok") -> dict[str, object]:
    return {
        "group": "ethnicity", "level": level, "metric": "sensitivity_ratio", "at": "0.2",
        "value": value, "low": value - 0.05, "high": value + 0.05, "n": 400, "people": 4000,
        "reference": "white", "verdict": verdict,
    }  # fmt: skip


def test_the_caveats_of_a_gate_are_the_audits_own_and_stand_wherever_it_is_shown() -> None:
    import pyarrow as pa

    measured = [row("white", 1.0), row("asian", 0.9), row("other", 0.7, "not_enough_evidence")]
    gate = Gate.model_validate("sensitivity_ratio(ethnicity, at=0.20) >= 0.5")
    [result] = evaluate_gates([gate], {}, pa.Table.from_pylist(measured))
    data = replace(DATA, gates=gates_table([result.as_dict()], STRICT))
    [line] = gate_lines(data)
    assert line.caveats == (
        "Says nothing of “Other”: too few people or outcomes to judge.",
        "Weaker than the four-fifths rule (0.8): a group at 0.5 of the reference passes.",
    )
    page = render_report(data).page
    assert all(page.count(said) == 2 for said in line.caveats)  # the verdict, and its table
    assert all(said in Facts(data=data, told={}).gates for said in line.caveats)


def test_a_level_that_is_withheld_is_not_told_by_turning_its_ratio_over() -> None:
    import pyarrow as pa

    measured = [row("white", 1.0), {**row("asian", 2.0), "positives": 12}]
    gate = Gate.model_validate("sensitivity_ratio(ethnicity, at=0.20) >= 0.5")
    [result] = evaluate_gates([gate], {}, pa.Table.from_pylist(measured))
    assert (result.group, result.against) == ("ethnicity: white", "ethnicity: asian")
    shown = fairness_table([{**each, "n": 4000, "positives": 400} for each in measured], STRICT)
    few = fairness_table(
        [{**each, "positives": 4 if each["level"] == "asian" else 400} for each in measured], STRICT
    )
    of_a_source = fairness_table(
        [{**each, "group": "census.ethnicity", "positives": 4} for each in measured], STRICT
    )
    tables = [
        gates_table([result.as_dict()], STRICT, fairness=table)
        for table in (shown, few, of_a_source)
    ]
    assert [dict(zip(t.columns, t.rows[0], strict=True))["value"] for t in tables] == [
        0.5, None, None,
    ]  # fmt: skip


def test_counts_of_people_behind_a_gate_are_whole_and_without_an_interval() -> None:
    told = {"metric": "smallest_leaf_people", "value": 3560.0, "low": 3560.0, "high": 3560.0}
    assert estimate(told) == "3,560"
    ratio = {"metric": "sensitivity_ratio", "value": 0.94, "low": 0.57, "high": 1.28}
    assert estimate(ratio) == "0.94 (0.57 to 1.28)"
    assert estimate({**ratio, "metric": "auroc", "n": 270}) == "0.94 (0.57 to 1.28)"


def test_objections_are_told_by_kind_and_with_their_protected_number() -> None:
    said = (
        "opt_outs: 1,073 people had opted out on 2026-01-01 and are left out (national: 3 people)"
    )
    counted = findings_table(
        [Finding("RS1119", "opted_out", Severity.INFO, "opt_outs", said)], STRICT
    )
    told = objections(replace(DATA, sharing=BOUND, findings=counted))
    assert told.startswith("Yes: national, type 1 opt-outs are applied")
    assert "1,075 people had opted out on 1 January 2026" in told and "1,073" not in told
    assert "none was applied" in objections(replace(DATA, sharing=NONE))
    other = replace(DATA, sharing=BOUND, purpose="commissioning")
    assert opt_outs_that_bind(other) == ()  # what binds another purpose does not bind this one


def test_a_board_is_told_of_other_uses_and_of_how_to_stop_it() -> None:
    asked = dict(questions(DATA))
    assert "riskstrat suspend" in asked["Can it be stopped, and by whom?"]
    assert "does not run" in asked["Can it be put to another use?"]
    assert "No list leaves" in reuse(replace(DATA, recipients=None))


def test_a_question_that_cannot_be_answered_is_asked_all_the_same() -> None:
    hidden = tuple(
        tuple(None if name in ("value", "low", "high") else cell
              for name, cell in zip(DATA.at_capacity.columns, each, strict=True))
        for each in DATA.at_capacity.rows
    )  # fmt: skip
    withheld = restored({**kept(DATA.at_capacity), "rows": hidden})
    asked = dict(questions(replace(DATA, at_capacity=withheld)))
    assert "cannot be shown" in asked["What does our capacity cover?"]
    assert "cannot be shown" in asked["Who is missed?"]


def test_net_benefit_is_one_row_for_each_risk_and_one_column_for_each_policy() -> None:
    rows = records(DATA.decision)
    shown = net_benefit_grid(DATA)
    assert len(shown.rows) == len({each["probability_threshold"] for each in rows})
    assert len(shown.headers) == 1 + len({each["learner"] for each in rows})
    assert sum(len(each) - 1 for each in shown.rows) >= len(rows)


def test_a_group_with_one_level_is_not_compared_with_itself() -> None:
    one = {
        "metric": "sensitivity",
        "level": "not_recorded",
        "value": 0.56,
        "low": 0.51,
        "high": 0.63,
    }
    assert spread([one]).startswith("Only “Not recorded” can be shown: 56")
