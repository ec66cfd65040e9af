"""Twins of the registered model, each learnt without some people, all of them dealt by chance.

Rows that were learnt from and rows of the test date differ by more than membership: the latter are
later, and of the same people. Telling them apart would measure drift. So people are dealt to folds
(whole households, or whatever the study resamples), and twins are learnt as the registered model
was, each without two of three small folds. Within one twin, people it learnt from and people it
did not differ by chance alone, on the same dates. Each person is left out of two twins and known
to one, so that one of the twins without them can serve as a yardstick for another (Carlini et al.
2022, doi:10.1109/SP46214.2022.9833649; Watson et al. 2022, arXiv:2111.08440).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from riskstrat.statistics.together import whole_groups
from riskstrat.training.again import Procedure
from riskstrat.training.folds import deal
from riskstrat.training.frame import Frame
from riskstrat.training.rows import BoolArray, FloatArray, IntArray, sample_units

TWINS = 3
"""learnt each round; twin ``t`` is learnt without the folds ``t`` and ``t + 1``"""
FOLDS = 6
"""at least so many: a twin learns from two thirds of the people or more"""
ENOUGH_PEOPLE = 5_000
"""with fewer people under attack there is not enough evidence"""
WANTED_PEOPLE = 10_000
"""of a large population so many are attacked, and no more are left out"""
MOST_ROWS = 250_000
"""a twin learns from at most so many rows, as whole people: with fewer it remembers more, so what
is measured is then a bound from above"""
LEAST = 60
"""groups, and outcomes, without which no twins can be learnt"""
CLIP = 1e-12

Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Deal:
    """Who is left out of which twin.

    Attributes:
        rows: int (n,), rising: the row numbers twins learn from.
        fold: int (n,): the first ``TWINS * rounds`` folds are attacked, the others always learnt.
        whole: int (n,): what was dealt whole.
        rounds: of three twins each.
    """

    rows: IntArray
    fold: IntArray
    whole: IntArray
    rounds: int

    def learnt_by(self, number: int, twin: int) -> IntArray:
        """The row numbers a twin of a round learns from."""
        out = [TWINS * number + twin, TWINS * number + (twin + 1) % TWINS]
        return self.rows[~np.isin(self.fold, out)]


@dataclass(frozen=True, slots=True)
class Round:
    """Three twins, and how sure each was of the truth about every row under attack.

    Attributes:
        rows: int (m,), the row numbers.
        unit: int (m,), whose they are.
        whole: int (m,), what was dealt whole.
        fold: int (m,), 0, 1 or 2.
        outcome: bool (m,).
        confidence: float (3, m), the log-odds that a twin gives to what happened.
    """

    rows: IntArray
    unit: IntArray
    whole: IntArray
    fold: IntArray
    outcome: BoolArray
    confidence: FloatArray


def deal_people(procedure: Procedure, cluster: str) -> Deal | None:
    """Deal the people the model was learnt from; None where they are too few, or it learnt nothing.

    Args:
        procedure: how the registered model was learnt.
        cluster: what is dealt whole: ``unit``, or an attribute; a person is never divided.
    """
    rows = procedure.ground.rows
    base = sample_units(rows, procedure.learnt, MOST_ROWS, (procedure.ground.seed, 3401))
    outcome = rows.outcome[base]
    if not len(base) or min(outcome.sum(), (~outcome).sum()) < LEAST:
        return None
    whole = whole_groups(rows.unit[base], rows.labels(cluster)[base])
    if len(np.unique(whole)) < LEAST:
        return None
    people = len(np.unique(rows.unit[base]))
    folds = max(FOLDS, TWINS * people // WANTED_PEOPLE)
    rounds = 1 if TWINS * people >= ENOUGH_PEOPLE * folds else FOLDS // TWINS
    fold = deal(whole, outcome, folds, (procedure.ground.seed, 3402), what=cluster)
    return Deal(base, fold, whole, rounds)


def learn_twins(procedure: Procedure, frame: Frame, dealt: Deal, tell: Tell) -> tuple[Round, ...]:
    """Learn every twin and ask it about the rows under attack.

    Args:
        procedure: how the registered model was learnt.
        frame: holds the rows of the deal.
        dealt: who is left out of which.
        tell: told the share done and a few words.
    """
    made = []
    for number in range(dealt.rounds):
        attacked = dealt.fold // TWINS == number
        at = dealt.rows[attacked]
        outcome = procedure.ground.rows.outcome[at]
        sure = np.empty((TWINS, len(at)))
        for twin in range(TWINS):
            done = (TWINS * number + twin) / (TWINS * dealt.rounds)
            tell(done, "learning the model again without some people")
            model = procedure.learn(frame, dealt.learnt_by(number, twin))
            sure[twin] = confidence(frame.raw_of(model, at), outcome)
        unit = procedure.ground.rows.unit[at]
        fold = dealt.fold[attacked] % TWINS
        made.append(Round(at, unit, dealt.whole[attacked], fold, outcome, sure))
    return tuple(made)


def confidence(raw: FloatArray, outcome: NDArray[Any]) -> FloatArray:
    """The log-odds (n,) that raw scores (n,) give to what happened: the lower the loss, the higher.

    Examples:
        >>> confidence(np.array([0.9, 0.9]), np.array([True, False])).round(3)
        array([ 2.197, -2.197])
    """
    odds = np.asarray(logit(np.clip(raw, CLIP, 1 - CLIP)))
    return np.where(outcome, odds, -odds)
