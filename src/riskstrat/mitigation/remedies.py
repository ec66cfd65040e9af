"""The remedies there are: a function, and what a board is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from riskstrat.mitigation import cuts, learners
from riskstrat.mitigation.trial import FloatArray, Trial

CURRENT, CONTROL = "current", "control"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to treat groups more alike.

    Attributes:
        title, says: for people.
        score: gives the scores (n_test,) the list is then made from.
        base: what its costs are counted against: the current model, or the control.
        learns: whether it learns anew, and so needs features.
    """

    title: str
    says: str
    score: Callable[[Trial], FloatArray]
    base: str
    learns: bool


def _current(trial: Trial) -> FloatArray:
    return trial.test.score


REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        CURRENT: Remedy(
            "The model as it is", "Nothing is changed.", _current, CURRENT, learns=False
        ),
        "equal_reach": Remedy(
            "Cuts for equal reach",
            "Each group has a cut of its own, so that the same share of those in need is reached.",
            cuts.equal_reach,
            CURRENT,
            learns=False,
        ),
        "equal_share": Remedy(
            "Cuts for equal shares",
            "Each group has a cut of its own, so that the same share of its people is listed.",
            cuts.equal_share,
            CURRENT,
            learns=False,
        ),
        CONTROL: Remedy(
            "Trees without a remedy",
            "Boosted trees of fixed settings; what is learnt anew below is set against them.",
            learners.control,
            CURRENT,
            learns=True,
        ),
        "reweighing": Remedy(
            "Weighed rows",
            "Rows weigh more where a group has the outcome more seldom than others, and less "
            "where more often.",
            learners.reweighed,
            CONTROL,
            learns=True,
        ),
        "constrained": Remedy(
            "Learner held to equal reach",
            "A mixture of models, found under the condition that each group is reached alike.",
            learners.constrained,
            CONTROL,
            learns=True,
        ),
        "without_itself": Remedy(
            "Without the attribute",
            "The model does not see the attribute itself.",
            learners.without_itself,
            CONTROL,
            learns=True,
        ),
        "without_proxies": Remedy(
            "Without the attribute and its proxies",
            "The model sees neither the attribute nor the features that tell it best.",
            learners.without_proxies,
            CONTROL,
            learns=True,
        ),
    }
)
"""name -> remedy, in the order shown; a new one is a function and its line here"""
