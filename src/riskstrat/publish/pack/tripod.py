"""TRIPOD+AI: the reporting checklist for prediction models, answered from the run where it can."""

from __future__ import annotations

from riskstrat.publish.pack.facts import Facts
from riskstrat.publish.pack.parts import CLINICAL, IG, OWNER, TEAM, Group, Item, Page
from riskstrat.vocabulary import in_words

SOURCE = "TRIPOD+AI, Collins et al. 2024, doi:10.1136/bmj-2023-078378; items in our words"


def tripod(facts: Facts) -> Page:
    """All 27 items with their parts, in order."""
    return Page(
        "tripod-ai",
        "TRIPOD+AI checklist",
        "What a report of a prediction model has to say, and where this run says it.",
        (
            Group("Title, abstract, introduction", _opening(facts)),
            Group("Methods: data, outcome, predictors", _methods(facts)),
            Group("Methods: analysis", _analysis(facts)),
            Group("Open science, patients and the public", _open(facts)),
            Group("Results", _results(facts)),
            Group("Discussion", _discussion(facts)),
        ),
        source=SOURCE,
    )


def _opening(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    return (
        Item("tripod.1", "1 Title: development or evaluation, population, outcome",
             f"Development and evaluation: {data.title}; in scope: {facts.scope}."),
        Item("tripod.2", "2 Abstract: a structured summary", "The two-page summary of this pack."),
        Item("tripod.3a", "3a Background: context, why, earlier models", who=OWNER),
        Item("card.users", "3b Target population, place in the pathway, users",
             f"In scope: {facts.scope}. Purpose: {in_words(data.purpose)}.",
             who=OWNER),
        Item("equality.under_recorded", "3c Known inequalities between groups", who=TEAM),
        Item("tripod.4", "4 Objectives", data.question),
    )  # fmt: skip


def _methods(facts: Facts) -> tuple[Item, ...]:
    data = facts.data
    return (
        Item("tripod.5a", "5a Sources of data, and how representative they are", facts.sources,
             who=TEAM),
        Item("tripod.5b", "5b Dates", facts.dates),
        Item("tripod.6a", "6a Setting and places", ", ".join(facts.agencies) + "."),
        Item("tripod.6b", "6b Who was in scope",
             f"{facts.scope.capitalize()}; the flow of people is in the report."),
        Item("tripod.6c", "6c Treatments received, and how they were handled",
             "Not modelled: an outcome that help prevented counts as not having happened.",
             who=CLINICAL),
        Item("tripod.7", "7 How data were prepared, and whether alike for all groups",
             "By the contracts of the sources, alike for everybody; the data sheets say what was "
             "refused."),
        Item("tripod.8a", "8a Outcome, time span, how it was found",
             f"{data.outcome}, within {data.horizon}; the study's definition is in the annex."),
        Item("tripod.8b", "8b Who judged the outcome, if that takes judgement",
             "Recorded by services in their routine work; nobody judged it for this study.",
             who=CLINICAL),
        Item("tripod.8c", "8c Blinding of those who judged it",
             "Features are read as they were known before the outcome could happen."),
        Item("tripod.9a", "9a How predictors were chosen",
             f"Blocks declared in the study before the run. {facts.asked('Is it the least')}",
             who=TEAM),
        Item("tripod.9b", "9b Definition and timing of predictors",
             "The dictionary of features in the report: meaning, source, window. "
             + " ".join(data.known_when)),
        Item("tripod.9c", "9c Who judged predictors, if that takes judgement",
             "Recorded by services in their routine work."),
    )  # fmt: skip


def _analysis(facts: Facts) -> tuple[Item, ...]:
    training = facts.told.get("training", {})
    return (
        Item("tripod.10", "10 Sample size, and whether it is enough",
             f"{facts.asked('How many')} Intervals say how much the data can tell; groups too "
             "small to judge are named.", who=TEAM),
        Item("tripod.11", "11 Missing data",
             "A value that was not recorded is a value of its own; what an agency's data do not "
             "cover is marked as such, and never read as zero."),
        Item("tripod.12a", "12a How data were split, and how the split was used",
             f"{facts.split} {facts.dates}"),
        Item("tripod.12b", "12b How predictors were handled",
             "As the learner takes them; not recorded and not covered are values of their own."),
        Item("tripod.12c", "12c Model type, tuning, and internal validation",
             f"{facts.learners} Search of parameters on inner folds only."),
        Item("tripod.12d", "12d Differences between clusters such as areas",
             "Intervals resample whole people or households."),
        Item("tripod.12e", "12e Measures of performance, and why", facts.measured),
        Item("tripod.12f", "12f Updating after evaluation",
             f"Calibration: {training.get('calibrate', 'none')}. The model that was tested is "
             "the one that is registered."),
        Item("tripod.12g", "12g How predictions are worked out",
             "The exported model is text, with code that reads it; no pickle."),
        Item("tripod.13", "13 Class imbalance",
             "No class was weighted up; where negatives were sampled, log-odds were put right by "
             "the share, and risks were calibrated on all rows."),
        Item("equality.choice", "14 Fairness: what was done and why", facts.asked("Is it fair"),
             who=IG),
        Item("tripod.15", "15 Output, and how thresholds were chosen",
             "A calibrated risk, and bands by how many people can be seen."),
        Item("tripod.16", "16 Differences between training and evaluation data",
             f"The same sources at other dates or people. {facts.dates}"),
        Item("tripod.17", "17 Ethical approval and consent", who=IG),
    )  # fmt: skip


def _open(facts: Facts) -> tuple[Item, ...]:
    return (
        Item("tripod.18a", "18a Funding", who=OWNER),
        Item("tripod.18b", "18b Conflicts of interest", who=OWNER),
        Item("tripod.18c", "18c Protocol",
             "The study file, whose digest is registered with the model."),
        Item("tripod.18d", "18d Registration", who=OWNER),
        Item("tripod.18e", "18e Sharing of data", "Personal data; not shared."),
        Item("tripod.18f", "18f Sharing of code",
             "riskstrat is open source; the study file is in the annex of the report."),
        Item("dpia.consultation", "19 How patients and the public took part", who=OWNER),
    )  # fmt: skip


def _results(facts: Facts) -> tuple[Item, ...]:
    return (
        Item("tripod.20a", "20a Flow of people, and how many had the outcome",
             f"{facts.asked('How many')} The flow by date is in the report."),
        Item("tripod.20b", "20b Characteristics of the people",
             "The report compares groups; the data sheets tell of missing values."),
        Item("tripod.20c", "20c Comparison of training and evaluation data",
             "Outcomes by date and drift are in the report and the monitoring."),
        Item("tripod.21", "21 People and outcomes in each analysis",
             "In the tables of folds and of results, each with its number."),
        Item("tripod.22", "22 The model in full", "The registered bundle, and its model card."),
        Item("tripod.23a", "23a Performance with intervals, by group as well",
             f"{facts.measured} {facts.listed} {facts.asked('Who is missed')}"),
        Item("tripod.23b", "23b Differences between clusters", facts.asked("Is it fair")),
        Item("tripod.24", "24 Results of updating", "The page of changes."),
    )  # fmt: skip


def _discussion(facts: Facts) -> tuple[Item, ...]:
    return (
        Item("tripod.25", "25 Interpretation, with fairness, against earlier studies",
             f"{facts.verdict}.", who=TEAM),
        Item("card.caveats", "26 Limits, and what they mean for bias and use",
             " ".join(facts.data.limits) + " " + facts.asked("What could errors of linkage"),
             who=TEAM),
        Item("tripod.27a", "27a What to do about poor or missing input",
             "Rows that break their contract are left out, and the data sheets count them; a file "
             "that cannot be read by its contract stops the run; what is not covered is marked."),
        Item("atrs.training", "27b What users must know to use it", who=OWNER),
        Item("tripod.27c", "27c Next steps for research and use", who=TEAM),
    )  # fmt: skip
