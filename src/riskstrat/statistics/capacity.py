"""What a service that can see a share of the people would find, and whom it would miss.

The policy under study is "take the top share", so every replicate finds its own threshold: next
year's list is cut from next year's people. Rows of several dates are several lists, each cut on
its own; what is told is of all of them together. The price of a false positive in ``net_benefit``
is a value judgement, not an estimate: it is read off once, at the point cut, and then kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .estimate import Estimate, FloatArray, NotEstimable
from .probability import odds
from .ranked import Cumulated, RankedRows, cut_point, places, taken
from .resample import Key, Replicates


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """One capacity. People tied at the cut count fractionally, as if drawn at random.

    Attributes:
        share: the capacity asked for, in (0, 1].
        selected: people it takes, max(1, share * n rounded half up) of each list.
        threshold: the lowest ranking score selected; of several lists the mean of theirs,
            weighed by their lengths.
        risk_threshold: mean risk of the people tied at that score, where ``net_benefit`` is
            taken (of several lists their mean likewise); NaN when the risk is not a probability.
        tied, tied_selected: people with exactly that score, and how many of them are taken.
        ppv: positives among the selected; n is ``selected``.
        sensitivity: positives found; n is the positives.
        specificity: negatives left alone; n is the negatives.
        lift: ppv over prevalence.
        number_needed_to_review: people reviewed per positive found, 1/ppv.
        net_benefit: net true positives per person at ``risk_threshold``.
        ppv_best, ppv_worst, sensitivity_best, sensitivity_worst: with the luckiest and the
            unluckiest order of the tied people.
    """

    share: float
    selected: int
    threshold: float
    risk_threshold: float
    tied: int
    tied_selected: int
    ppv: Estimate
    sensitivity: Estimate
    specificity: Estimate
    lift: Estimate
    number_needed_to_review: Estimate
    net_benefit: Estimate
    ppv_best: float
    ppv_worst: float
    sensitivity_best: float
    sensitivity_worst: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON: estimates as {value, low, high, n}, NaN and infinity as None."""
        out: dict[str, Any] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, Estimate):
                out[name] = value.as_dict()
            else:
                out[name] = value if np.isfinite(value) else None
        return out


@dataclass(frozen=True, slots=True)
class PlannedCut:
    """A share's cut on the data as they are.

    Attributes:
        share: the capacity.
        seats: people each list takes.
        ties: the tie group each list's cut falls in.
        risk_threshold: see ``AtCapacity``.
    """

    share: float
    seats: tuple[int, ...]
    ties: tuple[int, ...]
    risk_threshold: float

    @property
    def selected(self) -> int:
        """People taken over all lists."""
        return sum(self.seats)

    @property
    def name(self) -> str:
        """What its statistics are filed under."""
        return f"{self.share!r}"


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """The capacities asked for and the rows they cut."""

    ranked: RankedRows
    cuts: tuple[PlannedCut, ...]

    def estimates(self, found: Replicates, ranking: FloatArray) -> tuple[AtCapacity, ...]:
        """Each capacity with its intervals; ``ranking`` (n,) in rank order."""
        first = self.ranked.first
        ends = [[float(ranking[first[tie]]) for tie in cut.ties] for cut in self.cuts]
        return tuple(
            self._one(cut, found, _mean(lowest, cut.seats))
            for cut, lowest in zip(self.cuts, ends, strict=True)
        )

    def _one(self, cut: PlannedCut, found: Replicates, threshold: float) -> AtCapacity:
        n, positives = len(self.ranked.rows), len(self.ranked.positive_at)
        first, begin = self.ranked.first, self.ranked.first[self.ranked.lists[:-1]]
        starts, ends = first[list(cut.ties)], first[[tie + 1 for tie in cut.ties]]
        best, worst = tie_bounds(self.ranked, cut)
        ppv = found.estimate((cut.name, "ppv"), cut.selected)
        return AtCapacity(
            share=cut.share,
            selected=cut.selected,
            threshold=threshold,
            risk_threshold=cut.risk_threshold,
            tied=int((ends - starts).sum()),
            tied_selected=cut.selected - int((starts - begin).sum()),
            ppv=ppv,
            sensitivity=found.estimate((cut.name, "sensitivity"), positives),
            specificity=found.estimate((cut.name, "specificity"), n - positives),
            lift=found.estimate((cut.name, "lift"), n),
            number_needed_to_review=ppv.reciprocal(),
            net_benefit=found.estimate((cut.name, "net_benefit"), n),
            ppv_best=best / cut.selected,
            ppv_worst=worst / cut.selected,
            sensitivity_best=best / positives,
            sensitivity_worst=worst / positives,
        )


