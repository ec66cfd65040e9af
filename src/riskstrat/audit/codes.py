"""What each finding of the audit means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.audit.equity_codes import EQUITY_TEXTS
from riskstrat.audit.explain_codes import EXPLANATION_TEXTS
from riskstrat.vocabulary import Code

_TEXTS = (
    Code(
        "RS301",
        "Calibration in the large",
        "Over everyone tested, as many outcomes happened as the model expected, or they did not: "
        "1 is right on average, 1.25 means a quarter more happened than expected.",
        "Observed outcomes over the sum of the risks, on the held-out dates, with a clustered "
        "bootstrap interval. A warning when the whole interval lies outside 0.9 to 1.1.",
        "Look for a change between the training dates and the test dates (a new recording "
        "practice, a pandemic year), and train up to a later date.",
    ),
    Code(
        "RS302",
        "Calibration slope",
        "Whether high risks are as high, and low ones as low, as what happens. Below 1 the risks "
        "are too extreme (the model learnt noise), above 1 they are too timid.",
        "Slope of a logistic regression of the outcome on the log-odds of the risk. A warning "
        "when the whole interval lies outside 0.9 to 1.1.",
        "Below 1: fewer or simpler features, more data, stronger regularisation. Compare "
        "`calibrate: sigmoid` with `isotonic` when outcomes are few.",
    ),
    Code(
        "RS303",
        "No better than a rule of thumb",
        "A baseline such as age and sex finds the people about as well as the model does. Then "
        "the model's cost in data and explanation buys nothing.",
        "Difference in average precision between the model and each baseline on the same people, "
        "both recomputed in every resample (paired bootstrap). A warning unless the whole "
        "interval is above 0.",
        "Use the baseline, or find data that add what age, sex and past use do not say.",
    ),
    Code(
        "RS304",
        "Too few to judge a group",
        "For this group the audit cannot tell whether the model works. That is a limit of the "
        "evidence, not a sign that all is well.",
        "A level with fewer people than `min_group`, or fewer outcomes than `min_outcomes`, gets "
        "no verdict.",
        "Merge levels that the service treats alike, add as-of dates, or decide and record how "
        "the group will be looked after without the model's help.",
    ),
    Code(
        "RS305",
        "A feature that is mostly empty",
        "A feature says nothing for most people, because it was not recorded or the agency's "
        "data do not cover them.",
        "Share of empty cells among the people tested. Noted above 80%.",
        "Drop it, shorten its window, or ask the agency for the missing years.",
    ),
    Code(
        "RS306",
        "Too good to be true",
        "Discrimination this high is rare in public services. Most often the outcome, or "
        "something recorded because of it, has found its way into a feature.",
        "Area under the ROC curve above 0.90 on the held-out dates.",
        "Look at the leading features (RS307). Ask of each: could it be known before the as-of "
        "date, and is `known_on` the day it was entered rather than the day it happened?",
    ),
    Code(
        "RS307",
        "One feature carries the model",
        "More than half of what the model says comes from one feature. It may be a leak; even if "
        "honest, the list stands or falls with that one column.",
        "The feature's share of the mean absolute contribution, on the log-odds scale.",
        "Check when the column becomes known. If it is honest, say so in the study's decision "
        "record, and compare with a rule that uses it alone.",
    ),
    Code(
        "RS308",
        "Outcome not yet known for many",
        "For many people in the cohort it is not known what happened, and they are left out of "
        "the measurements. If they differ from the others, the figures do too.",
        "Share of cohort rows whose outcome is not yet known. A warning above 20%.",
        "End the as-of dates earlier so that the window is complete, or shorten the horizon. Look "
        "at who leaves: moving away is rarely by chance.",
    ),
    Code(
        "RS309",
        "A capacity cut falls among ties",
        "Many people share the score at which the list is cut, so chance decides who is on it.",
        "People tied at the cut, against the places. Noted when the ties are more than a tenth of "
        "the places.",
        "Rank on a finer score, or choose a capacity at which the score separates people.",
    ),
    Code(
        "RS310",
        "Unequal treatment of a group",
        "At this capacity the model finds a markedly smaller share of those in need in one group "
        "than in the reference group; or in the reference group, the largest, than in another.",
        "Ratio of sensitivities, level over reference. A warning when the whole interval lies "
        "below 0.8; and of the reference when it lies above 1/0.8, beside the level that is surest "
        "to be reached more.",
        "Read the fairness table; look for missing data in the group, and for an outcome that "
        "measures use of services rather than need.",
    ),
    Code(
        "RS320",
        "Gate on a metric",
        "A condition of the study on how accurate the model is over everyone tested.",
        "The 95% interval of the metric on the held-out dates against the limit in the study file: "
        "wholly within it passes, wholly beyond it fails. Where it spans the limit, the metric (or "
        "the limit of its interval that the gate names) decides if the interval is narrow enough, "
        "as `+- 0.1` says; otherwise there is not enough evidence.",
        "Read the metric's own finding. A limit is set before training: do not loosen it after.",
    ),
    Code(
        "RS321",
        "Gate on a metric at a capacity",
        "A condition on what a service with room for this share of people would achieve.",
        "The metric at the capacity named in the gate; people tied at the cut count in part.",
        "Compare the capacities in the report: the model may serve a larger or a smaller list.",
    ),
    Code(
        "RS322",
        "Gate on the worst group",
        "A condition that has to hold for every level of an attribute about which there is "
        "enough evidence.",
        "Every level has to pass: one that fails fails the gate, one whose interval is too wide to "
        "say leaves it without enough evidence. A limit on a ratio holds the other way round, too: "
        "`>= 0.8` fails where the reference is below 0.8 of a level. Levels with fewer people, or "
        "fewer people with the outcome, than the study judges by are left out and named; when none "
        "is left nothing was shown.",
        "See RS310 for a group that fails, RS304 for one without evidence.",
    ),
    Code(
        "RS323",
        "Gate that was not measured",
        "The study sets a condition on something this run did not measure, so it is not passed.",
        "The metric is neither among the metrics of the run nor in its fairness table.",
        "Switch on the measurement, add the group to `audit.groups` or the share to "
        "`audit.capacity`, or take the gate out.",
    ),
    Code(
        "RS330",
        "Outcomes that linkage missed",
        "An outcome is seen only where its record was linked to the person. Outcomes of people in "
        "the cohort that were not linked to them count as none; some linked ones are somebody "
        "else's.",
        "Outcomes seen, times precision, times (1 / recall - 1), for the links between the records "
        "that tell the outcome and the register. Precision and recall are held against truth where "
        "it is known, and estimated from the probabilities of the links where it is not.",
        "Read “What linkage error could hide” in the report. Ask the agency for the numbers that "
        "its records lack, and have a sample of links reviewed.",
    ),
    Code(
        "RS331",
        "What linkage error could hide at a capacity",
        "How far the list's hits and reach may be from what was seen, if missed outcomes all "
        "belong to people on the list, or none of them.",
        "Bounds over every way in which missed and false outcomes could lie, at any precision and "
        "recall within their intervals. A warning where a bound leaves the 95% interval of "
        "sampling, or crosses a gate of the study: then linkage could change the verdict.",
        "Treat the bounds as part of the result. Better links narrow them; more people do not.",
    ),
    Code(
        "RS332",
        "Records of a group are linked less well",
        "Records of one group find the right person less often, or less surely, than those of the "
        "largest level. Missed links look like health, safety or absence, so its people are scored "
        "too low.",
        "Recall where truth is known; without it the share of records found on the register, and "
        "the share of people of whom every record is surely linked. Told where the whole "
        "interval lies below that of the largest level; a warning from one record in a hundred "
        "on. Without truth a difference may be real: some groups are on no register.",
        "Look at the identifiers that the agency lacks for the group; compare the model's reach "
        "for it with the bounds; have links of the group reviewed first.",
    ),
    Code(
        "RS333",
        "The result on sure links only",
        "The same model, scored and judged again without the records whose link is of the bands "
        "medium or low. If the result changes, it rests on links that may be wrong.",
        "Contracts, cohort, outcomes and features are derived again from rows whose band is exact, "
        "high or alone; the model stays as it is. A warning where the 95% interval of a metric "
        "does not overlap the one on all links, or where it could not be done.",
        "Raise the linkage's threshold, or have the pairs near it reviewed.",
    ),
)

AUDIT_CODES: Mapping[str, Code] = MappingProxyType(
    {text.code: text for text in (*_TEXTS, *EQUITY_TEXTS, *EXPLANATION_TEXTS)}
)
"""Code -> its page, for ``riskstrat explain``."""
