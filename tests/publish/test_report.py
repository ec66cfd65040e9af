"""A report opens offline, reads aloud, answers first, and shows no small number."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from publish.county_report import METRICS, approved, county_report
from publish.pages import read_page
from riskstrat.errors import ReleaseRefused
from riskstrat.publish.compare import ComparedRun, compare_table, render_compare
from riskstrat.publish.report import MOST_BYTES, render_report
from riskstrat.publish.report_data import REQUIRED, ReportData
from riskstrat.publish.summary import at_capacity, questions
from riskstrat.publish.tables import PlainTable, records
from riskstrat.publish.verdict import headline
from riskstrat.publish.wording import MARKS, mark
from riskstrat.release.disclosure import protect
from riskstrat.release.policies import POLICIES, policy_named
from riskstrat.vocabulary import Protected

STRICT = policy_named("strict")

DATA = county_report()
HTML = render_report(DATA).page
PAGE = read_page(HTML)


def bare() -> ReportData:
    """A run of which nothing but its name is known."""
    return ReportData(
        title="T", question="Q?", study="s", outcome="O", horizon="365 days", purpose="p",
        run_id="r", champion="lightgbm", policy="strict",
    )  # fmt: skip


def test_the_page_is_sound():
    assert PAGE.faults == []
    assert len(PAGE.ids) == len(set(PAGE.ids))
    assert set(PAGE.refs) <= set(PAGE.ids)


def test_headings_are_in_order():
    assert PAGE.headings[0] == 1 and PAGE.headings.count(1) == 1
    steps = [
        after - before for before, after in zip(PAGE.headings, PAGE.headings[1:], strict=False)
    ]
    assert max(steps) <= 1


def test_it_needs_no_script_and_no_network():
    assert "script" not in PAGE.tags
    assert all(address.startswith("#") for address in PAGE.addresses)
    assert not re.search(r"https?:|@import|url\((?!#)", HTML)
    assert {address[1:] for address in PAGE.addresses} <= set(PAGE.ids)


def test_it_can_be_sent_by_mail():
    assert len(HTML.encode()) <= MOST_BYTES
    assert max(len(svg) for svg in re.findall(r"<svg.*?</svg>", HTML, re.DOTALL)) <= 40_000


def test_the_same_run_gives_the_same_page():
    assert render_report(county_report()).page == HTML


def test_landmarks_language_and_a_way_past_the_header():
    assert '<html lang="en-GB">' in HTML
    assert {"header", "main", "nav", "footer"} <= set(PAGE.tags)
    assert PAGE.addresses[0] == "#main"


def test_the_verdict_comes_first():
    text = PAGE.text
    assert text.index("1 of 4 gates lacks evidence") < text.index("How many people")
    assert text.index("How many people") < text.index("Contents") < text.index("The question")


def test_every_question_of_a_board_is_answered():
    asked = dict(questions(DATA))
    assert set(asked) >= {
        "How many people does it speak of?", "How sure are we?", "What does our capacity cover?",
        "Who is missed?", "Is it fair between groups?", "What was known when?",
        "Is it the least data that will do?", "On what legal basis?",
        "Who can get back to a person?",
    }  # fmt: skip
    assert "about 4 in 10 had the outcome: 39.8% (37.6% to 42.0%)" in asked["How sure are we?"]
    assert "previous use" in asked["What does our capacity cover?"]
    assert "“18 to 39”" in asked["Who is missed?"]
    assert "Widest gap in outcomes reached: age band" in asked["Is it fair between groups?"]
    assert "Gates on groups: 1 not enough evidence." in asked["Is it fair between groups?"]


@pytest.mark.parametrize(
    ("verdicts", "says", "kind"),
    [
        (("pass", "pass"), "All 2 gates passed", "pass"),
        (("pass", "fail"), "1 of 2 gates failed", "fail"),
        (("not enough evidence", "pass"), "1 of 2 gates lacks evidence", "unsure"),
        (("not enough evidence", "fail"), "1 of 2 gates failed", "fail"),
        ((), "No limits were set", "unsure"),
    ],
)
def test_the_headline_follows_the_gates(verdicts, says, kind):
    columns = (*REQUIRED["gates"], "threshold")
    rows = tuple(("C", "t", 0.7, 0.6, 0.8, 100, v, "shown", 0.7) for v in verdicts)
    gates = protect("Gates", columns, rows, counts=("n",), policy=STRICT)
    text, found = headline(replace(DATA, gates=gates))
    assert text.startswith(says) and found == kind


def test_small_groups_stay_listed_and_say_that_they_are_withheld():
    rows = {row["level"]: row for row in records(DATA.fairness, metric="sensitivity")}
    for level in ("Roma", "Gypsy or Irish Traveller", "Not stated"):
        assert rows[level]["value"] is None and rows[level]["status"] == "withheld"
        assert level in " ".join(PAGE.svg_words) and level in PAGE.text
    assert " ".join(PAGE.svg_words).count("withheld") >= 5


@pytest.mark.parametrize("name", ["strict", "hes", "dfe", "opensafely", "dfe+strict"])
def test_no_small_count_can_be_read_anywhere(name):
    """Counts in the tables and words in the drawings: none in 1 to threshold - 1."""
    policy = policy_named(name)
    data = county_report(policy)
    page = read_page(render_report(data).page)
    for part in fields(data):
        table = getattr(data, part.name)
        if isinstance(table, Protected):
            counts = [i for i, c in enumerate(table.columns) if c in COUNTED]
            cells = [row[i] for row in table.rows for i in counts]
            assert not [c for c in cells if c is not None and 1 <= c < policy.threshold], part.name
    flow = [word for word in page.svg_words if re.fullmatch(r"[\d,]+", word.strip())]
    assert "41,237" not in page.text and "41,237" not in flow
    assert page.faults == []


COUNTED = {"n", "positives", "selected", "people", "expected", "rows_in", "accepted", "rejected",
           "yes", "no", "not_yet_known", "known"}  # fmt: skip


def test_marks_are_those_of_the_policies():
    assert {name: policy.mark for name, policy in POLICIES.items()} == dict(MARKS)
    assert mark("dfe+strict") == "suppressed"


def test_a_draft_says_so_and_an_approval_names_who_and_why():
    assert "For review: not for use until two reviewers have approved it" in PAGE.text
    text = read_page(render_report(approved(DATA)).page).text
    assert "20 April 2024: approved by A. Reviewer (Caldicott Guardian)" in text
    assert "For review" not in text


def test_it_says_what_it_is_not():
    assert "Not a medical device" in PAGE.text
    assert "PRISMATIC" in PAGE.text
    assert "every person in this report is invented" in PAGE.text


def test_a_bare_run_still_gives_a_sound_page():
    page = read_page(render_report(bare()).page)
    assert page.faults == [] and "This run did not produce this part." in page.text


def test_text_from_a_study_is_escaped():
    page = render_report(replace(DATA, title="<b>&", question="<script>alert(1)</script>")).page
    assert "<script>" not in page and "&lt;b&gt;&amp;" in page


def test_a_table_of_people_must_be_protected():
    plain = PlainTable("Flow", REQUIRED["flow"], (("2024-04-01", "cohort", 3),))
    with pytest.raises(ReleaseRefused, match="flow is not a Protected table"):
        replace(bare(), flow=plain)


def test_a_table_without_its_columns_is_refused_by_name():
    table = protect("Flow", ("as_of", "n"), (), counts=("n",), policy=STRICT)
    with pytest.raises(ReleaseRefused, match="table flow lacks step"):
        replace(bare(), flow=table)


def test_every_chart_has_a_reading_and_every_figure_a_drawing():
    figures = re.findall(r"<figure>(.*?)</figure>", HTML, re.DOTALL)
    assert len(figures) >= 12
    assert all("<svg" in f and re.search(r"<figcaption>\S", f) for f in figures)


def test_drawings_tell_their_numbers_in_words():
    told = re.search(r'id="perf-auroc-desc">([^<]*)<', HTML)
    assert told and "Boosted trees (LightGBM): 0.786 (0.778 to 0.794)" in told[1]


def test_the_capacity_of_the_summary_can_be_chosen():
    assert at_capacity(replace(DATA, capacity=0.2), "ppv")["selected"] == 8_245
    assert at_capacity(replace(DATA, capacity=0.1), "ppv") == {}
    assert read_page(render_report(replace(DATA, capacity=0.1)).page).faults == []


def compared(run_id, verdict):
    return ComparedRun(
        run_id, "lightgbm", verdict, DATA.performance, DATA.at_capacity, (("Seed", "1"),)
    )


def test_runs_are_compared_metric_by_metric():
    table = compare_table([compared("a", "passed"), compared("b", "failed")])
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["Gates"] == ("passed", "failed")
    assert rows["AUROC"] == ("0.786 (0.778 to 0.794)",) * 2
    assert rows["Correct among those listed, 5% seen"][0].startswith("39.8%")
    page = read_page(render_compare([compared("a", "passed")], title="Emergency admission"))
    assert page.faults == [] and "Seed" in page.text


def test_metrics_without_any_capacity_make_no_chart():
    assert METRICS["test"]["lightgbm"]["at_capacity"]
    data = replace(DATA, at_capacity=None, gains=None)
    assert read_page(render_report(data).page).faults == []
