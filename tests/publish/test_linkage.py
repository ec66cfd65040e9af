"""The section on what linkage error could hide, from tables drawn here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from publish.county_report import METRICS, county_report
from riskstrat.disk import write_json
from riskstrat.publish.linkage import linkage
from riskstrat.publish.linkage_words import NOT_KNOWN, linkage_cost
from riskstrat.publish.report import MOST_BYTES, render_report
from riskstrat.publish.tables import records
from riskstrat.release.disclosure import policy_named
from riskstrat.release.policies import Policy
from riskstrat.stages.reporting.linkage_tables import FILE, linkage_tables

DATA = county_report()
STRICT, EXACT = policy_named("strict"), policy_named("none")


def rate(measure, value, half, *, basis="truth", n=5000, domain="people", **where):
    named = {"agency": "hospitals", "group": "all", "level": "all", "domain": domain} | where
    limits = {"value": value, "low": max(value - half, 0), "high": min(value + half, 1)}
    return {"measure": measure, "basis": basis, "n": n} | named | limits


def of_levels(measure, **levels):
    return [
        rate(measure, *each, agency="all", group="ethnicity", level=level)
        for level, each in levels.items()
    ]


def told(**changes):
    bound = {"value": 0.27, "low": 0.25, "high": 0.29, "chance_low": 0.26, "chance_high": 0.28}
    measured = METRICS["test"]["lightgbm"]
    whole = {
        "truth": {"people": "handed_over"},
        "basis": "truth",
        "agency": "hospitals",
        "domain": "people",
        "rates": [
            rate("recall", 0.96, 0.01), rate("precision", 0.99, 0.005),
            rate("on_register", 0.9, 0.01, basis="counted"),
            rate("sure", 0.9994, 0.0005, basis="counted"),
            rate("precision", 0.98, 0.01, basis="estimated", agency="police", domain="addresses"),
            *of_levels("recall", white=(0.98, 0.005), black=(0.92, 0.02)),
        ],
        "unlinkable": [{"domain": "people", "probability": 0.9, "share": 0.031, "n": 2200}],
        "outcome": {
            "missed": {"value": 140.4, "low": 101.2, "high": 190.7, "n": 3671},
            "false": {"value": 3.0, "low": 0.0, "high": 7.0, "n": 3671},
        },
        "bounds": [{"at": 0.05, "metric": "sensitivity", "n": 3671} | bound],
        "bounds_by_group": [
            {"group": "sex", "level": level, "at": 0.05, "metric": "sensitivity", "n": n} | bound
            for level, n in (("Female", 1802), ("Not stated", 4))
        ],
        "left_out": {"admissions": 1234, "ed_attendances": 3},
        "again": {"rows": 41_200, "of": 41_237, "learnt_from": False,
                  "before": measured, "after": measured},
    }  # fmt: skip
    return whole | changes


def report(folder: Path, policy: Policy = STRICT, *, made_up: bool = True, **changes):
    write_json(folder / FILE, told(**changes))
    return replace(DATA, **linkage_tables(folder, policy, DATA.fairness, made_up=made_up))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "audit").mkdir()
    return tmp_path


def test_extracts_that_came_linked_leave_one_sentence(folder):
    assert linkage_tables(folder, STRICT, DATA.fairness, made_up=True) == {}
    section = linkage(DATA)
    assert (section.title, section.lead) == ("What linkage error could hide", NOT_KNOWN)
    assert not section.drawings
    assert linkage_cost(DATA) == NOT_KNOWN


def test_what_linkage_cost_is_said_in_counts_that_may_be_shown(folder):
    data = report(folder)
    assert "About 140 (100 to 190) more were missed" in data.links_said[1]
    assert "fewer than 10 of those seen belong to somebody else" in data.links_said[1]
    assert data.links_said[1] in linkage(data).lead
    assert data.links_said[1] in linkage_cost(data)
    exact = report(folder, EXACT).links_said[1]
    assert "About 140 (101 to 191) more were missed" in exact
    assert "about 3 (0 to 7) of those seen" in exact


@pytest.mark.parametrize(
    ("changes", "made_up", "words"),
    [
        ({}, True, "sealed truth of the made-up county"),
        ({}, False, "as agencies know it"),
        ({"truth": {"people": "reviewed"}}, False, "reviewers judged by hand"),
        ({"basis": "estimated"}, True, "Missed and false links are estimated"),
        ({"basis": "", "outcome": {}, "bounds": []}, False, "told nothing of how good"),
    ],
)
def test_it_is_said_how_the_quality_is_known(folder, changes, made_up, words):
    data = report(folder, made_up=made_up, **changes)
    assert words in data.links_said[0]
    assert words in linkage(data).lead


def test_bounds_are_read_as_where_the_number_may_lie(folder):
    data = report(folder)
    words = "with errors of linkage it may lie between 25.0% and 29.0%"
    assert any(words in point for point in linkage(data).points)
    assert words in linkage_cost(data)
    [row] = linkage(data).tables[0].rows
    assert row == ("5%", "Outcomes reached", "27.0%", "26.0% to 28.0%", "25.0% to 29.0%")


def test_every_drawing_has_its_numbers_and_a_sentence(folder):
    [drawing] = linkage(report(folder)).drawings
    assert drawing.reading == (
        "Right person not found, by ethnicity: from “white”, 2.0% (1.5% to 2.5%) to “black”, 8.0% "
        "(6.0% to 10.0%); the intervals do not overlap."
    )
    assert drawing.table.rows[0] == ("Black", "8.0% (6.0% to 10.0%)", "5,000")
    assert "2.0% (1.5% to 2.5%)" in drawing.svg


def test_errors_are_one_less_the_rate_and_marked_where_they_are_estimates(folder):
    [_, agencies, *_] = linkage(report(folder)).tables
    rows = {row[1]: row for row in agencies.rows}
    assert rows["Hospitals"][3:] == (
        "4.0% (3.0% to 5.0%)", "1.0% (0.5% to 1.5%)", "10.0% (9.0% to 11.0%)", "withheld"
    )  # fmt: skip
    assert rows["Police"][4] == "2.0% (1.0% to 3.0%) (e)"


def test_what_is_withheld_elsewhere_is_withheld_here(folder):
    data = report(folder)
    shown = {row["level"]: row["status"] for row in records(data.link_bounds_by_group)}
    assert shown == {"Female": "shown", "Not stated": "withheld"}
    left = {row["source"]: row["rejected"] for row in records(data.left_out)}
    assert left == {"admissions": 1235, "ed_attendances": None}


def test_sure_links_are_set_beside_all_links(folder):
    data = report(folder)
    points = " ".join(linkage(data).points)
    assert "AUROC on sure links only: 0.786 (0.778 to 0.794); on all links: 0.786" in points
    assert "1,235 rows whose link is not sure" in points
    [sure] = [t for t in linkage(data).tables if t.caption.startswith("The same model")]
    assert ("AUROC", "0.786 (0.778 to 0.794)", "0.786 (0.778 to 0.794)") in sure.rows


@pytest.mark.parametrize(
    ("again", "words"),
    [
        ({"refused": "RS1006"}, "On sure links only there is no result"),
        ({}, "nothing to leave out"),
    ],
)
def test_a_second_look_that_was_not_made_is_said(folder, again, words):
    data = report(folder, again=again)
    assert words in " ".join(linkage(data).points)
    assert not [t for t in linkage(data).tables if t.caption.startswith("The same model")]


def test_the_page_holds_it_all(folder):
    page = render_report(report(folder)).page
    assert 'id="linkage"' in page
    assert "What could errors of linkage hide?" in page
    assert len(page) < MOST_BYTES
