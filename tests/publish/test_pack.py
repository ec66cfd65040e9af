"""The board's pack: sound pages, honest about what is open, the same bytes each time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from publish.county_report import approved, county_report
from publish.pages import read_page
from riskstrat.errors import StudyError
from riskstrat.publish.pack.answers import Answer, Answers, read_answers
from riskstrat.publish.pack.facts import Approved, Facts
from riskstrat.publish.pack.write import PAGES, Pack, make_pack
from riskstrat.publish.report import MOST_BYTES
from riskstrat.publish.report_data import ReportData
from riskstrat.publish.study_tables import REIDENTIFICATION
from riskstrat.release import evidence
from riskstrat.release import report_tables as make
from riskstrat.release.disclosure import policy_named, protect_estimates

CONFIGS = Path(__file__).parents[2] / "configs"
STUDY = county_report().study
TOLD = {
    "study": STUDY,
    "training": {"folds": {"scheme": "rolling_origin"}, "calibrate": "isotonic"},
}
NONE = Answers(study=STUDY, given={})


def pack_of(data: ReportData, answers: Answers = NONE, before: tuple[Approved, ...] = ()) -> Pack:
    facts = Facts(data=data, told=TOLD, approved=before, software={"lightgbm": "4.6.0"})
    return make_pack(facts, answers)


def page_of(name: str, data: ReportData, *before: Approved) -> str:
    """The words of one page."""
    return read_page(pack_of(data, before=before).files[f"{name}.html"].decode()).text


def everything(pack: Pack) -> Answers:
    said = Answer(answer="The board has looked at this.", by="A. Lee, IG lead", on=date(2026, 1, 5))
    return Answers(study=STUDY, given=dict.fromkeys(pack.asked, said))


PACK = pack_of(county_report())
HTML = {name: text.decode() for name, text in PACK.files.items() if name.endswith(".html")}


@pytest.mark.parametrize("name", sorted(HTML))
def test_every_page_is_sound_and_opens_offline(name):
    page = read_page(HTML[name])
    assert page.faults == []
    assert len(page.ids) == len(set(page.ids)) and set(page.refs) <= set(page.ids)
    assert "script" not in page.tags
    inside = {f"{each}.html" for each in HTML} | set(PACK.files) | {"../report.html"}
    assert all(each.startswith("#") or each in inside for each in page.addresses)
    assert len(HTML[name].encode()) <= MOST_BYTES
    assert page.headings[0] == 1 and page.headings.count(1) == 1


def test_the_contents_page_leads_to_every_document():
    page = read_page(HTML["index.html"])
    assert set(page.addresses) >= {name for name in HTML if name != "index.html"}


def test_equal_facts_give_equal_bytes():
    assert pack_of(county_report()).files == PACK.files


def test_the_summary_opens_with_the_verdict_and_ends_with_the_decision():
    text = HTML["summary.html"]
    order = [text.index(each) for each in ("Verdict", "What a board asks", "Name and role")]
    assert order == sorted(order)


def test_what_nobody_answered_is_marked_counted_and_listed():
    assert not PACK.complete and set(PACK.open) == set(PACK.asked)
    for name, text in HTML.items():
        marked = text.count("To be answered</strong> by")
        told = re.search(r"<strong>(\d+) questions? on this page", text)
        assert marked == (int(told[1]) if told else 0) or name == "index.html"
    blank = PACK.files["answers-to-give.yaml"].decode()
    assert all(f"# {name}:" in blank for name in PACK.open)
    assert yaml.safe_load(blank) == {"study": STUDY, "given": None}


def test_an_empty_file_of_answers_is_one_without_answers(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_bytes(PACK.files["answers-to-give.yaml"])
    assert read_answers(path, STUDY).given == {}


def test_answers_stand_beside_their_questions_with_name_and_day():
    full = pack_of(county_report(), everything(PACK))
    assert full.complete and not full.open
    pages = [text.decode() for name, text in full.files.items() if name.endswith(".html")]
    assert not any("To be answered" in text or "still need" in text for text in pages)
    assert "A. Lee, IG lead, 5 January 2026" in full.files["dpia.html"].decode()


def test_one_answer_left_out_keeps_the_pack_open():
    given = dict(everything(PACK).given)
    del given["dpia.residual"]
    assert pack_of(county_report(), Answers(study=STUDY, given=given)).open == ("dpia.residual",)


def test_an_answer_to_what_nobody_asks_is_refused_with_the_name_that_was_meant():
    said = everything(PACK).given["dpia.residual"]
    with pytest.raises(StudyError, match=r"did you mean `dpia\.residual`") as refused:
        pack_of(county_report(), Answers(study=STUDY, given={"dpia.residuel": said}))
    assert refused.value.code == "RS1298"


def test_answers_of_another_study_are_refused(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("study: another\ngiven: {}\n")
    with pytest.raises(StudyError) as refused:
        read_answers(path, STUDY)
    assert refused.value.code == "RS1297"


@pytest.mark.parametrize("study", ["emergency_admission", "school_readiness"])
def test_the_demonstration_answers_everything(study):
    answers = read_answers(CONFIGS / "answers" / f"{study}.yaml", study)
    assert set(answers.given) == set(PACK.asked)


def test_text_from_people_is_text_and_never_markup():
    said = Answer(answer="<script>alert(1)</script> & so", by="<b>X</b>", on=date(2026, 1, 5))
    full = pack_of(county_report(), Answers(study=STUDY, given={"dpia.residual": said}))
    text = full.files["dpia.html"].decode()
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so" in text


def test_the_transparency_record_says_who_answered_what():
    full = pack_of(county_report(), everything(PACK))
    told = json.loads(full.files["atrs.json"])
    fields = {each["name"]: each for part in told["sections"] for each in part["fields"]}
    assert len(told["sections"]) == 6
    assert fields["senior_responsible_owner"]["answered_by"] == "A. Lee, IG lead"
    assert fields["performance"]["from_the_run"].startswith("On held-out data: AUROC")


def test_the_checklists_are_whole():
    tripod, probast = (HTML[f"{name}.html"] for name in ("tripod-ai", "probast-ai"))
    numbers = [int(each) for each in re.findall(r"<dt>(\d+)[a-g]? ", tripod)]
    assert sorted(set(numbers)) == list(range(1, 28))
    assert re.findall(r"<dt>D(\d+) ", probast) == [str(n) for n in range(1, 17)]
    assert re.findall(r"<dt>E(\d+) ", probast) == [str(n) for n in range(1, 19)]


def test_all_nine_protected_characteristics_are_spoken_of():
    text = HTML["equality.html"]
    assert text.count("Not held, so not examined") + text.count("Held, and compared as") == 9


def test_the_change_log_compares_with_the_last_approved_version():
    before = replace(
        approved(county_report()),
        version="1",
        study_text="study: x\nseed: 1\n",
        champion="logistic_regression",
    )
    now = replace(county_report(), study_text="study: x\nseed: 2\n")
    given = Approved(1, "2026-05-12", report=before)
    text = pack_of(now, before=(given,)).files["changes.html"].decode()
    assert "-seed: 1" in text and "+seed: 2" in text
    assert "the study" in text and "the learner" in text
    assert "has been approved before" in HTML["changes.html"]


@pytest.mark.parametrize(
    ("became", "said"),
    [
        ("", "Version 1 was approved on 12 May 2026, and its approval holds."),
        ("withdrawn on 2026-06-01", "its approval is withdrawn on 1 June 2026."),
        ("suspended since 2026-06-01", "its approval is suspended since 1 June 2026."),
        ("expired, its last day was 2027-05-11", "expired, its last day was 11 May 2027."),
        ("void, for code changed", "its approval is void, for code changed."),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_what_became_of_an_approval_is_said_and_never_that_there_was_none(became, said, kept):
    report = replace(approved(county_report()), version="1") if kept else None
    given = Approved(1, "2026-05-12", became, report=report)
    for name in ("summary", "changes"):
        text = page_of(name, county_report(), given)
        assert said in text
        assert "Nothing was approved before" not in text and "has been approved" not in text
        assert ("no longer in the store" in text) is not kept


def test_a_version_that_was_approved_itself_is_not_put_to_the_board_for_the_first_time():
    own = Approved(2, "2026-05-12", "withdrawn on 2026-06-01", own=True)
    text = page_of("summary", county_report(), own)
    assert "This very version, 2, was approved on 12 May 2026" in text
    assert "first version" not in text and "no longer in the store" not in text


def test_dates_span_from_the_first_of_the_first_fold_to_the_last_of_the_last():
    rows = [
        {"fold": 1, "role": "train", "as_of_from": "2016-09-01", "as_of_to": "2020-09-01",
         "window_ends": "2021-09-01", "n": 900, "positives": 90},
        {"fold": 2, "role": "train", "as_of_from": "2017-09-01", "as_of_to": "2021-09-01",
         "window_ends": "2022-09-01", "n": 900, "positives": 90},
        {"fold": 2, "role": "test", "as_of": "2023-09-01", "window_ends": "2024-09-01",
         "n": 900, "positives": 90},
    ]  # fmt: skip
    data = replace(county_report(), folds=make.folds_table(rows, policy_named("strict")))
    told = Facts(data=data, told=TOLD).dates
    assert "train: 1 September 2016 to 1 September 2021" in told
    assert "test: 1 September 2023" in told
    assert "train: 1 September 2016 to" in page_of("tripod-ai", data)


@pytest.mark.parametrize(
    ("group", "about", "not_about"),
    [
        ("first_language_english", "", "Age"),
        ("gender", "Sex", "Gender reassignment"),
        ("gender_identity", "Gender reassignment", "Sex"),
        ("sexual_orientation", "Sexual orientation", "Sex"),
        ("maternity_unit", "Pregnancy and maternity", "Age"),
        ("age_band", "Age", "Marriage and civil partnership"),
        ("ethnicity", "Race", "Religion or belief"),
        ("trace", "", "Race"),
    ],
)
def test_a_group_is_about_a_characteristic_by_whole_words(group, about, not_about):
    rows = [{"group": group, "level": each, "metric": "ppv", "at": 0.05, "value": 0.4, "low": 0.3,
             "high": 0.5, "n": 900, "positives": 360, "verdict": "pass"}
            for each in ("a", "b")]  # fmt: skip
    table = evidence.fairness_table(rows, policy_named("strict"))
    text = page_of("equality", replace(county_report(), fairness=table))
    held = re.findall(r"([A-Z][a-z ]+) Held, and compared as", text)
    assert [each.strip() for each in held] == ([about] if about else [])
    assert not_about not in held


def test_what_no_run_knows_is_not_said():
    report = replace(county_report(), reidentification=(REIDENTIFICATION,))
    came_linked = replace(report, links_said=())
    linked = replace(report, links_said=("Links were counted.",))
    for data, keepers in ((came_linked, False), (linked, True)):
        text = page_of("dpia", data)
        assert ("keepers who never hold identifiers" in text) is keepers
        assert ("under a key that the analysts do not hold" in text) is keepers
        assert ("only the linker" in text) is keepers
        assert "what it found, a run does not see" in text
    assert "dpia.risk.identity" in PACK.asked  # so a person says whether it was attacked
    assert "voids it. New extracts do not" in page_of("monitoring-plan", county_report())
    assert "are left out, and the data sheets count them" in page_of("tripod-ai", county_report())


def test_whether_lists_were_in_use_and_other_places_tested_depends_on_what_was_done():
    text = page_of("probast-ai", county_report())
    assert "No version of this study was approved before" in text
    assert "Nothing was tested in places that it did not learn from" in text
    rows = [["transport", f"place {n} of 9, the largest first", "auroc", None, "lost", 0.01, 0.0,
             0.02, 900, None] for n in (1, 2)]  # fmt: skip
    columns = ("drill", "case", "metric", "at", "role", "value", "low", "high", "n", "positives")
    drills = protect_estimates(
        "Drills", columns, rows, policy=policy_named("strict"), positives="positives"
    )
    given = Approved(1, "2026-05-12", "withdrawn on 2026-06-01")
    text = page_of("probast-ai", replace(county_report(), robustness=drills), given)
    assert "may have been in use (version 1 on 12 May 2026)" in text
    assert "Tested as well in 2 of its own places" in text


def test_a_run_of_which_little_is_known_still_makes_every_page():
    bare = ReportData(
        title="T", question="Q?", study=STUDY, outcome="O", horizon="365 days", purpose="p",
        run_id="r", champion="lightgbm", policy="strict",
    )  # fmt: skip
    assert len([name for name in pack_of(bare).files if name.endswith(".html")]) == len(PAGES) + 1