def plan_capacities(
    shares: Sequence[float], ranked: RankedRows, risk: FloatArray, *, probability: bool
) -> CapacityPlan:
    """Find each share's cut on the data as they are.

    Args:
        shares: in (0, 1].
        ranked: all rows.
        risk: float (n,), in the caller's order.
        probability: whether ``risk`` is one.

    Raises:
        NotEstimable: if a share lies outside (0, 1].
    """
    first = ranked.first
    bounds = first[ranked.lists]
    cuts = []
    for share in shares:
        seats = places(checked_share(share), np.diff(bounds).astype(np.float64)).astype(np.int64)
        ties = ranked.tie[bounds[:-1] + seats - 1]
        tied = [ranked.rows[first[tie] : first[tie + 1]] for tie in ties]
        each = tuple(int(k) for k in seats)
        implied = (
            _mean([float(risk[rows].mean()) for rows in tied], each)
            if probability
            else float("nan")
        )
        cuts.append(PlannedCut(float(share), each, tuple(int(tie) for tie in ties), implied))
    return CapacityPlan(ranked, tuple(cuts))


def _mean(values: Sequence[float], seats: Sequence[int]) -> float:
    """The mean over lists, weighed by their lengths; of one list its value, to the last bit."""
    return values[0] if len(values) == 1 else float(np.average(values, weights=seats))


def checked_share(share: float) -> float:
    """The share, once it is known to lie in (0, 1]."""
    if not 0 < share <= 1:
        raise NotEstimable.bad_argument("a capacity share", share, "a number in (0, 1]")
    return float(share)


def tie_bounds(ranked: RankedRows, cut: PlannedCut) -> tuple[int, int]:
    """Most and fewest positives among the selected, over all orders of the ties at the cut.

    Args:
        ranked: all rows.
        cut: of them.
    """
    most = fewest = 0
    for first_tie, tie, seats in zip(ranked.lists[:-1], cut.ties, cut.seats, strict=True):
        begin, start, end = (int(ranked.first[x]) for x in (first_tie, tie, tie + 1))
        above, upto = (int(ranked.positives_before[x]) for x in (start, end))
        earlier, positives = above - int(ranked.positives_before[begin]), upto - above
        negatives, left = end - start - positives, seats - (start - begin)
        most += earlier + min(positives, left)
        fewest += earlier + max(0, left - negatives)
    return most, fewest


def capacity_kernel(counts: Cumulated, plan: CapacityPlan) -> dict[Key, FloatArray]:
    """Every capacity metric for a chunk of replicates, each with its own threshold."""
    n, positives = counts.n, counts.n_positive
    out: dict[Key, FloatArray] = {}
    for planned in plan.cuts:
        cut = cut_point(counts, planned.share)
        _, true = taken(counts, cut)
        false = cut.k - true
        out[planned.name, "ppv"] = true / cut.k
        out[planned.name, "sensitivity"] = true / positives
        out[planned.name, "specificity"] = 1 - false / (n - positives)
        out[planned.name, "lift"] = true / cut.k / (positives / n)
        out[planned.name, "net_benefit"] = (true - false * odds(planned.risk_threshold)) / n
    return out
