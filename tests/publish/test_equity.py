"""Kinds of fairness and remedies, from tables drawn here: what is shown, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publish.county_report import county_report
from riskstrat.audit import (
    benefit,
    calibration_curves,
    comparisons,
    label_bias,
    proxies,
    tradeoffs,
)
from riskstrat.disk import write_json
from riskstrat.publish.equity import equity, side_by_side
from riskstrat.publish.mitigation import NOT_TRIED, mitigation, render_remedies
from riskstrat.publish.report import MOST_BYTES, render_report
from riskstrat.publish.tables import records
from riskstrat.release.evidence import fairness_table
from riskstrat.release.policies import policy_named
from riskstrat.stages.reporting.equity_tables import equity_tables

STRICT = policy_named("strict")
DATA = county_report()
LEVELS = {"White": (8020, 914), "Black": (1200, 160), "Roma": (40, 4), "Mixed": (90, 9)}
RATES = {
    "prevalence": (None, 0.11), "calibration_in_the_large": (None, 1.02), "brier": (None, 0.08),
    "sensitivity": ("0.05", 0.27), "false_positive_rate": ("0.05", 0.03), "ppv": ("0.05", 0.5),
    "selection_rate": ("0.05", 0.05),
}  # fmt: skip


def number(value, n):
    return {"value": value, "low": 0.8 * value, "high": 1.2 * value, "n": n}


def fairness_rows():
    rows = []
    for level, (people, positives) in LEVELS.items():
        for metric, (at, value) in RATES.items():
            named = {"group": "ethnicity", "level": level, "metric": metric, "at": at}
            more = {"people": people, "positives": positives, "reference": "White", "verdict": "ok"}
            behind = {"sensitivity": positives, "false_positive_rate": people - positives,
                      "ppv": round(0.05 * people)}  # fmt: skip
            rows.append(named | number(value, behind.get(metric, people)) | more)
    return rows


def of_level(level, **more):
    people, positives = LEVELS[level]
    named = {"group": "ethnicity", "level": level, "reference": "White"}
    return named | {"n": people, "people": people, "positives": positives} | more


TABLES = {
    "tradeoffs": (
        tradeoffs.SCHEMA,
        [
            of_level(
                level, at="0.05", rate=0.133, rate_low=0.12, rate_high=0.15, rate_reference=0.112,
                apart=True, value=0.041, low=0.036, high=0.047, of_reference=0.034,
            )
            for level in ("Black", "Roma")
        ],
    ),
    "calibration_curves": (
        calibration_curves.SCHEMA,
        [
            of_level(level, risk=risk, observed=risk + 0.01, low=risk - 0.02, high=risk + 0.05,
                     status="drawn")
            for level in ("White", "Black")
            for risk in (0.05, 0.1, 0.3)
        ]
        + [of_level("Roma", status="too few for a curve")],
    ),
    "need": (
        label_bias.SCHEMA,
        [
            of_level(level, marker="prescriptions__count__365d", value=1.3, low=1.2, high=1.4)
            for level in ("Black", "Roma")
        ],
    ),
    "proxies": (
        proxies.SCHEMA,
        [
            of_level(
                "Black", value=0.83, low=0.8, high=0.86, set_aside="demographics__ethnicity",
                rank=rank, feature=f"f{rank}", meaning=f"feature number {rank}", agency="A",
                share=0.3, model_share=0.1,
            )
            for rank in (1, 2, 3, 4)
        ]
        + [of_level("Roma", rank=0)],
    ),
    "net_benefit": (
        benefit.SCHEMA,
        [
            {"group": group, "level": level, "policy": policy, "threshold": t, "value": 0.02,
             "low": 0.01, "high": 0.03, "n": 8000, "positives": 900, "selected": selected}
            for group, level in (("everyone", "everyone"), ("ethnicity", "White"))
            for policy, selected in (("lightgbm", 400), ("age_sex", 300), ("everybody", 8000),
                                     ("everybody_gained", 8000), ("nobody", 0))
            for t in (0.1, 0.2)
        ],
    ),
    "comparisons": (
        comparisons.SCHEMA,
        [of_level("Black", metric="ppv", at="0.05", p=0.01, adjusted=0.03)],
    ),
}  # fmt: skip


def remedy(name, base, **values):
    rows = []
    for metric, value in values.items():
        level = metric.partition("@")[2] or None
        change = {"change": -0.02, "change_low": -0.03, "change_high": -0.01}
        if base == name:
            change = dict.fromkeys(change)
        named = {"remedy": name, "metric": metric.partition("@")[0], "level": level}
        rows.append(named | number(value, 900) | change)
    return rows


TRIED = {
    "groups": [
        {
            "group": "ethnicity", "at": 0.05, "price": 0.2, "people": 9240, "rows": 9240,
            "outcomes": 1064, "learnt_from": 20000, "judged": ["White", "Black"],
            "too_few": ["Roma"], "dropped": {"without_itself": ["f1"], "without_proxies": ["f1"]},
            "remedies": [
                {"remedy": "current", "title": "The model as it is", "says": "Nothing.",
                 "base": "current"},
                {"remedy": "equal_reach", "title": "Cuts for equal reach", "says": "Cuts.",
                 "base": "current"},
            ],
            "measures": [
                *remedy("current", "current", net_benefit=0.02, sensitivity_gap=0.1,
                        sensitivity=0.27, auroc=0.75, ppv=0.5),
                *remedy("equal_reach", "current", net_benefit=0.019, sensitivity_gap=0.01,
                        sensitivity=0.26, auroc=0.74, ppv=0.49),
            ],
            "notes": ["Nothing here is used for a list."],
        }
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return shown(folder)


def shown(folder: Path, tried=TRIED):
    (folder / "audit").mkdir()
    for name, (schema, rows) in TABLES.items():
        known = [{k: v for k, v in row.items() if k in schema.names} for row in rows]
        pq.write_table(pa.Table.from_pylist(known, schema=schema), folder / f"audit/{name}.parquet")
    if tried:
        write_json(folder / "audit/mitigation.json", tried)
    fairness = fairness_table(fairness_rows(), STRICT)
    told = {"audit": {"label_bias": "Only admissions are counted."}}
    found = equity_tables(folder, told, STRICT, fairness, 0.05)
    return replace(DATA, fairness=fairness, capacity=0.05, policy="strict", **found)


def test_kinds_of_fairness_stand_side_by_side_and_small_levels_without_numbers(data):
    table = side_by_side(data)
    assert [text for text, _ in table.headers][1:] == [
        "Had the outcome", "Observed over expected", "Outcomes reached", "Wrongly listed",
        "Correct among those listed", "Share listed",
    ]  # fmt: skip
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Ethnicity: White"][2].startswith("27")
    assert set(rows["Ethnicity: Roma"]) == {"withheld"}


def test_why_not_all_can_be_had_is_said_in_the_runs_own_rates_and_not_of_a_withheld_level(data):
    section = equity(data)
    [said] = [point for point in section.points if "cannot all be had" in point]
    assert "13.3% of “Black”" in said
    assert "11.2% of “White”" in said
    assert not any("Roma" in point for point in section.points)
    assert any(point.startswith("1 differences between groups") for point in section.points)
    assert any("Only admissions are counted." in point for point in section.points)


def test_curves_are_drawn_for_those_with_enough_and_the_others_are_named(data):
    [drawing] = equity(data).drawings
    assert "Too few outcomes for a curve: Roma" in drawing.reading
    assert "<svg" in drawing.svg
    assert drawing.table is not None
    assert {row[0] for row in drawing.table.rows} == {"White", "Black"}


def test_proxies_need_and_worth_have_their_tables(data):
    section = equity(data)
    captions = {table.caption: table for table in (*section.tables, *section.after)}
    proxy = captions["How well the features tell who belongs to a group"]
    assert proxy.rows[0][2] == "feature number 1; feature number 2; feature number 3"
    assert len(proxy.rows) == 1
    need = next(t for name, t in captions.items() if name.startswith("Sign of need"))
    assert [row[0] for row in need.rows] == ["Ethnicity: Black", "Ethnicity: Roma"]
    assert need.rows[1][2] == "withheld"
    assert captions["Net benefit by group"].rows


def test_the_decision_curve_has_rules_of_thumb_beside_the_model(data):
    assert {row["learner"] for row in records(data.decision)} == {
        "lightgbm", "age_sex", "everybody", "nobody"
    }  # fmt: skip


def test_remedies_are_a_section_and_a_page_of_their_own(data):
    section = mitigation(data)
    assert section.points[0] == "Nothing here is used for a list."
    [changes] = section.tables
    assert changes.rows[0][:3] == ("Cuts for equal reach", "The model as it is",
                                   "-2.0 points (-3.0 points to -1.0 points)")  # fmt: skip
    assert "closes the gap" in section.drawings[0].reading
    page = render_remedies(data)
    assert page.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "<script" not in page


def test_without_remedies_the_section_says_how_to_try_them(tmp_path):
    assert mitigation(shown(tmp_path, tried=None)).lead == NOT_TRIED


def test_a_report_with_all_of_it_is_small_enough_and_tells_no_small_count(data):
    page = render_report(data).page
    assert len(page) < MOST_BYTES
    assert 'id="equity"' in page
    assert 'id="mitigation"' in page


def test_a_run_of_an_earlier_version_has_none_of_it(tmp_path):
    fairness = fairness_table(fairness_rows(), STRICT)
    assert equity_tables(tmp_path, {"audit": {}}, STRICT, fairness, 0.05) == {}
