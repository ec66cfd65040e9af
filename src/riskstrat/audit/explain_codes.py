"""What each finding about explanations means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

EXPLANATION_TEXTS = (
    Code(
        "RS3601",
        "Contributions add up to the score",
        "What each feature adds to a person's log-odds, with the value everybody starts from, "
        "gives the person's score. Without that a reason would explain another score.",
        "For every row that is explained, whoever it is for: the base and all contributions "
        "against the score's own log-odds. The finding tells the largest gap; more than 1e-9 "
        "stops the run (RS3610).",
        "Nothing: it is a proof that comes with the run.",
    ),
    Code(
        "RS3602",
        "Another program finds the same contributions",
        "The contributions are Shapley values, worked out by riskstrat leaf by leaf. LightGBM's "
        "own code, which works in another way, finds the same.",
        "Both on the same sample of the people tested; the finding tells the largest difference. "
        "More than 1e-9 log-odds stops the run (RS3611). A logistic regression needs no second "
        "program: its values are a coefficient times a distance from the mean.",
        "Nothing: it is a proof that comes with the run.",
    ),
    Code(
        "RS3603",
        "Would other people have made other features lead?",
        "Which features a model rests on is an estimate. Among correlated features chance decides "
        "which one leads, and a story told about the first one would be told about another had "
        "other people been drawn.",
        "The model is learnt again, with the same parameters, from people (or households) drawn "
        "anew with replacement, `audit.refits` times. The value is the share of the ten leading "
        "features that are among the ten of a refit, on average. A warning below 0.6.",
        "Tell the ranges of ranks, not ranks; speak of agencies and topics, whose ranks are "
        "steadier; use fewer features that say the same, or more people.",
    ),
    Code(
        "RS3604",
        "What a glass box would cost",
        "A model that can be read in full (an explainable boosting machine: one curve for each "
        "feature, nothing else) learnt from the same rows. Where it does about as well, a model "
        "that has to be explained by contributions buys nothing with its opacity.",
        "`riskstrat glassbox`: the same training rows, features, folds and calibration; both "
        "models judged on the same held-out people, differences by a paired bootstrap of the same "
        "clusters. The value is the average precision that the glass box gives up. A warning "
        "where the interval of that reaches 0: then no price is shown.",
        "Weigh the price against what can be read: the report draws the curves. A price of "
        "nothing speaks for the glass box.",
    ),
    Code(
        "RS3610",
        "Contributions do not add up",
        "A person's contributions miss the person's score. Reasons made of them would be wrong, so "
        "nobody is told any.",
        "Base plus contributions against the log-odds of the raw score, row by row; 1e-9 is "
        "allowed, some 1e-14 is usual.",
        "A bug, or libraries that do not fit each other: report it with their versions.",
    ),
    Code(
        "RS3611",
        "Two programs disagree about contributions",
        "riskstrat's Shapley values are not those of LightGBM. One of the two is wrong, so nothing "
        "is explained.",
        "The largest difference on a sample of the people tested; 1e-9 log-odds is allowed.",
        "A bug, or libraries that do not fit each other: report it with their versions.",
    ),
    Code(
        "RS3612",
        "The run was made from something else",
        "The run named has another study, other extracts or another version behind it than those "
        "given, so what is found now would not be about its model.",
        "The digest of its training is held against the one that the study and the extracts give.",
        "Name the study, the `--data` and the `--store` that the run was made with, or run the "
        "study again and leave `--run` out.",
    ),
    Code(
        "RS3613",
        "There is no run to compare with",
        "The rival is held against a model that was trained and judged, and this study has none "
        "in the store.",
        "The run is looked up by the identity that follows from study, extracts and code.",
        "Run the study first: `riskstrat run STUDY`.",
    ),
    Code(
        "RS3614",
        "The glass box read back is not the one that was fitted",
        "Curves are kept as plain numbers, and these must give the scores that the library's own "
        "model gives.",
        "Both score the rows learnt from; 1e-6 log-odds is allowed.",
        "A bug, or another version of interpret-core than the one tested: report it.",
    ),
)

EXPLANATION_CODES: Mapping[str, Code] = MappingProxyType(
    {text.code: text for text in EXPLANATION_TEXTS}
)
