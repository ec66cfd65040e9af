"""When a gate is shown to hold, when it is shown not to, and when nobody can tell.

A 95% interval that lies wholly within the limit shows that the gate holds; one that lies wholly
beyond it shows that it does not. An interval that spans the limit shows neither. Then the number
that the gate names decides, if the interval is narrow enough to mean something: half its width at
most the gate's tolerance. Otherwise there is not enough evidence, which never passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Literal

from riskstrat.audit.spec import Gate

Verdict = Literal["pass", "fail", "not_enough_evidence"]
KEPT: Verdict = "pass"
BROKEN: Verdict = "fail"
UNTOLD: Verdict = "not_enough_evidence"

IDEAL_ONE = frozenset({"calibration_in_the_large", "calibration_slope"})
"""metrics that are right at 1, like every ratio; a difference is right at 0"""
PART = 0.1
"""of a limit without such a point: an interval may reach this part of it to either side"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and its 95% interval; NaN where there is none, infinite where it has no end."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is a value with an interval around it."""
        return not any(map(isnan, (self.value, self.low, self.high)))

    @property
    def half_width(self) -> float:
        """Half of what lies between the limits."""
        return (self.high - self.low) / 2

    def turned(self) -> Interval:
        """Of a ratio, the same told of the other one: the reference over the level."""
        over = (1 / x if x > 0 else inf for x in (self.value, self.high, self.low))
        return Interval(*over) if self.known else self


def judge(gate: Gate, found: Interval) -> Verdict:
    """The verdict of one gate on one number.

    Examples:
        >>> fair = Gate.model_validate("sensitivity_ratio(sex, at=0.05) >= 0.8")
        >>> judge(fair, Interval(0.95, 0.85, 1.06)), judge(fair, Interval(0.6, 0.5, 0.7))
        ('pass', 'fail')
        >>> judge(fair, Interval(0.9, 0.75, 1.05)), judge(fair, Interval(0.9, 0.5, 1.4))
        ('pass', 'not_enough_evidence')
    """
    if not found.known:
        return UNTOLD
    kept = [holds(gate, number) for number in (found.low, found.value, found.high)]
    if all(kept):
        return KEPT
    if not any(kept) and not _spans(gate, found):
        return BROKEN
    if found.half_width > tolerance(gate):
        return UNTOLD
    if holds(gate, getattr(found, gate.bound)):
        return KEPT
    # A limit of the interval asks for proof; that proof is missing does not prove the contrary.
    return BROKEN if gate.bound == "value" else UNTOLD


def both_ways(gate: Gate) -> bool:
    """Whether a gate on a ratio between groups also has to hold for the ratio turned over.

    A limit on one side of 1 is there so that nobody is left behind, and it may be the reference
    that is: the largest level need not be the best served. A range says both of its ends itself.

    Examples:
        >>> [both_ways(Gate.model_validate(text)) for text in (
        ...     "sensitivity_ratio(sex, at=0.05) >= 0.8",
        ...     "false_positive_rate_ratio(sex, at=0.05) <= 1.25",
        ...     "sensitivity_ratio(sex, at=0.05) in [0.8, 1.5]")]
        [True, True, False]
    """
    if gate.limit is None or not gate.metric.endswith("_ratio"):
        return False
    return gate.limit <= 1 if gate.operator in (">=", ">") else gate.limit >= 1


def _spans(gate: Gate, found: Interval) -> bool:
    """Whether the interval reaches over the whole of a range, with both its ends outside."""
    return gate.between is not None and found.low < gate.between[0] and found.high > gate.between[1]


def tolerance(gate: Gate) -> float:
    """How wide half an interval may be that spans the limit, and still let its number decide.

    As the gate says (``+- 0.1``). Otherwise: half of a range; for a ratio, and for calibration,
    the way from the limit to 1, for a difference to 0, so that what is equal would be shown to
    hold; and a tenth of the limit for everything else.

    Examples:
        >>> [tolerance(Gate.model_validate(text)) for text in (
        ...     "calibration_slope in [0.9, 1.1]", "ppv(at=0.05) >= 0.3",
        ...     "sensitivity_ratio(sex, at=0.05) >= 0.8 +- 0.3")]
        [0.1, 0.03, 0.3]
    """
    if gate.tolerance is not None:
        return gate.tolerance
    if gate.between is not None:
        return round((gate.between[1] - gate.between[0]) / 2, 12)
    limit = inf if gate.limit is None else gate.limit
    if gate.metric.endswith("_ratio") or gate.metric in IDEAL_ONE:
        return round(abs(1 - limit), 12)
    if gate.metric.endswith("_difference"):
        return abs(limit)
    return round(abs(limit) * PART, 12)


def holds(gate: Gate, number: float) -> bool:
    """Whether a number keeps a gate."""
    return excess(gate, number) <= 0 and not (gate.operator in (">", "<") and number == gate.limit)


def excess(gate: Gate, number: float) -> float:
    """How far a number is on the wrong side of a gate; negative where it keeps it."""
    if gate.between is not None:
        return max(gate.between[0] - number, number - gate.between[1])
    limit = inf if gate.limit is None else gate.limit
    return limit - number if gate.operator in (">=", ">") else number - limit


def whole(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict over the levels of a group: one failure fails it, one doubt leaves it open.

    To pass, every level must: no allowance for having looked at several is needed, since no
    luck with one of them can pass the gate (Berger 1982, doi:10.1080/00401706.1982.10487790).
    """
    if not verdicts or BROKEN in verdicts:
        return BROKEN if verdicts else UNTOLD
    return UNTOLD if UNTOLD in verdicts else KEPT
