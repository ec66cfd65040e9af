"""What the findings on fairness mean, how they are found, and what to do about them."""

from __future__ import annotations

from riskstrat.vocabulary import Code

EQUITY_TEXTS = (
    Code(
        "RS3501",
        "How many comparisons there were",
        "With many groups and measures some differences look real by chance alone. This says how "
        "many were looked at, how many look unequal, and how many still do when that is allowed "
        "for.",
        "Each level against its reference, for reach, PPV, wrong listing, share listed, AUROC and "
        "calibration, where there is enough evidence. A difference counts as unequal when chance "
        "would make one as large less than 1 time in 20; the allowance is Benjamini and Hochberg's "
        "(1995), by which at most 1 in 20 of those left is expected to be false.",
        "Trust single differences that are left after the allowance; read the others as questions.",
    ),
    Code(
        "RS3502",
        "Not every kind of fairness can be had",
        "The outcome happens more often in one group than in another. Then a list cannot be as "
        "often right, reach as many of those in need, and wrongly list as few in both.",
        "The share wrongly listed follows from the rate of the outcome, PPV and reach "
        "(Chouldechova 2017). It is worked out for the level whose rate differs most from the "
        "reference's, with the reference's own PPV and reach.",
        "Decide which kind matters for what the list is used for, set a gate on that one, and "
        "record why. Help that costs nobody anything asks for equal reach; anything that burdens "
        "people asks for equal wrong listing.",
    ),
    Code(
        "RS3503",
        "Features tell who belongs to a group",
        "The model's features, together, tell members of a group from others. Leaving the "
        "attribute itself out would not make the model blind to it.",
        "Boosted trees on up to 10,000 people, three folds by unit or household; the area under "
        "the ROC curve is of people not learnt from. A feature that tells the level alone is set "
        "aside and named. Noted where the lower limit is above 0.8.",
        "Ask of the features named whether the service would defend using them. `riskstrat "
        "mitigate` shows what dropping them would cost.",
    ),
    Code(
        "RS3504",
        "Recorded rather than needed",
        "The outcome is what was recorded. People whose need is not recorded count as people "
        "without need, and the model learns that.",
        "Told by `audit.label_bias` in the study file, in the words of whoever knows the records. "
        "A warning where nobody has said it.",
        "Write into `audit.label_bias` who is recorded without needing help, and who needs help "
        "unrecorded. Name a sign of need under `audit.need` to measure it.",
    ),
    Code(
        "RS3505",
        "More need at the same risk",
        "People of a group show more of the study's sign of need than others of the same stated "
        "risk: their need is recorded less in the outcome, or in the features that foretell it, "
        "and they are ranked too low.",
        "Mean of the sign in the group over that of the reference at the same risks, in tenths of "
        "risk and within the levels of `need.within`, with an interval clustered as all others. A "
        "warning when the whole interval is above 1.1. Where it is below 1/1.1 for every level "
        "judged, the reference's need is recorded less, which is a warning, too; where only for "
        "some, these show less, and that is told as good to know.",
        "Do not rank this group by the score alone. Look for why its need is not recorded; "
        "consider another outcome, or a part of the list filled from the sign of need.",
    ),
    Code(
        "RS3506",
        "A feature that knows the outcome",
        "One feature alone ranks nearly everybody, or some of its values go with the outcome "
        "almost always. Honest records seldom do: most likely it is recorded because of the "
        "outcome, and dated before it.",
        "Single features on the people tested: an area under the ROC curve whose lower limit is "
        "above 0.9, or values (found on half of the people, confirmed on the other half) of which "
        "the lower limit of the outcome's rate is above 0.85 and either three times everybody's or "
        "so high that three times fewer than among everybody are without it. A note says where "
        "outcomes are too few, or too common, for such values to be shown.",
        "Ask the agency when and why the records behind this feature are made. If they follow the "
        "outcome, correct `known_on`, or drop the feature and run again.",
    ),
    Code(
        "RS3507",
        "Risks that are not right for a group",
        "In this group more (or fewer) outcomes happened than its risks say, beyond chance.",
        "Observed over expected outcomes in the group, clustered bootstrap. A warning when the "
        "whole interval lies outside 0.9 to 1.1.",
        "Look at the group's calibration curve. More data of the group, its attribute as a "
        "feature, or calibration by group may help; the last is a decision for the board.",
    ),
)
