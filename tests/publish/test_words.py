"""What a study says in its own language reads as English on a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from publish.county_report import county_report
from publish.pages import read_page
from riskstrat.publish.diagrams import data_flow_chart
from riskstrat.publish.notices import MOST_LINES, notices
from riskstrat.publish.phrases import gate_in_words, scope_in_words, within
from riskstrat.publish.report import render_report
from riskstrat.publish.study_tables import (
    agreements_table,
    question_of,
    recipients_table,
    who_can_reidentify,
)
from riskstrat.publish.summary import key_figures, questions
from riskstrat.publish.tables import records
from riskstrat.release.policies import policy_named
from riskstrat.release.report_tables import findings_table
from riskstrat.vocabulary import Finding, Severity, in_words

DATA = county_report()
STRICT = policy_named("strict")


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("auroc.low >= 0.70", "AUROC at least 0.70, even at the lower end of its interval"),
        ("calibration_slope in [0.9, 1.1]", "Calibration slope between 0.9 and 1.1"),
        (
            "sensitivity(ethnicity, at=0.05) > 0.1",
            "Outcomes reached, by ethnicity, when 5% are seen: more than 0.1",
        ),
        ("something new", "something new"),
        ("brier in {1, 2}", "brier in {1, 2}"),
    ],
)
def test_a_gate_reads_as_a_sentence_or_stays_as_written(gate, words):
    assert gate_in_words(gate) == words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("registered and age_at_as_of >= 18", "registered and aged 18 or over"),
        ("age > 64", "aged 65 or over"),
        ("age < 18", "aged 17 or under"),
        ("age_at_as_of between 5 and 15", "aged 5 to 15"),
        ("birth_month >= 3", "birth_month >= 3"),
    ],
)
def test_a_common_scope_reads_as_english(expression, words):
    assert scope_in_words(expression) == words


def test_names_lose_their_underscores_and_keep_their_abbreviations():
    assert in_words("imd_quintile") == within("imd_quintile") == "IMD quintile"
    assert in_words("age_band") == "Age band" and within("age_band") == "age band"
    assert within("q1_most_deprived") == "Q1 most deprived"


def finding(code, message, severity=Severity.WARNING, name="duplicate_key", where="a"):
    return Finding(code, name, severity, where, message, fix="Ask the agency.")


def noticed(*findings):
    return notices(replace(DATA, findings=findings_table(findings, STRICT)))


def test_findings_of_one_kind_share_a_heading_and_say_each_thing_once():
    found = noticed(
        finding("RS1014", "gp_events: 20 of 400 rows repeat a key [duplicate_key]: `event_id`"),
        finding("RS1014", "ed_attendances: 7 of 400 rows repeat a key"),
        finding("RS1014", "ed_attendances: 8 of 400 rows repeat a key"),
        finding("RS1", "an error", Severity.ERROR, "bad"),
    )
    assert [(one.severity, one.title) for one in found] == [
        ("error", "Bad"), ("warning", "Duplicate key"),
    ]  # fmt: skip
    assert found[1].lines == (
        "GP events: 20 of 400 rows repeat a key: event ID",
        "ED attendances: fewer than 10 of 400 rows repeat a key",
    )


def test_a_long_list_of_findings_is_cut_and_counted():
    [found] = noticed(*(finding("RS305", f"thing {i} is empty") for i in range(MOST_LINES + 3)))
    assert len(found.lines) == MOST_LINES and found.more == 3
    page = read_page(
        render_report(
            replace(
                DATA,
                findings=findings_table(
                    [finding("RS305", f"thing {i} is empty") for i in range(9)], STRICT
                ),
            )
        ).page
    )
    assert page.faults == [] and "and 3 more" in page.text


def test_gates_and_good_news_are_left_to_their_own_sections():
    assert (
        noticed(
            finding("RS322", "gate", Severity.ERROR),
            finding("RS303", "finds more than base_rate", Severity.INFO),
        )
        == ()
    )
    assert len(noticed(finding("RS303", "finds no more than base_rate"))) == 1


def test_the_first_page_has_few_numbers_and_each_stands_in_a_table():
    figures = key_figures(DATA)
    assert 3 <= len(figures) <= 4
    assert all(figure.value in read_page(render_report(DATA).page).text for figure in figures)


def test_without_a_list_the_summary_still_says_of_how_many_it_speaks():
    told = dict(questions(replace(DATA, bands=None)))["How many people does it speak of?"]
    assert told.endswith("No list was made.")


STUDY = {
    "unit": "person",
    "outcome": {"title": "eviction", "name": "eviction", "within": "12 months"},
}


def test_the_question_says_within_once():
    assert question_of(STUDY) == "For which people is this most likely within 12 months: eviction?"
    titled = {**STUDY, "outcome": {**STUDY["outcome"], "title": "eviction within 12 months"}}
    assert question_of(titled).count("within 12 months") == 1


RELEASE = {
    "bands": {"very_high": 0.005, "high": 0.05},
    "recipients": [
        {"to": "gp_practice", "rows": "own_patients", "own": "practice", "bands": ["high"]},
        {"to": "public_health", "rows": "aggregate", "by": ["age_band"]},
    ],
}


def test_every_recipient_is_named_with_what_it_gets_and_whether_it_can_reidentify():
    rows = records(recipients_table(RELEASE))
    assert [(r["recipient"], r["bands"], r["shown"]) for r in rows] == [
        ("GP practice", "High", "The usual columns"),
        ("Public health", "Very high, High", "Age band"),
    ]
    told = " ".join(who_can_reidentify(RELEASE))
    assert "GP practice can ask the linker about its own people" in told
    assert "Public health gets counts only" in told
    assert len(who_can_reidentify({"bands": {}, "recipients": []})) == 1


def test_the_matrix_has_a_column_for_each_recipient_and_the_flow_a_row_for_each_arrow():
    page = read_page(render_report(DATA).page)
    for words in ("Counts: scores only", "Where data come from and go to"):
        assert words.lower() in page.text.lower()
    assert DATA.sharing.columns == ("source", "purpose", "opt_outs", "gp_practice", "public_health")
    assert records(DATA.sharing)[1]["opt_outs"] == "None bind"
    svg = data_flow_chart(records(DATA.data_flow), name="x")
    for words in ("Hospitals", "police incidents", "Pseudonymised", "GP practice", "…"):
        assert words in svg
    assert data_flow_chart((), name="x") == ""


def test_sources_on_one_basis_share_a_row():
    basis = {
        "agreement": "ISA-1", "uk_gdpr": "6(1)(e)", "statutory_gateway": "s251",
        "common_law": "set aside", "ends": "2030-03-31",
    }  # fmt: skip
    rows = [
        {**basis, "sources": "Admissions", "columns": 8},
        {**basis, "sources": "Deaths", "columns": 3},
        {**basis, "sources": "Map", "columns": 1, "uk_gdpr": "not personal"},
    ]
    table = records(agreements_table(rows))
    assert [row["sources"] for row in table] == [
        "Admissions (8 columns); Deaths (3 columns)", "Map (1 column)",
    ]  # fmt: skip
