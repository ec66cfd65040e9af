"""What each finding about a model in use means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

MAY_SUSPEND = (
    "RS3701",
    "RS3702",
    "RS3703",
    "RS3704",
    "RS3705",
    "RS3706",
    "RS3707",
    "RS3708",
    "RS3709",
    "RS3710",
    "RS3711",
    "RS3712",
    "RS3715",
)
"""findings that a study may have suspend its model"""

_TEXTS = (
    Code(
        "RS3701",
        "An extract has more or fewer rows than in training",
        "Before the day, markedly fewer (or more) rows of a source could be seen than before the "
        "same day of the training years: an agency may send less, later, or something else.",
        "Rows of what happened in the year before the day, and rows that arrived in the month "
        "before it, over the mean of the same days of the training years, a covered day; of "
        "spells those that were open. The interval allows for rows that come by units. A warning "
        "when all of it lies beyond `monitor.volume`.",
        "Ask the agency what changed. Features of that source are wrong on this day, not the "
        "people: do not use the list before it is put right.",
    ),
    Code(
        "RS3702",
        "An extract does not reach the day",
        "The contract says that an extract is complete only up to a day before the one that is "
        "watched, or has a gap before it.",
        "The covered days of the month before the day are counted.",
        "Get a later extract and state its coverage in the contract, or score for an earlier day.",
    ),
    Code(
        "RS3703",
        "A column is emptier, or fuller, than in training",
        "The share of rows without a value has moved.",
        "Empty values among the rows of the year before the day, less those on the same days of "
        "the training years. A warning when the whole interval lies beyond `monitor.missing`.",
        "Ask the agency whether the form, the system or the code changed; a value that means "
        "something else now is worse than none.",
    ),
    Code(
        "RS3704",
        "A feature has drifted",
        "The people to be scored differ from those the model learnt from in what this feature "
        "measures: their lives changed, or the measuring did.",
        "Population stability index against the training dates, in cells fixed from these, less "
        "what sampling alone makes; clustered bootstrap interval. A warning when the whole "
        "interval lies above `monitor.feature_drift`; told as good to know where the held-out "
        "dates, on which the model was judged, had drifted as far.",
        "Look at the cells: one that is empty or full points to the source. If people changed, "
        "watch calibration, and train again when outcomes are known.",
    ),
    Code(
        "RS3705",
        "Scores have drifted",
        "The model's scores are spread otherwise than on the dates on which it was judged.",
        "Population stability index of the scores against those of the held-out dates. A warning "
        "when the whole interval lies above `monitor.score_drift`.",
        "See which features drifted (RS3704), weighed by their importance.",
    ),
    Code(
        "RS3706",
        "More or fewer people above a cut",
        "At the score at which a capacity was cut when the model was judged, the list would now "
        "be markedly longer or shorter. A list of fixed length then holds other risks than the "
        "approval spoke of.",
        "People at or above the cut, over those there were on the held-out dates, as shares of "
        "everybody. A warning when the whole interval lies beyond `monitor.listed`.",
        "Tell the service: either the risks changed, or the scores did. Calibration decides, once "
        "outcomes are known.",
    ),
    Code(
        "RS3707",
        "Risks are not right any more",
        "Over everyone scored on the day, more or fewer outcomes happened than the model expected.",
        "Observed over expected outcomes, with a clustered bootstrap interval. A warning when all "
        "of it lies outside `monitor.calibration`.",
        "Calibrate or train again. Where the list was acted on, fewer outcomes may be success: "
        "compare with people who were not listed, or with a group that was held back.",
    ),
    Code(
        "RS3708",
        "The model ranks less well than when it was approved",
        "What was found on held-out dates does not hold on the day.",
        "The metric's interval on the day lies wholly on the worse side of its interval then.",
        "See which features drifted and which agencies changed; train again.",
    ),
    Code(
        "RS3709",
        "A group is served worse than when the model was approved",
        "For one group a measure has become worse; others may fare as before.",
        "The interval of the group's measure on the day lies wholly on the worse side of its "
        "interval at approval. Groups without enough evidence get no verdict.",
        "Look at the group's missing data and at its volumes by agency before changing the model.",
    ),
    Code(
        "RS3710",
        "Many have left the list",
        "A large share of the people on the last list are not on this one. Some churn is the point "
        "of a list; much of it means that care is begun and dropped.",
        "People of the last release's bands who are in none now; a warning when the whole interval "
        "(Wilson's) lies above `monitor.churn`.",
        "See whether they left the area, or fell below the cut; whether the version changed.",
    ),
    Code(
        "RS3711",
        "A gate would fail now",
        "The conditions under which the model was approved do not hold on the day.",
        "The gates of the approved run are held against the outcomes of the day. A gate on what "
        "the model remembers of people, such as on membership inference, keeps its verdict.",
        "Suspend the model (`riskstrat suspend`) or have the board decide, with this page before "
        "it; train again.",
    ),
    Code(
        "RS3712",
        "A gate lacks the evidence to say",
        "A gate that passed when the model was approved can be neither kept nor failed on the day.",
        "As RS3711: the verdict is `not enough evidence`. So it is where what the gate asks for is "
        "not measured on the day.",
        "Watch a later day with more outcomes, or several together. Where a group is gone, see "
        "RS3715.",
    ),
    Code(
        "RS3713",
        "Outcomes are not known yet",
        "The outcome's window, counted from the day, is not complete in the data. Whether the "
        "risks are right, and for whom, cannot be said.",
        "The window is held against the coverage of the sources of the outcome and of deaths.",
        "Watch the same day again when the message says that the outcomes will be known.",
    ),
    Code(
        "RS3714",
        "The past has changed",
        "An extract now holds fewer rows than the model was trained on, though time has passed.",
        "Accepted rows of each source, against those of the run that trained the version.",
        "Ask the agency what it took out. Objections take rows away, too, and are to be honoured.",
    ),
    Code(
        "RS3715",
        "A group is not measured any more",
        "The model was approved with a look at groups that the data of the day do not have. A gate "
        "on such a group is left without evidence: what it showed at approval says nothing of now.",
        "`audit.groups` of the approved run against the columns of the day.",
        "Put the attribute back into the study's `audit.groups`, or ask the agency for the column. "
        "If it is gone for good, have the board decide anew.",
    ),
    Code(
        "RS3720",
        "The model is suspended",
        "A named person, or the study's own rule, has stopped the use of this version. It makes no "
        "list until the suspension is lifted.",
        "The log says who suspended it, when and why, and whether that was lifted.",
        "Read the reason. Lift it with `riskstrat suspend MODEL VERSION --lift`, or approve "
        "another version.",
    ),
    Code(
        "RS3721",
        "The model is not suspended",
        "A suspension was to be lifted, and there is none.",
        "The log is looked at.",
        "See `riskstrat log` for what was decided about the version.",
    ),
    Code(
        "RS3722",
        "The run behind the model is not there",
        "To compare a new period with training, the run that trained the version must be in the "
        "store, unchanged.",
        "The run's folder is looked up, and the digests of its files compared.",
        "Run the study again on the data of then, or watch with the store that trained it.",
    ),
    Code(
        "RS3723",
        "The day is not after training",
        "The model has learnt from this day, or from a later one: it says nothing about a new "
        "period.",
        "The day is compared with the last date that the version was trained on.",
        "Watch a later day.",
    ),
    Code(
        "RS3724",
        "Everybody has dates of their own",
        "The study decides on each unit after an event of its own. There is no day to watch on "
        "which all could be scored.",
        "The study's `as_of` is looked at.",
        "Run the study again on later data and compare the runs (`riskstrat compare`).",
    ),
)

MONITORING_CODES: Mapping[str, Code] = MappingProxyType({text.code: text for text in _TEXTS})
"""Code -> its page, for ``riskstrat explain``."""
