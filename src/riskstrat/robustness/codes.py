"""What each finding of the drills means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_PAIRED = (
    "Both models are judged on the same held-out people; the interval is of the difference, "
    "clusters resampled whole."
)

_TEXTS = (
    Code(
        "RS3750",
        "There is no run to put under stress",
        "Drills take the model, features and folds of a finished run of this very study, data and "
        "code.",
        "The run's identity follows from all three, and its folder is looked up.",
        "Run the study first, with the same `--data`, `--store` and `--set`.",
    ),
    Code(
        "RS3751",
        "What an agency's data add",
        "The model learnt again without an agency's features finds as much, or is not shown to "
        "find less. Data that add nothing should not be asked for.",
        f"The winner's parameters, without the agency's features. {_PAIRED} Told as good to know; "
        "which of two agencies that say the same is needed cannot be told from one at a time.",
        "Ask whether the purpose still needs the source; leave it out and run the study again.",
    ),
    Code(
        "RS3752",
        "The model does worse in a place it has not seen",
        "Learnt without an area's people, the model ranks them worse than the model that knew "
        "them, or its risks are not right there.",
        f"Learnt without everybody ever seen there, judged on them. {_PAIRED} A warning "
        "where AUROC is lower by 0.01 or more and all of the interval shows a loss, or observed "
        "over expected outcomes lie outside 0.8 to 1.25.",
        "Do not use it elsewhere before it was tried there; calibrate it on local outcomes.",
    ),
    Code(
        "RS3753",
        "The model ages",
        "A model learnt up to an earlier date does worse on the test date than the one learnt up "
        "to the latest, or its risks are not right any more.",
        f"The last training dates left out, one by one. {_PAIRED} A warning is as RS3752.",
        "Plan to train again at least that often; watch it with `riskstrat monitor`.",
    ),
    Code(
        "RS3754",
        "Chance decides much of the list",
        "Learnt again from resampled people, or from another seed, the model lists many others. "
        "Who is seen then owes much to chance.",
        "People on both lists over people on either, at each capacity, on held-out people. A "
        "warning where the mean is below 0.5 for resampled people, or 0.7 for seeds.",
        "List more people, or say that those around the cut are interchangeable; more data and "
        "simpler models are steadier.",
    ),
    Code(
        "RS3755",
        "What a missing supplier does",
        "An agency's data do not arrive: not for a month, or not at all. The list is made all the "
        "same, from what is left.",
        "Its features are computed again from the rows and coverage that would be left, for a "
        "sample of the people tested, and scored by the model as it is. A warning where the share "
        "of right listings falls with its whole interval, or risks are not right (0.8 to 1.25).",
        "Decide beforehand for which suppliers no list is made until the data are there.",
    ),
    Code(
        "RS3756",
        "More people would help, or would not",
        "Whether the model still gains from being learnt from twice as many people.",
        f"The model learnt from an eighth, a quarter and half of the people. {_PAIRED}",
        "Where it still gains: add dates or places. Where not: more people will not help, other "
        "data may.",
    ),
    Code(
        "RS3757",
        "The model learns from chance",
        "With outcomes dealt out by lot there is nothing to learn; yet the model ranks people "
        "better (or worse) than chance. Something other than the outcome links the rows of "
        "training and test.",
        "Outcomes shuffled within each date. An error where the whole interval of the mean AUROC "
        "lies outside 0.47 to 0.53.",
        "Look for rows of one unit on both sides of the folds, and features made from the outcome.",
    ),
    Code(
        "RS3758",
        "A planted leak was not noticed",
        "Features that know the outcome were planted, and the audit did not name them. Its silence "
        "about the real features then means little.",
        "Three kinds are planted, each in a copy of the features, and the audit's own checks run; "
        "a feature of pure noise must not be named.",
        "Read the audit's page on leaks (RS3506); with few outcomes only gross leaks can be seen.",
    ),
    Code(
        "RS3759",
        "A drill could not be done",
        "There are too few people or outcomes, or the study has nothing for the drill to work on.",
        "Outcomes are counted before anything is learnt.",
        "Read the message: it says what is missing.",
    ),
)

ROBUSTNESS_CODES: Mapping[str, Code] = MappingProxyType({text.code: text for text in _TEXTS})
"""Code -> its page, for ``riskstrat explain``."""
