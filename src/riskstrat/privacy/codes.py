"""What each finding about the model's memory means, how it is measured, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from riskstrat.vocabulary import Code

_SIMPLER = (
    "Fewer and larger leaves, fewer trees, stronger regularisation, more people: leave "
    "`training.parameters` to the search, whose range holds models that pass."
)
_TWINS = (
    "Three twins of the model are learnt as it was, each without two of three small folds of "
    "people, dealt by chance with their households; the people are then told apart by how sure a "
    "twin is of what happened to them, averaged over their dates. 95% intervals resample "
    "households."
)
_TEXTS = (
    Code(
        "RS3401",
        "Whether the model tells who it was learnt from",
        "Somebody who holds the model and a person's record guesses that people of whom the model "
        "is surer were learnt from. 0.5 is chance; what is above it is memory of single people.",
        f"{_TWINS} The number is the chance that a person learnt from is named before one who was "
        "not. A warning where the whole interval lies above 0.53; with fewer than 5,000 people "
        "nothing is said.",
        _SIMPLER,
    ),
    Code(
        "RS3402",
        "Whether it tells of those with the outcome",
        "The same among people who had the outcome, on the dates before it. They are few, so a "
        "model that remembers remembers them, and the average over everybody hides it.",
        f"{_TWINS} Only rows with the outcome count. A warning where the whole interval lies above "
        "0.60; with fewer than 5,000 people, or 200 with the outcome, nothing is said.",
        _SIMPLER,
    ),
    Code(
        "RS3403",
        "Whether it gives a few people away for certain",
        "An attack that is no better than chance on average may still be right about a few people.",
        "The share of those learnt from who are named when at most one in a thousand of the others "
        "is; chance gives 0.001. A warning where the whole interval lies above 0.005.",
        _SIMPLER,
    ),
    Code(
        "RS3404",
        "What an insider could tell",
        "Somebody who also holds everybody else's records can learn a model without a person, and "
        "see how much surer the real one is. That tells more, of any model that learns at all; it "
        "says why the model's file is kept where the data are.",
        f"{_TWINS} A twin that did not learn from a person is the yardstick for another (Carlini "
        "et al. 2022, doi:10.1109/SP46214.2022.9833649).",
        "Keep the model inside the secure environment; give out scores and protected tables.",
    ),
    Code(
        "RS3405",
        "A group that the model remembers more",
        "The people of one level of a group can be told apart better than the limit for everybody.",
        "As RS3401, among the people of each level of `audit.groups`. A warning where the whole "
        "interval lies above 0.53. Among many levels one may be above it by luck.",
        "Look at the features that only this group has. Merge levels, or drop features of few.",
    ),
    Code(
        "RS3406",
        "The fewest people behind a part of the model",
        "A leaf or coefficient that rests on a handful of people says something about them.",
        "Training rows are sent through the model's own trees, and people, not rows, are counted "
        "in each leaf: ten dates of one person are one person. Of a linear model, people of the "
        "categories and absences that have a coefficient. A lower bound, rounded down to a "
        "multiple of 5. An error below 10.",
        "Leave `min_data_in_leaf` to the search; merge rare categories in the contract.",
    ),
    Code(
        "RS3407",
        "Few degrees of freedom",
        "With nearly as many coefficients as people the model can be solved for single people.",
        "People learnt from, less the coefficients that are not zero. An error below 10.",
        "Use fewer features, or a stronger penalty.",
    ),
    Code(
        "RS3408",
        "A reason that few people share",
        "A feature on which the score depends says something that is true of fewer than ten of the "
        "people learnt from. Told beside a name, it may tell more than the reader knew.",
        "People of whom a used feature is neither absent nor zero, and people of each category.",
        "Group the code with others in the codelist, lengthen the window, or drop the feature.",
    ),
    Code(
        "RS3409",
        "A category that few people hold",
        "The model's file names a category that fewer than ten of the people learnt from hold. A "
        "warning where no contract declares it: then it is there because somebody has it.",
        "People of every category of every feature are counted among those learnt from.",
        "Declare the column's values in the contract, or merge rare ones.",
    ),
    Code(
        "RS3410",
        "The model's file holds extreme values",
        "The least and the largest value of a feature may each be one person's.",
        "The model's text is looked at. Models that riskstrat trains do not hold them.",
        "Train the model again with this version.",
    ),
    Code(
        "RS3420",
        "A model and rows that do not belong together",
        "Leaves of the model hold more rows than fall into them, so it was not learnt from these "
        "rows, and nothing can be said about what it remembers.",
        "The counts in the model's text are held against the training rows.",
        "Run the study again; if it stays so, report it.",
    ),
)

PRIVACY_CODES: Mapping[str, Code] = MappingProxyType({text.code: text for text in _TEXTS})
"""Code -> its page, for ``riskstrat explain``."""
