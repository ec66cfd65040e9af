"""What missed and false links could hide: bounds on how right a list is.

An outcome is seen only where its record was linked to the person. Of the true outcomes a share
``recall`` is linked, and of those linked a share ``precision`` belongs to the person it was linked
to. The people whose outcome was missed may all be on the list, or none of them; the same goes for
outcomes that belong to somebody else. The bounds take both ways to their ends, and say nothing of
what is likely: see Harron et al. 2017, doi:10.1177/2053951717745678, on why linkage error is
seldom even over groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Judged:
    """A list held against outcomes as they were linked; people tied at its end count in part.

    Attributes:
        people: who was judged.
        listed: who was on the list.
        found: on the list, with the outcome.
        outcomes: with the outcome, listed or not.
    """

    people: float
    listed: float
    found: float
    outcomes: float

    def __post_init__(self) -> None:
        if not 0 <= self.found <= min(self.listed, self.outcomes):
            raise ValueError("found is part of the listed and of those with the outcome")
        if self.listed + self.outcomes - self.found > self.people:
            raise ValueError("more people than were judged")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A measure as it was seen, and how far linkage error could move it."""

    seen: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LinkedBounds:
    """PPV and sensitivity under linkage error.

    Attributes:
        missed: true outcomes that were not linked, about.
        false: linked outcomes that are somebody else's, about.
    """

    ppv: Bounds
    sensitivity: Bounds
    missed: float
    false: float


def linked_bounds(judged: Judged, *, recall: float, precision: float = 1.0) -> LinkedBounds:
    """How far PPV and sensitivity may be from what was seen.

    With ``P`` outcomes seen, ``F = P * (1 - precision)`` of them are somebody else's, and
    ``M = P * precision * (1 / recall - 1)`` were missed, among people without a seen outcome.

    Args:
        judged: the list and the outcomes as they were linked.
        recall: share of true outcomes that are linked, above 0 and at most 1.
        precision: share of linked outcomes that are the person's own.

    Raises:
        ValueError: a share is outside its range, or there is no list or no outcome.
    """
    if not (0 < recall <= 1 and 0 < precision <= 1):
        raise ValueError("recall and precision are above 0 and at most 1")
    if not (judged.listed and judged.outcomes):
        raise ValueError("nobody is listed, or nobody had the outcome")
    false = judged.outcomes * (1 - precision)
    true = judged.outcomes - false
    # No more can have been missed than there are people without a seen outcome.
    missed = min(true * (1 / recall - 1), float(judged.people - judged.outcomes))
    room_on = float(judged.listed - judged.found)
    room_off = float(judged.people - judged.listed) - (judged.outcomes - judged.found)
    most_on, least_on = min(missed, room_on), max(0.0, missed - room_off)
    false_on = min(false, float(judged.found))
    false_least_on = max(0.0, false - (judged.outcomes - judged.found))
    low, high = judged.found - false_on + least_on, judged.found - false_least_on + most_on
    every = true + missed
    return LinkedBounds(
        ppv=Bounds(judged.found / judged.listed, low / judged.listed, high / judged.listed),
        sensitivity=Bounds(judged.found / judged.outcomes, low / every, high / every),
        missed=missed,
        false=false,
    )


Range = tuple[float, float]
"""the lower and the upper limit of a share"""


def bounds_within(judged: Judged, *, recall: Range, precision: Range) -> LinkedBounds:
    """The widest bounds for any recall and precision within their limits.

    The bounds bend where the missed, or the false, outcomes fill one side of the list; between
    bends and limits they rise or fall, so these are all that need to be looked at.

    Args:
        judged: as for :func:`linked_bounds`.
        recall, precision: limits, above 0 and at most 1.

    Returns:
        ``missed`` and ``false`` are the most that may be.

    Raises:
        ValueError: as :func:`linked_bounds`.
    """
    seen, off = judged.outcomes, judged.outcomes - judged.found
    found = []
    for p in _within(precision, *(1 - each / seen for each in (judged.found, off))):
        true = seen * p
        rooms = (judged.listed - judged.found, judged.people - judged.listed - off)
        for r in _within(recall, *(true / (true + room) for room in rooms if true + room > 0)):
            found.append(linked_bounds(judged, recall=r, precision=p))
    return LinkedBounds(
        ppv=_widest([each.ppv for each in found]),
        sensitivity=_widest([each.sensitivity for each in found]),
        missed=max(each.missed for each in found),
        false=max(each.false for each in found),
    )


def _within(limits: Range, *bends: float) -> tuple[float, ...]:
    low, high = limits
    return (low, high, *(bend for bend in bends if low < bend < high))


def _widest(bounds: Sequence[Bounds]) -> Bounds:
    low, high = min(each.low for each in bounds), max(each.high for each in bounds)
    return Bounds(bounds[0].seen, low, high)
