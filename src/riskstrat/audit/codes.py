"""What each finding of the audit means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
        "A level with fewer people than `min_group`, or fewer than ten outcomes, gets no verdict.",
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
        "than in the reference group.",
        "Ratio of sensitivities, level over reference. A warning when the whole interval lies "
        "below 0.8.",
        "Read the fairness table; look for missing data in the group, and for an outcome that "
        "measures use of services rather than need.",
    ),
    Code(
        "RS320",
        "Gate on a metric",
        "A condition of the study on how accurate the model is over everyone tested.",
        "The metric of the winning learner on the held-out dates, or a limit of its interval "
        "(`.low`, `.high`), against the limit in the study file.",
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
        "The worst level counts. Levels with too few people or outcomes are left out and named; "
        "when none is left the gate is not passed, because nothing was shown.",
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
)

AUDIT_CODES: Mapping[str, Code] = MappingProxyType({text.code: text for text in _TEXTS})
"""Code -> its page, for ``riskstrat explain``."""
