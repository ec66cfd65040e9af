"""PROBAST+AI: quality and risk of bias, with what the run can say to each question."""

from __future__ import annotations

from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import TEAM, Group, Item, Page
from riskstrat.publish.tables import records
from riskstrat.publish.wording import day

SOURCE = (
    "PROBAST+AI, Moons et al. 2025, doi:10.1136/bmj-2024-082505: 16 questions on development and "
    "18 on evaluation, in four domains; the questions are in our words and numbered by us"
)
JUDGE = "assessor outside the modelling team"


def probast(facts: Facts) -> Page:
    """16 questions on how the model was made and 18 on how it was tested, and the judgements."""
    return Page(
        "probast-ai",
        "PROBAST+AI assessment",
        "What could make the results look better than they are. The run answers what it knows; the "
        "judgement is somebody else's.",
        (
            Group("Development: participants and data", _made(facts)[:4]),
            Group("Development: predictors", _made(facts)[4:7]),
            Group("Development: outcome", _made(facts)[7:10]),
            Group("Development: analysis", _made(facts)[10:]),
            Group("Evaluation: participants and data", _tested(facts)[:4]),
            Group("Evaluation: predictors", _tested(facts)[4:7]),
            Group("Evaluation: outcome", _tested(facts)[7:11]),
            Group("Evaluation: analysis", _tested(facts)[11:]),
            Group("Judgement", _judgement()),
        ),
        source=SOURCE,
    )


ASKED_ELSEWHERE = {
    "d1": "tripod.5a", "d3": "sheets.missing", "d11": "tripod.10", "d16": "equality.choice",
    "e8": "probast.d8",
}  # fmt: skip
"""question -> another that asks for the same words of a person, who should give them once"""


def _numbered(prefix: str, asked: tuple[tuple[str, str, str], ...]) -> tuple[Item, ...]:
    return tuple(
        Item(
            ASKED_ELSEWHERE.get(f"{prefix}{number}", f"probast.{prefix}{number}"),
            f"{prefix.upper()}{number} {question}",
            told,
            who,
        )
        for number, (question, told, who) in enumerate(asked, 1)
    )


def _made(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    known = " ".join(data.known_when)
    return _numbered("d", (
        ("Are the sources of data fit for the question?", facts.sources, TEAM),
        ("Are the right people in, and the right ones out?",
         f"In scope: {facts.scope}; the flow shows who left at each step.", ""),
        ("Do the data stand for those the model is meant for?", "", TEAM),
        ("Is the quality of the data good enough, and alike between groups?",
         f"The data sheets say. {facts.asked('What could errors of linkage')}", ""),
        ("Are predictors defined and measured alike for everybody?",
         "By one dictionary of features, from contracts that hold for every row.", ""),
        ("Were predictors measured without knowledge of the outcome?", known, ""),
        ("Are all predictors at hand when the model is used?",
         "Scoring uses the same plan of features as training, on the day's own records.", ""),
        ("Is the outcome fit, and found in a way that is alike for all?", data.outcome, TEAM),
        ("Are predictors kept out of the outcome's definition?",
         "Features end before the outcome's window begins.", ""),
        ("Was the outcome found without knowledge of the predictors?",
         "It was recorded by services in routine work, after the as-of date.", ""),
        ("Is the sample large enough for the model?", facts.asked("How many"), TEAM),
        ("Were people with missing data handled well?",
         "Nobody is dropped for a missing feature; not recorded and not covered are values.", ""),
        ("Was class imbalance handled so that risks stay right?",
         f"Risks are calibrated on all rows. {facts.measured}", ""),
        ("Was overfitting limited, all steps included?",
         f"Parameters are searched on inner folds only. {facts.dates}", ""),
        ("Was information kept from leaking between people, dates and folds?",
         f"{facts.split} {known}", ""),
        ("Was unfairness looked for and dealt with while the model was made?",
         facts.asked("Is it fair"), TEAM),
    ))  # fmt: skip


def _tested(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    known = " ".join(data.known_when)
    return _numbered("e", (
        ("Are the test data fit for the question?", facts.dates, ""),
        ("Are the right people in, and the right ones out, as in use?",
         "The same scope as in use; who cannot be judged for want of an outcome is counted.", ""),
        ("Do the test data stand for the people, place and time of use?",
         f"The places it is meant for; another time or other people. {_another_place(facts)}",
         TEAM),
        ("Is the quality of the test data good enough, and alike between groups?",
         facts.asked("What could errors of linkage"), ""),
        ("Are predictors defined and measured as in training?", "By the same plan.", ""),
        ("Were they measured without knowledge of the outcome?", known, ""),
        ("Are all of them at hand when the model is used?", "Yes: lists are made by the same plan.",
         ""),
        ("Is the outcome fit, and alike for everybody?", data.outcome, TEAM),
        ("Are predictors kept out of the outcome's definition?",
         "Features end before the outcome's window begins.", ""),
        ("Was the outcome found without knowledge of predictors or of the model's score?",
         f"{_in_use(facts)} Once lists are in use, outcomes follow from what was done.", TEAM),
        ("Is the time between predictors and outcome right?", f"Within {data.horizon}.", ""),
        ("Are there enough people with the outcome in the test?",
         "Numbers and outcomes stand beside every result; too few give no verdict.", ""),
        ("Were people with missing data handled as in use?", "By the same plan.", ""),
        ("Were people whose outcome is not known handled well?",
         "An outcome that is not yet known is never read as no; how many is in the report.", ""),
        ("Were discrimination and calibration both judged?", facts.measured, ""),
        ("Was it judged at the thresholds that will be used?", facts.listed, ""),
        ("Is the test free of what the model learnt from, tuning and calibration included?",
         facts.dates, ""),
        ("Were results looked at by group, with how sure they are?", facts.asked("Who is missed"),
         ""),
    ))  # fmt: skip


def _another_place(facts: Facts) -> str:
    """Whether the run was tested in places it had not learnt from."""
    rows = records(facts.data.robustness, drill="transport")
    cases = sorted({str(row["case"]) for row in rows if row["value"] is not None})
    if not cases:
        shown = "No result can be shown for" if rows else "Nothing was tested in"
        return f"{shown} places that it did not learn from."
    return f"Tested as well in {len(cases)} of its own places, each left out of learning."


def _in_use(facts: Facts) -> str:
    """Whether lists may have been in use when the outcomes were recorded."""
    if not facts.approved:
        return "No version of this study was approved before, so none of its lists was in use."
    told = ", ".join(f"version {each.version} on {day(each.on)}" for each in facts.approved)
    return f"Lists of an earlier approval may have been in use ({told})."


def _judgement() -> tuple[Item, ...]:
    return (
        Item("probast.quality", "Concern about the quality of the development", who=JUDGE),
        Item("probast.bias", "Risk of bias of the evaluation", who=JUDGE),
        Item("probast.applicability", "Concern about whether it applies here", who=JUDGE),
    )
